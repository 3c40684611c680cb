"""Agencies with sites, forms as pages send them, and a booking in whatever step a route needs."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.api import Route
from control_api.bookings.models import NewBooking, Order, UrgentBooking
from control_api.bookings.registering import register
from control_api.bookings.rules import ZONE
from control_api.bookings.tables import BookingHelp, BookingLetter, BookingNotice, BookingRow, BookingSite
from control_api.directory.tables import Contact, Organisation, Site
from control_api.services import Services
from control_api.store.database import Database

BOOKING, NOTICE, HELP = "b-00000001", "n-0000000001", "h-00000001"
PARTS = {"booking": BOOKING, "notice": NOTICE, "help": HELP}
HOST, MEMBER = "so-y-te", "xa-van-mon"
OFFICER = SignedIn(1, "officer", "Trực MCU", Role.OFFICER, "")
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF\n").decode()
STATES = {  # the step a route begins from, where it is not the registered booking
    "submit_booking": "refused",
    "announce_booking": "allocated",
    "advance_booking": "connected",
    "close_booking": "serving",
}


def host_user(services: Services | None = None) -> SignedIn:
    return SignedIn(2, "host", "Cơ quan chủ trì", Role.HOST, "", organisation=HOST)


def at(now: float, days: float = 2, hour: float = 8) -> datetime:
    """That hour, so many days from now, local."""
    day = datetime.fromtimestamp(now, ZONE).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hour)


def form(now: float, **changes: Any) -> dict[str, Any]:
    """A whole form: a meeting of class B in two days from 8 to 11, tried out the afternoon before."""
    start = changes.pop("start", at(now))
    return {
        "organisation": HOST,
        "title": "Hội nghị trực tuyến phòng chống dịch",
        "class": "B",
        "meeting_type": "chuyen-mon",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=3)).isoformat(),
        "trial_at": (start - timedelta(hours=18)).isoformat(),
        "trial_ends_at": (start - timedelta(hours=16)).isoformat(),
        "chair": "Giám đốc Sở",
        "main": {"site": HOST, "attendees": "Lãnh đạo Sở"},
        "members": [{"site": MEMBER}],
        "member_attendees": "Lãnh đạo UBND, Trạm Y tế",
        "agenda": "1. Khai mạc\n2. Thảo luận",
        "contact": {"name": "Cán bộ đầu mối", "phone": "0912 345 678", "email": "dau-moi@so-y-te.vn"},
        "letter": {"number": "125/GM-SYT", "date": "2026-11-20"},
        **changes,
    }


def order(now: float, **changes: Any) -> dict[str, Any]:
    return {
        "caller": "Chánh Văn phòng UBND tỉnh",
        "called_at": datetime.fromtimestamp(now, ZONE).isoformat(),
        "authority": "people_committee",
        "reason": "Họp đột xuất về phòng chống bão.",
        **changes,
    }


def parsed(now: float, **changes: Any) -> NewBooking:
    return NewBooking.model_validate(form(now, **changes))


def parsed_urgent(
    now: float, *, displace: bool = False, authority: str = "people_committee", **changes: Any
) -> UrgentBooking:
    asked = Order.model_validate(order(now, authority=authority))
    return UrgentBooking.model_validate({**form(now, **changes), "order": asked, "displace": displace})


async def add_directory(database: Database, sites: int = 1) -> None:
    """The host with its site, and as many communes as asked for."""
    made = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "test"}
    houses = [(HOST, "Sở Y tế", "department"), (MEMBER, "UBND xã Văn Môn", "commune")]
    houses += [(f"xa-{number}", f"UBND xã số {number}", "commune") for number in range(2, sites + 1)]
    async with database.writing() as session:
        for house_id, name, kind in houses:
            house = Organisation(id=house_id, name=name, kind=kind, email=f"{house_id}@bacninh.vn", folded=name, **made)
            await session.merge(house)
            await session.flush()
            room = Site(
                id=house_id,
                organisation_id=house_id,
                name=name,
                room="Phòng họp tầng 2",
                address="Bắc Ninh",
                folded=name,
                **made,
            )
            await session.merge(room)
        await session.flush()
        await session.merge(
            Contact(
                id="d-9",
                organisation_id=MEMBER,
                site_id=MEMBER,
                role="technical",
                name="Cán bộ kỹ thuật",
                position="Công chức",
                phone="0912345678",
                email="ky-thuat@xa-van-mon.vn",
                folded="",
                **made,
            )
        )
        await session.execute(update(User).where(User.username == "host").values(organisation_id=HOST))


async def prepared(services: Services, route: Route) -> str:
    """A booking in the step the route begins from; the route's path."""
    name, now = route.handler.__name__, services.now()
    await add_directory(services.database)
    desk = services.booking_desk
    await register(desk, host_user(), parsed(now), BOOKING)
    state = STATES.get(name)
    async with services.database.writing() as session:
        if state is not None:
            live = "wanted" if state == "allocated" else "none"
            change = update(BookingRow).where(BookingRow.id == BOOKING)
            await session.execute(change.values(state=state, live=live))
        if name == "close_booking":  # whose main site would have to be switched off first
            await session.execute(update(BookingSite).where(BookingSite.booking_id == BOOKING).values(role="member"))
        if name == "send_notice_again":
            session.add(_notice(now))
        if name == "get_booking_letter":
            session.add(
                BookingLetter(
                    booking_id=BOOKING,
                    name="a.pdf",
                    media_type="application/pdf",
                    content=b"%PDF-",
                    sha256="",
                    at=now,
                    by="host",
                )
            )
        session.add(
            BookingHelp(
                id=HELP,
                booking_id=BOOKING,
                organisation_id=HOST,
                question="Hỏi",
                asked_by="host",
                asked_at=now,
                answer="",
                answered_by=None,
                closed_at=None,
            )
        )
    span = f"?from={at(now):%Y-%m-%d}T00:00:00Z&to={at(now):%Y-%m-%d}T23:00:00Z"
    return route.path.format(**PARTS) + (span if name in ("get_conflicts", "get_compliance") else "")


def body(name: str, now: float) -> dict[str, Any] | None:
    bodies: dict[str, dict[str, Any]] = {
        "register_booking": form(now, start=at(now, 3)),
        "try_booking": form(now),
        "register_series": {"booking": form(now, start=at(now, 3)), "repeat": {"every": "week", "count": 2}},
        "change_booking": {"agenda": "Chương trình mới"},
        "cancel_booking": {"reason": "Hoãn họp"},
        "announce_booking": {},
        "advance_booking": {"step": "serving"},
        "close_booking": {"summary": "Kết thúc tốt.", "evaluation": "good"},
        "put_booking_letter": {"name": "125.pdf", "media_type": "application/pdf", "content": PDF},
        "book_urgent": {**form(now, start=at(now, 1)), "order": order(now)},
        "allocate_booking": {},
        "refuse_booking": {"reason": "Trùng lịch bảo trì."},
        "set_booking_parameters": {"height": 1080},
        "ask_help": {"question": "Xin hướng dẫn chạy thử.", "booking": BOOKING},
        "answer_help": {"answer": "Sở sẽ cử người hỗ trợ."},
    }
    return bodies.get(name)


def _notice(now: float) -> BookingNotice:
    return BookingNotice(
        id=NOTICE,
        booking_id=BOOKING,
        site_id=HOST,
        kind="request",
        sequence=0,
        recipient="a@b.vn",
        name="Sở Y tế",
        subject="Thông báo",
        body="…",
        calendar="",
        state="failed",
        attempts=7,
        next_at=now,
        error="",
        created_at=now,
        sent_at=None,
    )
