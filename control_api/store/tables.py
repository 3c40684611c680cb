"""All tables of the program, gathered for migrations."""

from __future__ import annotations

from control_api.accounts import tables as accounts
from control_api.bookings import tables as bookings
from control_api.checks import tables as checks
from control_api.conferences import tables as conferences
from control_api.directory import tables as directory
from control_api.journal import tables as journal
from control_api.layouts import tables as layouts
from control_api.mail import tables as mail
from control_api.meeting import tables as meeting
from control_api.preparation import tables as preparation
from control_api.reports import tables as reports
from control_api.scripts import tables as scripts
from control_api.security import tables as security
from control_api.store.base import Base
from control_api.upkeep import tables as upkeep

__all__ = [
    "accounts",
    "bookings",
    "checks",
    "conferences",
    "directory",
    "journal",
    "layouts",
    "mail",
    "meeting",
    "metadata",
    "preparation",
    "reports",
    "scripts",
    "security",
    "upkeep",
]

metadata = Base.metadata
