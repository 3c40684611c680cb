"""Registering a meeting and deciding about it by the office's pages, in real Chromium against the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from control_api.accounts.rules import Role
from control_api.pages.files import read_files
from endpoint_client import build
from tests.browser.pages import Complaints, chromium, chromium_path, new_page
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import PASSWORD, World, fresh_database, open_world

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed (apt-get install chromium)")
TITLE = "Hội nghị trực tuyến phòng chống dịch"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    url = await fresh_database(tmp_path, tmp_path / "template.sqlite3")
    build.build()
    async with open_world(url, tmp_path, files=read_files()) as opened:
        await samples.add_directory(opened.services.database, sites=3)
        yield opened


async def no_barriers(page: Page, where: str) -> None:
    results = await Axe().run(page, options={"resultTypes": ["violations"]})
    found = [
        f"{violation['id']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found == [], where


async def sign_in(page: Page, world: World, role: Role, where: str) -> None:
    await page.goto(str(world.server.make_url(f"/office#/{where}")))
    await page.get_by_test_id("username").fill(role.value)
    await page.get_by_test_id("password").fill(PASSWORD)
    await page.get_by_test_id("login").click()


async def test_s46_s67_host_registers_officer_allocates_host_announces(world: World) -> None:
    """S46, S65, S67, S70: form, fit, inbox, allocation, notices, steps, overlaps by pages."""
    complaints = Complaints()
    start = samples.at(world.clock.now)
    times = {
        "starts": start,
        "ends": start + timedelta(hours=3),
        "trial": start - timedelta(hours=18),
        "trial-ends": start - timedelta(hours=16),
    }
    async with chromium() as browser:
        host = await new_page(await browser.new_context(viewport={"width": 1366, "height": 900}), complaints)
        await sign_in(host, world, Role.HOST, "bookings")
        await no_barriers(host, "calendar")
        await host.get_by_test_id("add-booking").click()
        await host.get_by_test_id("host").select_option("so-y-te")
        await host.get_by_test_id("title").fill(TITLE)
        await host.get_by_test_id("chair").fill("Giám đốc Sở")
        for field, at in times.items():
            await host.get_by_test_id(field).fill(at.strftime("%Y-%m-%dT%H:%M"))
        await no_barriers(host, "form, meeting")
        await host.get_by_test_id("tab-sites").click()
        await host.get_by_test_id("main-site").select_option("so-y-te")
        await host.get_by_test_id("attendees").fill("Lãnh đạo Sở")
        await host.get_by_test_id("member-attendees").fill("Lãnh đạo UBND")
        await host.get_by_label("UBND xã Văn Môn").check()
        await no_barriers(host, "form, sites")
        await host.get_by_test_id("tab-papers").click()
        await host.get_by_test_id("contact").fill("Cán bộ đầu mối")
        await host.get_by_test_id("phone").fill("0912 345 678")
        await host.get_by_test_id("letter").fill("125/GM-SYT")
        await host.get_by_label("Ngày văn bản").fill("2026-11-20")
        await host.get_by_test_id("try").click()
        await expect(host.get_by_text("Đủ năng lực: ")).to_be_visible()
        await no_barriers(host, "form, papers")
        await host.get_by_test_id("save").click()
        await expect(host.get_by_test_id("chip").filter(has_text="Đã đăng ký").first).to_be_visible()
        await no_barriers(host, "meeting")

        officer = await new_page(await browser.new_context(viewport={"width": 1366, "height": 900}), complaints)
        await sign_in(officer, world, Role.OFFICER, "inbox")
        await expect(officer.get_by_text("chưa được đo năng lực")).to_be_visible()
        await no_barriers(officer, "inbox")
        await officer.get_by_role("link", name=TITLE).click()
        await officer.get_by_test_id("do-allocation").click()
        await no_barriers(officer, "allocation")
        await officer.get_by_test_id("dialog-action").click()
        await expect(officer.get_by_test_id("chip").filter(has_text="Đã cấp phòng").first).to_be_visible()
        await officer.get_by_test_id("tab-room").click()
        await no_barriers(officer, "parameters")

        await host.reload()
        await host.get_by_test_id("do-announcement").click()
        await host.get_by_test_id("dialog-action").click()
        await expect(host.get_by_test_id("chip").filter(has_text="Đã thông báo").first).to_be_visible()
        await host.get_by_test_id("tab-notices").click()
        await expect(host.get_by_role("cell", name="ky-thuat@xa-van-mon.vn")).to_be_visible()
        await expect(host.get_by_test_id("group-text")).to_contain_text("THÔNG BÁO HỌP TRỰC TUYẾN")
        await no_barriers(host, "notices")
        await host.get_by_test_id("tab-steps").click()
        await expect(host.get_by_test_id("steps").get_by_text("host", exact=False).first).to_be_visible()
        await no_barriers(host, "steps")

        await officer.goto(str(world.server.make_url("/office#/conflicts")))
        await expect(officer.get_by_role("meter").first).to_be_visible()
        await no_barriers(officer, "overlaps")
        await officer.goto(str(world.server.make_url("/office#/bookings/urgent")))
        await expect(officer.get_by_test_id("caller")).to_be_visible()
        await no_barriers(officer, "urgent form")
    assert complaints == []
