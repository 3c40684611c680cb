"""What the routes work with, gathered once by `app.py` and found again through `SERVICES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from aiohttp import web

from control_api.accounts.accounts import Accounts
from control_api.accounts.oidc import OidcLogin
from control_api.accounts.own import OwnAccount
from control_api.accounts.people import People
from control_api.bookings.bookings import Bookings
from control_api.bookings.desk import Desk
from control_api.bookings.live_rooms import LiveRooms
from control_api.bookings.outbox import Outbox, open_receipts
from control_api.bookings.rules import HOUR, rules_named
from control_api.bookings.tables import BookingNotice
from control_api.checks.checks import Checks
from control_api.conferences.live import Live
from control_api.conferences.store import SqlConferenceStore
from control_api.directory.arrivals import Arrivals
from control_api.directory.directory import Directory
from control_api.directory.registry import Registry
from control_api.journal.journals import Journals
from control_api.mail.sender import Sender
from control_api.mail.tables import Letter
from control_api.meeting.lobby import Lobby
from control_api.meeting.meeting import Meeting
from control_api.meeting.ringing import Ringer
from control_api.metrics import Metrics
from control_api.reports.documents import Reports
from control_api.security.admission import Admission
from control_api.security.blocks import Blocks
from control_api.security.events import Security
from control_api.settings import Settings
from control_api.store.database import Database
from control_api.upkeep.upkeep import Upkeep
from mcu_core.node.pool import NodePool


@dataclass(frozen=True)
class Services:
    """Features add themselves as cached properties, made of what is below when first asked for."""

    settings: Settings
    database: Database
    accounts: Accounts
    conferences: SqlConferenceStore
    live: Live
    pool: NodePool
    metrics: Metrics
    now: Callable[[], float]  # wall clock

    @cached_property
    def people(self) -> People:
        return People(self.accounts, self.database, self.now)

    @cached_property
    def oidc(self) -> OidcLogin:
        return OidcLogin(self.settings.oidc, self.settings.accounts, self.database, self.now)

    @cached_property
    def own_account(self) -> OwnAccount:
        return OwnAccount(self.accounts, self.database, self.now)

    @cached_property
    def security(self) -> Security:
        return Security(self.database, self.now, self.metrics)

    @cached_property
    def blocks(self) -> Blocks:
        return Blocks(self.database, self.settings, self.now)

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.database, self.settings.security.site_networks, self.security, self.now)

    @cached_property
    def checks(self) -> Checks:
        return Checks(self)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.database)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.database, self.now)

    @cached_property
    def arrivals(self) -> Arrivals:
        return Arrivals(self.admission, self.registry.requests, self.security)

    @cached_property
    def bookings(self) -> Bookings:
        return Bookings(self.database, self.now)

    @cached_property
    def booking_desk(self) -> Desk:
        receipts = open_receipts(self.settings)
        outbox = Outbox(self.settings, receipts)
        return Desk(self.settings, self.database, self.directory, receipts, outbox, self.now)

    @cached_property
    def mail_sender(self) -> Sender:
        settings = self.settings
        return Sender(self.database, settings.mail, (BookingNotice, Letter), settings.own_url())

    @cached_property
    def booking_rooms(self) -> LiveRooms:
        return LiveRooms(self.database, self.live)

    @cached_property
    def reports(self) -> Reports:
        return Reports(self)

    @cached_property
    def journals(self) -> Journals:
        return Journals(self.database)

    @cached_property
    def upkeep(self) -> Upkeep:
        return Upkeep(self.settings, self.database, self.journals, self.metrics, self.now)

    @cached_property
    def lobby(self) -> Lobby:
        return Lobby()

    @cached_property
    def meeting(self) -> Meeting:
        days = self.settings.retention.quality_months * 30.4
        return Meeting(self.database, self.live, self.now, quality_days=days, booked=self._booked, ring=Ringer(self))

    async def _booked(self, conference: str) -> tuple[float, float] | None:
        booking = await self.bookings.of_conference(conference)
        if booking is None:
            return None
        return booking.starts_at - rules_named(booking.rules).ready_hours * HOUR, booking.starts_at


SERVICES = web.AppKey("services", Services)
