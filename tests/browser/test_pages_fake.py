"""The site page and the console in real Chromium against the fake server: what a person sees and presses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from endpoint_client import build
from tests.browser.fake_server import PASSWORD, FakeMcu
from tests.browser.pages import (
    CAMERA,
    KEEP_CONNECTIONS,
    MICROPHONE,
    SCREEN,
    SENT,
    Complaints,
    chromium,
    log_in,
    needs_chromium,
    new_page,
    no_barriers,
    plays,
    until,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    needs_chromium,
]

Open = Callable[..., Awaitable[Page]]
NO_DEVICES = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('refused by the test', '%s') };
navigator.permissions.query = async () => ({ state: 'denied' });
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    build.build()
    async with chromium() as browser:
        yield browser


class Running:
    def __init__(self, fake: FakeMcu, port: int) -> None:
        self.fake = fake
        self.port = port

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Running]:
    fake = FakeMcu()
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Running(fake, runner.addresses[0][1])
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """Open an address in a context of its own; at the end no page may have complained of anything."""
    complaints = Complaints()
    contexts = []

    async def open_it(url: str, script: str = "", width: int = 1366, height: int = 768) -> Page:
        context = await browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = await new_page(context, complaints)
        if script:
            await page.add_init_script(script)
        await page.goto(url)
        return page

    yield open_it
    for context in contexts:
        await context.close()
    assert complaints == []


async def joined(open_page: Open, server: Running, **options: Any) -> Page:
    page = await open_page(server.url("/join/token-6"), **options)
    await page.get_by_test_id("join").click()
    await plays(page)
    return page


async def signed_in(open_page: Open, server: Running) -> Page:
    page = await open_page(server.url("/console#/c-1"))
    await log_in(page, "van-hanh", PASSWORD)
    await page.get_by_test_id("desk").wait_for()
    return page


def said(fake: FakeMcu, kind: str) -> list[dict[str, Any]]:
    return [message for message in fake.heard if message["type"] == kind]


# ------------------------------------------------------------------------------------------------- before joining


async def test_the_device_step_shows_and_hears_the_site_and_keeps_the_language(
    server: Running, open_page: Open
) -> None:
    page = await open_page(server.url("/join/token-6"))
    await until(lambda: page.evaluate("document.querySelector('[data-testid=preview]')?.videoWidth"), "own picture")
    await expect(page.get_by_test_id("meter-status")).to_have_attribute("data-status", "heard")
    await expect(page.get_by_test_id("pick-camera").locator("option")).not_to_have_count(0)
    await no_barriers(page, "device step, vi")
    await page.get_by_test_id("lang-en").click()
    await no_barriers(page, "device step, en")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Check your devices before joining")
    assert await page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize(
    ("error", "trouble", "advice"),
    [
        ("NotAllowedError", "denied", "biểu tượng ổ khóa"),
        ("NotFoundError", "missing", "Hãy cắm camera hoặc micro"),
        ("NotReadableError", "busy", "Hãy đóng phần mềm đó"),
    ],
)
async def test_a_device_that_cannot_be_used_is_explained(
    server: Running, open_page: Open, error: str, trouble: str, advice: str
) -> None:
    page = await open_page(server.url("/join/token-6"), script=NO_DEVICES % error)
    await expect(page.get_by_test_id(f"trouble-{trouble}")).to_contain_text(advice)
    await expect(page.get_by_test_id("join")).to_have_text("Vào họp – chỉ theo dõi")
    await no_barriers(page, error)


async def test_a_site_without_https_may_still_watch(server: Running, open_page: Open) -> None:
    page = await open_page(server.url("/join/token-6", host="not-secure.test"))
    await expect(page.get_by_test_id("trouble-insecure")).to_contain_text("https://")
    await page.get_by_test_id("join").click()
    await plays(page)
    await until(lambda: said(server.fake, "state"), "what is sent")
    assert said(server.fake, "state")[-1] == {"type": "state", "microphone": False, "camera": False, "screen": False}


# ------------------------------------------------------------------------------------------------- in the meeting


async def test_joining_offers_once_obeys_the_hint_and_reports(server: Running, open_page: Open) -> None:
    await joined(open_page, server)
    fake = server.fake
    (offer,) = said(fake, "offer")
    lines = [line for line in offer["sdp"].splitlines() if line.startswith(("m=", "a=send", "a=recv"))]
    assert [line.split()[0] for line in lines] == [
        "m=audio", "a=sendrecv", "m=video", "a=sendrecv", "m=video", "a=sendonly",
    ]  # fmt: skip
    hello = said(fake, "hello")[0]
    first = {"type": "hello", "version": 1, "token": "token-6", "client": "web/0.1", "language": "vi"}
    assert hello == first | {"draws_names": True}
    (endpoint,) = fake.sites()
    await until(lambda: endpoint.peer and (320, 180) in endpoint.peer.seen, "the camera at the hinted size")
    quality = (await until(lambda: said(fake, "quality"), "a quality message"))[-1]
    assert {"freezes", "fps", "width", "height", "lost", "jitter_ms", "rtt_ms", "kbps", "type"} == set(quality)
    await until(lambda: said(fake, "quality")[-1]["width"] == 640, "the size of the picture")


async def test_tally_and_mute_are_shown_apart_from_the_own_microphone(server: Running, open_page: Open) -> None:
    """S94."""
    page, fake = await joined(open_page, server), server.fake
    await fake.tally(on_podium=True)
    await expect(page.get_by_test_id("on-air")).to_contain_text("ĐANG PHÁT")
    await no_barriers(page, "on air, vi")
    await fake.tally(next=True, muted=True, muted_by="operator")
    await expect(page.get_by_test_id("on-air")).to_have_count(0)
    await expect(page.get_by_test_id("next")).to_contain_text("CHUẨN BỊ")
    await expect(page.get_by_test_id("muted")).to_contain_text("Bị tắt tiếng bởi người vận hành")
    await expect(page.get_by_test_id("microphone")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_test_id("own-muted")).to_have_count(0)
    await page.keyboard.press("m")
    await expect(page.get_by_test_id("own-muted")).to_be_visible()
    await until(lambda: said(fake, "state")[-1]["microphone"] is False, "the microphone told off")
    await page.keyboard.press("v")
    await until(lambda: said(fake, "state")[-1]["camera"] is False, "the camera told off")
    await page.get_by_test_id("lang-en").click()
    await fake.tally(muted=True, muted_by="rule")
    await expect(page.get_by_test_id("muted")).to_contain_text("Sound closed by the conference’s rule")
    await page.keyboard.press("?")
    await expect(page.get_by_test_id("help-dialog")).to_be_visible()
    await page.keyboard.press("m")  # a dialog is open: not for the meeting
    await no_barriers(page, "meeting with help, en")
    await page.keyboard.press("Escape")
    await no_barriers(page, "meeting, en")
    assert said(fake, "state")[-1]["microphone"] is False


async def test_a_passed_through_picture_is_given_its_name(server: Running, open_page: Open) -> None:
    """S94: the site sees its own microphone, the MCU's mute and whether it is on air."""
    page, fake = await joined(open_page, server), server.fake
    plate = page.get_by_test_id("plate")
    await fake.tell("picture", passed=True, name="Sở Y tế")
    await expect(plate).to_have_text("Sở Y tế")
    name, video = await plate.bounding_box(), await page.get_by_test_id("mix").bounding_box()
    assert name is not None
    assert video is not None
    width = video["height"] * 16 / 9  # of the picture between its black bars
    left = video["x"] + (video["width"] - width) / 2
    assert left < name["x"] < left + width * 0.05
    assert 0 < video["y"] + video["height"] - name["y"] - name["height"] < video["height"] * 0.05
    await fake.tell("picture", passed=False, name=None)
    await expect(plate).to_have_count(0)
    await fake.tally(muted=True, muted_by="noise")
    await expect(page.get_by_test_id("muted")).to_contain_text("Đã tự tắt tiếng vì có tiếng ồn")


async def test_the_own_picture_is_shown_while_the_mix_does_not_show_it(server: Running, open_page: Open) -> None:
    page, fake = await joined(open_page, server), server.fake
    own, button = page.get_by_test_id("self"), page.get_by_test_id("self-view")
    await expect(page.get_by_test_id("visible")).to_be_visible()
    await expect(own).to_have_count(0)
    await fake.tally(visible=False)
    await expect(own).to_be_visible()
    await button.click()  # not wanted at all
    await expect(own).to_have_count(0)
    await button.click()
    await fake.tally(visible=True)
    await expect(own).to_have_count(0)
    await button.click()  # wanted although it is in the mix
    await expect(own).to_be_visible()
    await page.reload()
    await plays(page)
    await expect(own).to_be_visible()


async def test_a_shared_screen_is_the_second_video_without_a_new_offer(server: Running, open_page: Open) -> None:
    canvas = """
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 400 });
      const paint = canvas.getContext('2d');
      setInterval(() => { paint.fillStyle = `hsl(${Date.now() % 360} 80% 50%)`; paint.fillRect(0, 0, 640, 400) }, 50);
      return canvas.captureStream(15);
    };
    """
    page, fake = await joined(open_page, server, script=canvas + KEEP_CONNECTIONS), server.fake
    await page.keyboard.press("d")
    await until(lambda: said(fake, "state")[-1]["screen"], "the screen told on")

    async def shared() -> bool:
        sent = await page.evaluate(SENT, SCREEN)
        return bool(sent and sent["packets"] and (sent["width"], sent["height"]) == (640, 400))

    await until(shared, "pictures of the screen", 15)
    await page.get_by_test_id("screen").click()
    await until(lambda: not said(fake, "state")[-1]["screen"], "the screen told off")
    assert len(said(fake, "offer")) == 1


async def test_an_unplugged_camera_is_told_and_comes_back_by_itself(server: Running, open_page: Open) -> None:
    page, fake = await joined(open_page, server), server.fake
    await fake.tally(visible=False)
    await page.get_by_test_id("preview").wait_for()
    await page.evaluate(
        """() => {
          const media = navigator.mediaDevices;
          window.working = media.getUserMedia.bind(media);
          media.getUserMedia = async () => { throw new DOMException('gone', 'NotFoundError') };
          const track = document.querySelector('[data-testid=preview]').srcObject.getVideoTracks()[0];
          track.stop();
          track.dispatchEvent(new Event('ended'));
        }"""
    )
    await expect(page.get_by_test_id("device-fault")).to_contain_text("Camera")
    await until(lambda: said(fake, "state")[-1]["camera"] is False, "the camera told off")
    await page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia = window.working;
          navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
        }"""
    )
    await until(lambda: said(fake, "state")[-1]["camera"] is True, "the camera told on")
    await expect(page.get_by_test_id("device-fault")).to_have_count(0)


# -------------------------------------------------------------------------------------------- losing and returning


async def test_a_lost_server_is_told_and_the_seat_is_taken_again(server: Running, open_page: Open) -> None:
    page, fake = await joined(open_page, server, script=KEEP_CONNECTIONS), server.fake

    async def sends_sound() -> bool:
        before = await page.evaluate(SENT, MICROPHONE)
        await asyncio.sleep(0.6)  # a packet every 0.4 s tells of silence
        return bool((await page.evaluate(SENT, MICROPHONE))["packets"] > before["packets"])

    async def quiet() -> bool:
        return not await sends_sound()

    hint = {"track": "microphone", "width": 0, "height": 0, "frame_rate": 0, "bitrate_bps": 0}
    await fake.tell("hint", **hint, active=False)
    await until(quiet, "no sound of a closed site")
    await fake.tell("hint", **hint, active=True)
    await until(sends_sound, "its sound again")
    await fake.tell("hint", **hint, active=False)
    await until(quiet, "no sound")
    fake.deaf = True
    await fake.cut()
    await expect(page.get_by_test_id("reconnecting")).to_contain_text("chỗ của điểm cầu vẫn được giữ")
    await until(sends_sound, "the sound of a site that nobody could tell that it has the floor")
    fake.deaf = False
    await expect(page.get_by_test_id("reconnecting")).to_have_count(0)
    back = said(fake, "hello")[-1]
    assert (back["seat"], back["media"]) == ("s-0001", True)
    assert len(said(fake, "offer")) == 1  # the media never stopped


async def test_lost_media_greys_the_last_picture_and_rejoins(server: Running, open_page: Open) -> None:
    page, fake = await joined(open_page, server), server.fake
    await fake.tell("media", action="rejoin", spread_ms=3000)
    grey = "getComputedStyle(document.querySelector('[data-testid=mix]')).filter"
    await until(lambda: page.evaluate(grey), "a filter")
    await expect(page.get_by_test_id("reconnecting")).to_contain_text("Mất hình và tiếng")
    await until(lambda: len(said(fake, "offer")) == 2, "a new offer")
    await plays(page)
    await expect(page.get_by_test_id("reconnecting")).to_have_count(0)
    await fake.tell("media", action="ice_restart")
    await until(lambda: said(fake, "offer")[-1]["restart"], "an offer with new ICE credentials")


async def test_a_refused_offer_is_made_again(server: Running, open_page: Open) -> None:
    server.fake.bad_offers = 2
    page = await joined(open_page, server)
    assert len(said(server.fake, "offer")) == 3
    await expect(page.get_by_test_id("trouble")).to_have_count(0)


async def test_a_late_answer_is_not_taken_for_that_of_a_newer_offer(server: Running, open_page: Open) -> None:
    page, fake = await joined(open_page, server), server.fake
    fake.answer_delay = 1.5
    for _ in range(2):
        await fake.tell("media", action="rejoin", spread_ms=0)
        await asyncio.sleep(0.4)
    assert len(said(fake, "offer")) == 2  # the third waits for the reply to the second
    fake.answer_delay = 0.0
    await until(lambda: len(said(fake, "offer")) == 3, "the offer that waited")
    await expect(page.get_by_test_id("reconnecting")).to_have_count(0)
    await plays(page)
    await asyncio.sleep(1)
    assert len(said(fake, "offer")) == 3


async def test_a_reload_in_the_meeting_returns_to_the_same_seat(server: Running, open_page: Open) -> None:
    """S86."""
    page = await joined(open_page, server)
    await page.reload()
    await plays(page)
    back = said(server.fake, "hello")[-1]
    assert (back["seat"], back["media"]) == ("s-0001", False)


SLOW_DEVICES = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wish) => {
  await new Promise((done) => setTimeout(done, 2000));
  return open(wish);
};
"""


async def test_devices_that_open_after_joining_are_sent_all_the_same(server: Running, open_page: Open) -> None:
    """As after a reload in the meeting: the seat is back before the camera is."""
    page = await joined(open_page, server, script=SLOW_DEVICES + KEEP_CONNECTIONS)

    async def more() -> bool:
        figures = await page.evaluate(SENT, CAMERA)
        return bool(figures and figures["frames"] > 5)

    await until(more, "frames of a camera that opened late")


async def test_a_fatal_refusal_is_explained_in_both_languages_and_ends_the_capture(
    server: Running, open_page: Open
) -> None:
    page = await joined(open_page, server)
    await server.fake.refuse("removed", "Điểm cầu đã bị xóa khỏi phiên họp.", "The site was removed.")
    await expect(page.get_by_test_id("refused")).to_contain_text("Điểm cầu đã bị xóa khỏi phiên họp.")
    await no_barriers(page, "refused, vi")
    await page.get_by_test_id("lang-en").click()
    await expect(page.get_by_test_id("refused")).to_contain_text("The site was removed.")
    count = len(said(server.fake, "hello"))
    server.fake.refusal = None
    await page.get_by_test_id("rejoin").click()
    assert len(said(server.fake, "hello")) == count  # nothing comes back by itself: the device step is first
    await page.get_by_test_id("join").click()
    await plays(page)


async def test_leaving_gives_the_seat_up_and_one_may_join_again(server: Running, open_page: Open) -> None:
    page = await joined(open_page, server, width=360, height=740)
    await no_barriers(page, "meeting, 360 px wide")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await page.get_by_test_id("leave").click()
    await until(lambda: said(server.fake, "leave"), "leave")
    await page.get_by_test_id("rejoin").click()
    await page.get_by_test_id("join").click()
    await plays(page)
    assert "seat" not in said(server.fake, "hello")[-1]


# ---------------------------------------------------------------------------------------------------- the console


async def test_the_operator_logs_in_and_opens_a_conference(server: Running, open_page: Open) -> None:
    page = await open_page(server.url("/console"))
    await page.get_by_test_id("username").fill("van-hanh")
    await page.get_by_test_id("password").fill("sai")
    await page.get_by_test_id("login").click()
    await expect(page.get_by_test_id("login-error")).to_have_text("Tên đăng nhập hoặc mật khẩu không đúng.")
    await no_barriers(page, "login")
    await page.get_by_test_id("password").fill(PASSWORD)
    await page.get_by_test_id("login").click()
    await page.get_by_test_id("new-title").fill("Họp khẩn phòng chống bão")
    await no_barriers(page, "conferences")
    await page.get_by_test_id("create").click()
    await until(lambda: ("POST", "conferences", {"title": "Họp khẩn phòng chống bão"}) in server.fake.commands, "POST")
    await page.get_by_role("link", name="Danh sách phiên họp").click()  # the fake has one conference only
    await page.get_by_test_id("open").first.click()
    await expect(page.get_by_test_id("present")).to_contain_text("8/12 điểm cầu")
    await plays(page)


async def test_podium_mute_next_and_undo_by_key(server: Running, open_page: Open) -> None:
    page, fake = await signed_in(open_page, server), server.fake
    for key in ("ArrowDown", "ArrowDown", "p"):
        await page.keyboard.press(key)
    await expect(page.get_by_test_id("podium-now")).to_contain_text("Sở Y tế")
    for key in ("ArrowDown", "m", "n"):
        await page.keyboard.press(key)
    row = page.locator("[data-site=s-3]")
    await expect(row).to_have_attribute("aria-selected", "true")
    await expect(row).to_contain_text("Đã tắt")
    await expect(row).to_contain_text("Kế tiếp")
    await page.keyboard.press("0")
    await expect(page.get_by_test_id("podium-now")).to_contain_text("Trống")
    await page.keyboard.press("u")
    await expect(page.get_by_test_id("podium-now")).to_contain_text("Sở Y tế")
    search = page.get_by_test_id("search")
    await search.fill("so y te")
    await search.press("p")  # typing is not a command
    await search.fill("dong tho")
    await expect(page.get_by_test_id("site")).to_have_count(1)
    await expect(page.get_by_test_id("site")).to_contain_text("UBND xã Đông Thọ")
    assert [body for _, path, body in fake.commands if path.endswith("podium")] == [{"site": "s-2"}, {"site": None}]


async def test_the_first_click_on_the_last_row_counts(server: Running, open_page: Open) -> None:
    fake = server.fake
    fake.state["sites"][-1]["state"] = "live"
    page = await signed_in(open_page, server)
    row = page.locator("[data-site=s-12]")
    button = row.get_by_test_id("podium")
    await button.scroll_into_view_if_needed()
    box = await button.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.wait_for_timeout(80)  # as long as a finger takes
    await page.mouse.up()
    await until(lambda: ("POST", "conferences/c-1/podium", {"site": "s-12"}) in fake.commands, "s-12 on the podium")
    await expect(row).to_have_attribute("aria-selected", "true")
    await expect(button).to_be_in_viewport()
    bottom = await page.evaluate("document.querySelector('[data-testid=selected]').getBoundingClientRect().top")
    after = await button.bounding_box()
    assert after is not None
    assert after["y"] + after["height"] <= bottom + 1, "the details do not cover it"


async def test_layout_cells_alarms_and_refusals_on_the_desk(server: Running, open_page: Open) -> None:
    page, fake = await signed_in(open_page, server), server.fake
    await plays(page)
    await page.get_by_test_id("layout-1+5").click()
    await expect(page.get_by_test_id("cells").locator("li")).to_have_count(6)
    await page.get_by_test_id("cell-2").select_option("camera/s-4")
    await page.locator("[data-site=s-8] td").nth(1).click()
    await page.get_by_test_id("place-3").click()
    await until(lambda: fake.state["views"]["programme"]["cells"][3]["site"] == "s-8", "s-8 in cell 4")
    assert fake.state["views"]["programme"]["cells"][2]["site"] == "s-4"
    await page.get_by_test_id("view-wall").click()
    await until(lambda: {"type": "view", "view": "wall"} in fake.heard, "the monitor on the wall")
    await fake.alarm("mixer_down", "Bộ trộn hình đã dừng.", "The mixer stopped.")
    await expect(page.get_by_test_id("alarms")).to_contain_text("1 cảnh báo")
    await page.get_by_test_id("lang-en").click()
    await expect(page.get_by_test_id("log")).to_contain_text("The mixer stopped.")
    await no_barriers(page, "desk with an alarm, en")
    await page.get_by_test_id("read").click()
    await expect(page.get_by_test_id("alarms")).to_contain_text("No alarms")
    fake.state["sites"] = [site for site in fake.state["sites"] if site["id"] != "s-8"]  # behind the console's back
    await page.keyboard.press("m")
    await expect(page.get_by_test_id("toast")).to_contain_text("There is no such site.")


async def test_rules_pages_sizes_and_own_views_are_set_on_the_desk(server: Running, open_page: Open) -> None:
    page, fake = await signed_in(open_page, server), server.fake
    programme = "conferences/c-1/views/programme"
    await page.get_by_test_id("layout-1+5").click()
    for cell, choice in enumerate(("podium", "loudest", "rotation/20/0", "content", "blank", "screen/s-2")):
        await page.get_by_test_id(f"cell-{cell}").select_option(choice)
        await expect(page.get_by_test_id(f"cell-{cell}")).to_have_value(choice)
    assert [body for _, path, body in fake.commands if "/cells/" in path] == [
        {"filler": "podium"},
        {"filler": "loudest", "hold": 2},
        {"filler": "rotation", "seconds": 20, "sites": []},
        {"filler": "content"},
        {"filler": "blank"},
        {"site": "s-2", "track": "screen"},
    ]
    for cell, seconds in ((1, "1.5"), (2, "45")):
        rule = page.get_by_test_id(f"rule-{cell}")
        await rule.locator("summary").click()
        await rule.locator("input[name=seconds]").fill(seconds)
        if cell == 2:
            await rule.locator("input[value=s-3]").check()
            await rule.locator("input[value=s-5]").check()
        await page.get_by_test_id(f"rule-apply-{cell}").click()
    rotation = {"filler": "rotation", "seconds": 45, "sites": ["s-3", "s-5"]}
    await until(lambda: fake.commands[-1] == ("PUT", f"{programme}/cells/2", rotation), "the rotation")
    assert fake.commands[-2] == ("PUT", f"{programme}/cells/1", {"filler": "loudest", "hold": 1.5})
    await expect(page.get_by_test_id("cell-2")).to_have_value("rotation/45/2")
    await page.get_by_test_id("view-more").locator("summary").click()
    await page.get_by_test_id("podium-layout").select_option("1+7")
    await until(lambda: fake.commands[-1] == ("PUT", f"{programme}/podium-layout", {"layout": "1+7"}), "the podium's")
    await page.get_by_test_id("transition-fade").check()
    await until(lambda: fake.commands[-1] == ("PUT", f"{programme}/transition", {"transition": "fade"}), "fade")
    await page.get_by_test_id("paged").check()
    await page.get_by_test_id("page-tiles").fill("9")
    await page.get_by_test_id("page-apply").click()
    await until(lambda: fake.state["views"]["programme"]["pages"] == {"tiles": 9, "seconds": 10}, "pages of 9")

    await page.locator("[data-site=s-4] td").nth(1).click()
    await page.get_by_test_id("site-more").locator("summary").click()
    await expect(page.get_by_test_id("site-more")).to_contain_text("đứng hình (2 giây qua) 0")
    await page.get_by_test_id("pin").select_option("low")
    await until(lambda: fake.commands[-1] == ("PUT", "conferences/c-1/sites/s-4/size", {"size": "low"}), "the size")
    await page.get_by_test_id("personal-view").select_option("2x2")
    await page.get_by_test_id("view-site:4").click()
    await until(lambda: {"type": "view", "view": "site:4"} in fake.heard, "the monitor on the site's own view")
    await expect(page.get_by_test_id("cells").locator("li")).to_have_count(4)
    await no_barriers(page, "desk with all its details open, vi")
    await page.locator("[data-site=s-2] td").nth(1).click()
    await expect(page.get_by_test_id("personal-view")).to_be_disabled()
    await expect(page.get_by_test_id("personal-full")).to_contain_text("Đã dùng hết 1 khung hình riêng")
    await page.locator("[data-site=s-4] td").nth(1).click()
    await page.get_by_test_id("personal-view").select_option("")
    await expect(page.get_by_test_id("view-site:4")).to_have_count(0)
    await expect(page.get_by_test_id("view-programme")).to_have_attribute("aria-selected", "true")

    await page.get_by_test_id("options").click()
    await page.get_by_test_id("auto-mute").check()
    await until(lambda: fake.commands[-1] == ("PATCH", "conferences/c-1", {"auto_mute_noisy": True}), "the switch")
    await page.get_by_test_id("heard").select_option("6")
    await until(lambda: fake.commands[-1] == ("PATCH", "conferences/c-1", {"loudest": 6}), "how many are heard")
    await page.get_by_test_id("pass-through").uncheck()
    await until(lambda: fake.commands[-1] == ("PATCH", "conferences/c-1", {"pass_through": False}), "passing off")
    await no_barriers(page, "options")


async def test_a_layout_is_drawn_by_key_used_and_deleted(server: Running, open_page: Open) -> None:
    page, fake = await signed_in(open_page, server), server.fake
    await page.get_by_test_id("view-more").locator("summary").click()
    await page.get_by_test_id("draw").click()
    await page.get_by_test_id("draw-name").fill("Chủ tọa và 3 sở")
    await page.get_by_test_id("draw-cell-0").focus()
    await page.keyboard.press("ArrowRight")  # the cell is against nothing on its right but the two others
    await expect(page.get_by_test_id("draw-wrong")).to_contain_text("Ô 1 và ô 2 chồng nhau")
    await expect(page.get_by_test_id("dialog-action")).to_be_disabled()
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(page.get_by_test_id("draw-wrong")).to_have_text("")
    await page.get_by_test_id("draw-add").click()  # in front of all others
    await no_barriers(page, "drawing a layout")
    await page.get_by_test_id("draw-fit-1").select_option("letterbox")
    await page.get_by_test_id("dialog-action").click()
    await page.get_by_test_id("layout-chu-toa-va-3-so").click()
    await expect(page.get_by_test_id("cells").locator("li")).to_have_count(4)
    drawn = fake.layouts["chu-toa-va-3-so"]
    assert (drawn["title_vi"], drawn["title_en"]) == ("Chủ tọa và 3 sở", None)
    assert drawn["cells"][0] == {"x": 0.01, "y": 0, "w": 0.69, "h": 1, "z": 0, "fit": "crop"}
    assert (drawn["cells"][1]["fit"], drawn["cells"][3]["z"]) == ("letterbox", 1)
    await page.get_by_test_id("layout-auto").click()  # it is edited and deleted without being on air
    await page.get_by_test_id("redraw-chu-toa-va-3-so").click()
    await page.get_by_test_id("draw-english").fill("Chair and 3 departments")
    await page.get_by_test_id("dialog-action").click()
    await until(lambda: fake.layouts["chu-toa-va-3-so"]["title_en"] == "Chair and 3 departments", "its English name")
    await page.get_by_test_id("redraw-chu-toa-va-3-so").click()
    await page.get_by_test_id("draw-delete").click()
    await expect(page.get_by_test_id("layout-chu-toa-va-3-so")).to_have_count(0)


async def test_a_viewer_is_offered_nothing_that_it_may_not_do(server: Running, open_page: Open) -> None:
    server.fake.role = "viewer"
    page = await signed_in(open_page, server)
    await expect(page.get_by_test_id("viewer")).to_be_visible()
    await page.locator("[data-site=s-2] td").nth(1).click()
    for command in ("undo", "mute-all", "unmute-all", "options", "add-site", "next", "link", "drop", "remove", "draw"):
        await expect(page.get_by_test_id(command)).to_have_count(0)
    for command in ("layout-auto", "cell-0", "place-0", "keys"):
        await expect(page.get_by_test_id(command)).to_have_count(0)
    for command in ("mute", "podium"):
        await expect(page.get_by_test_id(command).first).to_be_disabled()
    await page.keyboard.press("p")
    await page.get_by_test_id("view-chair").click()
    await until(lambda: {"type": "view", "view": "chair"} in server.fake.heard, "the monitor on the chair's view")
    assert {path for _, path, _ in server.fake.commands} == {"conferences/c-1/monitors"}
    await page.get_by_role("link", name="Danh sách phiên họp").click()
    await expect(page.get_by_test_id("open")).to_be_visible()
    await expect(page.get_by_test_id("create")).to_have_count(0)


async def test_removing_asks_first_and_a_link_is_shown_once(server: Running, open_page: Open) -> None:
    page, fake = await signed_in(open_page, server), server.fake
    await page.locator("[data-site=s-4] td").nth(1).click()
    await page.get_by_test_id("link").click()
    await page.get_by_test_id("dialog-action").click()
    await expect(page.get_by_test_id("link-url")).to_have_value("https://mcu.example.vn/join/token-4")
    await no_barriers(page, "link dialog")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("remove").click()
    await page.get_by_test_id("dialog-cancel").click()
    assert not [method for method, _, _ in fake.commands if method == "DELETE"]
    await page.get_by_test_id("remove").click()
    await page.get_by_test_id("dialog-action").click()
    await expect(page.locator("[data-site=s-4]")).to_have_count(0)
    await page.get_by_test_id("add-site").click()
    await page.get_by_test_id("site-name").fill("UBND xã Long Châu")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("sites")).to_contain_text("13. UBND xã Long Châu")
