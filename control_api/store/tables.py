"""All tables of the program, gathered for migrations."""

from __future__ import annotations

from control_api.accounts import tables as accounts
from control_api.conferences import tables as conferences
from control_api.layouts import tables as layouts
from control_api.store.base import Base

__all__ = ["accounts", "conferences", "layouts", "metadata"]

metadata = Base.metadata
