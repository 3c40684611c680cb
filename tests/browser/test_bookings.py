"""Registering a meeting and deciding about it by the office's pages, in real Chromium against the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from control_api.accounts.rules import Role
from tests.browser.booking_form import fill_form
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, new_page, no_barriers
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import World

pytestmark = needs_chromium
TITLE = "Hội nghị trực tuyến phòng chống dịch"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        await samples.add_directory(opened.services.database, sites=3)
        yield opened


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
        host = await sign_in(browser, world, Role.HOST, "bookings", complaints)
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

        officer = await sign_in(browser, world, Role.OFFICER, "inbox", complaints)
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


async def test_s46_s70_series_change_notices_receipts_and_many_overlaps(world: World) -> None:
    """S46 series, change, overlaps by title; S70 printed notice, receipt by the site's link, copy without https."""
    complaints = Complaints()
    start = samples.at(world.clock.now, days=3)
    async with chromium() as browser:
        host = await sign_in(browser, world, Role.HOST, "bookings/new", complaints)
        await fill_form(host, "Giao ban tuần", start)
        await host.get_by_test_id("tab-meeting").click()
        await host.get_by_test_id("repeat").select_option("week")
        await host.get_by_test_id("repeat-count").fill("5")
        await host.get_by_test_id("save").click()
        await expect(host.get_by_text("Đã đăng ký 5 cuộc họp.", exact=True)).to_be_visible()
        await no_barriers(host, "series done")

        client = await world.sign_in(Role.HOST)
        listed = await (await client.get("/api/v1/bookings", params={"words": "giao ban tuan"})).json()
        first = min(listed, key=lambda one: one["starts_at"])
        for number in range(1, 31):
            form = samples.form(world.clock.now, start=start, title=f"Hội nghị chuyên đề số {number}")
            answer = await client.post("/api/v1/bookings", json=form)
            assert answer.status == 201, await answer.text()
        where = f"/office#/bookings/{first['id']}"
        await host.goto(str(world.server.make_url(where)))
        shared = host.locator("[data-testid^=conflict-]")
        await expect(shared).to_have_count(30)
        await host.get_by_text("Các cuộc họp đó").click()
        await expect(shared.filter(has_text="Hội nghị chuyên đề số 17")).to_have_count(1)
        await no_barriers(host, "meeting with 30 overlaps")
        await host.goto(str(world.server.make_url("/office#/conflicts")))
        await expect(host.get_by_role("link", name="Hội nghị chuyên đề số").first).to_be_visible()
        assert await host.evaluate("document.documentElement.scrollHeight") < 3000
        await no_barriers(host, "many overlaps")

        await host.goto(str(world.server.make_url(where)))
        await host.get_by_test_id("edit").click()
        await expect(host.get_by_test_id("title")).to_have_value("Giao ban tuần")
        await host.get_by_test_id("title").fill("Giao ban tuần, có Chủ tịch dự")
        await host.get_by_test_id("tab-papers").click()
        await host.get_by_test_id("change-reason").fill("Thêm thành phần dự")
        await host.get_by_test_id("save").click()
        await expect(host.get_by_role("heading", level=1)).to_have_text("Giao ban tuần, có Chủ tịch dự")

        officer = await world.sign_in(Role.OFFICER)
        for doer, deed in ((officer, "allocation"), (client, "announcement")):
            answer = await doer.post(f"/api/v1/bookings/{first['id']}/{deed}", json={})
            assert answer.status < 300, await answer.text()
        await host.reload()
        await host.get_by_test_id("tab-notices").click()
        await expect(host.get_by_role("cell", name="ky-thuat@xa-van-mon.vn")).to_be_visible()
        await host.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as without https
        await host.get_by_test_id("copy-group-text").click()
        await expect(host.get_by_text("Hãy bấm Ctrl+C")).to_be_visible()
        assert "THÔNG BÁO HỌP TRỰC TUYẾN" in await host.evaluate("getSelection().toString()")
        async with host.context.expect_page() as opened:
            await host.get_by_role("link", name="Bản in thông báo").click()
        paper = await opened.value
        await expect(paper.get_by_text("Giao ban tuần, có Chủ tịch dự").first).to_be_visible()
        await no_barriers(paper, "printed notice")

        notices = await (await client.get(f"/api/v1/bookings/{first['id']}/notices")).json()
        link = next(one for one in notices if one["site"] == "xa-van-mon")["receipt"]
        site = await new_page(await browser.new_context(viewport={"width": 390, "height": 800}), complaints)
        await site.goto(str(world.server.make_url(link[link.index("/notice/") :])))
        await no_barriers(site, "receipt")
        await site.get_by_role("textbox").fill("Trần Thị Bình")
        await site.get_by_role("button").first.click()
        await expect(site.get_by_text("Trần Thị Bình").first).to_be_visible()
        await no_barriers(site, "receipt given")
        await host.reload()
        await host.get_by_test_id("tab-notices").click()
        await expect(host.get_by_role("cell", name="Trần Thị Bình")).to_be_visible()
        await no_barriers(host, "notices read")
    assert complaints == []
