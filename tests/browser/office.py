"""What tests of the office's pages share: signing in by the form, axe, and a picture to look at."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from control_api.accounts.rules import Role
from tests.browser.pages import Complaints, new_page
from tests.unit.control_api.world import PASSWORD, World

PATIENCE_MS = 20_000.0  # the machine may be slow


async def sign_in(browser: Browser, world: World, role: Role, where: str, complaints: Complaints) -> Page:
    """A page of the office, or of the console (`where` begins with /), as that role sees it."""
    context = await browser.new_context(viewport={"width": 1366, "height": 900}, locale="vi-VN")
    page = await new_page(context, complaints)
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(str(world.server.make_url(where if where.startswith("/") else f"/office#/{where}")))
    await page.get_by_test_id("username").fill(role.value)
    await page.get_by_test_id("password").fill(PASSWORD)
    await page.get_by_test_id("login").click()
    return page


async def no_barriers(page: Page, where: str) -> None:
    """Axe finds nothing serious.  With MCU_SHOTS=folder a picture of what was examined is kept there."""
    if folder := os.environ.get("MCU_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - by hand only
        await page.screenshot(path=Path(folder) / f"{where.replace(' ', '-')}.png", full_page=True)
    results = await Axe().run(page, options={"resultTypes": ["violations"]})
    found = [
        f"{violation['id']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found == [], f"{where}: {found}"
