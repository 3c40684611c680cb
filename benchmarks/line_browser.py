"""The site on the bad line as people have it: the real site page in Chromium, driven by playwright.

A script that runs before the page's own leads the answer's candidates through the proxy, turns off the browser's own
echo and noise treatment (there is no room here), and writes down when each decoded picture came and all sound that
was played.  What the page does on loss, cuts and new addresses is its own.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.line_sites import Record, Sound, through

_FLAGS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-gpu",
)
_JOIN = 30.0  # seconds


def available() -> bool:
    """Whether Chromium and playwright are installed."""
    return shutil.which("chromium") is not None and importlib.util.find_spec("playwright") is not None


class BrowserSite:
    """See the module.  `film` is Y4M, `voice` is WAV; both are repeated."""

    def __init__(self, url: str, film: Path, voice: Path, web_port: int, media_port: int) -> None:
        self._url = through(url, web_port)
        self._script = _SCRIPT.replace("MEDIA_PORT", str(media_port))
        self._flags = [
            *_FLAGS,
            f"--use-file-for-fake-video-capture={film}",
            f"--use-file-for-fake-audio-capture={voice}",
        ]
        self._playwright: Any = None
        self._browser: Any = None
        self._page: Any = None
        self.name = "Chromium"

    async def join(self) -> None:
        from playwright.async_api import async_playwright

        self._playwright = await async_playwright().start()
        launch = self._playwright.chromium.launch
        self._browser = await launch(executable_path=shutil.which("chromium"), args=self._flags)
        self.name = f"Chromium {self._browser.version.split('.')[0]}"
        context = await self._browser.new_context(
            ignore_https_errors=True, viewport={"width": 800, "height": 500}, locale="vi-VN"
        )
        await context.add_init_script(self._script)
        self._page = await context.new_page()
        await self._page.goto(self._url)
        await self._page.get_by_test_id("join").click()
        until = time.monotonic() + _JOIN
        while not await self._page.evaluate("line.pictures.length > 1 && line.blocks.length > 1"):
            if time.monotonic() > until:
                raise TimeoutError(f"the browser got no sound and picture within {_JOIN:.0f} s")
            await asyncio.sleep(0.1)

    async def record(self) -> Record:
        got = await self._page.evaluate("line.collect()")
        pcm = np.frombuffer(base64.b64decode(got["pcm"]), "<i2").astype(np.int16)
        sounds, at = [], 0
        for moment, count in got["blocks"]:
            sounds.append(Sound(moment / 1000, 0, pcm[at : at + count]))
            at += count
        return Record([moment / 1000 for moment in got["pictures"]], sounds, got["figures"])

    async def seat(self) -> str:
        return str(await self._page.evaluate("line.seat()"))

    async def leave(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()


_SCRIPT = r"""
(() => {
  const epoch = () => performance.timeOrigin + performance.now();
  const line = (window.line = { pictures: [], blocks: [], chunks: [], connections: [] });
  const seen = new WeakSet();

  const answer = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    const sdp = description.sdp.replace(/^(a=candidate:\S+ \d+ udp \d+ \S+ )\d+/gim, '$1MEDIA_PORT');
    await answer.call(this, { type: description.type, sdp });
    if (!line.connections.includes(this)) line.connections.push(this);
    for (const { track } of this.getReceivers()) {
      if (seen.has(track)) continue;
      seen.add(track);
      (track.kind === 'video' ? watch : listen)(track);
    }
  };

  // Drawn small: painting large pictures without a graphics card would cost more than everything that is measured.
  addEventListener('DOMContentLoaded', () => {
    const small = new CSSStyleSheet();
    small.replaceSync('video { width: 64px !important; height: 36px !important; }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, small];
  });

  const devices = navigator.mediaDevices;
  if (devices) {
    const capture = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (wanted) => {
      const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      return capture({ ...wanted, audio: wanted.audio && { ...wanted.audio, ...audio } });
    };
  }

  async function read(track, size, take) {
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: size }).readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(value);
      value.close();
    }
  }

  const watch = (track) => read(track, 30, () => line.pictures.push(epoch()));

  const listen = (track) =>
    read(track, 200, (data) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      const factor = 48000 / data.sampleRate;
      const pcm = new Int16Array(Math.round(samples.length * factor));
      for (let i = 0; i < pcm.length; i++) {
        const sample = samples[Math.min(samples.length - 1, Math.floor(i / factor))];
        pcm[i] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
      }
      line.blocks.push([epoch(), pcm.length]);
      line.chunks.push(pcm);
    });

  line.seat = () => JSON.stringify(Object.entries(sessionStorage).filter(([key]) => key.includes('seat')));

  const wanted = ['freezeCount', 'totalFreezesDuration', 'framesDecoded', 'framesDropped', 'nackCount', 'pliCount',
    'packetsLost', 'packetsReceived', 'retransmittedPacketsReceived', 'concealedSamples', 'concealmentEvents',
    'silentConcealedSamples', 'totalSamplesReceived', 'jitterBufferDelay', 'jitterBufferEmittedCount',
    'fecPacketsReceived', 'framesSent', 'keyFramesEncoded', 'retransmittedPacketsSent', 'qualityLimitationReason',
    'frameWidth', 'frameHeight', 'framesPerSecond', 'keyFramesDecoded', 'totalProcessingDelay'];

  line.collect = async () => {
    const count = line.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const whole = new Int16Array(count);
    let at = 0;
    for (const chunk of line.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    const bytes = new Uint8Array(whole.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    const figures = { media_connections: line.connections.length };
    const last = line.connections.at(-1);
    if (last) {
      (await last.getStats()).forEach((entry) => {
        if (entry.type !== 'inbound-rtp' && entry.type !== 'outbound-rtp') return;
        const way = entry.type === 'inbound-rtp' ? 'down' : 'up';
        for (const key of wanted) {
          if (entry[key] !== undefined) figures[`${way}_${entry.kind}_${entry.mid}_${key}`] = entry[key];
        }
      });
    }
    return { pictures: line.pictures, blocks: line.blocks, pcm: btoa(text), figures };
  };
})();
"""
