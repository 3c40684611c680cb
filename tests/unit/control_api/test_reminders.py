"""Reminders of the directory and letters by e-mail: when they stand, that each is told once, what becomes of them."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select, update

from control_api.accounts.rules import Role
from control_api.bookings.rules import ZONE
from control_api.directory.addresses import of_sites, technical_of
from control_api.directory.reminders import maintenance_step, remind_once, stale_on
from control_api.directory.tables import Asset, Contact, DirectoryNotice, Organisation, Trainee
from control_api.mail.letters import Addressee, write
from control_api.mail.resending import send_again
from control_api.mail.sender import Sender, message_of
from control_api.mail.tables import Letter
from control_api.problems import Refused
from control_api.settings import Mail
from tests.unit.control_api.directory_samples import (
    AGENCY,
    ASSET,
    CARRIER,
    CONTACT,
    SITE,
    TRAINEE,
    add_samples,
    set_organisation,
)
from tests.unit.control_api.world import World, refused

DUE = date(2026, 12, 20)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 12, 5), None),
        (date(2026, 12, 6), ("soon", DUE)),
        (date(2026, 12, 19), ("soon", DUE)),
        (DUE, ("late", DUE)),
        (date(2027, 1, 18), ("late", DUE)),
        (date(2027, 1, 19), ("late", date(2027, 1, 19))),
    ],
)
def test_s28_s59_a_maintenance_is_told_before_and_again_while_it_is_late(
    today: date, expected: tuple[str, date] | None
) -> None:
    assert maintenance_step(DUE, today, days=14, every_days=30) == expected


def test_s57_contacts_are_looked_at_again_after_so_many_months() -> None:
    since = date(2026, 1, 31)
    assert stale_on(since, 6, date(2026, 7, 30)) is None
    assert stale_on(since, 6, date(2026, 7, 31)) == date(2026, 7, 31)
    assert stale_on(since, 6, date(2027, 1, 30)) == date(2026, 7, 31)
    assert stale_on(since, 6, date(2027, 1, 31)) == date(2027, 1, 31)
    assert stale_on(since, 0, date(2030, 1, 1)) is None


def noon(month: int, day: int, hour: int = 9) -> float:
    return datetime(2026, month, day, hour, tzinfo=ZONE).timestamp()


async def letters(world: World) -> list[Letter]:
    async with world.services.database.reading() as session:
        return list(await session.scalars(select(Letter).order_by(Letter.created_at, Letter.id)))


async def place(world: World) -> None:
    """An agency with a device to maintain and an operator whose certificate ends; all was touched on 1 October."""
    await add_samples(world.services)
    async with world.services.database.writing() as session:
        for table in (Organisation, Contact, Asset):
            await session.execute(update(table).values(changed_at=noon(10, 1), created_at=noon(10, 1)))
        await session.execute(update(Asset).values(due_on=None))
        await session.execute(update(Asset).where(Asset.id == ASSET).values(due_on="2026-12-20", state="ready"))
        await session.execute(update(Trainee).where(Trainee.id == TRAINEE).values(expires_on="2026-12-31", active=True))
        await session.execute(update(Organisation).where(Organisation.id == AGENCY).values(email="syt@bacninh.gov.vn"))


async def test_s26_s28_s57_an_agency_is_reminded_once_in_the_office_and_by_mail(world: World) -> None:
    await place(world)
    assert await remind_once(world.services, noon(12, 5, hour=3)) == 0, "nobody is woken at night"
    assert await remind_once(world.services, noon(11, 20)) == 0
    assert await remind_once(world.services, noon(12, 6)) == 1
    assert await remind_once(world.services, noon(12, 7)) == 0, "once, also after a restart"
    assert await remind_once(world.services, noon(12, 20)) == 1, "now it is late"
    async with world.services.database.reading() as session:
        kind = DirectoryNotice.kind == "directory_due"
        told = list(await session.scalars(select(DirectoryNotice).where(kind).order_by(DirectoryNotice.at)))
    assert {one.to_id for one in told} == {AGENCY}
    assert "Chứng nhận người vận hành sắp hết hạn (1)" in told[0].vi
    assert "(hạn 20/12/2026)" in told[0].vi
    assert "quá hạn bảo trì" in told[1].vi
    found = await letters(world)
    assert [one.recipient for one in found] == ["syt@bacninh.gov.vn"] * 2
    await Sender(world.services.database, Mail()).send_due(noon(12, 21))
    officer = await world.sign_in(Role.OFFICER)
    shown = await (await officer.get("/api/v1/directory/notices")).json()
    assert [one["mail"] for one in shown if one["kind"] == "directory_due"] == ["mail_off"] * 2, "the office says so"
    assert found[1].subject.startswith("[Quá hạn]")
    assert told[0].en in found[0].body, "in both languages"


async def test_s57_a_letter_that_failed_is_sent_again_to_the_address_of_today(world: World) -> None:
    await place(world)
    await set_organisation(world.services, AGENCY, Role.HOST, Role.VIEWER)
    await set_organisation(world.services, CARRIER, Role.TECHNICIAN)
    assert await remind_once(world.services, noon(12, 6)) == 1
    host = await world.sign_in(Role.HOST)
    (notice,) = await (await host.get("/api/v1/directory/notices")).json()
    again = f"/api/v1/directory/notices/{notice['id']}/again"
    error = await refused(await host.post(again), 409)
    assert error["code"] == "notice_under_way", "it waits to be sent"
    async with world.services.database.writing() as session:
        await session.execute(update(Letter).values(state="failed", attempts=7, error="550 no such user"))
        await session.execute(update(Organisation).where(Organisation.id == AGENCY).values(email="vp@bacninh.gov.vn"))
    for role, code in ((Role.VIEWER, "forbidden"), (Role.TECHNICIAN, "not_yours")):
        assert (await refused(await (await world.sign_in(role)).post(again), 403))["code"] == code
    assert (await host.post(again)).status == 204
    (letter,) = await letters(world)
    assert (letter.recipient, letter.state, letter.attempts, letter.error) == ("vp@bacninh.gov.vn", "queued", 0, "")
    assert letter.body.count("Kính gửi") == 1
    assert notice["en"] in letter.body
    assert (await refused(await host.post(again), 409))["code"] == "notice_under_way", "once is enough"
    (shown,) = await (await host.get("/api/v1/directory/notices")).json()
    assert shown["mail"] == "waiting"


async def test_a_letter_of_unknown_fate_goes_to_the_same_address_again(world: World) -> None:
    whom = [Addressee("a@b.vn", "Trực 1"), Addressee("c@d.vn", "Trực 2")]
    async with world.services.database.writing() as session:
        await write(session, "k", "due", about="notice/n", whom=whom, subject="S", vi="v", en="e", now=1.0)
        await session.execute(update(Letter).values(state="sent"))
        await session.execute(update(Letter).where(Letter.recipient == "c@d.vn").values(state="unsure"))
        await send_again(session, Mail(host="m"), "notice/n", whom, 5.0)
    states = {one.recipient: (one.state, one.next_at) for one in await letters(world)}
    assert states == {"a@b.vn": ("sent", 1.0), "c@d.vn": ("queued", 5.0)}, "who has it is not written to twice"
    async with world.services.database.writing() as session:
        with pytest.raises(Refused, match="mail_is_off"):
            await send_again(session, Mail(), "notice/n", whom, 5.0)


async def test_a_letter_is_written_once_to_each_and_says_where_to_go_on(world: World) -> None:
    async def tell(*whom: Addressee) -> bool:
        async with world.services.database.writing() as session:
            return await write(
                session, "k", "call", about="conference/c-1", whom=whom, subject="Nhắc", vi="Xin mời.",
                en="Please come.", now=1.0, page="/office#/yearly",
            )  # fmt: skip

    first, second = Addressee("a@b.vn", "Xã Văn Môn"), Addressee("c@d.vn", "Xã Yên Trung")
    assert await tell(first)
    assert not await tell(first)
    assert await tell(second, first), "one of them is new"
    assert not await tell(first, second)
    letter, other = sorted(await letters(world), key=lambda one: one.recipient)
    assert (letter.recipient, other.recipient) == ("a@b.vn", "c@d.vn")
    assert "Kính gửi: Xã Yên Trung" in other.body
    text = message_of(letter, Mail(host="m", sender="hop@bacninh.gov.vn"), "https://mcu.example.vn").get_content()
    assert "Xin mời." in text
    assert text.rstrip().endswith("https://mcu.example.vn/office#/yearly")


async def test_without_a_mail_server_letters_stay_in_the_office_for_good(world: World) -> None:
    async with world.services.database.writing() as session:
        whom = [Addressee("a@b.vn", "A")]
        await write(session, "k", "call", about="x/1", whom=whom, subject="S", vi="v", en="e", now=1.0)
    await Sender(world.services.database, Mail(), (Letter,)).send_due(2.0)
    (letter,) = await letters(world)
    assert letter.state == "printed", "a mail server that is set in a year does not send what is old"


async def test_s44_s62_a_site_is_written_to_at_its_technicians_and_never_at_its_carrier(world: World) -> None:
    await add_samples(world.services)
    async with world.services.database.writing() as session:
        mine = update(Contact).where(Contact.id == CONTACT)
        await session.execute(mine.values(site_id=SITE, role="carrier", email="truc@vien-thong.vn"))
        made = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "t", "folded": "", "revision": 1}
        for key, role in (("d-2", "leader"), ("d-3", "technical"), ("d-4", "technical")):
            session.add(
                Contact(
                    id=key, organisation_id=AGENCY, site_id=SITE, role=role, name=key, position="", phone="",
                    email=f"{key}@syt.vn", **made,
                )
            )  # fmt: skip
    async with world.services.database.reading() as session:
        everybody = (await of_sites(session, {SITE: AGENCY}))[SITE]
        called = (await technical_of(session, {SITE: AGENCY}))[SITE]
    assert [one.address for one in everybody][:3] == ["d-3@syt.vn", "d-4@syt.vn", "d-2@syt.vn"]
    assert "truc@vien-thong.vn" not in [one.address for one in everybody]
    assert [one.address for one in called] == ["d-3@syt.vn", "d-4@syt.vn"]
