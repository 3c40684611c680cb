"""What live conferences need from the database.  Implemented by `control_api.store`; faked in unit tests.

Every method is one transaction.  Documents are opaque JSON objects here: only `mcu_core.conference` reads them.  Times
are Unix seconds (wall clock), because they outlive the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from mcu_core.wire import View

Json = dict[str, Any]
TEST_ROOM = "kt-"  # begins the ids of private test rooms: conferences in no list, without a journal


@dataclass(frozen=True, slots=True)
class StoredSeat:
    """The right of one endpoint to stand for a site (`site` is its id) or to watch (`site` None: a monitor)."""

    id: str
    conference: str
    site: str | None
    view: View  # what a monitor watches; of no meaning for a site
    token_id: str  # the join token it came with
    relay: str = "0"  # name of the relay that carries its leg
    microphone: bool = False  # what the endpoint said it sends
    camera: bool = False
    screen: bool = False


@dataclass(frozen=True, slots=True)
class StoredConference:
    id: str
    revision: int
    document: Json
    seats: tuple[StoredSeat, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinToken:
    """What a join token stands for.  `id` is stable and not secret (a row id or a hash, never the token itself)."""

    id: str
    conference: str
    site: str | None  # None: monitor
    view: View = "programme"  # what a monitor begins with
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the append-only journal.  `what` is a stable code such as `podium`, `site_live`, `on_air`."""

    at: float
    what: str
    actor: str | None = None  # user name; None: the MCU itself
    site: str | None = None
    data: Json = field(default_factory=dict)


class StaleRevisionError(Exception):
    """Another revision is stored than we know: a second control process writes, or our last answer was lost."""


class ConferenceStore(Protocol):
    async def load_all(self) -> list[StoredConference]:
        """All conferences with their seats, once at start."""

    async def load(self, conference_id: str) -> StoredConference | None:
        """One conference with its seats, as stored now; None when there is none."""

    async def save(
        self,
        conference_id: str,
        expected_revision: int,
        revision: int,
        document: Json,
        command_id: str | None,
        answer: Json | None,
        journal: list[JournalEntry],
    ) -> None:
        """Replace a conference's document, remember the answer to `command_id`, append to the journal: all or nothing.

        `expected_revision` 0 creates the conference.  Raises StaleRevisionError when the stored revision is another.
        """

    async def answer_of(self, conference_id: str, command_id: str) -> Json | None:
        """The answer remembered for a command id, or None if it has not been carried out."""

    async def delete(self, conference_id: str, journal: list[JournalEntry]) -> None:
        """Remove a conference with its seats, tokens and answers; its journal stays, with `journal` appended."""

    async def append(self, journal: dict[str, list[JournalEntry]]) -> None:
        """Append to the journals of conferences, by their ids, what happened without a command (joins, losses …)."""

    async def seat_for_token(self, token: str) -> JoinToken | None:
        """What a join token stands for; None when unknown.  Expired ones are returned: a seat may return."""

    async def issue_token(
        self,
        conference_id: str,
        site: str | None,
        view: View,
        expires_at: float | None,
        *,
        owner: str | None = None,
        beside: bool = False,
    ) -> str:
        """A new secret join token.  For a site it revokes the site's older ones, unless it is one `beside` them.

        `owner`: who watches with it.
        """

    async def revoke_monitors(self, owner: str) -> set[str]:
        """Forget the monitor tokens of a user.  Returns their ids."""

    async def revoke_token(self, conference_id: str, site: str) -> None:
        """Revoke the join tokens of a site.  Those with which a seat is held stay as expired ones."""

    async def save_seats(self, seats: dict[str, StoredSeat | None]) -> None:
        """Insert or replace seats by their ids; forget those that are None, and those of conferences that are gone."""
