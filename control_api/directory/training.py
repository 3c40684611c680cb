"""Courses and the people who may operate the system (S26, S51; articles 6.3, 11.4c)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope, of_so
from control_api.directory import records, refusals
from control_api.directory.directory import certified
from control_api.directory.search import folded, matches
from control_api.directory.tables import Course, Organisation, Site, Trainee
from control_api.store.database import Database

MOST_ROLL = 5000


class Training:
    """Methods are one transaction.  `now` is the wall clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    # -- people

    async def people(
        self,
        words: str = "",
        *,
        organisation: str | None = None,
        certified_on: date | None = None,
        course: str | None = None,
        active: bool | None = True,
        offset: int = 0,
        limit: int = 500,
    ) -> tuple[list[Trainee], int]:
        """A page by name, and how many there are; with `certified_on` only who may be on duty that day (S26)."""
        where: list[ColumnElement[bool]] = matches(Trainee.folded, words)
        if organisation is not None:
            where.append(Trainee.organisation_id == organisation)
        if course is not None:
            where.append(Trainee.course_id == course)
        if active is not None:
            where.append(Trainee.active.is_(active))
        if certified_on is not None:
            where += certified(certified_on)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Trainee).where(*where))
            found = select(Trainee).where(*where).order_by(Trainee.name, Trainee.id).offset(offset).limit(limit)
            return list(await session.scalars(found)), int(total or 0)

    async def person(self, trainee_id: str) -> Trainee:
        """Raises OperatorError `unknown_trainee`."""
        async with self._database.reading() as session:
            return await records.get(session, Trainee, trainee_id)

    async def register(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Trainee:
        """An agency names its people; certificates are entered by the Sở, which trains (article 11.4c).

        Raises OperatorError `unknown_organisation`, `unknown_course`, Refused `not_yours`, `only_so` or `bad_days`.
        """
        check_scope(user, values["organisation_id"])
        if not of_so(user) and values.get("certificate"):
            raise refusals.only_so()
        trainee_id = records.new_id("vh", command)
        async with self._database.writing() as session:
            if (before := await session.get(Trainee, trainee_id)) is not None:
                return before
            await records.get(session, Organisation, values["organisation_id"])
            given = _DEFAULTS | dict(values)
            if given["course_id"] is not None:
                await records.get(session, Course, given["course_id"])
            entry = Trainee(**given, id=trainee_id)
            _check_days(entry.issued_on, entry.expires_on)
            entry.folded = _folded(entry)
            await records.add(session, entry, user.username, self._now(), command)
            return entry

    async def change_person(
        self, trainee_id: str, values: Mapping[str, Any], revision: int, user: SignedIn, command: str | None = None
    ) -> Trainee:
        """Raises OperatorError `unknown_trainee`, `unknown_course`, Refused `not_yours`, `only_so`, `bad_days` or
        `changed_meanwhile`."""
        async with self._database.writing() as session:
            entry = await records.get(session, Trainee, trainee_id)
            check_scope(user, entry.organisation_id)
            if await records.done(session, command) is not None:
                return entry
            if not of_so(user) and any(getattr(entry, name) != values[name] for name in _CERTIFIED if name in values):
                raise refusals.only_so()
            if values.get("course_id") is not None:
                await records.get(session, Course, values["course_id"])
            _check_days(values.get("issued_on", entry.issued_on), values.get("expires_on", entry.expires_on))
            await records.change(session, entry, values, user.username, self._now(), revision, command)
            entry.folded = _folded(entry)
            await session.flush()
            return entry

    # -- courses

    async def courses(self, year: int | None = None, offset: int = 0, limit: int = 500) -> tuple[list[Course], int]:
        """A page by day, and how many there are."""
        where = [] if year is None else [Course.year == year]
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(Course).where(*where))
            found = select(Course).where(*where).order_by(Course.year.desc(), Course.starts_on, Course.id)
            return list(await session.scalars(found.offset(offset).limit(limit))), int(total or 0)

    async def plan_course(self, values: Mapping[str, Any], user: SignedIn, command: str | None = None) -> Course:
        """Raises Refused `only_so` or `bad_days`."""
        if not of_so(user):
            raise refusals.only_so()
        course_id = records.new_id("lh", command)
        async with self._database.writing() as session:
            if (before := await session.get(Course, course_id)) is not None:
                return before
            entry = Course(**(_COURSE_DEFAULTS | dict(values)), id=course_id)
            _check_days(entry.starts_on, entry.ends_on)
            await records.add(session, entry, user.username, self._now(), command)
            return entry

    async def change_course(
        self, course_id: str, values: Mapping[str, Any], revision: int, user: SignedIn, command: str | None = None
    ) -> Course:
        """Raises OperatorError `unknown_course`, Refused `only_so`, `bad_days` or `changed_meanwhile`."""
        if not of_so(user):
            raise refusals.only_so()
        async with self._database.writing() as session:
            entry = await records.get(session, Course, course_id)
            if await records.done(session, command) is not None:
                return entry
            _check_days(values.get("starts_on", entry.starts_on), values.get("ends_on", entry.ends_on))
            await records.change(session, entry, values, user.username, self._now(), revision, command)
            return entry

    # -- the year's plan

    async def needs(self, year: int) -> list[tuple[Organisation, int, int]]:
        """Organisations with sites whose people must be trained in that year: how many are certified on its first day,
        and of how many the certificate ends within it.  Those who have nobody come first."""
        first, last = date(year, 1, 1), date(year + 1, 1, 1) - timedelta(days=1)
        with_sites = select(Site.organisation_id).where(Site.active)
        good = select(Trainee.organisation_id, func.count()).where(*certified(first)).group_by(Trainee.organisation_id)
        ending = good.where(Trainee.expires_on.is_not(None), Trainee.expires_on <= last.isoformat())
        async with self._database.reading() as session:
            wanted = select(Organisation).where(Organisation.active, Organisation.id.in_(with_sites))
            organisations = list(await session.scalars(wanted.order_by(Organisation.name, Organisation.id)))
            have = {str(row[0]): int(row[1]) for row in await session.execute(good)}
            lose = {str(row[0]): int(row[1]) for row in await session.execute(ending)}
        listed = [(one, have.get(one.id, 0), lose.get(one.id, 0)) for one in organisations]
        return sorted((one for one in listed if one[1] == 0 or one[2] > 0), key=lambda one: one[1] > 0)

    async def roll(self, organisation: str | None) -> list[tuple[Trainee, Organisation]]:
        """Everybody who operates the system, by organisation and name."""
        wanted = select(Trainee, Organisation).join(Organisation, Organisation.id == Trainee.organisation_id)
        wanted = wanted.where(Trainee.active.is_(True))
        if organisation is not None:
            wanted = wanted.where(Trainee.organisation_id == organisation)
        async with self._database.reading() as session:
            rows = await session.execute(wanted.order_by(Organisation.name, Trainee.name, Trainee.id).limit(MOST_ROLL))
            return [(person, owner) for person, owner in rows]


_CERTIFIED = ("certificate", "issued_by", "issued_on", "expires_on", "course_id")
_DEFAULTS: dict[str, Any] = {
    "course_id": None,
    "position": "",
    "phone": "",
    "username": None,
    "certificate": "",
    "issued_by": "",
    "issued_on": None,
    "expires_on": None,
    "active": True,
    "remark": "",
}
_COURSE_DEFAULTS: dict[str, Any] = {
    "starts_on": None,
    "ends_on": None,
    "place": "",
    "audience": "",
    "places": None,
    "cost_vnd": None,
    "state": "planned",
    "remark": "",
}


def _check_days(first: str | None, last: str | None) -> None:
    if first is not None and last is not None and last < first:
        raise refusals.bad_days()


def _folded(entry: Trainee) -> str:
    return folded(entry.name, entry.position, entry.phone, entry.certificate)
