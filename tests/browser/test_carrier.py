"""The carrier's page, a site that is called in while its page waits, a fault of a site: real Chromium and server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy import update

from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.directory.faults import FaultFilter
from control_api.directory.tables import Organisation, Site
from tests.browser.office import PATIENCE_MS, open_pages, sign_in
from tests.browser.pages import Complaints, chromium, needs_chromium, new_page, no_barriers, until
from tests.unit.control_api.booked_meeting import CONFERENCE, booked, go_live
from tests.unit.control_api.world import World

pytestmark = needs_chromium


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A booked meeting whose member site hangs on the carrier's line, with a fault of that line."""
    async with open_pages(tmp_path) as opened:
        starts_at = opened.clock.now // 3600 * 3600 + 26 * 3600
        await booked(opened.services, starts_at=starts_at, trial_at=starts_at - 4 * 3600)
        await go_live(opened, "tinh")
        stamp = {"created_at": 0.0, "changed_at": 0.0, "changed_by": "an"}
        async with opened.services.database.writing() as session:
            session.add(Organisation(id="vnpt", name="Viễn thông tỉnh", kind="carrier", folded="", **stamp))
            await session.flush()
            line = update(Site).where(Site.id == "so-y-te")
            await session.execute(line.values(carrier_id="vnpt", line_code="BNH-12", reserve_line="4G"))
            await session.execute(update(User).where(User.username == "carrier").values(organisation_id="vnpt"))
        await opened.services.registry.faults.report_from_site(
            "so-y-te", "Đường truyền chập chờn", kind="line", figures={"loss_up": 0.04}, conference=CONFERENCE
        )
        yield opened


async def test_s60_s61_s62_a_carrier_takes_its_duty_checks_lines_and_confirms_faults(world: World) -> None:
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.CARRIER, "carrier", complaints)
        await expect(page.get_by_test_id(f"serve-{CONFERENCE}")).to_be_visible()
        await no_barriers(page, "meetings to serve")
        assert "Họp giao ban tháng 12" not in await page.content(), "nothing of the content"
        assert await page.get_by_test_id("nav-bookings").count() == 0
        assert await page.get_by_test_id("nav-journal").count() == 0

        await page.get_by_test_id(f"serve-{CONFERENCE}").click()
        await expect(page.get_by_role("cell", name="BNH-12")).to_be_visible()
        await page.get_by_test_id("duty-add").click()
        await page.get_by_test_id("duty-name").fill("Trực kỹ thuật nhà mạng")
        await page.get_by_test_id("duty-phone").fill("0204 3555 992")
        await no_barriers(page, "duty of the carrier")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="Trực kỹ thuật nhà mạng").first).to_be_visible()
        await page.get_by_test_id("line-add").click()
        await page.get_by_test_id("line-site").select_option("so-y-te")
        await page.get_by_test_id("line-carrier").fill("Viễn thông tỉnh")
        await page.get_by_test_id("line-contact").fill("Trực ca 1")
        await page.get_by_test_id("line-phone").fill("0204 3555 993")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="02043555993")).to_be_visible()
        await no_barriers(page, "one meeting")

        await page.goto(str(world.server.make_url("/office#/carrier")))
        await page.get_by_test_id("tab-faults").click()
        await page.get_by_role("button", name="Xác nhận").click()
        await page.get_by_test_id("fault-outcome").fill("Đã thay thiết bị đầu cuối")
        await no_barriers(page, "confirming a fault")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_text("Đang xử lý", exact=True)).to_be_visible()
        assert "Họp giao ban tháng 12" not in await page.content()
    assert complaints == []


async def test_s83_a_site_whose_page_is_open_is_rung_and_joins_by_one_click(world: World) -> None:
    officer = await world.sign_in(Role.OFFICER)
    link = await world.services.live.issue_link(CONFERENCE, "so-y-te", actor=None)
    complaints = Complaints()
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": 1366, "height": 900})
        page = await new_page(context, complaints)
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(str(world.server.make_url(f"/join/{link}")))
        await until(lambda: "so-y-te" in world.services.lobby.waiting(CONFERENCE), "the page in the lobby", 20)
        path = f"/api/v1/conferences/{CONFERENCE}/invitations"
        called = await (await officer.post(path, json={})).json()
        assert {one["site"]: one["way"] for one in called}["so-y-te"] == "page"
        await expect(page.get_by_test_id("ring")).to_contain_text("Mời điểm cầu vào phiên họp")
        await no_barriers(page, "called in")
        await page.get_by_test_id("ring-join").click()
        await expect(page.get_by_test_id("ring")).to_have_count(0)
        assert world.services.lobby.waiting(CONFERENCE) <= {"so-y-te"}
    assert complaints == []


async def test_s56_a_fault_is_added_to_a_site_found_without_diacritics(world: World) -> None:
    complaints = Complaints()
    async with chromium() as browser:
        page = await sign_in(browser, world, Role.OFFICER, "equipment/faults", complaints)
        await page.get_by_test_id("report-fault").click()
        await page.get_by_test_id("field-site_id").fill("so y")
        await expect(page.get_by_role("option", name="Sở Y tế")).to_be_visible()
        await no_barriers(page, "choosing a site")
        await page.get_by_test_id("field-site_id").press("Enter")
        await expect(page.get_by_test_id("field-site_id")).to_have_value("Sở Y tế")
        await page.get_by_test_id("field-title").fill("Micro bị rè")
        await page.get_by_test_id("dialog-action").click()
        await expect(page.get_by_role("cell", name="Micro bị rè")).to_be_visible()
    faults, _ = await world.services.registry.faults.find(FaultFilter(site="so-y-te", kind="device"))
    assert [(one.title, one.organisation_id) for one in faults] == [("Micro bị rè", "so-y-te")]
    assert complaints == []
