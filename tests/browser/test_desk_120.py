"""The operator's desk with 120 sites in real Chromium: roll call, speaking queue, issues, scenes, quality history.

Axe needs half a minute for 8,000 elements; `test_rollcall.py` has it examine the same panels with fewer rows.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from control_api.accounts.rules import Role
from control_api.scripts.models import Scene
from control_api.scripts.store import ScriptStore
from mcu_core.commands import Podium
from mcu_core.wire import LegStats
from tests.browser.meeting import open_meeting
from tests.browser.office import sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium
from tests.unit.control_api.world import World

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(240),
]
MEMBERS = 119
SITES = {f"xa-{number}": f"UBND xã số {number}" for number in range(1, MEMBERS + 1)}
SCENES = ("Chào cờ, khai mạc", "Báo cáo trung tâm", "Thảo luận")


@pytest.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[World]:
    async with open_meeting(tmp_path, "Hội nghị trực tuyến toàn tỉnh", SITES) as world:
        room = world.services.live._rooms["c-1"]  # type: ignore[attr-defined]
        for site in ("tinh", *SITES):
            room._quality.measured(site, LegStats(f"leg-{site}", lost_fraction=0.0, rtt_ms=20.0, received_kbps=900.0))
        room.changed()
        scenes = tuple(
            Scene.model_validate({"id": f"s-{index}", "title": title, "minutes": 10, "audio": "podium"})
            for index, title in enumerate(SCENES)
        )
        await ScriptStore(world.services.database).replace(
            "c-1", 0, scenes, {}, by="operator", now=world.services.now(), command_id=None
        )
        yield world


async def in_view(page: Page, selector: str) -> None:
    await expect(page.locator(selector)).to_be_in_viewport(ratio=0.9)


async def test_s87_s90_a_roll_call_of_119_sites_from_the_console(meeting: World) -> None:
    """S87: each site in turn, result keys, 15 s, goes on after a reload, the earlier scene comes back."""
    live, complaints = meeting.services.live, Complaints()
    await live.command("c-1", Podium("xa-50"), actor=None)
    async with chromium() as browser:
        page = await sign_in(browser, meeting, Role.OPERATOR, "/console#/c-1", complaints)
        await page.get_by_test_id("work-roll").click()
        await expect(page.get_by_test_id("podium-now")).to_contain_text("UBND xã số 50")
        await page.get_by_test_id("roll-begin").click()
        await expect(page.get_by_test_id("roll-site")).to_have_text("2. UBND xã số 1")
        for number in range(1, 41):
            await expect(page.get_by_test_id("roll-site")).to_contain_text(f"UBND xã số {number}")
            await page.keyboard.press("4" if number % 10 == 0 else "1")
        await expect(page.get_by_test_id("roll-site")).to_contain_text("UBND xã số 41")
        await expect(page.get_by_test_id("podium-now")).to_contain_text("UBND xã số 41")
        await expect(page.get_by_test_id("roll-tally")).to_contain_text("36")
        await expect(page.get_by_test_id("roll-left")).to_have_text("15 giây")
        await in_view(page, "[data-testid=roll-results] [data-site=xa-41]")  # who is called is seen in the list
        await in_view(page, "[data-testid=roll-present]")  # and the keys have not gone out of sight
        await page.reload()
        await expect(page.get_by_test_id("roll-site")).to_contain_text("UBND xã số 4")
        await in_view(page, "[data-testid=roll-results] li.calling")
        await page.get_by_test_id("roll-finish").click()
        await expect(page.get_by_test_id("roll-call")).to_have_attribute("data-state", "finished")
        await expect(page.get_by_test_id("podium-now")).to_contain_text("UBND xã số 50")  # as it was before
        await page.get_by_test_id("roll-again").click()  # only the ones that were not there
        await expect(page.get_by_test_id("roll-site")).to_contain_text("UBND xã số 10")
        await page.get_by_test_id("roll-abort").click()
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("roll-call")).to_have_attribute("data-state", "aborted")
    assert complaints == []


async def test_s08_s14_s48_s90_floor_issues_scenes_and_quality_with_120_sites(meeting: World) -> None:
    """S08/S90 the queue of 30 hands, S48 issues of 20 sites, scenes, S14 quality history of 120 lines."""
    live, complaints = meeting.services.live, Complaints()
    room = live._rooms["c-1"]  # type: ignore[attr-defined]
    for round_ in range(6):
        for number in range(1, MEMBERS + 1):
            lost = 0.2 if number == 77 and round_ > 2 else 0.0
            room._quality.measured(
                f"xa-{number}",
                LegStats(f"leg-xa-{number}", lost_fraction=lost, rtt_ms=20.0 + number, received_kbps=900.0),
            )
        await meeting.services.meeting.recorder.read("c-1", time.time() - 80 + 10 * round_)
    async with chromium() as browser:
        page = await sign_in(browser, meeting, Role.OPERATOR, "/console#/c-1", complaints)
        operator = await meeting.sign_in(Role.OPERATOR)
        for number in range(1, 31):
            answer = await operator.post("/api/v1/conferences/c-1/floor", json={"site": f"xa-{number}"})
            assert answer.status < 300, await answer.text()
        for number in range(1, 21):
            told = {
                "site": f"xa-{number}",
                "category": "sound",
                "text": "Loa bị rè, có tiếng hú khi mở micro hội trường",
            }
            answer = await operator.post("/api/v1/conferences/c-1/issues", json=told)
            assert answer.status < 300, await answer.text()
        await page.get_by_test_id("work-floor").click()
        requests = page.get_by_test_id("floor-request")
        await expect(requests).to_have_count(30)
        await requests.nth(29).get_by_test_id("floor-up").click()
        await expect(requests.nth(28)).to_have_attribute("data-site", "xa-30")
        await requests.nth(0).get_by_test_id("floor-give").click()
        await expect(page.get_by_test_id("floor-speaking")).to_contain_text("UBND xã số 1")
        await expect(page.get_by_test_id("podium-now")).to_contain_text("UBND xã số 1")

        await page.get_by_test_id("work-issues").click()
        await expect(page.get_by_test_id("issue")).to_have_count(20)
        await page.get_by_test_id("issue-take").first.click()
        await expect(page.locator("[data-testid=issue][data-state=taken]")).to_have_count(1)

        await page.get_by_test_id("work-script").click()
        for title in SCENES:
            await page.get_by_test_id("scene-next").click()
            await expect(page.get_by_test_id("scene-now")).to_have_text(title)

        await page.get_by_test_id("work-quality").click()
        await expect(page.get_by_test_id("quality-row")).to_have_count(MEMBERS + 1)
        rows = page.get_by_test_id("quality-row")
        await expect(rows.first).to_have_attribute("data-site", "xa-77")  # worst first, then by number
        await expect(rows.nth(3)).to_have_attribute("data-site", "xa-2")
        await page.locator("[data-testid=site][data-site=xa-77]").click()
        await expect(page.get_by_test_id("quality-chart")).to_be_visible()
    assert complaints == []
