"""The officer's side of the technical check in real Chromium: a round over 121 sites, forms, retests, joint check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from control_api.accounts.rules import Role
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers
from tests.unit.control_api import booking_samples as samples
from tests.unit.control_api.world import World

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(240),
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        await samples.add_directory(opened.services.database, sites=120)
        yield opened


async def test_s53_s80_s81_a_round_over_121_sites_with_a_form_a_retest_and_words(world: World) -> None:
    """S53 round, S80 room's form and retest, S81 the officer's remark, S36/S39 joint check, print."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "checks", complaints)
        await no_barriers(page, "no boards")
        await page.get_by_test_id("round").click()
        await no_barriers(page, "round dialog")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("check-progress")).to_contain_text("0/121", timeout=60_000)
        height = await page.evaluate("document.documentElement.scrollHeight")
        assert height < 5000, f"{height} px: the lists of 121 sites are read page by page"
        await page.get_by_test_id("board-name").fill("xa so 119")  # without diacritics
        await expect(page.get_by_test_id("fill-xa-119")).to_be_visible()
        await expect(page.locator("[data-testid^=fill-]")).to_have_count(1)
        await page.get_by_test_id("board-name").fill("")
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")  # paper shows every site
        await expect(page.locator("[data-testid^=fill-]")).to_have_count(121)
        await page.evaluate("dispatchEvent(new Event('afterprint'))")
        await expect(page.locator("[data-testid^=fill-]")).to_have_count(20)
        await no_barriers(page, "board of 121")

        await page.get_by_test_id("fill-xa-7").click()
        for answer in ("we-hear", "they-hear", "we-see", "room-ready"):
            await page.get_by_test_id(answer).check()
        await page.get_by_test_id("room-operator").fill("Cán bộ kỹ thuật")
        await no_barriers(page, "room form")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("sheet-xa-7")).to_be_visible()

        await page.get_by_test_id("retest-xa-8").click()
        await page.get_by_test_id("retest-reason").fill("Nghe tiếng vọng")
        await no_barriers(page, "retest dialog")
        await page.get_by_test_id("dialog-action").click()
        queue = page.get_by_role("row").filter(has_text="Nghe tiếng vọng")
        await expect(page.locator("table").first).to_contain_text("Nghe tiếng vọng")  # before the long list
        await expect(queue).to_contain_text("UBND xã số 8")
        await queue.get_by_role("button").click()
        await expect(queue).to_have_count(0)

        await page.get_by_test_id("confirm-main-").click()
        await page.get_by_test_id("confirm-name").fill("Trực điểm cầu chính")
        await no_barriers(page, "joint check")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="Trực điểm cầu chính")).to_be_visible()

        await page.get_by_test_id("sheet-xa-7").click()
        verdict = page.get_by_test_id("sheet-verdict")
        await expect(verdict).to_have_attribute("data-verdict", "fail")  # they do not see us
        await no_barriers(page, "sheet")
        await page.get_by_test_id("override").click()
        await page.get_by_test_id("override-verdict").select_option("remarks")
        await page.get_by_test_id("override-remark").fill("Đã nhìn thấy hình qua điện thoại.")
        await no_barriers(page, "override")
        await page.get_by_test_id("dialog-action").click()
        await expect(verdict).to_have_attribute("data-verdict", "remarks")
        await expect(page.get_by_text("Đã nhìn thấy hình qua điện thoại.")).to_be_visible()
        await page.emulate_media(media="print")
        await expect(page.get_by_test_id("override")).to_be_hidden()
        await expect(verdict).to_be_visible()
        await no_barriers(page, "printed sheet")
    assert complaints == []
