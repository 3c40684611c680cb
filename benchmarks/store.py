"""`bench store`: how quickly offices are answered when the store is full.

10,000 meetings and 1,000,000 lines of journals (`quick`: a tenth), in SQLite on this machine's disk.  Lists, searches
and registrations with admission by capacity go through the HTTP API of a real server (`mcu serve`), one at a time, and
count from the client's request to its whole answer.  Appending to a journal is one committed transaction, flushed to
the disk; verification reads and hashes lines.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.table import Table

from benchmarks.machine import machine, one_line
from benchmarks.server import Server
from benchmarks.store_filling import Filled, fill
from control_api.bookings.rules import ZONE
from control_api.conferences.store import SqlConferenceStore
from control_api.journal.journals import Journals
from control_api.live.store import JournalEntry
from control_api.store.database import Database

BOOKINGS, LINES = 10_000, 1_000_000
GOALS = {"list_ms_p95": 100.0, "search_ms_p95": 100.0, "admission_ms_p95": 100.0, "journal_append_ms_p95": 20.0}
_WORDS = (
    "phong chong",
    "giao ban thang",
    "chuyển đổi số",
    "Tỉnh ủy",
    "dich benh",
    "an toan giao thong",
    "lan 77",
    "so y te",
)
_VERIFIED = 100_000  # lines
_WARM_UP = 5

Progress = Callable[[float], None]


async def run(
    progress: Progress | None = None, *, bookings: int | None = None, lines: int | None = None, quick: bool = False
) -> dict[str, Any]:
    """Build the store, measure, take it down.  Raises ServerError when the server does not start."""
    share = 10 if quick else 1
    bookings, lines = bookings or BOOKINGS // share, lines or LINES // share
    asked = 100 if quick else 200
    tell: Progress = progress or (lambda done: None)
    with tempfile.TemporaryDirectory(prefix="mcu-bench-store-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        path = folder / "data" / "mcu.sqlite3"
        filled = await fill(path, bookings=bookings, lines=lines, progress=lambda done: tell(0.7 * done))
        async with Server(folder) as server:
            over_http = await _over_http(server, filled, asked, lambda done: tell(0.7 + 0.2 * done))
        result = {
            "bookings": bookings,
            "journal_lines": filled.lines,
            "database_mb": round(path.stat().st_size / 1e6, 1),
            "filling_s": round(filled.seconds, 1),
            **over_http,
            **await _in_the_store(f"sqlite+aiosqlite:///{path}", filled, asked * 2),
        }
        tell(1.0)
    result["goals_met"] = all(result[key] <= goal for key, goal in GOALS.items())
    return {**result, "machine": machine()}


async def _over_http(server: Server, filled: Filled, asked: int, tell: Progress) -> dict[str, Any]:
    dice = random.Random(3)

    async def page() -> None:
        query = {"limit": 100, "offset": dice.randrange(max(1, filled.bookings - 100))}
        await server.api("GET", f"/bookings?{urlencode(query)}")

    async def month() -> None:
        since = datetime.now(ZONE) + timedelta(days=dice.randint(-700, 150))
        query = {"from": since.isoformat(), "to": (since + timedelta(days=31)).isoformat(), "limit": 100}
        await server.api("GET", f"/bookings?{urlencode(query)}")

    async def search() -> None:
        await server.api("GET", f"/bookings?{urlencode({'words': dice.choice(_WORDS), 'limit': 50})}")

    outcome: list[str] = []

    async def admission() -> None:
        """For some working hour of the next half year; at full hours it is refused, with alternatives."""
        made = await server.api("POST", "/bookings", _form(dice, filled, len(outcome)))
        outcome.append(made["state"])

    async def journal() -> None:
        await server.api("GET", f"/conferences/{dice.choice(filled.conferences)}/journal?limit=100")

    async def note() -> None:
        text = {"text": "Đã kiểm tra lại đường truyền."}
        await server.api("POST", f"/conferences/{dice.choice(filled.conferences)}/journal/notes", text)

    listing = await _times(page, asked // 2) + await _times(month, asked // 2)
    tell(0.2)
    searching = await _times(search, asked)
    tell(0.4)
    admitting = await _times(admission, asked)
    refused = [ms for ms, state in zip(admitting, outcome[_WARM_UP:], strict=True) if state == "refused"]
    tell(0.7)
    return {
        **_spread("list_ms", listing),
        **_spread("search_ms", searching),
        **_spread("admission_ms", admitting),
        "admitted_share": round(outcome.count("registered") / len(outcome), 2),
        **(_spread("refusal_ms", refused) if refused else {}),
        **_spread("journal_page_ms", await _times(journal, asked)),
        **_spread("note_ms", await _times(note, asked)),
    }


async def _in_the_store(url: str, filled: Filled, asked: int) -> dict[str, Any]:
    """The server is down: nobody else writes."""
    database, dice = Database(url), random.Random(4)
    store, journals = SqlConferenceStore(database, time.time), Journals(database)

    async def append() -> None:
        entry = JournalEntry(time.time(), "podium", "lan", dice.choice(filled.sites), {"was": None})
        await store.append({dice.choice(filled.conferences): [entry]})

    try:
        appending = await _times(append, asked)
        verified, started = 0, time.perf_counter()
        for conference in dice.sample(filled.conferences, len(filled.conferences)):
            verdict = await journals.verify(conference)
            assert verdict.whole, verdict.findings
            verified += verdict.lines
            if verified >= _VERIFIED:
                break
        seconds = time.perf_counter() - started
    finally:
        await database.close()
    return {
        **_spread("journal_append_ms", appending),
        "verify_rows_per_s": round(verified / seconds),
        "verified_rows": verified,
    }


async def _times(act: Callable[[], Awaitable[None]], count: int) -> list[float]:
    """Milliseconds of each, after a few that do not count."""
    for _ in range(_WARM_UP):
        await act()
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - started) * 1e3)
    return taken


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        f"{name}_p50": round(ordered[len(ordered) // 2], 2),
        f"{name}_p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        f"{name}_max": round(ordered[-1], 2),
    }


def _form(dice: random.Random, filled: Filled, number: int) -> dict[str, Any]:
    """A registration as a host sends it, for some working hour of the next half year."""
    midnight = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + timedelta(days=dice.randint(3, 180), hours=dice.choice((8, 9, 13.5, 14, 15)))
    main, *members = dice.sample(filled.sites, dice.choice((3, 6, 12, 25)))
    return {
        "organisation": filled.owners[main],
        "title": f"Hội nghị thử nghiệm số {number}",
        "class": "B",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
        "trial_at": (start - timedelta(hours=18)).isoformat(),
        "trial_ends_at": (start - timedelta(hours=16)).isoformat(),
        "chair": "Giám đốc Sở",
        "main": {"site": main, "attendees": "Lãnh đạo Sở"},
        "members": [{"site": site} for site in members],
        "member_attendees": "Lãnh đạo UBND",
        "contact": {"name": "Cán bộ đầu mối", "phone": "0204 355 5992", "email": "dau-moi@bacninh.gov.vn"},
        "letter": {"number": f"{number}/GM", "date": datetime.now(ZONE).date().isoformat()},
    }


def table(result: dict[str, Any]) -> Table:
    shown = Table(
        title=f"{result['bookings']} bookings, {result['journal_lines']} journal lines",
        caption=one_line(result["machine"]),
    )
    for heading in ("", "p50, ms", "p95, ms", "goal"):
        shown.add_column(heading, justify="right" if heading else "left")
    for key, label in (
        ("list_ms", "list of bookings"),
        ("search_ms", "search without diacritics"),
        ("admission_ms", "registration with admission"),
        ("refusal_ms", "of these: refused, with alternatives"),
        ("journal_append_ms", "append to a journal"),
        ("journal_page_ms", "a page of a journal"),
        ("note_ms", "a note over HTTP"),
    ):
        goal = GOALS.get(f"{key}_p95")
        if f"{key}_p50" not in result:
            continue
        shown.add_row(
            label, f"{result[f'{key}_p50']:.1f}", f"{result[f'{key}_p95']:.1f}", "" if goal is None else f"≤ {goal:g}"
        )
    shown.add_row("verification", f"{result['verify_rows_per_s']} rows/s", "", "")
    return shown
