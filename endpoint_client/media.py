"""The media connection of a headless site: a stock `RTCPeerConnection`, what it sends and what it watches.

One object lives from one offer to its end; a rejoin makes a new one.  Owned by the site's negotiation task.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

from endpoint_client.loops import Codec, VideoLoop, sound_loop, video_loop
from endpoint_client.pattern import TICKS
from endpoint_client.stock import count_only, on_keyframe_request, send, send_levels
from endpoint_client.tones import Voice
from endpoint_client.tracks import LiveSound, LiveVideo, LoopSound, LoopVideo, Shaped, Turns
from endpoint_client.watching import PictureWatch, SoundWatch

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What a headless site sends and how closely it watches."""

    width: int = 320
    height: int = 180
    frame_rate: int = 10  # a divisor of 60
    codec: Codec | None = None  # None: whatever the MCU prefers
    voice: Voice = "tone"
    turns: Turns | None = None  # speak in turns with others; None: all the time
    file: Path | None = None  # send this file in a loop instead of the pattern
    live: bool = False  # draw and encode each frame now, in aiortc's own encoders, instead of prepared loops
    grain: int = 0  # texture that makes a loop cost as much as a camera's picture
    receive: Literal["decode", "count"] = "decode"
    looks_per_second: float = 10.0  # how often the mark reader runs; 0: every picture
    obey_hints: bool = True
    watch: str | None = None  # a monitor's view
    language: str = "vi"
    draws_names: bool = False  # stand for a page, which may be sent a site's own picture


@dataclass(frozen=True, slots=True)
class Hint:
    """What the MCU wants of the camera; see signaling/protocol.md."""

    active: bool
    width: int
    height: int
    frame_rate: int

    def shape(self, options: SiteOptions) -> tuple[int, int, int] | None:
        """(width, height, frame rate) to send: the source fitted into what is wanted, or None for nothing."""
        if not self.active:
            return None
        scale = (
            min(1.0, self.width / options.width, self.height / options.height) if self.width and self.height else 1.0
        )
        width, height = (max(32, round(side * scale / 2) * 2) for side in (options.width, options.height))
        limit = min(options.frame_rate, self.frame_rate or options.frame_rate)
        rate = max((r for r in range(1, limit + 1) if TICKS % r == 0), default=1)
        return width, height, rate


class Media:
    """One peer connection.  `number` is the site's number in the conference, 0 for a monitor, which only receives."""

    def __init__(
        self,
        options: SiteOptions,
        number: int,
        pictures: PictureWatch,
        sounds: SoundWatch,
        *,
        started: float,
        changed: Callable[[], None],
        spawn: Spawn,
    ) -> None:
        self._options, self._number, self._pictures, self._sounds = options, number, pictures, sounds
        self._started, self._changed, self._spawn = started, changed, spawn
        self._video: LoopVideo | Shaped | None = None
        self._sound: LoopSound | LiveSound | None = None
        self._sound_sender: RTCRtpSender | None = None
        self._player: MediaPlayer | None = None
        self._codec: Codec | None = None
        self._hint = Hint(True, 0, 0, 0)
        self._loops: VideoLoop | None = None
        self.connected = asyncio.Event()
        self.broken = asyncio.Event()
        bundle = RTCBundlePolicy.MAX_BUNDLE
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=bundle))
        self.pc.on("connectionstatechange", self._state_changed)
        self.pc.on("track", self._receive)

    # -- negotiation

    async def offer(self) -> str:
        """Add the tracks and return the SDP offer: audio, then the camera's video."""
        direction = "sendrecv" if self._number else "recvonly"
        audio_track, video_track = await self._sources() if self._number else (None, None)
        audio = self.pc.addTransceiver(audio_track or "audio", direction=direction)
        video = self.pc.addTransceiver(video_track or "video", direction=direction)
        self._sound_sender = audio.sender
        if self._options.codec is not None:
            wanted = f"video/{self._options.codec}"
            capabilities = RTCRtpReceiver.getCapabilities("video")
            assert capabilities is not None
            video.setCodecPreferences([codec for codec in capabilities.codecs if codec.mimeType == wanted])
        if isinstance(self._sound, LoopSound):
            send_levels(audio.sender, self._sound)
        if isinstance(self._video, LoopVideo):
            on_keyframe_request(video.sender, self._video.replay)
        if self._options.receive == "count":
            count_only(audio.receiver, self._count_sound)
            count_only(video.receiver, self._count_video)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def answer(self, sdp: str) -> None:
        """Take the MCU's answer; media flows when `connected` is set."""
        self._codec = answered_codec(sdp)
        await self._shape_loops()
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def close(self) -> None:
        self.broken.set()
        for track in (self._video, self._sound):
            if track is not None:
                track.stop()
        await self.pc.close()

    @property
    def alive(self) -> bool:
        return self.connected.is_set() and not self.broken.is_set()

    # -- what is sent

    async def _sources(self) -> tuple[MediaStreamTrack | None, MediaStreamTrack | None]:
        options, number = self._options, self._number
        if options.file is not None:
            self._player = await asyncio.to_thread(MediaPlayer, str(options.file), loop=True)
            if self._player.video is not None:
                self._video = Shaped(self._player.video)
            return self._player.audio, self._video
        if options.live:
            self._video = Shaped(LiveVideo(lambda: number, options.width, options.height, options.frame_rate))
            self._sound = LiveSound(options.voice, lambda: number)
        else:
            speaking = await asyncio.to_thread(sound_loop, options.voice, number)
            silent = await asyncio.to_thread(sound_loop, "silence", 0)
            self._video = LoopVideo(options.turns)
            self._sound = LoopSound(speaking, silent, options.turns)
        return self._sound, self._video

    async def hint(self, hint: Hint) -> None:
        self._hint = hint
        await self._shape_loops()

    def microphone(self, on: bool) -> None:
        if self._sound is not None:
            self._sound.muted = not on

    def send_sound(self, active: bool) -> None:
        """As a hint asks; a new connection sends it."""
        if self._sound_sender is not None:
            send(self._sound_sender, active)

    def sending(self) -> dict[str, Any] | None:
        """Size and rate of what is sent now; None if no picture is."""
        shape = self._hint.shape(self._options)
        if shape is None or self._video is None:
            return None
        return {"codec": self._codec, "width": shape[0], "height": shape[1], "frame_rate": shape[2]}

    async def _shape_loops(self) -> None:
        hint = self._hint
        shape, options, codec = hint.shape(self._options), self._options, self._codec
        if isinstance(self._video, Shaped):
            self._video.shape = shape
        if not isinstance(self._video, LoopVideo) or codec is None:
            return
        if shape is None:
            self._video.change(None)
            return

        def make() -> tuple[VideoLoop, VideoLoop | None]:
            speaking = video_loop(codec, self._number, *shape, speaking=options.voice != "silence", grain=options.grain)
            if options.turns is None:
                return speaking, None
            return speaking, video_loop(codec, self._number, *shape, speaking=False, grain=options.grain)

        loops = await asyncio.to_thread(make)
        if hint is self._hint:  # no newer hint meanwhile
            self._video.change(*loops)

    # -- what is received

    def _state_changed(self) -> None:
        state = self.pc.connectionState
        if state == "connected":
            self.connected.set()
        elif state in ("failed", "closed"):
            self.broken.set()
        self._changed()

    def _receive(self, track: MediaStreamTrack) -> None:
        if self._options.receive == "decode":
            reader = self._watch(track) if track.kind == "video" else self._listen(track)
            self._spawn(reader, f"read/{track.kind}")

    async def _watch(self, track: MediaStreamTrack) -> None:
        """Read pictures as they come; hand the newest to the mark reader, which may be slower."""
        period = 1 / self._options.looks_per_second if self._options.looks_per_second else 0.0
        due = 0.0
        looking: asyncio.Task[None] | None = None
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                now, wall = time.monotonic(), time.time()
                assert isinstance(frame, av.VideoFrame)
                self._pictures.arrived(now, frame.width, frame.height)
                if now >= due and (looking is None or looking.done()):
                    due = max(due + period, now - period)
                    looking = self._spawn(self._look(frame, now, wall), "look")
                self._changed()

    async def _look(self, frame: av.VideoFrame, now: float, wall: float) -> None:
        sightings = await asyncio.to_thread(self._pictures.read, frame)
        self._pictures.looked(sightings, now, wall)
        self._changed()

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                now = time.monotonic()
                self._sounds.arrived(now)
                self._sounds.listen(frame, now, self._started)
                self._changed()

    def _count_video(self, marker: bool, sequence: int, size: int) -> None:
        if marker:
            self._pictures.arrived(time.monotonic(), 0, 0)
            self._changed()

    def _count_sound(self, marker: bool, sequence: int, size: int) -> None:
        self._sounds.arrived(time.monotonic())


def answered_codec(sdp: str) -> Codec | None:
    """The video codec an answer chose: the first payload type of the first video m-line.  None: it has no video."""
    video = sdp.split("m=video ", 1)
    if len(video) < 2:
        return None
    lines = video[1].split("m=", 1)[0].splitlines()
    first = lines[0].split()[2]
    for line in lines:
        if line.startswith(f"a=rtpmap:{first} "):
            name = line.split(" ", 1)[1].split("/")[0].upper()
            return "H264" if name == "H264" else "VP8" if name == "VP8" else None
    return None
