"""What hosts do: register, change, cancel, close.  What the MCU cannot carry is refused at once (S69).

Each function is one transaction and may be repeated: what is done already is well.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope
from control_api.bookings import capacity_check as check
from control_api.bookings import forms
from control_api.bookings.admission import take_turn, write_holds
from control_api.bookings.booking import read_row
from control_api.bookings.desk import Desk, sites_of
from control_api.bookings.models import BookingChange, Closing, NewBooking, SiteForm
from control_api.bookings.parameters import Parameters
from control_api.bookings.rules import HOUR, answer_by, check_notice, check_times, local, rules_at
from control_api.bookings.stamping import enter
from control_api.bookings.steps import BEFORE, HOLDING, NAMES, Step
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.conferences.limits import check_personal_views
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.problems import Refused


def booking_id(command: str | None, part: str = "") -> str:
    """Of a repeated command the same one (`command` is Call.command_id)."""
    if command is None:
        return f"b-{secrets.token_hex(6)}"
    return f"b-{hashlib.sha256(f'{command}/{part}'.encode()).hexdigest()[:12]}"


async def register(desk: Desk, user: SignedIn, form: NewBooking, its_id: str, *, series: str | None = None) -> None:
    """Receive a form: the clocks begin to run; what does not fit is refused on the spot with alternatives.

    Raises Refused `not_yours`, `too_late`, `bad_times`, `form_incomplete`, and others when the form is wrong.
    """
    check_scope(user, form.organisation)
    if await desk.knows(its_id):
        return
    now = desk.now()
    rules = rules_at(now)
    filled = await forms.fill(desk.directory, form)
    row = forms.new_row(form, filled, its_id, user.username, rules.version, now, series=series)
    check_times(rules, row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at, now)
    if not form.draft:
        forms.complete(row.class_, row, filled.sites, urgent=False)
        check_notice(rules, row.starts_at, now)
    async with desk.database.writing() as session:
        await take_turn(session)
        if await session.get(BookingRow, its_id) is not None:
            return
        await insert(session, row, filled.sites)
        if not form.draft:
            await _receive(desk, session, row, filled.sites, user.username, now)


async def submit(desk: Desk, user: SignedIn, its_id: str) -> None:
    """Register a draft, or one that was refused or displaced."""
    now = desk.now()
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        check_scope(user, row.organisation_id)
        if row.state == Step.REGISTERED:
            return
        sites = await sites_of(session, its_id)
        rules = rules_at(now) if row.received_at is None else desk.rules(row)
        row.rules = rules.version
        forms.complete(row.class_, row, sites, urgent=row.urgent)
        check_times(rules, row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at, now)
        if not row.urgent:
            check_notice(rules, row.starts_at, _counted_from(user, row, now))
        await _receive(desk, session, row, sites, user.username, now)


async def change(desk: Desk, user: SignedIn, its_id: str, changed: BookingChange) -> None:
    """Change a meeting that has not begun.  Other times or sites are admitted anew, and must be announced anew.

    Raises Refused `too_late`, `no_capacity`, `too_late_to_change` and what `register` raises; then nothing is changed.
    """
    now = desk.now()
    sites: tuple[BookingSite, ...] | None = None
    async with desk.database.reading() as session:
        before = await read_row(session, its_id, lock=False)
        check_scope(user, before.organisation_id)
        main, members = await _given(session, its_id, changed)
    if changed.main is not None or changed.members is not None:
        filled = await forms.fill_sites(desk.directory, *_forms(main, members, changed))
        sites = _kept(filled, [main, *members])
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        state = Step(row.state)
        if state not in BEFORE and state not in (Step.REFUSED, Step.DISPLACED):
            raise _too_late_to_change(state)
        texts = forms.apply_texts(row, changed)
        times = forms.apply_times(row, changed)
        other_sites = sites is not None and await _replace_sites(session, its_id, sites)
        if not (texts or times or other_sites):
            return
        now_sites = await sites_of(session, its_id)
        rules = desk.rules(row)
        host = await desk.host(session, row)
        letter = row.form.get("letter") or {}
        row.search = forms.searched(row.title, host, str(row.form.get("chair")), letter.get("number", ""), now_sites)
        row.sequence, row.revision = row.sequence + 1, row.revision + 1
        if state is not Step.DRAFT:
            forms.complete(row.class_, row, now_sites, urgent=row.urgent)
        if times or other_sites:
            check_times(rules, row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at, now)
            if state is not Step.DRAFT and not row.urgent:
                check_notice(rules, row.starts_at, _counted_from(user, row, now))
            if state in HOLDING:
                await _admit_again(desk, session, row, now_sites, user, now, changed.reason)
        if row.live == "made":
            row.live = "wanted"  # title, sites
        if state in HOLDING:
            told = await desk.outbox.told(session, its_id)
            known = [site for site in now_sites if site.site_id in told]
            gone = [
                site for site in (main, *members) if site.site_id in told.keys() - {site.site_id for site in now_sites}
            ]
            # Who is new is told when the meeting is announced again, with a link.
            for kind, whom in (("update", known), ("cancel", gone)):
                await desk.outbox.tell_sites(
                    session, row, whom, kind, rules, now, main=now_sites[0], remark=changed.reason
                )
        data = {"booking": its_id, "times": times, "sites": other_sites, "reason": changed.reason}
        await append(session, row.conference_id, [JournalEntry(now, "booking_changed", user.username, None, data)])


async def cancel(desk: Desk, user: SignedIn, its_id: str, reason: str) -> None:
    """Cancel: capacity is free again, whoever was told is told (S43)."""
    now = desk.now()
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        check_scope(user, row.organisation_id)
        if row.state == Step.CANCELLED:
            return
        told = Step(row.state) in HOLDING[1:]
        row.sequence += 1
        await enter(session, row, Step.CANCELLED, user.username, now, remark=reason)
        if told:
            sites = await sites_of(session, its_id)
            await desk.outbox.tell_sites(session, row, sites, "cancel", desk.rules(row), now, remark=reason)


async def close(desk: Desk, user: SignedIn, its_id: str, closing: Closing) -> None:
    """The host sums the meeting up; before that it is not over (S43, article 10.1)."""
    now = desk.now()
    async with desk.database.writing() as session:
        row = await read_row(session, its_id)
        check_scope(user, row.organisation_id)
        if row.state == Step.CLOSED:
            return
        row.close_out = closing.model_dump(mode="json")
        override = closing.override and Right.DECIDE in user.role.rights
        await enter(session, row, Step.CLOSED, user.username, now, remark=closing.summary, override=override)


async def set_parameters(desk: Desk, user: SignedIn, its_id: str, parameters: Parameters) -> None:
    """The Sở sets the room up; once fixed, only a new decision before the start could (S35).

    Raises Refused `too_many_views`, `parameters_frozen` or `no_capacity`.
    """
    check_personal_views(parameters.personal_views, desk.settings.conference.personal_views)
    wanted = parameters.as_json()
    now = desk.now()
    async with desk.database.writing() as session:
        await take_turn(session)
        row = await read_row(session, its_id)
        rules = desk.rules(row)
        if (
            row.frozen_at is not None
            or now >= row.starts_at - rules.ready_hours * HOUR
            or Step(row.state) not in BEFORE
        ):
            raise Refused(
                "parameters_frozen",
                "Thông số MCU của phiên họp đã được chốt trước giờ họp, không thay đổi được nữa.",
                "The MCU's parameters of this meeting were fixed before its start and cannot be changed any more.",
            )
        if row.parameters == wanted:
            return
        row.parameters, row.revision = wanted, row.revision + 1
        if Step(row.state) in HOLDING:
            sites = await sites_of(session, its_id)
            verdict = await check.judge(session, desk.settings, rules, row, sites)
            if not verdict.fits:
                raise await check.no_capacity(session, rules, verdict, now, user)
            await write_holds(session, its_id, verdict.holds)
        if row.live == "made":
            row.live = "wanted"
        entry = JournalEntry(now, "parameters_set", user.username, None, {"booking": its_id, **wanted})
        await append(session, row.conference_id, [entry])


# ----------------------------------------------------------------------------------------------------------- parts


async def insert(session: AsyncSession, row: BookingRow, sites: Sequence[BookingSite]) -> None:
    session.add(row)
    await session.flush()
    for site in sites:
        site.booking_id = row.id
    session.add_all(sites)
    await session.flush()


async def _receive(
    desk: Desk, session: AsyncSession, row: BookingRow, sites: Sequence[BookingSite], by: str, now: float
) -> None:
    """Registered; refused at once if the machine cannot carry it."""
    rules = desk.rules(row)
    row.received_at, row.answer_by, row.answered_at, row.decision = now, answer_by(rules, now), None, None
    data = {"answer_by": local(row.answer_by).isoformat()}
    await enter(session, row, Step.REGISTERED, by, now, data=data)
    verdict = await check.judge(session, desk.settings, rules, row, sites)
    if verdict.fits:
        return
    proposed = await check.alternatives(session, rules, verdict, now)
    vi, en = check.why_not(verdict)
    row.decision = check.decided("refused", None, local(now).isoformat(), "no_capacity", vi, en, proposed)
    row.answered_at = now
    await enter(session, row, Step.REFUSED, None, now, remark=vi)
    await desk.outbox.tell_host(session, row, sites, "refused", rules, now)


async def _admit_again(
    desk: Desk,
    session: AsyncSession,
    row: BookingRow,
    sites: Sequence[BookingSite],
    user: SignedIn,
    now: float,
    reason: str,
) -> None:
    rules = desk.rules(row)
    verdict = await check.judge(session, desk.settings, rules, row, sites)
    if not verdict.fits:
        raise await check.no_capacity(session, rules, verdict, now, user)
    await write_holds(session, row.id, verdict.holds)
    if row.state in (Step.PREPARED, Step.CHECKED, Step.ANNOUNCED):
        await enter(
            session, row, Step.ALLOCATED, user.username, now, remark=reason or "Thay đổi thời gian hoặc điểm cầu"
        )


def _counted_from(user: SignedIn, row: BookingRow, now: float) -> float:
    """From when the 24 hours count: a host's change is a new registration, the Sở's own re-arrangement is not."""
    return row.received_at if row.received_at is not None and Right.DECIDE in user.role.rights else now


async def _given(session: AsyncSession, its_id: str, changed: BookingChange) -> tuple[BookingSite, list[BookingSite]]:
    sites = await sites_of(session, its_id)
    session.expunge_all()
    return sites[0], sites[1:]


def _forms(
    main: BookingSite, members: Sequence[BookingSite], changed: BookingChange
) -> tuple[SiteForm, tuple[SiteForm, ...]]:
    """The sites as the form would give them again, with what is changed."""

    def again(site: BookingSite) -> SiteForm:
        return SiteForm(
            site=site.site_id,
            place=site.place,
            attendees=site.attendees,
            attendee_count=site.attendee_count,
            video=site.video,
            email=site.email,
        )

    new_members = tuple(again(site) for site in members) if changed.members is None else changed.members
    return (again(main) if changed.main is None else changed.main), new_members


def _kept(filled: tuple[BookingSite, ...], before: Sequence[BookingSite]) -> tuple[BookingSite, ...]:
    """What a site's form leaves out stays as it was."""
    known = {site.site_id: site for site in before}
    for site in filled:
        old = known.get(site.site_id)
        if old is not None:
            site.attendees = site.attendees or old.attendees
            site.email = site.email or old.email
            site.attendee_count = old.attendee_count if site.attendee_count is None else site.attendee_count
    return filled


async def _replace_sites(session: AsyncSession, its_id: str, sites: Sequence[BookingSite]) -> bool:
    before = await sites_of(session, its_id)
    if [_comparable(site) for site in before] == [_comparable(site) for site in sites]:
        return False
    for site in before:
        await session.delete(site)
    await session.flush()  # they are out of the session then, and make room for their successors
    for site in sites:
        site.booking_id = its_id
    session.add_all(sites)
    await session.flush()
    return True


def _comparable(site: BookingSite) -> tuple[object, ...]:
    return (site.site_id, site.role, site.place, site.attendees, site.attendee_count, site.video, site.email)


def _too_late_to_change(state: Step) -> Refused:
    vi, en = NAMES[state]
    return Refused(
        "too_late_to_change",
        f"Cuộc họp ở trạng thái “{vi}” nên không sửa được nữa. Hãy đăng ký cuộc họp mới.",
        f"The meeting is {en}, so it cannot be changed any more. Register a new one.",
    )
