"""Encoders of composed pictures: x264 and libvpx through PyAV, set up for conversations.

One picture in, one frame out in the same call: no B frames, no lookahead.  Keyframes come when asked for; a safety
one every `SAFETY_PERIOD` seconds.  An encoder copies or scales the canvas into its own frame, so the canvas may be
drawn on again, and given to other encoders on other threads, as soon as `encode` returns.  Each encoder is
used by one thread at a time and runs in that thread alone: with several views and conferences on a machine one
thread each keeps all cores busy; two sliced threads make one 720p picture in 2.1 ms instead of 3.2 on idle cores, but
cost bits at the slice edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av.video.frame import PictureType

from mixer.picture import Canvas, Picture
from mixer.scaling import Scaler

SAFETY_PERIOD = 10.0
LOWEST_BPS, HIGHEST_BPS = 32_000, 12_000_000
_BUFFER = 0.4  # seconds of bitrate that one keyframe may use up at once
_CLOCK = 90_000
_WRAP = 1 << 32

# Level, macroblocks a frame, macroblocks a second (ITU-T H.264, table A-1).  3.1 is what we answer (42e01f).
_LEVELS = (("3.1", 3600, 108_000), ("3.2", 5120, 216_000), ("4.0", 8192, 245_760), ("4.2", 8704, 522_240))


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """One encoded picture: H.264 as Annex B with parameter sets before each IDR, VP8 as a bare frame."""

    payload: bytes
    keyframe: bool
    rtp_time: int


def h264_level(width: int, height: int, frame_rate: float) -> str:
    """The lowest level from 3.1 up that allows this size and rate.  Raises ValueError beyond 4.2."""
    blocks = -(-width // 16) * -(-height // 16)
    for level, frame, second in _LEVELS:
        if blocks <= frame and blocks * frame_rate <= second:
            return level
    raise ValueError(f"{width}x{height} at {frame_rate} frames a second needs a level above 4.2")


class _Encoder:
    """What both codecs share: the frame that is encoded, its time, the bitrate."""

    def __init__(self, width: int, height: int, frame_rate: float, bitrate_bps: int) -> None:
        self._canvas = Canvas(width, height)
        self._scaler = Scaler()
        self._frame_rate = frame_rate
        self._bitrate = _within(bitrate_bps)
        self._pts: int | None = None
        self._context = self._open()

    def encode(self, canvas_frame: av.VideoFrame, rtp_time: int, force_keyframe: bool = False) -> list[EncodedVideo]:
        """Encode the canvas at `rtp_time` (90 kHz, 32 bits, growing), scaled when its size differs.

        The first picture is a keyframe whatever is asked.
        """
        self._scaler.scale(Picture.from_frame(canvas_frame), self._canvas.picture)
        frame = self._canvas.frame
        frame.pts = self._unwrap(rtp_time)
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        return [
            EncodedVideo(bytes(packet), packet.is_keyframe, (packet.pts or 0) % _WRAP)
            for packet in self._context.encode(frame)
        ]

    def close(self) -> None:
        """Free the codec; pictures still inside are dropped."""
        del self._context

    def _open(self) -> av.VideoCodecContext:
        raise NotImplementedError

    def _base(self, name: str) -> av.VideoCodecContext:
        context = cast(av.VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height = self._canvas.frame.width, self._canvas.frame.height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, _CLOCK)
        context.framerate = Fraction(self._frame_rate).limit_denominator(1001)
        context.gop_size = max(1, round(self._frame_rate * SAFETY_PERIOD))
        context.max_b_frames = 0
        context.thread_count = 1
        return context

    def _buffer_bits(self) -> int:
        return int(self._bitrate * max(_BUFFER, 3 / self._frame_rate))

    def _unwrap(self, rtp_time: int) -> int:
        if self._pts is None:
            self._pts = rtp_time
        else:
            ahead = (rtp_time - self._pts) % _WRAP
            # encoders want time to grow: a repeated or older stamp counts as the smallest step
            self._pts += ahead if 0 < ahead < _WRAP // 2 else 1
        return self._pts


class H264Encoder(_Encoder):
    """x264, Constrained Baseline; `set_bitrate` takes effect with the next picture and needs no keyframe."""

    def set_bitrate(self, bitrate_bps: int) -> None:
        self._bitrate = _within(bitrate_bps)
        self._context.bit_rate = self._bitrate

    def _open(self) -> av.VideoCodecContext:
        context = self._base("libx264")
        # x264 changes the bitrate of a running encoder only if it started as CBR (maxrate = bitrate), and never
        # above the maxrate it started with.  So it starts at the ceiling and is turned down before the first picture.
        context.bit_rate = HIGHEST_BPS
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": h264_level(context.width, context.height, self._frame_rate),
            "maxrate": str(HIGHEST_BPS),
            "bufsize": str(self._buffer_bits()),
            "forced-idr": "1",  # a keyframe that was asked for lets newcomers in
            "sc_threshold": "0",  # a podium change is no reason for a keyframe
            # motion in whole samples only: a seventh less time, and 0.1 dB where cameras stand still, but 1.3 in small
            # tiles of cameras that pan; full adaptive quantisation would take 0.2 to 1.3 dB from the whole picture
            # for 0.3 at most in its flattest quarter, but for slides (69 instead of 74)
            "subq": "0",
            "aq-strength": "0.5",
        }
        context.open()
        context.bit_rate = self._bitrate
        return context


class Vp8Encoder(_Encoder):
    """libvpx in real-time mode; `set_bitrate` takes effect with the next keyframe, at most `SAFETY_PERIOD` later.

    FFmpeg does not hand a running libvpx another bitrate.  A new encoder begins with a keyframe, so it is opened where
    one is due anyway: all viewers would pay for one of its own.
    """

    _since_keyframe: int  # pictures
    _opened_with: int  # bit/s

    def set_bitrate(self, bitrate_bps: int) -> None:
        self._bitrate = _within(bitrate_bps)

    def encode(self, canvas_frame: av.VideoFrame, rtp_time: int, force_keyframe: bool = False) -> list[EncodedVideo]:
        keyframe_due = force_keyframe or self._since_keyframe >= self._context.gop_size
        if keyframe_due and self._bitrate != self._opened_with:
            self._context = self._open()
        encoded = super().encode(canvas_frame, rtp_time, force_keyframe)
        self._since_keyframe = 1 if any(one.keyframe for one in encoded) else self._since_keyframe + 1
        return encoded

    def _open(self) -> av.VideoCodecContext:
        self._since_keyframe, self._opened_with = 0, self._bitrate
        context = self._base("libvpx")
        context.bit_rate = self._bitrate
        context.options = {
            "deadline": "realtime",
            "cpu-used": "-8",  # below 0: this speed, rather than whatever just fits the frame time (720p: 10 -> 5.4 ms)
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "minrate": str(self._bitrate),  # equal rates select CBR
            "maxrate": str(self._bitrate),
            "bufsize": str(self._buffer_bits()),
            "max-intra-rate": "600",
            "static-thresh": "1",
        }
        context.open()
        return context


def _within(bitrate_bps: int) -> int:
    return min(max(bitrate_bps, LOWEST_BPS), HIGHEST_BPS)
