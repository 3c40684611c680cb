"""The 24-hour rule, the urgent path and a meeting that gives way, by the office's pages in real Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from control_api.accounts.rules import Role
from control_api.bookings.deciding import allocate
from control_api.bookings.registering import register
from control_api.bookings.tables import CapacityRow
from mcu_core.capacity import FULL, MeetingSize, demand_of
from tests.browser.booking_form import fill_form
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import World

pytestmark = needs_chromium


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A province of 120 sites whose MCU carries one meeting of two sites at a time, but not two."""
    async with open_pages(tmp_path) as opened:
        opened.clock.now = samples.at(opened.clock.now, days=0, hour=8).timestamp()
        await samples.add_directory(opened.services.database, sites=120)
        one, room = demand_of(MeetingSize(2)), 4.5 / FULL
        row = CapacityRow(
            at=opened.clock.now,
            machine="test",
            decode=one.decode * room,
            encode=one.encode * room,
            compose=one.compose * room,
            packets=1e12,
            details={"packets_of_one": 1e12},
        )
        async with opened.services.database.writing() as session:
            session.add(row)
        yield opened


async def test_s29_s31_s32_too_late_becomes_urgent_and_an_ordinary_meeting_gives_way(world: World) -> None:
    """S29: refused with the urgent path. S31, S32: caller, reason, priority. S33: the displaced host's alternatives."""
    desk, now = world.services.booking_desk, world.clock.now
    start = samples.at(now, days=1, hour=9)
    await register(desk, samples.host_user(), samples.parsed(now, start=start), samples.BOOKING)
    await allocate(desk, samples.OFFICER, samples.BOOKING)
    world.clock.now = now + 2 * 3600  # the ordinary meeting was in time, from now on another one is not
    complaints = Complaints()
    async with chromium() as browser:
        host = await sign_in(browser, world, Role.HOST, "bookings/new", complaints)
        await fill_form(host, "Họp muộn", start)
        await host.get_by_test_id("save").click()
        await expect(host.get_by_test_id("notice").filter(has_text="trước ít nhất 24 giờ")).to_be_visible()
        await expect(host.get_by_test_id("call-so")).to_be_visible()
        await expect(host.get_by_test_id("to-urgent")).to_have_count(0)  # the host calls; the Sở books
        await no_barriers(host, "too late, host")

        officer = await sign_in(browser, world, Role.OFFICER, "bookings/new", complaints)
        await fill_form(officer, "Họp phòng chống bão", start)
        await officer.get_by_test_id("save").click()
        await officer.get_by_test_id("to-urgent").click()
        await officer.get_by_test_id("caller").fill("Chánh Văn phòng UBND tỉnh")
        await officer.get_by_test_id("authority").select_option("people_committee")
        await officer.get_by_test_id("reason").fill("Họp đột xuất về phòng chống bão.")
        await no_barriers(officer, "turned urgent")
        await officer.get_by_test_id("save").click()
        refusal = officer.get_by_test_id("notice").filter(has_text="lấy chỗ của cuộc họp thông thường")
        await expect(refusal).to_contain_text("Hội nghị trực tuyến phòng chống dịch")
        await expect(officer.get_by_test_id("alternatives").get_by_role("listitem").first).to_be_visible()
        await no_barriers(officer, "would displace")
        await officer.get_by_test_id("displace").check()
        await officer.get_by_test_id("save").click()
        await expect(officer.get_by_test_id("chip").filter(has_text="Đã cấp phòng").first).to_be_visible()
        await expect(officer.get_by_text("Chánh Văn phòng UBND tỉnh", exact=False).first).to_be_visible()
        await no_barriers(officer, "urgent booked")

        await host.goto(str(world.server.make_url(f"/office#/bookings/{samples.BOOKING}")))
        await expect(host.get_by_test_id("chip").filter(has_text="Phải nhường chỗ").first).to_be_visible()
        await expect(host.get_by_test_id("notice").filter(has_text="Nhường cho cuộc họp khẩn")).to_be_visible()
        await expect(host.get_by_role("definition").filter(has_text="Sở Y tế").first).to_be_visible()  # not its id
        await no_barriers(host, "displaced")
        await host.get_by_role("button", name="Chọn").first.click()
        await expect(host.get_by_test_id("chip").filter(has_text="Phải nhường chỗ")).to_have_count(0)
        await host.get_by_test_id("do-cancellation").click()
        await host.get_by_test_id("words").fill("Dời sang quý sau.")
        await no_barriers(host, "cancellation")
        await host.get_by_test_id("dialog-action").click()
        await expect(host.get_by_test_id("chip").filter(has_text="Đã hủy").first).to_be_visible()
    assert complaints == []
