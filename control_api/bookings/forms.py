"""From a form to a booking: names from the directory, what each class must say, what is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from control_api.bookings.models import BookingChange, NewBooking, SiteForm, UrgentBooking
from control_api.bookings.parameters import Parameters
from control_api.bookings.tables import BookingRow, BookingSite
from control_api.directory.directory import Directory
from control_api.directory.search import folded
from control_api.problems import Refused
from mcu_core.errors import OperatorError

_ORDERED, _DISASTER = 30, 40
_PRIORITY = {"A": 20, "B": 10, "C": 10}
_DISASTERS = ("disaster", "fire", "epidemic")


@dataclass(frozen=True, slots=True)
class Filled:
    """The sites of a form with what the directory knows of them."""

    host: str  # name of the organisation
    sites: tuple[BookingSite, ...]  # without the booking's id


async def fill(directory: Directory, form: NewBooking) -> Filled:
    """Raises OperatorError `unknown_organisation` or `unknown_site`, Refused `site_twice`."""
    host = await directory.organisation(form.organisation)
    return Filled(host.name, await fill_sites(directory, form.main, form.members, form))


async def fill_sites(
    directory: Directory, main: SiteForm, members: Sequence[SiteForm], form: NewBooking | None = None
) -> tuple[BookingSite, ...]:
    asked = [main, *members]
    ids = [one.site for one in asked]
    for site_id in ids:
        if ids.count(site_id) > 1:
            raise Refused(
                "site_twice",
                f"Điểm cầu “{site_id}” có hai lần trong danh sách. Mỗi điểm cầu chỉ ghi một lần.",
                f"The site “{site_id}” is on the list twice. Name each site once.",
            )
    known = {site.id: site for site in (await directory.sites(ids=ids))[0]}
    filled = []
    for position, one in enumerate(asked):
        site = known.get(one.site)
        if site is None:
            raise OperatorError(
                "unknown_site",
                f"Danh bạ không có điểm cầu “{one.site}”. Hãy chọn điểm cầu trong danh bạ.",
                f"The directory has no site “{one.site}”. Choose one of the directory.",
            )
        of_members = form is not None and position > 0
        place = one.place or (form.member_place if form is not None and of_members else "")
        attendees = one.attendees or (form.member_attendees if form is not None and of_members else "")
        filled.append(
            BookingSite(
                site_id=site.id,
                position=position,
                name=site.name,
                organisation_id=site.organisation_id,
                role="main" if position == 0 else "member",
                place=place or ", ".join(part for part in (site.room, site.address) if part)[:300],
                attendees=attendees[:1000],
                attendee_count=one.attendee_count,
                video=one.video,
                email=one.email or None,
            )
        )
    return tuple(filled)


def complete(class_: str, row: BookingRow, sites: Sequence[BookingSite], *, urgent: bool) -> None:
    """Raises Refused `form_incomplete` naming the fields; the class decides which are needed (S30, S41, S67)."""
    missing: list[tuple[str, str, str]] = []
    members = [site for site in sites if site.role == "member"]
    if class_ == "C":
        if row.form.get("uplink") is None:
            missing.append(("uplink", "đơn vị tổ chức ở Trung ương và người phụ trách kỹ thuật", "the uplink record"))
        if members:
            missing.append(("members", "chỉ 01 điểm cầu cấp tỉnh (loại C)", "only 1 site of the province in class C"))
    else:
        if not members:
            missing.append(("members", "danh sách điểm cầu thành phần", "the component sites"))
        if row.trial_at is None and not urgent:
            missing.append(("trial_at", "thời gian vận hành thử", "the time of the trial"))
        if not row.form.get("chair"):
            missing.append(("chair", "lãnh đạo chủ trì", "who chairs"))
        if not all(site.attendees for site in sites) and not urgent:
            missing.append(("attendees", "thành phần tham dự ở từng điểm cầu", "who attends at each site"))
        if not all(site.place for site in sites):
            missing.append(("place", "địa điểm ở từng điểm cầu", "the place of each site"))
    if missing:
        raise Refused(
            "form_incomplete",
            f"Phiếu đăng ký còn thiếu: {'; '.join(vi for _, vi, _ in missing)}.",
            f"The form still needs: {'; '.join(en for _, _, en in missing)}.",
            detail=[field for field, _, _ in missing],
        )


def priority_of(form: NewBooking) -> int:
    """Higher may displace lower (S32): disasters, then orders of the province's leaders, then classes."""
    if isinstance(form, UrgentBooking):
        return _DISASTER if form.order.authority in _DISASTERS else _ORDERED
    return _PRIORITY[form.class_]


def texts_of(form: NewBooking) -> dict[str, Any]:
    """What only people read, as it is stored."""
    return {
        "chair": form.chair,
        "agenda": form.agenda,
        "contact": form.contact.model_dump(mode="json"),
        "letter": None if form.letter is None else form.letter.model_dump(mode="json"),
        "uplink": None if form.uplink is None else form.uplink.model_dump(mode="json"),
        "order": form.order.model_dump(mode="json") if isinstance(form, UrgentBooking) else None,
    }


def new_row(
    form: NewBooking, filled: Filled, booking_id: str, owner: str, rules: str, now: float, *, series: str | None = None
) -> BookingRow:
    """A draft."""
    return BookingRow(
        id=booking_id,
        conference_id=f"c{booking_id[1:]}",
        organisation_id=form.organisation,
        owner=owner,
        title=form.title,
        class_=form.class_,
        meeting_type=form.meeting_type,
        urgent=isinstance(form, UrgentBooking),
        priority=priority_of(form),
        starts_at=form.starts_at.timestamp(),
        ends_at=form.ends_at.timestamp(),
        trial_at=None if form.trial_at is None else form.trial_at.timestamp(),
        trial_ends_at=None if form.trial_ends_at is None else form.trial_ends_at.timestamp(),
        state="draft",
        state_at=now,
        rules=rules,
        form=texts_of(form),
        parameters=Parameters().as_json(),
        frozen_at=None,
        decision=None,
        close_out=None,
        received_at=None,
        answer_by=None,
        answered_at=None,
        sequence=0,
        revision=1,
        live="none",
        live_sites={},
        series_id=series,
        search=searched(form.title, filled.host, form.chair, form.letter.number if form.letter else "", filled.sites),
        created_at=now,
    )


def searched(title: str, host: str, chair: str, letter: str, sites: Sequence[BookingSite]) -> str:
    return folded(title, host, chair, letter, *(site.name for site in sites))


def apply_texts(row: BookingRow, change: BookingChange) -> bool:
    """Take over what only people read.  Whether anything is different now."""
    before = (row.title, row.meeting_type, row.form)
    texts = dict(row.form)
    if change.title is not None:
        row.title = change.title
    if change.meeting_type is not None:
        row.meeting_type = change.meeting_type
    if change.chair is not None:
        texts["chair"] = change.chair
    if change.agenda is not None:
        texts["agenda"] = change.agenda
    for name in ("contact", "letter", "uplink"):
        given = getattr(change, name)
        if given is not None:
            texts[name] = given.model_dump(mode="json")
    row.form = texts
    return before != (row.title, row.meeting_type, row.form)


def apply_times(row: BookingRow, change: BookingChange) -> bool:
    """Take over other times; a meeting that is only moved takes its end along.  Whether anything is different now."""
    before = (row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at)
    length = row.ends_at - row.starts_at
    if change.starts_at is not None:
        row.starts_at = change.starts_at.timestamp()
        row.ends_at = row.starts_at + length
    if change.ends_at is not None:
        row.ends_at = change.ends_at.timestamp()
    if change.trial_at is not None:
        trial_length = (row.trial_ends_at or 0.0) - (row.trial_at or 0.0) or 3600.0
        row.trial_at = change.trial_at.timestamp()
        row.trial_ends_at = row.trial_at + trial_length
    if change.trial_ends_at is not None and row.trial_at is not None:
        row.trial_ends_at = change.trial_ends_at.timestamp()
    return before != (row.starts_at, row.ends_at, row.trial_at, row.trial_ends_at)
