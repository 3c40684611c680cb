"""Where the directory is written: one desk for each kind of entry.  Reading for other features: `directory.py`."""

from __future__ import annotations

from collections.abc import Callable

from control_api.directory.assets import Assets
from control_api.directory.contacts import Contacts
from control_api.directory.difficulties import Difficulties
from control_api.directory.faults import Faults
from control_api.directory.notices import Notices
from control_api.directory.organisations import Organisations
from control_api.directory.portal import Portal
from control_api.directory.requests import Requests
from control_api.directory.sites import Sites
from control_api.directory.training import Training
from control_api.store.database import Database


class Registry:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self.organisations = Organisations(database, now)
        self.sites = Sites(database, now)
        self.contacts = Contacts(database, now)
        self.assets = Assets(database, now)
        self.faults = Faults(database, now)
        self.training = Training(database, now)
        self.requests = Requests(database, now)
        self.difficulties = Difficulties(database, now)
        self.notices = Notices(database, now)
        self.portal = Portal(database, now)
