"""Live conferences of the control process.  README.md beside this file lists the rooms."""

from control_api.live.feed import Subscription
from control_api.live.figures import Figures, Metrics
from control_api.live.service import LiveService
from control_api.live.settings import LiveSettings

__all__ = ["Figures", "LiveService", "LiveSettings", "Metrics", "Subscription"]
