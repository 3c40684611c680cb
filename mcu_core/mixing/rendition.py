"""One encoding of a view: its encoder, which of the view's ticks it takes, when it makes keyframes.

`due`, `ask_keyframe` and `take_keyframe` are called on the event loop, `encode` and `close` in a render thread, never
two at a time.
"""

from __future__ import annotations

import math
from dataclasses import replace

import av
import structlog

from mcu_core.mixing.clock import rtp_time
from mcu_core.mixing.meter import Meter
from mcu_core.wire import RenditionPlan, VideoOut
from mixer.codec import VideoEncoder, video_encoder

log = structlog.get_logger("mixing")

KEYFRAME_GAP = 0.300  # seconds between keyframes that viewers ask for
PATIENCE = 0.5  # seconds that a first picture waits for what is about to come
_RETRY = 2.0  # seconds after an encoder failed


class Rendition:
    """Starts with a keyframe.  An encoder that cannot be opened or fails is tried again after 2 s."""

    def __init__(self, plan: RenditionPlan) -> None:
        self.plan = plan
        self.seconds = Meter()  # of encoding
        self._encoder: VideoEncoder | None = None
        self._bitrate = plan.bitrate_bps
        self._asked = True
        self._last_keyframe = float("-inf")
        self._last_frame: int | None = None
        self._waits_since: float | None = None
        self._broken_until = float("-inf")

    def follow(self, plan: RenditionPlan) -> bool:
        """Take a plan that differs in nothing but the bitrate; False if it needs a new rendition."""
        if replace(plan, bitrate_bps=self.plan.bitrate_bps) != self.plan:
            return False
        self.plan = plan
        return True

    def due(self, tick: float) -> bool:
        """Whether this tick's picture is encoded: a rendition may be slower than its view."""
        frame = math.floor(tick * self.plan.frame_rate + 0.01)  # + 0.01: equal rates agree on every tick
        if frame == self._last_frame:
            return False
        self._last_frame = frame
        return True

    @property
    def unseen(self) -> bool:
        """No picture of it has been encoded."""
        return self._last_keyframe == float("-inf")

    def waits(self, tick: float) -> bool:
        """Whether its first picture waits on, because a better one is about to come."""
        if self._waits_since is None:
            self._waits_since = tick
        return self.unseen and tick - self._waits_since < PATIENCE

    def ask_keyframe(self) -> None:
        """A viewer needs one; requests within `KEYFRAME_GAP` of the last keyframe are merged, none is forgotten."""
        self._asked = True

    def take_keyframe(self, now: float) -> bool:
        """Whether the picture encoded now is to be a keyframe."""
        if not self._asked or now - self._last_keyframe < KEYFRAME_GAP:
            return False
        self._asked, self._last_keyframe = False, now
        return True

    def encode(self, canvas: av.VideoFrame, tick: float, keyframe: bool) -> list[VideoOut]:
        """Encode the canvas at `tick`; empty while the encoder is broken."""
        if tick < self._broken_until:
            return []
        plan = self.plan
        try:
            if self._encoder is None:
                self._bitrate = plan.bitrate_bps
                self._encoder = video_encoder(plan.codec, plan.width, plan.height, plan.frame_rate, plan.bitrate_bps)
            elif plan.bitrate_bps != self._bitrate:
                self._bitrate = plan.bitrate_bps
                self._encoder.set_bitrate(plan.bitrate_bps)
            encoded = self._encoder.encode(canvas, rtp_time(tick, 90_000), keyframe)
        except (av.FFmpegError, ValueError) as error:
            log.error("encoder failed", rendition=plan.rendition, codec=plan.codec, error=str(error))
            self.close()
            self._broken_until, self._asked = tick + _RETRY, True
            return []
        return [VideoOut(plan.rendition, e.keyframe, tick, e.rtp_time, e.payload) for e in encoded]

    def close(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
