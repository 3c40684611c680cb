"""The technical check in real Chromium on the real server: fake camera and voice pass, black and silence fail.

Screenshots are kept in `artefacts/`.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page

from benchmarks.server import USER, Server
from tests.browser.pages import OFFICE, Complaints, chromium, needs_chromium, new_page, until

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(240),
]

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
WIDTH, HEIGHT, RATE = 640, 360, 20
# How many beeps the page plays is its secret; who listens at the loudspeaker counts them.
COUNT_BEEPS = """
window.beeps = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.beeps++; return start.apply(this, when); };
"""


def film(path: Path, *, black: bool = False) -> Path:
    """Five seconds of Motion JPEG: a room with somebody who moves, or nothing at all."""
    rng = np.random.default_rng(7)
    room = np.kron(rng.integers(60, 200, (9, 16)), np.ones((HEIGHT // 9, WIDTH // 16), int)).astype(np.uint8)
    with av.open(str(path), "w", format="mjpeg") as file:
        stream = file.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number in range(RATE * 5):
            luma = np.zeros((HEIGHT, WIDTH), np.uint8) if black else room.copy()
            if not black:
                left = number * (WIDTH - 120) // (RATE * 5)
                luma[60:200, left : left + 120] = 235
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.stack([luma] * 3, axis=2), format="rgb24")))
        file.mux(stream.encode(None))
    return path


def voice(path: Path, *, silent: bool = False) -> Path:
    """Four seconds that Chromium repeats: syllables of a third of a second with pauses, or silence."""
    time = np.arange(48_000 * 4) / 48_000
    rng = np.random.default_rng(3)
    syllables = (np.sin(2 * np.pi * 180 * time) + 0.6 * np.sin(2 * np.pi * 720 * time)) * ((time * 1.5) % 1 < 0.5)
    pcm = (
        0 * time
        if silent
        else 9000 * syllables * (0.7 + 0.3 * np.sin(2 * np.pi * 5 * time)) + rng.normal(0, 8, time.size)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


class Desk:
    """The server, a conference with one site to be checked, and its link."""

    def __init__(self, server: Server, conference: str, link: str) -> None:
        self.server, self.conference, self.link = server, conference, link

    async def newest(self) -> Any:
        board = await self.server.api("GET", f"/conferences/{self.conference}/checks")
        return next(one["check"] for one in board["sites"] if one["site"] == "xa-van-mon")


@pytest.fixture
async def desk(short_path: Path) -> AsyncIterator[Desk]:
    async with Server(short_path) as server:
        conference = await server.conference("Họp giao ban tháng 11")
        sites = f"/conferences/{conference}/sites"
        await server.api("POST", sites, {"name": "UBND xã Văn Môn", "id": "xa-van-mon"})
        link = (await server.api("POST", f"{sites}/xa-van-mon/link"))["url"]
        yield Desk(server, conference, link)


async def go_through(page: Page, desk: Desk, name: str = "", *, picture: bool = True) -> None:
    """What an official does, from the link to the result."""
    await page.goto(desk.link)
    await page.get_by_test_id("to-check").click()
    assert page.url.endswith("#kiem-tra")
    await until(lambda: page.get_by_test_id("check-site").text_content(), "the site's name")
    await shot(page, name, "1-intro")
    await page.get_by_test_id("start-check").click()
    await page.get_by_test_id("figures").wait_for(timeout=40_000)
    await shot(page, name, "2-camera")
    await page.get_by_test_id("next").click()
    await page.get_by_test_id("measure-microphone").click()
    await page.get_by_test_id("figures").wait_for(timeout=40_000)
    await shot(page, name, "3-micro")
    await page.get_by_test_id("next").click()
    before = await page.evaluate("() => window.beeps")
    await page.get_by_test_id("beep").click()
    await page.locator("fieldset").wait_for(timeout=10_000)
    count = await page.evaluate("() => window.beeps") - before
    assert 2 <= count <= 5
    await page.get_by_test_id(f"heard-{count}").click()
    await shot(page, name, "4-loa")
    await page.get_by_test_id("next").click()
    await page.get_by_test_id("figures").wait_for(timeout=45_000)
    await shot(page, name, "5-mcu")
    await page.get_by_test_id("next").click()
    await page.get_by_test_id("leader").fill("Phó Chủ tịch UBND xã")
    await page.get_by_test_id("operator-name").fill("Cán bộ kỹ thuật")
    await page.get_by_test_id("operator-position").fill("Công chức")
    await page.get_by_test_id("operator-phone").fill("0912 345 678")
    await page.get_by_test_id("device-ready").check()
    await shot(page, name, "6-phieu")
    await page.get_by_test_id("send-check").click()
    await page.get_by_test_id("verdict").wait_for(timeout=10_000)
    await shot(page, name, "7-ket-qua")


async def shot(page: Page, name: str, step: str) -> None:
    if name:
        ARTEFACTS.mkdir(exist_ok=True)
        await page.screenshot(path=ARTEFACTS / f"{name}-{step}.png", full_page=True)


async def site_page(context: BrowserContext, complaints: Complaints) -> Page:
    await context.add_init_script(COUNT_BEEPS)
    return await new_page(context, complaints)


async def sign_in(page: Page, server: Server) -> None:
    """The officer's session, as the sign-in page would make it."""
    answer = await page.context.request.post(
        f"{server.url}/api/v1/session",
        data={"username": USER, "password": server.password},
        headers={"X-MCU-Request": "1"},
    )
    assert answer.ok, await answer.text()


async def office_shows(page: Page, desk: Desk, check: Any) -> None:
    """The board has it, its sheet has verdict and picture, and the officer can decide otherwise."""
    await sign_in(page, desk.server)
    await page.goto(f"{desk.server.url}/office#/checks")
    await page.get_by_test_id(f"board-{desk.conference}").click()
    await page.get_by_test_id("sheet-xa-van-mon").wait_for()
    assert "1/1" in (await page.get_by_test_id("check-progress").text_content() or "")
    await shot(page, "office-checks", "1-phien-hop")
    await no_violations(page)
    await page.get_by_test_id("sheet-xa-van-mon").click()
    verdict = page.get_by_test_id("sheet-verdict")
    assert await verdict.get_attribute("data-verdict") == check["verdict"]
    await until(
        lambda: page.evaluate("() => document.querySelector('[data-testid=still]')?.naturalWidth ?? 0"), "the still"
    )
    await shot(page, "office-checks", "2-phieu")
    await no_violations(page)
    await page.get_by_test_id("override").click()
    await page.get_by_test_id("override-verdict").select_option("fail")
    await page.get_by_test_id("override-remark").fill("Nghe lại qua điện thoại: tiếng bị rè.")
    await page.get_by_test_id("dialog-action").click()

    async def decided() -> bool:
        return await verdict.get_attribute("data-verdict") == "fail"

    await until(decided, "the officer's verdict")


async def no_violations(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def test_s80_s85_a_site_passes_end_to_end_through_its_own_test_room(desk: Desk, tmp_path: Path) -> None:
    complaints = Complaints()
    flags = (
        f"--use-file-for-fake-video-capture={film(tmp_path / 'room.mjpeg')}",
        f"--use-file-for-fake-audio-capture={voice(tmp_path / 'voice.wav')}",
    )
    async with chromium(*flags) as browser:
        page = await site_page(await browser.new_context(**OFFICE), complaints)
        await go_through(page, desk, "check")
        check = await desk.newest()
        measured = check["measured"]
        assert check["verdict"] in ("pass", "remarks"), check["reasons"]
        assert await page.get_by_test_id("verdict").get_attribute("data-verdict") == check["verdict"]
        assert (measured["camera"]["width"], measured["camera"]["height"]) == (WIDTH, HEIGHT)
        assert measured["camera"]["frozen_s"] < 1
        assert measured["microphone"]["speech_dbfs"] > -40
        assert measured["microphone"]["speech_dbfs"] - measured["microphone"]["noise_dbfs"] > 12
        assert measured["loudspeaker"] == {"heard": True, "tries": 1, "device": measured["loudspeaker"]["device"]}
        assert measured["sound_loop"]["found"] >= 4
        assert 20 < measured["sound_loop"]["delay_ms"] < 800
        assert measured["picture_loop"]["returned"]
        assert measured["picture_loop"]["alike"] > 0.6
        assert 20 <= measured["picture_loop"]["delay_ms"] < 1500
        assert measured["line"]["seconds"] >= 8
        assert measured["mcu"]["frame_rate"] > 1
        assert measured["mcu"]["decoded"]
        assert check["operator_phone"] == "0912345678"
        assert check["still"]
        await no_violations(page)
        # The meeting never saw anybody, and the test room is gone.
        state = await desk.server.api("GET", f"/conferences/{desk.conference}/state")
        assert {site["state"] for site in state["sites"]} == {"absent"}
        metrics = await desk.server.metrics()
        assert metrics["mcu_conferences"] == 1
        officer = await new_page(await browser.new_context(**OFFICE), complaints)
        await office_shows(officer, desk, check)
    assert complaints == []


async def test_s80_a_black_camera_and_a_silent_microphone_fail_with_these_reasons(desk: Desk, tmp_path: Path) -> None:
    complaints = Complaints()
    flags = (
        f"--use-file-for-fake-video-capture={film(tmp_path / 'black.mjpeg', black=True)}",
        f"--use-file-for-fake-audio-capture={voice(tmp_path / 'silence.wav', silent=True)}",
    )
    async with chromium(*flags) as browser:
        page = await site_page(await browser.new_context(**OFFICE), complaints)
        await go_through(page, desk, "check-fail")
        check = await desk.newest()
        failed = {reason["code"] for reason in check["reasons"] if reason["verdict"] == "fail"}
        assert {"camera_black", "microphone_silent"} <= failed
        assert check["verdict"] == "fail"
        assert "đen" in (await page.get_by_test_id("item-picture_out").text_content() or "")
        queue = await desk.server.api("GET", f"/conferences/{desk.conference}/retests")
        assert [one["site"] for one in queue] == ["xa-van-mon"]
        await page.get_by_test_id("to-meeting").click()
        await page.get_by_test_id("join").wait_for()
    assert complaints == []


async def test_a_site_without_camera_and_microphone_still_gets_the_form(desk: Desk) -> None:
    complaints = Complaints()
    async with chromium() as browser:
        context = await browser.new_context(**OFFICE)
        await context.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotFoundError'));"
        )
        page = await new_page(context, complaints)
        await page.goto(f"{desk.link}#kiem-tra")
        await page.get_by_test_id("start-check").click()
        for _ in range(3):
            await page.get_by_test_id("next").click()
        await page.get_by_test_id("figures").wait_for(timeout=45_000)  # the line is measured all the same
        await page.get_by_test_id("next").click()
        await page.get_by_test_id("operator-name").fill("Cán bộ kỹ thuật")
        await page.get_by_test_id("operator-phone").fill("0912345678")
        await page.get_by_test_id("send-check").click()
        await page.get_by_test_id("verdict").wait_for()
        codes = {reason["code"] for reason in (await desk.newest())["reasons"]}
        assert {"camera_missing", "microphone_missing", "loudspeaker_not_heard", "device_not_ready"} <= codes
    assert complaints == []
