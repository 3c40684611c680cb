"""A media peer for the fake server: stock aiortc that answers a page's offer with a moving pattern and a soft tone.

For developing and testing pages only; owned by the fake server's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import fractions

import aioice.ice
import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError

WIDTH, HEIGHT, RATE = 640, 360, 12
BARS = ((180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114))


class Pattern(VideoStreamTrack):
    """Colour bars with a white block that wanders, 640x360; `hue` shifts the bars so that views can be told apart."""

    def __init__(self, hue: int = 0) -> None:
        super().__init__()
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        self._planes = [np.empty((plane.height, plane.width), np.uint8) for plane in frame.planes]
        for index, plane in enumerate(self._planes):
            step = plane.shape[1] / len(BARS)
            for bar in range(len(BARS)):
                plane[:, round(bar * step) : round((bar + 1) * step)] = BARS[(bar + hue) % len(BARS)][index]
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / RATE)
        self._count += 1
        luma = self._planes[0].copy()
        left = self._count * 8 % (WIDTH - 64)
        luma[HEIGHT - 80 : HEIGHT - 32, left : left + 48] = 235
        packed = np.concatenate([luma.ravel(), *(plane.ravel() for plane in self._planes[1:])])
        frame = av.VideoFrame.from_ndarray(packed.reshape(HEIGHT * 3 // 2, WIDTH), format="yuv420p")
        frame.pts, frame.time_base = self._count * 90_000 // RATE, fractions.Fraction(1, 90_000)
        return frame


class Tone(MediaStreamTrack):
    """440 Hz at about -30 dBFS, 20 ms blocks."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        wave = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000) * 1000
        self._wave = wave.astype(np.int16)
        self._at = 0

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(0.02)
        begin = self._at % 48_000
        frame = av.AudioFrame.from_ndarray(self._wave[begin : begin + 960].reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._at, fractions.Fraction(1, 48_000)
        self._at += 960
        return frame


class Peer:
    """The other end of one page's RTCPeerConnection."""

    def __init__(self, hue: int = 0) -> None:
        if not aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False):  # a machine with a loopback only
            aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._hue = hue
        # Sizes of the pictures received.  Not by track: aiortc takes camera and screen for one stream when both have
        # the same payload type.
        self.seen: set[tuple[int, int]] = set()
        self._readers: list[asyncio.Task[None]] = []
        self._pc.on("track", self._received)

    def _received(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.create_task(self._read(track), name=f"fake/{track.kind}"))

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.seen.add((frame.width, frame.height))

    async def answer(self, sdp: str) -> str:
        """SDP of the answer to an offer."""
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        if not self._pc.getSenders() or all(sender.track is None for sender in self._pc.getSenders()):
            self._pc.addTrack(Tone())
            self._pc.addTrack(Pattern(self._hue))
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        return self._pc.localDescription.sdp

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        for sender in self._pc.getSenders():
            if sender.track is not None:
                sender.track.stop()
        await self._pc.close()
