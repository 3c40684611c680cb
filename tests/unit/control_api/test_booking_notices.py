"""Notices: what they say, that each is sent once, who confirms them, and what the clocks write."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd import smtp
from icalendar import Calendar
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.bookings.clocks import remind
from control_api.bookings.outbox import Receipts, open_receipts
from control_api.bookings.tables import BookingNotice, BookingRow
from control_api.bookings.task import once
from control_api.mail.sender import LINK_TAKEN_OUT, WAITS, Sender
from control_api.settings import Mail, Settings
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import Client, World, refused

API = "/api/v1"


class Postbox:
    """What a mail server got; `answer` refuses instead."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, Message]] = []
        self.answer = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        if self.answer:
            return self.answer
        content = message_from_bytes(envelope.content, policy=default)
        self.mails.append((envelope.rcpt_tos[0], content))
        return "250 OK"


@pytest.fixture
async def postbox() -> AsyncIterator[tuple[Postbox, Mail]]:
    """A mail server without TLS, and the settings to reach it."""
    box = Postbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: smtp.SMTP(box, enable_SMTPUTF8=True, loop=asyncio.get_running_loop()), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    yield box, Mail(host="127.0.0.1", port=port, tls="off", sender="hop@bacninh.gov.vn", timeout=5)
    server.close()
    await server.wait_closed()


async def announced(world: World) -> tuple[str, Client]:
    """A meeting whose sites have been told."""
    world.clock.now = samples.at(world.clock.now, days=0, hour=8).timestamp()
    await samples.add_directory(world.services.database)
    host, officer = await world.sign_in(Role.HOST), await world.sign_in(Role.OFFICER)
    made = await (await host.post(f"{API}/bookings", json=samples.form(world.clock.now))).json()
    path = f"{API}/bookings/{made['id']}"
    assert (await officer.post(f"{path}/allocation", json={})).status == 200
    assert (await host.post(f"{path}/announcement", json={"remark": "Đề nghị thử micro."})).status == 200
    return str(made["id"]), host


async def rows(world: World) -> list[BookingNotice]:
    async with world.services.database.reading() as session:
        return list(await session.scalars(select(BookingNotice).order_by(BookingNotice.site_id)))


async def test_s70_each_site_is_told_both_times_by_mail_with_its_own_link(
    world: World, postbox: tuple[Postbox, Mail]
) -> None:
    await announced(world)
    box, mail = postbox
    sender = Sender(world.services.database, mail, (BookingNotice,))
    assert await sender.send_due(world.clock.now) == 3  # the host's and two sites'
    told = dict(box.mails)
    # The site's own contact comes before its organisation's address.
    assert set(told) == {"so-y-te@bacninh.vn", "ky-thuat@xa-van-mon.vn", "dau-moi@so-y-te.vn"}
    letter = told["ky-thuat@xa-van-mon.vn"]
    body = letter.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    for fact in (
        "Vận hành thử",
        "từ 14 giờ 00 đến 16 giờ 00",
        "từ 08 giờ 00 đến 11 giờ 00",
        "Đề nghị thử micro.",
        "Sở Y tế",
    ):
        assert fact in body
    assert body.count("/join/") == 1
    token = body.split("/join/")[1].split()[0]
    seat = await world.services.conferences.seat_for_token(token)
    assert seat is not None
    assert seat.site == "xa-van-mon"
    other = told["so-y-te@bacninh.vn"].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert token not in other
    # Once it is sent, the link is not kept.
    assert all("/join/" not in row.body for row in await rows(world))
    assert any(LINK_TAKEN_OUT in row.body for row in await rows(world))


async def test_s70_calendar_entry_is_an_itip_request_in_vietnamese_time(
    world: World, postbox: tuple[Postbox, Mail]
) -> None:
    await announced(world)
    box, mail = postbox
    await Sender(world.services.database, mail, (BookingNotice,)).send_due(world.clock.now)
    letter = next(message for address, message in box.mails if address.startswith("ky-thuat"))
    part = next(one for one in letter.walk() if one.get_content_type() == "text/calendar")
    assert part.get_param("method") == "REQUEST"
    calendar = Calendar.from_ical(part.get_content())  # type: ignore[attr-defined]
    assert calendar["METHOD"] == "REQUEST"
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Asia/Ho_Chi_Minh"]
    events: list[Any] = list(calendar.walk("VEVENT"))
    meeting, trial = events
    assert meeting["DTSTART"].params["TZID"] == "Asia/Ho_Chi_Minh"
    assert (meeting["DTSTART"].dt.hour, trial["DTSTART"].dt.hour) == (8, 14)
    assert meeting["SEQUENCE"] == 0
    assert "ky-thuat@xa-van-mon.vn" in str(meeting["ATTENDEE"])


async def test_no_notice_is_sent_twice(world: World, postbox: tuple[Postbox, Mail]) -> None:
    booking, host = await announced(world)
    box, mail = postbox
    sender = Sender(world.services.database, mail, (BookingNotice,))
    await asyncio.gather(*(sender.send_due(world.clock.now) for _ in range(3)))
    await host.post(f"{API}/bookings/{booking}/announcement", json={})  # told already
    await sender.send_due(world.clock.now)
    addresses = [address for address, _ in box.mails]
    assert len(addresses) == len(set(addresses)) == 3


async def test_a_notice_that_was_being_sent_when_we_died_is_left_to_a_person(
    world: World, postbox: tuple[Postbox, Mail]
) -> None:
    booking, host = await announced(world)
    box, mail = postbox
    async with world.services.database.writing() as session:
        await session.execute(update(BookingNotice).values(state="sending", attempts=1))
    sender = Sender(world.services.database, mail, (BookingNotice,))
    assert await sender.begin() == 3
    assert await sender.send_due(world.clock.now) == 0
    assert box.mails == []
    notice = (await rows(world))[-1]
    path = f"{API}/bookings/{booking}/notices/{notice.id}/again"
    assert (await host.post(path)).status == 204
    assert (await refused(await host.post(path), 409))["code"] == "notice_under_way"
    assert await sender.send_due(world.clock.now) == 1


async def test_mail_is_tried_again_later_and_later_then_given_up(world: World, postbox: tuple[Postbox, Mail]) -> None:
    await announced(world)
    box, mail = postbox
    box.answer = "451 try again later"
    sender = Sender(world.services.database, mail, (BookingNotice,))
    now = world.clock.now
    for number, wait in enumerate(WAITS, 1):
        await sender.send_due(now)
        found = await rows(world)
        assert {(row.state, row.attempts) for row in found} == {("queued", number)}
        assert {row.next_at for row in found} == {now + wait}
        assert await sender.send_due(now + wait - 1) == 0
        now += wait
    await sender.send_due(now)
    assert {row.state for row in await rows(world)} == {"failed"}
    assert "451" in (await rows(world))[0].error


async def test_a_refusal_for_good_is_not_tried_again(world: World, postbox: tuple[Postbox, Mail]) -> None:
    await announced(world)
    box, mail = postbox
    box.answer = "550 no such user"
    await Sender(world.services.database, mail, (BookingNotice,)).send_due(world.clock.now)
    assert {row.state for row in await rows(world)} == {"failed"}


async def test_a_mail_server_that_is_away_is_waited_for(world: World) -> None:
    await announced(world)
    away = Sender(world.services.database, Mail(host="127.0.0.1", port=1, tls="off", timeout=1), (BookingNotice,))
    await away.send_due(world.clock.now)
    assert {row.state for row in await rows(world)} == {"queued"}


async def test_mail_goes_over_tls_and_checks_the_server(world: World, tmp_path: Path) -> None:
    await announced(world)
    box, authority = Postbox(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = await asyncio.get_running_loop().create_server(
        lambda: smtp.SMTP(box, loop=asyncio.get_running_loop(), enable_SMTPUTF8=True), "127.0.0.1", 0, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    strangers = Mail(host="127.0.0.1", port=port, tls="tls", timeout=5)
    await Sender(world.services.database, strangers, (BookingNotice,)).send_due(world.clock.now)
    assert box.mails == []
    async with world.services.database.writing() as session:
        await session.execute(update(BookingNotice).values(state="queued", next_at=0.0))
    known = Mail(host="127.0.0.1", port=port, tls="tls", ca=ca, timeout=5)
    assert await Sender(world.services.database, known, (BookingNotice,)).send_due(world.clock.now) == 3
    server.close()
    await server.wait_closed()


async def test_without_a_mail_server_notices_are_printed(world: World) -> None:
    assert await Sender(world.services.database, Mail(), (BookingNotice,)).send_due(world.clock.now) == 0
    booking, host = await announced(world)
    page = await host.get(f"{API}/bookings/{booking}/notice")
    text = await page.text()
    assert page.content_type == "text/html"
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in text
    assert "UBND xã Văn Môn" in text
    assert "<script" not in text
    assert "style=" not in text
    group = await (await host.get(f"{API}/bookings/{booking}/group-text")).json()
    assert "THÔNG BÁO HỌP TRỰC TUYẾN" in group["text"]
    assert "/join/" not in group["text"]
    ics = await (await host.get(f"{API}/bookings/{booking}/calendar")).text()
    assert "METHOD:PUBLISH" in ics


async def test_s70_receivers_confirm_at_a_link_that_cannot_be_guessed(world: World) -> None:
    booking, host = await announced(world)
    listed = await (await host.get(f"{API}/bookings/{booking}/notices")).json()
    notice = next(one for one in listed if one["site"] == "xa-van-mon")
    path = notice["receipt"].removeprefix("https://mcu.example.vn")
    anybody = world.client()
    page = await anybody.get(path)
    assert page.status == 200
    assert not any(one["reads"] for one in await (await host.get(f"{API}/bookings/{booking}/notices")).json())
    for name in ("Trần Thị Bình", " Trần  Thị Bình", "<b>Nguyễn Văn An</b>"):
        answer = await anybody.post(path, data={"name": name})
        assert answer.status == 200
        assert "<b>Nguyễn" not in await answer.text()
    assert (await anybody.post(path, data={"name": " "})).status == 422
    listed = await (await host.get(f"{API}/bookings/{booking}/notices")).json()
    reads = next(one for one in listed if one["site"] == "xa-van-mon")["reads"]
    assert sorted(one["name"] for one in reads) == ["<b>Nguyễn Văn An</b>", "Trần Thị Bình"]
    for wrong in (path[:-1] + ("A" if path[-1] != "A" else "B"), path.split(".")[0], f"/notice/{notice['id']}."):
        assert (await anybody.get(wrong)).status == 404


def test_receipts_are_signed_with_a_key_of_this_house(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    receipts = open_receipts(settings)
    token = receipts.link("n-1").rsplit("/", 1)[1]
    assert receipts.notice(token) == "n-1"
    assert open_receipts(settings).notice(token) == "n-1"  # the key is kept
    assert Receipts(b"x" * 32, "").notice(token) is None
    assert (tmp_path / "notice.key").stat().st_mode & 0o77 == 0


# ---------------------------------------------------------------------------------------------------------- clocks


async def test_s33_the_so_is_reminded_before_and_at_the_deadline_once_each_over_restarts(world: World) -> None:
    world.clock.now = samples.at(world.clock.now, days=0, hour=8).timestamp()
    await samples.add_directory(world.services.database)
    async with world.services.database.writing() as session:
        await session.execute(update(User).where(User.username == "officer").values(email="truc@skhcn.vn"))
    host = await world.sign_in(Role.HOST)
    made = await (await host.post(f"{API}/bookings", json=samples.form(world.clock.now))).json()
    desk, received = world.services.booking_desk, world.clock.now
    assert await remind(desk, received + 4 * 3600) == 0
    assert await remind(desk, received + 5 * 3600) == 1
    assert await remind(desk, received + 5 * 3600) == 0  # as after a restart
    assert await remind(desk, received + 6.5 * 3600) == 1
    assert await remind(desk, received + 9 * 3600) == 0
    mails = [row for row in await rows(world) if row.kind == "escalation"]
    assert [row.recipient for row in mails] == ["truc@skhcn.vn"] * 2
    assert sum("ĐÃ QUÁ HẠN" in row.body for row in mails) == 1
    journal = await world.services.conferences.journal(made["conference"])
    assert [row.data["kind"] for row in journal if row.what == "booking_reminder"] == ["answer_soon", "answer_overdue"]


async def test_one_turn_of_the_task_finishes_what_a_crash_left(world: World) -> None:
    world.clock.now = samples.at(world.clock.now, days=0, hour=8).timestamp()
    await samples.add_directory(world.services.database)
    host = await world.sign_in(Role.HOST)
    made = await (await host.post(f"{API}/bookings", json=samples.form(world.clock.now))).json()
    async with world.services.database.writing() as session:
        await session.execute(update(BookingRow).values(state="allocated", live="wanted"))
    await once(world.services, world.clock.now)
    assert [one["id"] for one in world.services.live.conferences()] == [made["conference"]]
