"""A real Chromium against the relay: sendrecv H.264 and Opus, a screen line, ICE restart, the time a join takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from mcu_core import wire
from tests.integration.relay_harness import World, relay_process, until, world

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
PAGE = """<!doctype html><video id=v autoplay playsinline muted></video><script>
let pc
async function join() {
  const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}})
  pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'})
  pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendrecv'})
  pc.addTransceiver(media.getVideoTracks()[0], {direction: 'sendrecv'})
  const screen = document.createElement('canvas')
  screen.width = 640; screen.height = 360
  const paint = screen.getContext('2d')
  let n = 0
  setInterval(() => { paint.fillStyle = `hsl(${n++ % 360} 80% 50%)`; paint.fillRect(0, 0, 640, 360) }, 66)
  pc.addTransceiver(screen.captureStream(15).getVideoTracks()[0], {direction: 'sendonly'})
  const stream = new MediaStream()
  pc.ontrack = e => { stream.addTrack(e.track); v.srcObject = stream }
  const first = new Promise(done => v.requestVideoFrameCallback(() => done()))
  await pc.setLocalDescription(await pc.createOffer())
  const start = performance.now()
  const answer = await (await fetch('/offer', {method: 'POST', body: pc.localDescription.sdp})).text()
  await pc.setRemoteDescription({type: 'answer', sdp: answer})
  const answered = performance.now()
  await first
  return {answer_ms: answered - start, picture_ms: performance.now() - start}
}
async function restart() {
  await pc.setLocalDescription(await pc.createOffer({iceRestart: true}))
  const answer = await (await fetch('/restart', {method: 'POST', body: pc.localDescription.sdp})).text()
  await pc.setRemoteDescription({type: 'answer', sdp: answer})
}
function open_microphone(open) { pc.getSenders()[0].track.enabled = open }
async function seen() {
  const found = {state: pc.connectionState}
  for (const r of (await pc.getStats()).values()) {
    if (r.type == 'inbound-rtp') found[r.kind] = r
    if (r.type == 'outbound-rtp') found['out_' + r.mid] = r
    if (r.type == 'codec') found['codec_' + r.id] = r.mimeType
    if (r.type == 'transport') found.pair = r.selectedCandidatePairId
    if (r.type == 'remote-inbound-rtp') found['remote_' + r.kind] = r
  }
  return found
}
</script>"""

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")


async def _serve(stage: World) -> tuple[web.AppRunner, str]:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def offer(request: web.Request) -> web.Response:
        answer = await stage.open("page", 7, await request.text())
        await stage.plan(
            "page", rendition=1, audio_open=True, camera_wanted=True, screen_wanted=True, camera_bitrate_bps=700_000
        )
        return web.Response(text=answer)

    async def restart(request: web.Request) -> web.Response:
        reply = await stage.relay.call(wire.RestartIce("page", await request.text()))
        assert isinstance(reply, wire.LegAnswer)
        return web.Response(text=reply.answer)

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/offer", offer), web.post("/restart", restart)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://localhost:{port}/"


async def test_chromium_sends_and_receives_everything() -> None:
    async with relay_process() as relay, world(relay) as stage, async_playwright() as play:
        runner, url = await _serve(stage)
        browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page()
            await page.goto(url)
            join: dict[str, float] = await asyncio.wait_for(page.evaluate("join()"), 15)
            assert join["picture_ms"] < 3000
            await _everything_flows(stage, page)
            before = (await page.evaluate("seen()"))["pair"]
            await page.evaluate("restart()")
            async with asyncio.timeout(5):  # the flow moves to the new ICE generation
                while (await page.evaluate("seen()"))["pair"] == before:
                    await asyncio.sleep(0.05)
            await _everything_flows(stage, page)
            await page.evaluate("open_microphone(false)")
            await asyncio.sleep(1)  # a few packets of the last sound
            assert await _sound_packets(page, 3) <= 30, "a closed microphone sends some 5 packets/s instead of 50"
            await page.evaluate("open_microphone(true)")
            assert await _sound_packets(page, 3) > 60, "it beeps each second"
            seen = await page.evaluate("seen()")
            assert seen["state"] == "connected"
            assert seen["video"].get("totalFreezesDuration", 0) < 1
            await page.evaluate("pc.close()")
            await until(lambda: stage.relay.states("page")[-1:] == ["closed"], "a page that leaves says goodbye")
        finally:
            await browser.close()
            await runner.cleanup()


async def _sound_packets(page: Any, seconds: float) -> int:
    """How many packets of sound the page sends in a while."""
    before = (await page.evaluate("seen()"))["out_0"]["packetsSent"]
    await asyncio.sleep(seconds)
    sent: int = (await page.evaluate("seen()"))["out_0"]["packetsSent"] - before
    return sent


async def _everything_flows(stage: World, page: Any) -> None:
    mixer = stage.mixer
    mixer.video.clear()
    mixer.audio.clear()
    before = (await page.evaluate("seen()"))["video"]["framesDecoded"]
    await until(lambda: len([v for v in mixer.video if v.track == "camera"]) > 20, "camera frames at the mixer")
    await until(lambda: len([v for v in mixer.video if v.track == "screen"]) > 5, "screen frames at the mixer")
    await until(lambda: len(mixer.audio) > 5, "sound at the mixer")
    assert {v.codec for v in mixer.video} == {"H264"}
    seen = await page.evaluate("seen()")
    assert seen["video"]["framesDecoded"] > before + 5
    assert seen["video"]["packetsLost"] == 0
    assert seen["audio"]["packetsReceived"] > 20
