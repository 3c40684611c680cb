"""Putting somebody on duty by the page, at any time of day and however slow the roster is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from control_api.accounts.rules import Role
from control_api.bookings.rules import ZONE
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers
from tests.unit.control_api.booked_meeting import CONFERENCE, booked, go_live
from tests.unit.control_api.world import World

pytestmark = needs_chromium


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("clock", ["10:41:07", "23:59:58", "00:00:01", "09:00:02"])
async def test_s72_the_duty_dialog_offers_the_open_shift_at_any_time_of_day(world: World, clock: str) -> None:
    """S72: the shift that is open is filled in, although the roster comes late, and is taken by the server."""
    now = datetime.fromisoformat(f"2026-11-23T{clock}").replace(tzinfo=ZONE).timestamp()
    world.clock.now = now
    starts_at = now // 3600 * 3600 + 26 * 3600
    await booked(world.services, starts_at=starts_at, trial_at=starts_at - 4 * 3600)
    await go_live(world)
    complaints = Complaints()

    async def late(route: Route) -> None:
        if route.request.method == "GET":
            await asyncio.sleep(1.5)
        await route.continue_()

    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, f"preparation/{CONFERENCE}", complaints)
        await page.clock.set_fixed_time(now)
        await page.route("**/duties", late)
        await page.get_by_test_id("tab-duty").click()
        await page.get_by_test_id("duty-add").click()
        await page.get_by_test_id("duty-operator").select_option("p-so")
        begins, ends = (
            datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%dT%H:%M")
            for at in (starts_at - 4 * 3600, starts_at + 2 * 3600)
        )
        await expect(page.get_by_test_id("duty-from")).to_have_value(begins)
        await expect(page.get_by_test_id("duty-to")).to_have_value(ends)
        await no_barriers(page, "duty dialog")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="Cán bộ p-so, Chuyên viên")).to_be_visible()
        await expect(page.get_by_test_id("dialog")).to_have_count(0)

        # A party chosen quickly after another one offers its own people, not those of the first.
        await page.get_by_test_id("duty-add").click()
        await page.get_by_test_id("duty-party").select_option("member")
        await page.get_by_test_id("duty-site").select_option("so-y-te")
        await page.get_by_test_id("duty-operator").select_option("p-yte")
        await page.get_by_test_id("duty-party").select_option("carrier")
        await page.get_by_test_id("duty-party").select_option("so")
        await page.get_by_test_id("duty-operator").select_option("p-so")
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("dialog")).to_have_count(0)
    assert complaints == []
