"""Journals, backups, papers and a locked account by their pages, in real Chromium against the real server."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Download, Page, expect

from control_api.accounts.rules import Role
from control_api.accounts.sealing import SecretBox
from control_api.journal.journals import Journals
from control_api.reports.paper import LOCAL
from control_api.store.database import Database
from control_api.upkeep.keys import read_key
from control_api.upkeep.restore import restore
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers
from tests.unit.control_api import directory_samples, report_samples
from tests.unit.control_api.directory_samples import AGENCY
from tests.unit.control_api.report_places import words_of
from tests.unit.control_api.world import World

pytestmark = needs_chromium

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=LOCAL).timestamp()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        await directory_samples.add_samples(opened.services)
        await directory_samples.set_organisation(opened.services, AGENCY, Role.HOST, Role.TECHNICIAN)
        yield opened


async def downloaded(page: Page, testid: str, place: int = 0) -> bytes:
    async with page.expect_download(timeout=60_000) as coming:
        await page.get_by_test_id(testid).nth(place).click()
    got: Download = await coming.value
    return await asyncio.to_thread(Path(await got.path()).read_bytes)


async def test_s99_s102_a_journal_is_read_filtered_verified_and_exported(world: World) -> None:
    """S99, S102: an officer writes a note; an auditor filters, verifies and takes the journal away."""
    conference = await report_samples.add_meeting(world.services, BEGIN)
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.ADMINISTRATOR, f"journal/{conference}", complaints)
        await expect(page.get_by_role("cell", name="Đã thay micro cầm tay.")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nhật ký: Hội nghị giao ban tháng 11")
        await no_barriers(page, "journal")
        await page.get_by_test_id("journal-note").click()
        await expect(page.get_by_test_id("dialog-action")).to_be_disabled()
        await page.get_by_test_id("note-text").fill("Bàn giao phòng họp")
        await no_barriers(page, "journal note")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_text("Bàn giao phòng họp")).to_be_visible()
        await page.get_by_test_id("journal-kind").select_option("notes")
        await page.get_by_test_id("journal-filter").click()
        await expect(page.get_by_role("row")).to_have_count(3)
        await page.get_by_test_id("journal-verify").click()
        await expect(page.get_by_text("Nhật ký nguyên vẹn: 6 dòng", exact=False)).to_be_visible()
        await no_barriers(page, "journal verified")
        book = openpyxl.load_workbook(io.BytesIO(await downloaded(page, "journal-xlsx")))
        assert any("Bàn giao phòng họp" in str(cell) for row in book.worksheets[0].values for cell in row)
    assert complaints == []


async def test_s02_what_the_page_backs_up_is_restored(world: World, tmp_path: Path) -> None:
    """S02: “back up now” on the page makes the file that `mcu restore` puts back, journals and all."""
    conference = await report_samples.add_meeting(world.services, BEGIN)
    complaints = Complaints()
    services = world.services
    running = asyncio.create_task(services.upkeep.run(), name="upkeep")
    try:
        async with chromium() as browser:
            page = await sign_in(browser, world, Role.ADMINISTRATOR, "upkeep", complaints)
            await expect(page.get_by_text("Chưa có bản sao lưu nào.")).to_be_visible()
            await expect(page.get_by_text("(không dưới 3 tháng)")).to_be_visible()
            await no_barriers(page, "upkeep empty")
            await page.get_by_test_id("back-up").click()
            await expect(page.get_by_role("cell", name="diemcau-")).to_be_visible(timeout=60_000)
            await page.get_by_test_id("verify-all").click()
            await expect(page.get_by_text("Nguyên vẹn: 1 nhật ký", exact=False)).to_be_visible(timeout=60_000)
            await no_barriers(page, "upkeep")
            name = await page.get_by_role("cell", name="diemcau-").inner_text()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    key = await asyncio.to_thread(read_key, services.settings.backup_key)
    url = f"sqlite+aiosqlite:///{tmp_path / 'restored.sqlite3'}"
    secrets = SecretBox(services.settings.secrets_key)
    done = await restore(services.upkeep.folder / name, key, url, secrets=secrets)
    assert (done.journals, done.findings) == (1, ())
    restored = Database(url)
    try:
        head, before = await Journals(restored).head(conference), await services.journals.head(conference)
        assert head is not None
        assert before is not None
        assert (head.seq, head.hash) == (before.seq, before.hash)
    finally:
        await restored.close()
    assert complaints == []


async def test_s58_s81_s102_papers_are_written_signed_sent_and_summed_up(world: World) -> None:
    """S58, S81, S102: minutes in Word and PDF, an agency's yearly report sent and locked, the province's roll-up."""
    conference = await report_samples.add_meeting(world.services, BEGIN)
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.HOST, "papers", complaints)
        await page.get_by_role("link", name="Hội nghị giao ban tháng 11").click()
        await expect(page.get_by_test_id("sign")).to_be_visible()
        await no_barriers(page, "papers")
        word = await downloaded(page, "download-docx")
        assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in words_of(word)
        assert (await downloaded(page, "download-pdf")).startswith(b"%PDF-1.7")
        summary = await downloaded(page, "download-docx", 1)
        assert "BẢNG TỔNG HỢP KẾT QUẢ KIỂM TRA KỸ THUẬT" in words_of(summary)
        assert conference in words_of(word)
        await page.get_by_test_id("sign").click()
        await no_barriers(page, "papers sign")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("sign")).to_have_count(0)
        await no_barriers(page, "papers signed")

        await page.goto(str(world.server.make_url(f"/office#/yearly/2026/{AGENCY}")))
        await page.get_by_test_id("section-difficulties").fill("Chưa có đường truyền dự phòng.")
        await page.get_by_test_id("save").click()
        await expect(page.get_by_text("Đã lưu.")).to_be_visible()
        await no_barriers(page, "yearly report")
        await page.get_by_test_id("submit").click()
        await no_barriers(page, "yearly submit")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("submit")).to_have_count(0)
        await no_barriers(page, "yearly sent")

        page = await sign_in(browser, world, Role.OFFICER, "yearly/2026", complaints)
        await expect(page.get_by_role("row").filter(has_text="Sở Y tế")).to_contain_text("đã gửi")
        await no_barriers(page, "yearly all")
        await page.goto(str(world.server.make_url("/office#/province")))
        await page.get_by_test_id("show").click()
        await expect(page.get_by_role("row").filter(has_text="Cả kỳ")).to_be_visible()
        await no_barriers(page, "province")
        for kind in ("xlsx", "docx"):
            rollup = await downloaded(page, f"download-{kind}")
            assert zipfile.is_zipfile(io.BytesIO(rollup))
    assert complaints == []


async def test_s24_s89_a_locked_account_is_shown_and_unlocked(world: World) -> None:
    """S24, S89: ten wrong passwords lock; the administrator sees it, lifts it, and ends the sessions of the account."""
    complaints = Complaints()
    host, accounts = await world.sign_in(Role.HOST), world.services.accounts
    user = await world.services.people.get("host")
    for _ in range(accounts.rules.lock_after):
        await accounts.count_failure(user.id, "198.51.100.7")
    assert (await host.get("/api/v1/session")).status == 401, "its sessions end"
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.ADMINISTRATOR, "people/host", complaints)
        await expect(page.get_by_test_id("chip").first).to_have_text("Bị khóa")
        await no_barriers(page, "account locked")
        await page.get_by_test_id("person-unlock").click()
        await no_barriers(page, "account unlock")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("chip").first).to_have_text("Đang dùng")
        again = await world.sign_in(Role.HOST)
        await page.get_by_test_id("person-end").click()
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("dialog")).to_have_count(0)
        assert (await again.get("/api/v1/session")).status == 401
    assert complaints == []
