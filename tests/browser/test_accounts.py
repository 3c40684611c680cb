"""Signing in for the first time, accounts, one's own account and the security feed in real Chromium, real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import expect

from control_api.accounts.rules import Role
from control_api.settings import Accounts as Rules
from tests.browser.office import open_pages
from tests.browser.pages import Complaints, chromium, log_in, needs_chromium, new_page, no_barriers
from tests.unit.control_api.world import PASSWORD, World

pytestmark = needs_chromium

NEW = "một câu ngắn dễ nhớ"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        await opened.services.accounts.add_user(
            "admin", "Quản trị viên", Role.ADMINISTRATOR, PASSWORD, must_change=True
        )
        opened.services.accounts.rules = Rules()
        yield opened


async def test_an_administrator_begins_keeps_accounts_and_watches_security(world: World) -> None:
    """S24, S89: forced change, authenticator, accounts, the feed with its actions; all by keyboard-ready pages."""
    complaints = Complaints()
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": 1366, "height": 900})
        page = await new_page(context, complaints)
        await page.goto(str(world.server.make_url("/office")))
        await no_barriers(page, "sign-in")
        await log_in(page, "admin", PASSWORD)

        await page.get_by_test_id("present-password").fill(PASSWORD)
        await page.get_by_test_id("wanted-password").fill(NEW)
        await page.get_by_test_id("again-password").fill("khác hẳn mật khẩu")
        await page.get_by_test_id("change-submit").click()
        await expect(page.get_by_test_id("change-error")).to_contain_text("chưa giống nhau")
        await no_barriers(page, "forced change")
        await page.get_by_test_id("again-password").fill(NEW)
        await page.get_by_test_id("change-submit").click()

        await expect(page.get_by_test_id("qr")).to_be_visible()
        assert await page.get_by_test_id("qr").evaluate("image => image.naturalWidth") > 50
        await no_barriers(page, "authenticator")
        secret = (await page.get_by_test_id("secret").inner_text()).replace(" ", "")
        await page.get_by_test_id("first-code").fill("000000")
        await page.get_by_test_id("enrol-submit").click()
        await expect(page.get_by_test_id("enrol-error")).to_be_visible()
        await page.get_by_test_id("first-code").fill(pyotp.TOTP(secret).at(world.clock.now))
        await page.get_by_test_id("enrol-submit").click()
        await expect(page.locator("[data-testid=recovery-codes] li")).to_have_count(10)
        await no_barriers(page, "recovery codes")
        await page.get_by_test_id("codes-kept").check()
        await page.get_by_test_id("codes-next").click()
        await expect(page.get_by_test_id("who")).to_have_text("Quản trị viên")

        await page.get_by_test_id("nav-people").click()
        await page.get_by_test_id("add-person").click()
        await page.get_by_test_id("person-username").fill("tran.minh")
        await page.get_by_test_id("person-name").fill("Trần Văn Minh")
        await page.get_by_test_id("person-role").select_option(label="Cơ quan chủ trì")
        await no_barriers(page, "new account")
        await page.get_by_test_id("dialog-action").click()
        first = await page.get_by_test_id("first-password").inner_text()
        assert len(first) == 19
        await page.get_by_test_id("dialog-cancel").click()
        await expect(page.get_by_text("Trần Văn Minh")).to_be_visible()
        await no_barriers(page, "accounts")
        await page.get_by_role("link", name="tran.minh").click()
        await page.get_by_test_id("person-disable").click()
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("chip").first).to_have_text("Ngừng dùng")
        await no_barriers(page, "one account")

        world.services.security.note("login_failed", address="198.51.100.7", username="host")
        await page.get_by_test_id("nav-security").click()
        row = page.get_by_role("row").filter(has_text="198.51.100.7")
        await row.get_by_role("button").click()
        await page.get_by_test_id("event-action").select_option("block")
        await page.get_by_test_id("event-remark").fill("Dò mật khẩu")
        await no_barriers(page, "an event")
        await page.get_by_test_id("dialog-action").click()
        await expect(row).to_contain_text("Đã xem xét: admin")
        await no_barriers(page, "the feed")
        for tab, text in (
            ("blocks", "198.51.100.7/32"),
            ("fallbacks", "Chưa mở dự phòng lần nào."),
            ("profile", "Xác thực hai lớp cho quản trị viên"),
        ):
            await page.get_by_test_id(f"tab-{tab}").click()
            await expect(page.get_by_text(text).first).to_be_visible()
            await no_barriers(page, tab)

        await page.get_by_test_id("nav-profile").click()
        await expect(page.get_by_text("Còn 10 mã dự phòng.")).to_be_visible()
        await no_barriers(page, "my account")
        await page.get_by_test_id("logout").click()

        world.clock.now += 30
        await log_in(page, "admin", NEW)
        await expect(page.get_by_test_id("code")).to_be_focused()
        await no_barriers(page, "code")
        await page.keyboard.type(pyotp.TOTP(secret).at(world.clock.now))
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("who")).to_have_text("Quản trị viên")
    assert complaints == []
