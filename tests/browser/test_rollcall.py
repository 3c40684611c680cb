"""Roll call, floor and reports in real Chromium: the console with the real routes and database, the site's page."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from endpoint_client import build
from mcu_core.wire import LegStats
from tests.browser.fake_server import FakeMcu
from tests.browser.meeting import open_meeting
from tests.browser.pages import Complaints, chromium, log_in, needs_chromium, new_page, no_barriers, until
from tests.unit.control_api.world import PASSWORD, World

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    needs_chromium,
]
SITES = {"so-y-te": "Sở Y tế", "xa-van-mon": "UBND xã Văn Môn", "xa-dong-tho": "UBND xã Đông Thọ"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    build.build()
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def meeting(tmp_path: Path) -> AsyncIterator[World]:
    async with open_meeting(tmp_path, "Họp giao ban", SITES) as world:
        yield world


@contextlib.asynccontextmanager
async def page_of(browser: Browser, url: str) -> AsyncIterator[Page]:
    complaints = Complaints()
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    page = await new_page(context, complaints)
    await page.goto(url)
    yield page
    await context.close()
    assert complaints == []


async def test_s87_roll_call_goes_on_after_the_console_was_reloaded(browser: Browser, meeting: World) -> None:
    live = meeting.services.live
    async with page_of(browser, f"http://127.0.0.1:{meeting.server.port}/console#/c-1") as page:
        await log_in(page, "operator", PASSWORD)
        await page.get_by_test_id("work-roll").click()
        await expect(page.get_by_test_id("board")).to_have_text("Có mặt 4 · Vắng 0 · Trục trặc 0")
        await page.get_by_test_id("roll-begin").click()
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Sở Y tế")
        await expect(page.get_by_test_id("podium-now")).to_contain_text("Sở Y tế")
        assert sum(site["muted"] for site in live.state("c-1")["sites"]) == 2
        await page.keyboard.press("1")
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Văn Môn")
        await page.get_by_test_id("roll-pause").click()
        await no_barriers(page, "roll call")

        await page.reload()
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Văn Môn")  # without a click
        await expect(page.locator("[data-testid=roll-results] [data-site=so-y-te]")).to_have_attribute(
            "data-result", "present"
        )
        await page.get_by_test_id("roll-resume").click()
        await page.get_by_test_id("roll-no_answer").click()
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Đông Thọ")
        await page.get_by_test_id("roll-poor").click()
        await expect(page.get_by_test_id("roll-call")).to_have_attribute("data-state", "finished")
        await expect(page.get_by_test_id("podium-now")).to_contain_text("Trống")
        results = await page.locator("[data-testid=roll-results] li").evaluate_all(
            "all => all.map(li => li.dataset.result)"
        )
        assert results == ["present", "no_answer", "poor"]
        assert not any(site["muted"] for site in live.state("c-1")["sites"])
        await page.get_by_test_id("roll-again").click()  # who did not answer is called again
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Văn Môn")
        await page.get_by_test_id("roll-abort").click()
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("roll-call")).to_have_attribute("data-state", "aborted")


async def test_the_servers_timer_passes_over_a_site_that_does_not_answer(browser: Browser, meeting: World) -> None:
    async with page_of(browser, f"http://127.0.0.1:{meeting.server.port}/console#/c-1") as page:
        await log_in(page, "operator", PASSWORD)
        await page.get_by_test_id("work-roll").click()
        await page.locator("[data-testid=roll-call] input[type=number]").fill("5")
        await page.get_by_test_id("roll-begin").click()
        await expect(page.get_by_test_id("roll-left")).to_have_text("5 giây")
        await expect(page.get_by_test_id("roll-site")).to_contain_text("Văn Môn", timeout=9000)
        first = page.locator("[data-testid=roll-results] [data-site=so-y-te]")
        await expect(first).to_have_attribute("data-result", "no_answer")
        await page.get_by_test_id("roll-finish").click()
        await expect(page.get_by_test_id("roll-call")).to_have_attribute("data-state", "finished")


async def test_s60_the_carriers_page_shows_lines_and_nothing_else(browser: Browser, meeting: World) -> None:
    room = meeting.services.live._rooms["c-1"]  # type: ignore[attr-defined]
    room._quality.measured("so-y-te", LegStats("leg-1", lost_fraction=0.2, rtt_ms=44.0, received_kbps=800.0))
    await meeting.services.meeting.recorder.read("c-1", time.time())
    async with page_of(browser, f"http://127.0.0.1:{meeting.server.port}/office#/lines") as page:
        await log_in(page, "carrier", PASSWORD)
        await expect(page.get_by_role("row", name="Sở Y tế")).to_contain_text("Kém")
        await expect(page.get_by_role("row", name="Sở Y tế")).to_contain_text("20.0 %")
        await no_barriers(page, "lines")
        assert "Họp giao ban" not in await page.content()
        await page.get_by_role("tab", name="Thống kê").click()
        await expect(page.get_by_role("row", name="Sở Y tế")).to_be_visible()
        await page.get_by_role("link", name="Sở Y tế").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Đường truyền: Sở Y tế")
        await no_barriers(page, "one line")


@pytest_asyncio.fixture(loop_scope="module")
async def fake() -> AsyncIterator[tuple[FakeMcu, int]]:
    fake = FakeMcu()
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield fake, runner.addresses[0][1]
    await runner.cleanup()


async def test_s98_a_site_raises_its_hand_reports_and_answers_a_cue(
    browser: Browser, fake: tuple[FakeMcu, int]
) -> None:
    mcu, port = fake
    async with page_of(browser, f"http://127.0.0.1:{port}/join/token-6") as page:
        await page.get_by_test_id("join").click()
        await page.get_by_test_id("hand").click()
        await expect(page.get_by_test_id("hand")).to_contain_text("Hạ tay (thứ 1)")
        await expect(page.get_by_test_id("hand")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("h")
        await expect(page.get_by_test_id("hand")).to_contain_text("Giơ tay")

        await page.get_by_test_id("report").click()
        await page.get_by_test_id("report-category").select_option("picture")
        await page.get_by_test_id("report-text").fill("Hình bị giật")
        await no_barriers(page, "report dialog")
        await page.get_by_test_id("report-send").click()
        await expect(page.get_by_test_id("issue-state")).to_contain_text("Đã gửi báo cáo sự cố")
        assert (mcu.meeting.issues[0]["category"], mcu.meeting.issues[0]["text"]) == ("picture", "Hình bị giật")

        cue = {"id": "q-1", "kind": "check", "vi": "Xin kiểm tra lại hình và tiếng.", "en": "Please check."}
        for endpoint in mcu.sites():
            await endpoint.socket.send_json({"type": "cue", **cue, "confirm": True, "seconds": 0})
        await expect(page.get_by_test_id("cue")).to_contain_text("Xin kiểm tra lại hình và tiếng.")
        await no_barriers(page, "cue")
        await page.get_by_test_id("cue-ok").click()
        await expect(page.get_by_test_id("cue")).to_have_count(0)
        answer = await until(lambda: next((one for one in mcu.heard if one["type"] == "cue_seen"), None), "the answer")
        assert (answer["cue"], answer["ok"]) == ("q-1", True)
        too_often = {"code": "too_often", "vi": "Xin chờ vài giây.", "en": "Wait.", "fatal": False, "retry_after": None}
        await mcu.tell("error", **too_often)
        await expect(page.get_by_test_id("notice")).to_have_text("Xin chờ vài giây.")


async def test_s90_the_operators_panels_show_floor_issues_script_and_quality(
    browser: Browser, fake: tuple[FakeMcu, int]
) -> None:
    """S08 S48 S90 (queue, issues, script), S14 (course of a line), S88 (the MCU), S44 (contact), S86 (check now)."""
    mcu, port = fake
    mcu.meeting.scenes = [
        {"id": f"k-{index}", "title": title, "agenda": "", "minutes": 5, "note": ""}
        for index, title in enumerate(("Khai mạc", "Sở Y tế báo cáo"))
    ]
    async with page_of(browser, f"http://127.0.0.1:{port}/console#/c-1") as page:
        await log_in(page, "van-hanh", "diem-cau-mcu")
        await page.get_by_test_id("desk").wait_for()
        for site in ("s-3", "s-6"):
            mcu.meeting.raise_hand(site)
        mcu.meeting.report("s-6", "sound", "Loa bị rè", "site")
        await mcu.news("floor")
        await mcu.news("issues")
        await expect(page.get_by_test_id("work-floor")).to_contain_text("2")
        await page.get_by_test_id("work-floor").click()
        requests = page.get_by_test_id("floor-request")
        await expect(requests).to_have_count(2)
        await requests.nth(1).get_by_test_id("floor-up").click()
        await expect(requests.nth(0)).to_have_attribute("data-site", "s-6")
        await requests.nth(0).get_by_test_id("floor-give").click()
        await expect(page.get_by_test_id("floor-speaking")).to_contain_text("UBND xã Văn Môn")
        await no_barriers(page, "floor")

        await page.get_by_test_id("work-issues").click()
        await page.get_by_test_id("issue-take").click()
        await expect(page.get_by_test_id("issue")).to_have_attribute("data-state", "taken")
        await page.get_by_test_id("issue-solve").click()
        await expect(page.get_by_test_id("issue")).to_have_count(0)
        await page.get_by_test_id("issue-add").click()
        await page.get_by_test_id("issue-text").fill("Mất điện hội trường")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("issue")).to_contain_text("Mất điện hội trường")

        await page.get_by_test_id("work-script").click()
        await page.get_by_test_id("scene-next").click()
        await expect(page.get_by_test_id("scene-now")).to_have_text("Khai mạc")
        await page.get_by_test_id("work-quality").click()
        await page.locator("[data-testid=site][data-site=s-6]").click()
        await expect(page.get_by_test_id("quality-chart")).to_be_visible()
        await no_barriers(page, "quality")
        await page.get_by_test_id("work-duty").click()
        await expect(page.get_by_test_id("duty")).to_contain_text("Cán bộ trực MCU")
        await expect(page.get_by_test_id("machine")).to_contain_text("1.42 nhân")
        await expect(page.get_by_test_id("machine")).to_contain_text("Quá tải, dựng thưa hình: mức 2")
        await page.get_by_test_id("site-card").locator("summary").click()
        await expect(page.get_by_test_id("site-card")).to_contain_text("0222 3 123 456")
        await page.get_by_test_id("cue-check").click()
        await expect(page.get_by_test_id("site-card")).to_contain_text("Chờ điểm cầu bấm xác nhận")
        await no_barriers(page, "duty and card")
        await mcu.alarm("line_bad", "Đường truyền kém.", "Bad line.")
        await page.get_by_test_id("alarms").click()  # the bell opens the log
        await expect(page.get_by_test_id("log")).to_contain_text("Đường truyền kém.")
