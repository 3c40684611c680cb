"""The directory as a spreadsheet: exported, changed in an office, imported again.

An import is checked wholly before anything is written; each row is reported with what would happen to it or what is
wrong, in both languages.  With one wrong row nothing is imported.  Rows find their entry by id, else by name (within
their organisation); entries that are not in the file stay.  A file that was exported and not touched changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import of_so
from control_api.directory import contacts, organisations, records, refusals, sites
from control_api.directory.columns import SHEETS, Field, Unread
from control_api.directory.models import (
    ContactChange,
    DirectorySiteChange,
    NewContact,
    NewDirectorySite,
    NewOrganisation,
    OrganisationChange,
    columns_of,
)
from control_api.directory.search import fold
from control_api.directory.tables import Contact, Organisation, Site
from control_api.directory.workbook import Column, Table, Writer, read
from control_api.problems import Refused
from control_api.store.database import Database
from mcu_core.names import slug_of
from mcu_core.validation import in_vietnamese

Action = Literal["create", "change", "same", "error"]
Entry = Organisation | Site | Contact

_CHUNK = 100  # rows between two looks at other work of the process
_NEW: dict[type[Any], type[BaseModel]] = {Organisation: NewOrganisation, Site: NewDirectorySite, Contact: NewContact}
_CHANGE: dict[type[Any], type[BaseModel]] = {
    Organisation: OrganisationChange,
    Site: DirectorySiteChange,
    Contact: ContactChange,
}
_REFERENCES = {"organisation_id", "parent_id", "carrier_id"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a row cannot be imported."""

    column: str
    vi: str
    en: str


@dataclass(slots=True)
class Line:
    """What happens to one row."""

    sheet: str
    row: int
    action: Action
    name: str = ""
    id: str | None = None
    columns: tuple[str, ...] = ()  # headings of what changes
    troubles: tuple[Trouble, ...] = ()
    entry: Entry | None = None
    values: dict[str, Any] = field(default_factory=dict)


class Exchange:
    """`now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def export(self, organisation: str | None = None) -> bytes:
        """The directory, or one organisation's part of it, as XLSX."""
        async with self._database.reading() as session:
            wanted = (
                select(Organisation).order_by(Organisation.kind, Organisation.name, Organisation.id),
                select(Site).order_by(Site.name, Site.id),
                select(Contact).order_by(Contact.organisation_id, Contact.name, Contact.id),
            )
            if organisation is not None:
                wanted = (
                    wanted[0].where(Organisation.id == organisation),
                    wanted[1].where(Site.organisation_id == organisation),
                    wanted[2].where(Contact.organisation_id == organisation),
                )
            rows: list[list[Entry]] = [list(await session.scalars(one)) for one in wanted]
        return await asyncio.to_thread(_written, rows)

    async def import_(self, raw: bytes, user: SignedIn, *, apply: bool) -> tuple[list[Line], bool]:
        """Check a file and, with `apply` and nothing wrong, import all of it; what happens to each row, and whether it
        was done.  Raises Refused `only_so`, `bad_workbook…` or `changed_meanwhile`."""
        if not of_so(user):
            raise refusals.only_so()
        tables = await asyncio.to_thread(read, raw)
        known = _known(tables)
        if not apply:
            async with self._database.reading() as session:
                return await Planner(session).lines(known), False
        async with self._database.writing() as session:
            lines = await Planner(session).lines(known)
            if any(line.action == "error" for line in lines):
                return lines, False
            await self._carry_out(session, lines, user.username)
            return lines, True

    async def _carry_out(self, session: AsyncSession, lines: Sequence[Line], by: str) -> None:
        now = self._now()
        for kind in (Organisation, Site, Contact):  # each refers to those before
            mine = [line for line in lines if isinstance(line.entry, kind)]
            fresh = [line.entry for line in mine if line.action == "create" and line.entry is not None]
            for first in range(0, len(fresh), _CHUNK):
                await records.add_many(session, fresh[first : first + _CHUNK], by, now)
            for line in mine:
                if line.action != "change":
                    continue
                if isinstance(line.entry, Organisation):
                    await organisations.apply(session, line.entry, line.values, by, now, line.entry.revision)
                elif isinstance(line.entry, Site):
                    await sites.apply(session, line.entry, line.values, by, now, line.entry.revision)
                elif isinstance(line.entry, Contact):
                    await records.change(session, line.entry, line.values, by, now, line.entry.revision)
                    line.entry.folded = contacts.words_of(line.entry)


class Planner:
    """Decides what happens to each row, by what the directory and the rows before it hold.  Writes nothing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._organisations: dict[str, Organisation] = {}
        self._sites: dict[str, Site] = {}
        self._contacts: dict[str, Contact] = {}
        self._names: dict[tuple[str, ...], str] = {}  # (kind, …, folded name) -> id
        self._met: set[str] = set()  # kind and id of rows so far

    async def lines(self, tables: Mapping[str, tuple[Table, dict[int, Field]]]) -> list[Line]:
        self._organisations = {one.id: one for one in await self._session.scalars(select(Organisation))}
        self._sites = {one.id: one for one in await self._session.scalars(select(Site))}
        self._contacts = {one.id: one for one in await self._session.scalars(select(Contact))}
        known: list[Entry] = [*self._organisations.values(), *self._sites.values(), *self._contacts.values()]
        for one in known:
            self._names.setdefault(_name_key(one), one.id)
        found: list[Line] = []
        with self._session.no_autoflush:
            for sheet, (kind, _) in SHEETS.items():
                if sheet not in tables:
                    continue
                table, columns = tables[sheet]
                for number, row in enumerate(table.rows):
                    found.append(self._line(sheet, kind, columns, *row))
                    if number % _CHUNK == 0:
                        await asyncio.sleep(0)
        managers = {one.id for one in self._organisations.values() if one.is_manager}
        for line in found:
            if isinstance(line.entry, Organisation) and "is_manager" in line.values:
                (managers.add if line.values["is_manager"] else managers.discard)(line.entry.id)
        if len(managers) > 1:
            for line in found:
                if isinstance(line.entry, Organisation) and line.values.get("is_manager"):
                    line.action = "error"
                    line.troubles = (Trouble("Quản lý hệ thống", "chỉ một cơ quan quản lý", "only one can be"),)
        return found

    def _line(self, sheet: str, kind: type[Any], columns: Mapping[int, Field], number: int, row: Sequence[str]) -> Line:
        texts = {one.key: row[index] for index, one in columns.items() if index < len(row)}
        heads = {one.key: one.head for one in columns.values()}
        line = Line(sheet, number, "error", name=texts.get("name", "")[:200])
        troubles: list[Trouble] = []
        given: dict[str, Any] = {}
        for one in columns.values():
            try:
                given[one.key] = one.read(texts.get(one.key, ""))
            except Unread as error:
                troubles.append(Trouble(one.head, error.vi, error.en))
        for key in _REFERENCES & given.keys():
            troubles += self._resolve(key, given, heads[key])
        if given.get("site_id"):
            troubles += self._resolve_site(given, heads["site_id"])
        if troubles:
            line.troubles = tuple(troubles)
            return line
        entry = self._entry(kind, given)
        if entry is None and given.get("id") and kind is Contact:
            line.troubles = (Trouble("Mã", "không có đầu mối mang mã này", "there is no such contact"),)
            return line
        if entry is not None and not self._first(kind, entry.id):
            line.troubles = (Trouble("", "dòng trùng với dòng trước trong tệp", "the same entry is in the file twice"),)
            return line
        try:
            if entry is None:
                body = _NEW[kind].model_validate(_nested({k: v for k, v in given.items() if not _left_out(k, v)}, None))
                line.values = columns_of(body, new=True)
                line.entry, line.action = self._make(kind, line.values), "create"
                line.columns = tuple(heads[key] for key in given if texts.get(key))
            else:
                line.entry = entry
                changed = {
                    one.key: given[one.key]
                    for one in columns.values()
                    if one.key != "id"
                    and not one.is_same(entry, texts.get(one.key, ""))
                    and one.value_in(entry) != given[one.key]
                }
                if changed:
                    values = {"revision": entry.revision} | _nested(changed, entry)
                    line.values = columns_of(_CHANGE[kind].model_validate(values))
                    line.values = {k: v for k, v in line.values.items() if getattr(entry, k) != v}
                line.action = "change" if line.values else "same"
                line.columns = tuple(heads[key] for key in changed)
        except ValidationError as error:
            line.troubles = tuple(
                Trouble(_head_of(found["loc"], heads), in_vietnamese(found), found["msg"])
                for found in error.errors(include_url=False, include_input=False)
            )
            return line
        assert line.entry is not None
        line.id = line.entry.id
        self._first(kind, line.id)
        return line

    def _first(self, kind: type[Any], entry_id: str) -> bool:
        """Whether no row before was this entry's."""
        met = f"{kind.__name__}/{entry_id}"
        if met in self._met:
            return False
        self._met.add(met)
        return True

    # -- finding

    def _resolve(self, key: str, given: dict[str, Any], head: str) -> list[Trouble]:
        """An organisation named by id or by name becomes its id."""
        text = given[key]
        if not text:
            return []
        wanted = text if text in self._organisations else self._names.get(("organisation", fold(text)))
        if wanted is None:
            return [Trouble(head, f"không có cơ quan “{text[:80]}”", f"there is no organisation “{text[:80]}”")]
        if key == "carrier_id" and self._organisations[wanted].kind != "carrier":
            return [Trouble(head, "không phải đơn vị viễn thông", "is not a carrier")]
        given[key] = wanted
        return []

    def _resolve_site(self, given: dict[str, Any], head: str) -> list[Trouble]:
        text, organisation = given["site_id"], given.get("organisation_id") or ""
        wanted = text if text in self._sites else self._names.get(("site", organisation, fold(text)))
        if wanted is None or self._sites[wanted].organisation_id != organisation:
            return [Trouble(head, f"cơ quan không có điểm cầu “{text[:80]}”", f"it has no site “{text[:80]}”")]
        given["site_id"] = wanted
        return []

    def _entry(self, kind: type[Any], given: Mapping[str, Any]) -> Entry | None:
        wanted = given.get("id")
        if wanted is None:
            name = fold(str(given.get("name", "")))
            owner = str(given.get("organisation_id") or "")
            key = {
                Organisation: ("organisation", name),
                Site: ("site", owner, name),
                Contact: ("contact", owner, str(given.get("site_id") or ""), name),
            }[kind]
            wanted = self._names.get(key)
        if wanted is None:
            return None
        if kind is Organisation:
            return self._organisations.get(wanted)
        return self._sites.get(wanted) if kind is Site else self._contacts.get(wanted)

    def _make(self, kind: type[Any], values: Mapping[str, Any]) -> Entry:
        """A new entry, so that later rows find it; unchecked otherwise, since its row was."""
        given = dict(values)
        entry: Entry
        if kind is Organisation:
            entry_id = given.pop("id") or slug_of(given["name"], self._organisations)
            entry = self._organisations[entry_id] = organisations.build(entry_id, given)
        elif kind is Site:
            entry_id = given.pop("id") or slug_of(given["name"], self._sites)
            entry = self._sites[entry_id] = sites.build(entry_id, given, self._organisations[given["organisation_id"]])
        else:
            entry = contacts.build(records.new_id("d", None), given)
            self._contacts[entry.id] = entry
        self._names.setdefault(_name_key(entry), entry.id)
        return entry


def _known(tables: Sequence[Table]) -> dict[str, tuple[Table, dict[int, Field]]]:
    """The sheets that are the directory's, with the column of each heading."""
    sheets = {fold(name): name for name in SHEETS}
    found: dict[str, tuple[Table, dict[int, Field]]] = {}
    for table in tables:
        name = sheets.get(fold(table.name))
        if name is None or not table.heads:
            continue
        heads = {fold(one.head): one for one in SHEETS[name][1]}
        columns: dict[int, Field] = {}
        for index, head in enumerate(table.heads):
            if not head:
                continue
            one = heads.get(fold(head))
            if one is None or one in columns.values():
                raise _bad_columns(name, head, known=one is not None)
            columns[index] = one
        for one in SHEETS[name][1]:
            if one.needed and one not in columns.values():
                raise _bad_columns(name, one.head, known=None)
        found[name] = table, columns
    if not found:
        names = ", ".join(SHEETS)
        raise Refused(
            "bad_workbook_sheets",
            f"Tệp không có trang tính nào của danh bạ ({names}). Hãy tải tệp mẫu về và điền.",
            f"The file has none of the directory's sheets ({names}). Export the directory and fill that in.",
        )
    return found


def _bad_columns(sheet: str, head: str, known: bool | None) -> Refused:
    vi, en = {
        None: ("thiếu cột", "lacks the column"),
        True: ("lặp lại cột", "has twice the column"),
        False: ("có cột lạ", "has the unknown column"),
    }[known]
    return Refused(
        "bad_workbook_columns",
        f"Trang tính “{sheet}” {vi} “{head[:80]}”. Hãy giữ nguyên dòng tiêu đề của tệp mẫu.",
        f"The sheet “{sheet}” {en} “{head[:80]}”. Keep the heading row of the exported file.",
        detail={"sheet": sheet, "column": head[:80]},
    )


def _nested(given: Mapping[str, Any], entry: Entry | None) -> dict[str, Any]:
    """`endpoint.maker` and the like put together, over what the entry has."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        name, _, part = key.partition(".")
        if not part:
            values[name] = value
            continue
        if name not in values:
            values[name] = dict(getattr(entry, name)) if entry is not None else {}
        values[name][part] = value
    return values


def _left_out(key: str, value: Any) -> bool:
    return value is None or (value == "" and key not in ("name", "position", "phone"))


def _name_key(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, Organisation):
        return "organisation", fold(entry.name)
    if isinstance(entry, Site):
        return "site", entry.organisation_id, fold(entry.name)
    return "contact", entry.organisation_id, entry.site_id or "", fold(entry.name)


def _head_of(place: tuple[int | str, ...], heads: Mapping[str, str]) -> str:
    names = [str(part) for part in place]
    for length in (2, 1):
        if (key := ".".join(names[:length])) in heads:
            return heads[key]
    return names[0] if names else ""


def _written(rows: Sequence[Sequence[Entry]]) -> bytes:
    book = Writer("Danh bạ hội nghị truyền hình")
    for (name, (_, fields)), entries in zip(SHEETS.items(), rows, strict=True):
        book.sheet(
            name,
            [Column(one.head, one.width) for one in fields],
            ([one.shown(entry) for one in fields] for entry in entries),
            choices={index: one.choices for index, one in enumerate(fields) if one.choices},
        )
    return book.done()
