"""What tests of the office's pages share: the pages with the real server, and signing in to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from control_api.accounts.rules import Role
from control_api.pages.files import read_files
from endpoint_client import build
from tests.browser.pages import Complaints, log_in, new_page
from tests.unit.control_api.world import PASSWORD, World, fresh_database, open_world

PATIENCE_MS = 20_000.0  # the machine may be slow
expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def open_pages(folder: Path) -> AsyncIterator[World]:
    """The real server with the newest pages and an empty database in `folder`."""
    url = await fresh_database(folder, folder / "template.sqlite3")
    build.build()
    async with open_world(url, folder, files=read_files()) as world:
        yield world


async def sign_in(browser: Browser, world: World, role: Role, where: str, complaints: Complaints) -> Page:
    """A page of the office, or of the console (`where` begins with /), as that role sees it."""
    context = await browser.new_context(viewport={"width": 1366, "height": 900}, locale="vi-VN")
    page = await new_page(context, complaints)
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(str(world.server.make_url(where if where.startswith("/") else f"/office#/{where}")))
    await log_in(page, role.value, PASSWORD)
    return page
