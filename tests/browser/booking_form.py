"""Filling in the registration of a meeting as a host does."""

from __future__ import annotations

from datetime import datetime, timedelta

from playwright.async_api import Page

HOUR = timedelta(hours=1)


async def fill_form(page: Page, title: str, start: datetime) -> None:
    """All that an ordinary meeting of two hours with one member site asks; the third part stays open."""
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
