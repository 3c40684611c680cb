"""Preparing a meeting, writing its script and running it, in real Chromium against the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from control_api.accounts.rules import Role
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers, until
from tests.unit.control_api.booked_meeting import CONFERENCE, booked, go_live
from tests.unit.control_api.world import World

pytestmark = needs_chromium


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        starts_at = opened.clock.now // 3600 * 3600 + 26 * 3600
        await booked(opened.services, starts_at=starts_at, trial_at=starts_at - 4 * 3600)
        await go_live(opened, "tinh")
        yield opened


async def test_s71_s72_s74_s78_officer_prepares_writes_and_rehearses(world: World) -> None:
    """S15, S71, S72, S73, S74, S76, S78: the board, duty, room model, checklist, script and rehearsal by pages."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "preparation", complaints)
        await page.get_by_role("link", name="Họp giao ban tháng 12").click()
        await expect(page.get_by_text("Chưa phân công cán bộ trực MCU của Sở").first).to_be_visible()
        await no_barriers(page, "board")

        await page.get_by_test_id("tab-duty").click()
        await page.get_by_test_id("duty-add").click()
        await page.get_by_test_id("duty-operator").select_option("p-so")
        await no_barriers(page, "duty")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="Cán bộ p-so, Chuyên viên")).to_be_visible()

        await page.get_by_test_id("tab-room").click()
        await page.get_by_test_id("plan-template").select_option("giao-ban")
        await page.get_by_test_id("plan-take").click()
        await page.get_by_test_id("plan-apply").click()
        await expect(page.get_by_text("Đã thiết lập: officer")).to_be_visible()
        assert world.services.live.state(CONFERENCE)["views"]["programme"]["layout"] == "1+5"
        await no_barriers(page, "room model")

        await page.get_by_test_id("tab-lines").click()
        await page.get_by_test_id("line-add").click()
        await page.get_by_test_id("line-site").select_option("so-y-te")
        await page.get_by_test_id("line-carrier").fill("Viễn thông tỉnh")
        await page.get_by_test_id("line-contact").fill("Trực kỹ thuật nhà mạng")
        await page.get_by_test_id("line-phone").fill("0204 3555 992")
        await no_barriers(page, "line check")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="02043555992")).to_be_visible()

        await page.get_by_test_id("tab-board").click()
        await page.get_by_role("link", name="Sở Y tế").click()
        await page.get_by_test_id("item-room").select_option("failed")
        await expect(page.get_by_test_id("notice").filter(has_text="phải ghi rõ lý do")).to_be_visible()
        await page.get_by_test_id("remark-room").fill("Đèn hỏng")
        await page.get_by_test_id("item-room").select_option("failed")
        await expect(page.get_by_text("officer,").first).to_be_visible()
        for field, value in (
            ("leader", "Giám đốc Sở"),
            ("operator-name", "Cán bộ kỹ thuật"),
            ("operator-position", "Chuyên viên"),
            ("operator-phone", "0912 345 678"),
        ):
            await page.get_by_test_id(field).fill(value)
        await page.get_by_test_id("people-save").click()
        await expect(page.get_by_text("Đã lưu.")).to_be_visible()
        await no_barriers(page, "checklist")

        await page.goto(str(world.server.make_url(f"/office#/scripts/{CONFERENCE}")))
        await expect(page.get_by_text("Chưa có cảnh nào")).to_be_visible()
        for title in ("Khai mạc", "Sở Y tế báo cáo"):
            await page.get_by_test_id("scene-add").click()
            await page.get_by_test_id("scene-title").fill(title)
        await page.get_by_test_id("scene-podium").select_option("so-y-te")
        await page.get_by_test_id("scene-audio").select_option("podium")
        await page.get_by_test_id("arrange-programme").check()
        await page.get_by_test_id("layout-programme").select_option("1+2")
        await page.get_by_test_id("cell-programme-1").select_option("content")
        await page.get_by_test_id("preset-add").select_option("so-y-te")
        await no_barriers(page, "editor")
        await page.get_by_test_id("scene-1").focus()
        await page.keyboard.press("Alt+ArrowUp")
        await expect(page.get_by_test_id("scene-0")).to_contain_text("Sở Y tế báo cáo")
        await expect(page.get_by_test_id("scene-0")).to_be_focused()
        await page.keyboard.press("Alt+ArrowDown")
        await page.get_by_test_id("script-save").click()
        await expect(page.get_by_test_id("script-save")).to_be_disabled()

        await page.get_by_test_id("tab-run").click()
        await page.get_by_test_id("script-rehearsal").click()
        await expect(page.get_by_text("không ghi là phiên họp chính thức")).to_be_visible()
        await page.get_by_test_id("script-next").click()
        await page.get_by_test_id("script-next").click()
        await expect(page.get_by_text("Sở Y tế chưa kết nối; cảnh vẫn được áp dụng")).to_be_visible()
        state = world.services.live.state(CONFERENCE)
        assert (state["podium"], state["rehearsal"]) == ("so-y-te", True)
        await no_barriers(page, "runner")
        await page.get_by_test_id("script-undo").click()
        await until(lambda: world.services.live.state(CONFERENCE)["podium"] is None, "the scene before")
        await page.get_by_test_id("script-rehearsal").click()
        await until(lambda: not world.services.live.state(CONFERENCE)["rehearsal"], "the end of the rehearsal")

        await page.get_by_test_id("tab-speakers").click()
        await page.get_by_test_id("speakers-ask").click()
        await expect(page.get_by_role("cell", name="Chưa kiểm tra")).to_be_visible()
        await no_barriers(page, "speakers")
    assert complaints == []
