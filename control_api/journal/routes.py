"""Routes of the journal: read by conference and by site, notes, verification, export (S99, S25, S102)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from control_api.accounts.rules import Right
from control_api.api import Call, Download, Routes
from control_api.conferences.models import ConferenceId, Page, SiteId
from control_api.journal.access import check_known, check_reader, check_site, site_names, title_of
from control_api.journal.chain import Line
from control_api.journal.export import MEDIA_TYPES, MOST_LINES, export, local_time, too_long
from control_api.journal.journals import Journals, Wanted
from control_api.journal.models import (
    ExportQuery,
    JournalFilter,
    JournalFinding,
    JournalLine,
    JournalPart,
    JournalQuery,
    JournalSummary,
    JournalVerdict,
    NewNote,
    SiteJournalQuery,
)
from control_api.journal.notes import write_note
from control_api.journal.sentences import sentence
from control_api.journal.signing import public_pem, signed, signing_key
from control_api.store.apart import apart
from control_api.store.database import Database

routes = Routes("journal")


@routes.get("/journals", right=Right.AUDIT)
async def list_journals(call: Call, query: Page) -> list[JournalSummary]:
    """All journals, the one written to last first; also of conferences that are long gone."""
    listed, count = await call.services.journals.listed(offset=query.offset, limit=query.limit)
    call.headers["X-Total-Count"] = str(count)
    return [
        JournalSummary(
            conference=one.conference_id,
            title=one.title,
            lines=one.head.seq,
            pruned=one.head.pruned_seq,
            changed_at=local_time(one.head.changed_at),
            hash=one.head.hash,
        )
        for one in listed
    ]


@routes.get("/conferences/{conference}/journal", right=Right.READ)
async def read_journal(call: Call, conference: ConferenceId, query: JournalQuery) -> JournalPart:
    """What happened in a conference, newest first: who did what and when, to which site."""
    await check_reader(call, conference)
    lines = await call.services.journals.lines(
        conference, _wanted(query), after=query.after, order=query.order, limit=query.limit
    )
    names = await site_names(call.services, conference)
    part = _part(lines, query.limit, names, lines[-1].seq if lines else None)
    part.title = await title_of(call.services, conference)
    return part


@routes.get("/journal/sites/{site}", right=Right.AUDIT)
async def read_site_journal(call: Call, site: SiteId, query: SiteJournalQuery) -> JournalPart:
    """What happened to a site in all conferences, newest first."""
    lines = await call.services.journals.of_site(site, _wanted(query), before=query.before, limit=query.limit)
    names: dict[str, str] = {}
    for conference in {line.conference_id for line in lines}:
        names.update(await site_names(call.services, conference))
    return _part(lines, query.limit, names, lines[-1].id if lines else None)


@routes.post("/conferences/{conference}/journal/notes", right=Right.CHECK, status=201)
async def write_journal_note(call: Call, conference: ConferenceId, body: NewNote) -> JournalLine:
    """Write a note into a conference's journal.  It cannot be changed or taken back afterwards."""
    await check_reader(call, conference)
    names = await site_names(call.services, conference)
    if body.site is not None:
        await check_site(call, body.site, names)
    line = await write_note(
        call.services.database,
        conference,
        body.text,
        actor=call.user.username,
        site=body.site,
        happened_at=None if body.happened_at is None else body.happened_at.timestamp(),
        command_id=call.command_id,
        now=call.services.now(),
    )
    return _line(line, names)


@routes.get("/conferences/{conference}/journal/verification", right=Right.AUDIT)
async def verify_journal(call: Call, conference: ConferenceId) -> JournalVerdict:
    """Read a whole journal again and check that nothing was changed, removed, put elsewhere or cut off."""
    await check_known(call.services, conference)
    verdict = await apart(call.services.database, lambda database: Journals(database).verify(conference))
    return JournalVerdict(
        conference=conference,
        whole=verdict.whole,
        lines=verdict.lines,
        pruned=verdict.pruned,
        seq=verdict.seq,
        hash=verdict.hash,
        findings=[
            JournalFinding(kind=one.kind, conference=conference, seq=one.seq, vi=one.vi, en=one.en)
            for one in verdict.findings
        ],
    )


@routes.get(
    "/conferences/{conference}/journal/export",
    right=Right.READ,
    produces=tuple(media_type.split(";")[0] for media_type in MEDIA_TYPES.values()),
)
async def export_journal(call: Call, conference: ConferenceId, query: ExportQuery) -> Download:
    """A journal as JSON lines, CSV or XLSX, with the hash of every line; as ZIP the JSON lines with our signature."""
    body = await _exported(call, conference, query)
    return Download(body, MEDIA_TYPES[query.format], f"nhat-ky-{conference}.{query.format}")


@routes.get("/journal/key", right=Right.SIGNED_IN, produces=("application/x-pem-file",))
async def get_journal_key(call: Call) -> Download:
    """The public key that signatures of exported journals are checked with."""
    key = await asyncio.to_thread(signing_key, call.services.settings.journal_key)
    return Download(public_pem(key), "application/x-pem-file", "nhat-ky.pem")


async def _exported(call: Call, conference: str, query: ExportQuery) -> bytes:
    """The file, gathered and written beside the server.  Raises as `check_reader`, and Refused `journal_too_long`."""
    await check_reader(call, conference)
    head = await check_known(call.services, conference)
    names, wanted = await site_names(call.services, conference), _wanted(query)

    async def gather(database: Database) -> bytes:
        lines: list[Line] = []
        async for some in Journals(database).all_lines(conference, wanted):
            lines += some
            if len(lines) > MOST_LINES:
                raise too_long()
        lines = [line for line in lines if line.seq <= head.seq]  # others may have been written meanwhile
        if query.format != "zip":
            return export(query.format, conference, head, lines, names, wanted)
        body = export("jsonl", conference, head, lines, names, wanted)
        return signed(body, f"nhat-ky-{conference}.jsonl", signing_key(call.services.settings.journal_key))

    return await apart(call.services.database, gather)


def _wanted(query: JournalFilter) -> Wanted:
    return Wanted(
        what=() if query.what is None else tuple(query.what.split(",")),
        site=query.site,
        actor=query.actor,
        since=None if query.since is None else query.since.timestamp(),
        until=None if query.until is None else query.until.timestamp(),
    )


def _part(lines: list[Line], limit: int, names: Mapping[str, str], last: int | None) -> JournalPart:
    return JournalPart(lines=[_line(line, names) for line in lines], next=last if len(lines) == limit else None)


def _line(line: Line, names: Mapping[str, str]) -> JournalLine:
    return JournalLine(
        seq=line.seq,
        conference=line.conference_id,
        at=local_time(line.at),
        what=line.what,
        actor=line.actor,
        site=line.site,
        site_name=None if line.site is None else names.get(line.site),
        data=line.data,
        vi=sentence(line.what, line.site, line.data, "vi", names),
        en=sentence(line.what, line.site, line.data, "en", names),
        hash=line.hash,
    )
