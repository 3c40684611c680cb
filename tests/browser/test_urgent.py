"""The 24-hour rule, the urgent path and a meeting that gives way, by the office's pages in real Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from control_api.accounts.rules import Role
from control_api.bookings.deciding import allocate
from control_api.bookings.registering import register
from control_api.bookings.tables import CapacityRow
from control_api.pages.files import read_files
from endpoint_client import build
from mcu_core.capacity import FULL, MeetingSize, demand_of
from tests.browser.office import PATIENCE_MS, no_barriers, sign_in
from tests.browser.pages import Complaints, chromium, chromium_path
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import World, fresh_database, open_world

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed (apt-get install chromium)")
expect.set_options(timeout=PATIENCE_MS)
HOUR = timedelta(hours=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A province of 120 sites whose MCU carries one meeting of two sites at a time, but not two."""
    url = await fresh_database(tmp_path, tmp_path / "template.sqlite3")
    build.build()
    async with open_world(url, tmp_path, files=read_files()) as opened:
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


async def fill(page: Page, title: str, start: datetime) -> None:
    times = {"starts": start, "ends": start + 2 * HOUR, "trial": start - 3 * HOUR, "trial-ends": start - 2 * HOUR}
    await page.get_by_test_id("host").select_option("so-y-te")
    await page.get_by_test_id("title").fill(title)
    await page.get_by_test_id("chair").fill("Giám đốc Sở")
    for field, at in times.items():
        await page.get_by_test_id(field).fill(at.strftime("%Y-%m-%dT%H:%M"))
    await page.get_by_test_id("tab-sites").click()
    await page.get_by_test_id("main-site").select_option("so-y-te")
    await page.get_by_test_id("attendees").fill("Lãnh đạo Sở")
    await page.get_by_test_id("member-attendees").fill("Lãnh đạo UBND")
    await page.get_by_label("UBND xã Văn Môn").check()
    await page.get_by_test_id("tab-papers").click()
    await page.get_by_test_id("contact").fill("Cán bộ đầu mối")
    await page.get_by_test_id("phone").fill("0912 345 678")
    await page.get_by_test_id("letter").fill("125/GM-SYT")
    await page.get_by_label("Ngày văn bản").fill("2026-11-20")


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
        await fill(host, "Họp muộn", start)
        await host.get_by_test_id("save").click()
        await expect(host.get_by_test_id("notice").filter(has_text="trước ít nhất 24 giờ")).to_be_visible()
        await expect(host.get_by_test_id("call-so")).to_be_visible()
        await expect(host.get_by_test_id("to-urgent")).to_have_count(0)  # the host calls; the Sở books
        await no_barriers(host, "too late, host")

        officer = await sign_in(browser, world, Role.OFFICER, "bookings/new", complaints)
        await fill(officer, "Họp phòng chống bão", start)
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
