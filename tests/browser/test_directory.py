"""The directory by its pages, in real Chromium against the real server, with a whole province in it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Page, expect
from sqlalchemy import func, select, update

from control_api.accounts.rules import Role
from control_api.directory.notices import notify
from control_api.directory.seed import seed
from control_api.directory.tables import Organisation, Site
from control_api.mail.tables import Letter
from tests.browser.office import open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, no_barriers
from tests.unit.control_api.world import World

pytestmark = needs_chromium

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_pages(tmp_path) as opened:
        await seed(opened.services.database, opened.clock.now)
        yield opened


async def search(page: Page, words: str) -> None:
    await page.get_by_test_id("search").fill(words)


async def confirm(page: Page) -> None:
    await page.get_by_test_id("dialog-action").click()
    await expect(page.get_by_test_id("dialog")).to_have_count(0)


async def test_s06_s09_s44_s96_an_officer_keeps_the_directory_of_a_province(world: World) -> None:
    """S06, S09, S44, S96: found without diacritics, opened, changed, its room described, the change shown."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "directory", complaints)
        await expect(page.get_by_text("1–50 trong 124")).to_be_visible()
        await no_barriers(page, "directory sites")
        await page.get_by_test_id("page-next").click()
        await page.get_by_test_id("page-next").click()
        await expect(page.get_by_text("101–124 trong 124")).to_be_visible()
        await search(page, "van mon")
        await expect(page.get_by_role("row")).to_have_count(2)
        await search(page, "khong co noi nao")
        await expect(page.get_by_test_id("empty")).to_be_visible()
        await no_barriers(page, "directory nothing found")
        await search(page, "VĂN MÔN")
        await page.get_by_role("link", name="UBND xã Văn Môn").click()
        await expect(page.get_by_role("heading", name="UBND xã Văn Môn")).to_be_visible()
        await no_barriers(page, "site")

        await page.get_by_test_id("edit").click()
        await page.get_by_test_id("field-seats").fill("55")
        await page.get_by_test_id("field-allowed_networks").fill("10.20.30.0/33")
        await no_barriers(page, "site form")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("dialog").get_by_role("alert")).to_contain_text("(Dải mạng được phép")
        await no_barriers(page, "site form refused")
        await page.get_by_test_id("field-allowed_networks").fill("10.20.30.0/24")
        await confirm(page)
        await expect(page.get_by_text("10.20.30.0/24")).to_be_visible()
        await page.get_by_test_id("edit").click()
        await page.get_by_test_id("field-seats").fill("56")
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("dialog")).to_have_count(0)
        await expect(page.get_by_text("55", exact=True)).to_be_visible()

        await page.get_by_test_id("tab-conditions").click()
        await page.get_by_test_id("condition-light").select_option("poor")
        await page.get_by_test_id("add-microphone").click()
        await page.get_by_test_id("microphone-1").fill("Micro không dây")
        await page.get_by_test_id("add-presets").click()
        await no_barriers(page, "room")
        await page.get_by_test_id("save-room").click()
        await expect(page.get_by_text("Đã lưu.")).to_be_visible()

        await page.get_by_test_id("tab-contacts").click()
        await page.get_by_test_id("add-contact").click()
        await page.get_by_test_id("field-name").fill("Nguyễn Văn Bình")
        await page.get_by_test_id("field-position").fill("Công chức")
        await page.get_by_test_id("field-phone").fill("12")
        await no_barriers(page, "contact form")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("dialog").get_by_role("alert")).to_contain_text("điện thoại")
        await page.get_by_test_id("field-phone").fill("0912 345 678")
        await confirm(page)
        await expect(page.get_by_role("cell", name="Nguyễn Văn Bình")).to_be_visible()
        await no_barriers(page, "contacts")

        await page.get_by_test_id("tab-history").click()
        await expect(page.get_by_role("cell", name="officer").first).to_be_visible()
        await no_barriers(page, "history")

        await page.goto(str(world.server.make_url("/office#/directory")))
        await page.get_by_test_id("tab-organisations").click()
        await search(page, "so y te")
        await expect(page.get_by_role("row")).to_have_count(2)
        await no_barriers(page, "organisations")
        await page.get_by_role("link", name="Sở Y tế").click()
        await expect(page.get_by_role("heading", name="Sở Y tế")).to_be_visible()
        await no_barriers(page, "organisation")
        await page.get_by_test_id("edit").click()
        await expect(page.get_by_test_id("field-name")).to_have_value("Sở Y tế")
        await page.get_by_test_id("field-accountable_position").fill("Phó Giám đốc Sở")
        await page.get_by_test_id("field-phone").fill("12")
        await no_barriers(page, "organisation form")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("dialog").get_by_role("alert")).to_contain_text("điện thoại")
        await page.get_by_test_id("field-phone").fill("0222 3822 123")
        await confirm(page)
        await expect(page.get_by_role("definition").filter(has_text="Phó Giám đốc Sở")).to_be_visible()
        await expect(page.get_by_text("02223822123")).to_be_visible()
        await page.get_by_test_id("tab-history").click()
        await expect(page.get_by_role("row").filter(has_text="officer").first).to_contain_text("Phó Giám đốc Sở")
    assert complaints == []


async def test_s06_s57_a_workbook_goes_out_and_comes_in_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    """S06, S57: export, then import: wrong rows are named by row and column and nothing of the file is taken."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "directory", complaints)
        async with page.expect_download() as coming:
            await page.get_by_test_id("export").click()
        await (await coming.value).save_as(tmp_path / "danh-ba.xlsx")
        book = openpyxl.load_workbook(tmp_path / "danh-ba.xlsx")
        sheet = next(one for one in book if "iểm cầu" in one.title)
        headings = {str(cell.value): column for column, cell in enumerate(sheet[1], 1)}
        seats = next(column for name, column in headings.items() if "ghế" in name.lower())
        sheet.cell(2, seats).value = 77
        sheet.cell(5, seats).value = "nhiều"
        await page.get_by_test_id("import").click()
        await no_barriers(page, "import")
        await choose(page, book)
        await expect(page.get_by_text("1 dòng thay đổi", exact=False)).to_contain_text("1 dòng sai")
        wrong = page.get_by_role("row").filter(has_text="Sai").first
        await expect(wrong).to_contain_text("5")
        await expect(wrong).to_contain_text("ghế")
        await no_barriers(page, "import wrong")
        await expect(page.get_by_test_id("dialog-action")).to_have_text("Kiểm tra")
        assert await count(world, 77) == 0

        sheet.cell(5, seats).value = 78
        await choose(page, book)
        await expect(page.get_by_test_id("dialog-action")).to_have_text("Nhập vào danh bạ")
        await no_barriers(page, "import good")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_text("Đã nhập xong.")).to_be_visible()
        assert (await count(world, 77), await count(world, 78)) == (1, 1)
    assert complaints == []


async def test_s56_what_was_typed_for_a_site_is_not_lost_on_leaving_the_field(world: World) -> None:
    """S56: Tab takes the line that is marked, leaving takes the only one that fits, other words stay."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "equipment/faults", complaints)
        await page.get_by_test_id("report-fault").click()
        site, title = page.get_by_test_id("field-site_id"), page.get_by_test_id("field-title")
        await title.fill("Micro bị rè")
        await site.fill("so y")
        await site.press("Tab")
        await expect(site).to_have_value("Sở Y tế")
        await expect(site).not_to_be_focused()
        await site.fill("van mon")
        await title.click()
        await expect(site).to_have_value("UBND xã Văn Môn")
        await site.fill("khong co noi nao")
        await site.press("Tab")
        await expect(site).to_have_value("khong co noi nao")
        await expect(page.get_by_text("Không có trong danh sách", exact=False)).to_be_visible()
        await no_barriers(page, "site not in the list")
        await page.get_by_test_id("dialog-action").click()
        await expect(site).to_be_focused()  # nothing was sent
        await site.fill("")
        await site.press("Tab")
        await expect(page.get_by_text("Không có trong danh sách", exact=False)).to_have_count(0)
        await site.fill("van mon")
        await site.press("Tab")
        await confirm(page)
        await expect(page.get_by_role("row").filter(has_text="Micro bị rè")).to_contain_text("UBND xã Văn Môn")
    assert complaints == []


async def choose(page: Page, book: openpyxl.Workbook) -> None:
    written = io.BytesIO()
    book.save(written)
    await page.get_by_test_id("import-file").set_input_files(
        {"name": "danh-ba.xlsx", "mimeType": XLSX, "buffer": written.getvalue()}
    )


async def count(world: World, seats: int) -> int:
    async with world.services.database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(Site).where(Site.seats == seats)) or 0)


async def test_s26_s28_s56_assets_faults_and_trained_operators(world: World) -> None:
    """S26, S28, S56: an asset with its upkeep, a fault reported and solved, an operator with a certificate."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "equipment", complaints)
        await expect(page.get_by_test_id("empty")).to_be_visible()
        await no_barriers(page, "assets empty")
        await page.get_by_test_id("add-asset").click()
        await page.get_by_test_id("field-name").fill("Camera PTZ")
        await page.get_by_test_id("field-quantity").fill("1")
        await no_barriers(page, "asset form")
        await page.get_by_test_id("field-site_id").fill("so y te")
        await page.keyboard.press("Enter")
        await confirm(page)
        await expect(page.get_by_text("Camera PTZ")).to_be_visible()
        await no_barriers(page, "assets")
        asset = page.get_by_role("row").filter(has_text="Camera PTZ")
        await asset.get_by_role("button", name="Sửa", exact=True).click()
        await page.get_by_test_id("field-every_months").fill("6")
        await confirm(page)
        await asset.get_by_role("button", name="Bảo trì").click()
        await page.get_by_test_id("field-done_on").fill("2026-11-20")
        await page.get_by_test_id("field-kind").select_option("repair")
        await page.get_by_test_id("field-cost_vnd").fill("1500000")
        await page.get_by_test_id("field-outcome").fill("Thay nguồn")
        await no_barriers(page, "maintenance form")
        await confirm(page)
        await expect(asset).to_contain_text("20/05/2027")  # due again six months later
        await page.get_by_test_id("tab-faults").click()
        await expect(page.get_by_test_id("empty")).to_be_visible()
        await page.get_by_test_id("report-fault").click()
        await page.get_by_test_id("field-title").fill("Màn hình không lên")
        await page.get_by_test_id("field-site_id").fill("so y te")
        await page.keyboard.press("Enter")
        await no_barriers(page, "fault form")
        await confirm(page)
        await expect(page.get_by_text("Màn hình không lên")).to_be_visible()
        await no_barriers(page, "faults")
        fault = page.get_by_role("row").filter(has_text="Màn hình không lên")
        await fault.get_by_role("button").click()
        await page.get_by_test_id("fault-state").select_option("done")
        await page.get_by_test_id("fault-outcome").fill("Thay cáp HDMI")
        await no_barriers(page, "fault closed")
        await confirm(page)
        await expect(fault).to_have_count(0)  # the list has only what is not solved
        await page.get_by_label("Chỉ sự cố chưa xử lý xong").uncheck()
        await expect(fault).to_contain_text("Đã xử lý")
        await fault.get_by_role("button").click()
        await expect(page.get_by_test_id("fault-outcome")).to_have_value("Thay cáp HDMI")
        await page.keyboard.press("Escape")

        await page.goto(str(world.server.make_url("/office#/training")))
        await page.get_by_test_id("add-person").click()
        await page.get_by_test_id("field-organisation_id").select_option(label="Sở Y tế")
        await page.get_by_test_id("field-name").fill("Trần Thị Hoa")
        await page.get_by_test_id("field-certificate").fill("CN-12/2026")
        await no_barriers(page, "trainee form")
        await confirm(page)
        await expect(page.get_by_role("cell", name="Trần Thị Hoa")).to_be_visible()
        await no_barriers(page, "trainees")

        await page.get_by_test_id("tab-courses").click()
        await page.get_by_test_id("add-course").click()
        await page.get_by_test_id("field-title").fill("Tập huấn vận hành điểm cầu")
        await page.get_by_test_id("field-starts_on").fill("2026-12-10")
        await page.get_by_test_id("field-ends_on").fill("2026-12-09")
        await no_barriers(page, "course form")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_test_id("dialog").get_by_role("alert")).to_be_visible()  # ends before it begins
        await page.get_by_test_id("field-ends_on").fill("2026-12-11")
        await confirm(page)
        course = page.get_by_role("row").filter(has_text="Tập huấn vận hành điểm cầu")
        await expect(course).to_contain_text("10/12/2026")
        await expect(course).to_contain_text("Dự kiến")
        await course.get_by_role("button").click()
        await page.get_by_test_id("field-state").select_option("held")
        await confirm(page)
        await expect(course).to_contain_text("Đã tổ chức")
        await no_barriers(page, "courses")
        await page.get_by_test_id("tab-people").click()
        await page.get_by_role("row").filter(has_text="Trần Thị Hoa").get_by_role("button").click()
        await page.get_by_test_id("field-course_id").select_option(label="Tập huấn vận hành điểm cầu")
        await confirm(page)
    assert complaints == []


async def test_s57_a_reminder_that_failed_is_sent_again_from_the_notices(world: World) -> None:
    """S57: the office shows which reminder did not go out; one click sends it again."""
    async with world.services.database.writing() as session:
        mine = update(Organisation).where(Organisation.id == "so-y-te")
        await session.execute(mine.values(email="van-phong@so-y-te.vn"))
        await notify(
            session, "directory_due", "Nhắc việc: bảo trì (1).", "Reminder: maintenance (1).", now=world.clock.now,
            to="so-y-te", mail="[Nhắc] Việc đến hạn",
        )  # fmt: skip
        await session.execute(update(Letter).values(state="failed", error="550 no such user"))
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "portal/notices", complaints)
        row = page.get_by_role("row").filter(has_text="Nhắc việc: bảo trì (1).")
        await expect(row).to_contain_text("Không gửi được")
        await no_barriers(page, "reminder failed")
        await row.get_by_role("button", name="Gửi lại").click()
        await expect(row).to_contain_text("Đang gửi")
        await expect(row.get_by_role("button", name="Gửi lại")).to_have_count(0)
    async with world.services.database.reading() as session:
        assert [(one.state, one.attempts) for one in await session.scalars(select(Letter))] == [("queued", 0)]
    assert complaints == []
