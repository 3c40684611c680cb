"""The picture of a synthetic site: a person with a number plate, moving, in the site's own colour.

All sites use the wall clock: the frame number on the plate is the sixtieth of a second, within a loop of `LOOP`
seconds, at which the frame was due.  Whoever shares the clock therefore knows how old a picture is, and all sizes and
frame rates of a site agree.  Drawing is for preparation (about 1 ms for 320x180); nothing here runs per sent frame.
"""

from __future__ import annotations

import colorsys
import math

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from endpoint_client.marks import Mark, plate_box, stamp

LOOP = 4  # seconds
TICKS = 60  # frame numbers a second
LOOP_TICKS = LOOP * TICKS
_GOLDEN = 0.618034
_SKIN = ((196, 222, 240), (140, 176, 214), (96, 130, 176), (170, 205, 235))  # BGR


def frame_number(index: int, frame_rate: int) -> int:
    """Number on the plate of the loop's frame `index`."""
    return index * TICKS // frame_rate % LOOP_TICKS


def age(frame: int, now: float) -> float:
    """Seconds (0..LOOP) since the frame with this number was due, `now` being the wall clock."""
    return (now - frame / TICKS) % LOOP


def colour(site: int) -> tuple[int, int, int]:
    """Background of a site, BGR: distinct hues that keep away from the plate's magenta."""
    hue = 0.97 - 0.78 * ((site * _GOLDEN) % 1.0)  # from red over nothing magenta to violet: 0.19..0.97 is cut below
    hue = (hue - 0.19) / 0.78 * 0.68 + 0.02  # 0.02..0.70: red, yellow, green, cyan, blue
    r, g, b = colorsys.hsv_to_rgb(hue, 0.45, 0.62 + 0.1 * (site % 3))
    return round(b * 255), round(g * 255), round(r * 255)


class Pattern:
    """Draws the frames of one site's loop.

    `speaking` moves the mouth.  `grain` (0..40) lays a slowly drifting texture over the background, so that the
    loop costs as many bits as a camera would.
    """

    def __init__(self, site: int, width: int, height: int, frame_rate: int, *, grain: int = 0) -> None:
        if width % 2 or height % 2 or TICKS % frame_rate:
            raise ValueError(f"a pattern needs even sizes and a divisor of {TICKS}, not {width}x{height}@{frame_rate}")
        self.site, self.width, self.height, self.frame_rate = site, width, height, frame_rate
        self.frames = LOOP * frame_rate
        self._ground = self._background()
        self._grain = self._texture(grain) if grain else None

    def frame(self, index: int, *, speaking: bool = True) -> av.VideoFrame:
        """Frame `index` (0..`frames`-1) as yuv420p."""
        picture = self._ground.copy()
        if self._grain is not None:
            drift = index * self.width // self.frames
            grain = np.roll(self._grain, drift, axis=1)[:, :, None]
            picture = np.clip(picture.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        self._person(picture, index / self.frames, speaking)
        i420 = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        w, h = self.width, self.height
        y = i420[:h]
        u, v = (i420[h:].reshape(2, h // 2, w // 2)[i] for i in range(2))
        stamp(y, u, v, Mark(self.site, frame_number(index, self.frame_rate)))
        return av.VideoFrame.from_ndarray(i420, format="yuv420p")

    def _background(self) -> NDArray[np.uint8]:
        h, w = self.height, self.width
        shade = np.linspace(1.12, 0.72, h)[:, None, None]
        ground = np.clip(np.array(colour(self.site), np.float64) * shade, 0, 255)
        picture: NDArray[np.uint8] = np.ascontiguousarray(np.broadcast_to(ground, (h, w, 3)).astype(np.uint8))
        scale = h / 260
        text = str(self.site)
        cv2.putText(
            picture,
            text,
            (int(w * 0.04), int(h * 0.2)),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale * 1.3,
            (250, 250, 250),
            max(1, round(scale * 3)),
            cv2.LINE_AA,
        )
        return picture

    def _texture(self, grain: int) -> NDArray[np.int16]:
        rng = np.random.default_rng(self.site)
        coarse = rng.normal(0, grain, (max(2, self.height // 6), max(2, self.width // 6))).astype(np.float32)
        fine = rng.normal(0, grain / 8, (self.height, self.width)).astype(np.float32)
        wide = cv2.resize(coarse, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        texture: NDArray[np.int16] = (wide + fine).astype(np.int16)
        return texture

    def _person(self, picture: NDArray[np.uint8], phase: float, speaking: bool) -> None:
        """Head and shoulders behind the plate; the head sways, a disc goes round at the upper right."""
        h, w = self.height, self.width
        _, top, _, _ = plate_box(w, h)
        turn = 2 * math.pi * phase
        skin, dark = _SKIN[self.site % len(_SKIN)], (50, 44, 40)
        radius = max(4, round(h * 0.15))
        x, y = (
            round(w / 2 + w * 0.035 * math.sin(2 * turn)),
            round(top - radius * 0.55 + h * 0.008 * math.cos(4 * turn)),
        )
        cloth = tuple(int(c * 0.45) for c in colour(self.site + 3))
        cv2.ellipse(picture, (w // 2, h), (round(w * 0.3), round(h * 0.68)), 0, 180, 360, cloth, -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y - radius // 5), round(radius * 1.05), dark, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x, y), (round(radius * 0.85), radius), 0, 0, 360, skin, -1, cv2.LINE_AA)
        for side in (-1, 1):
            cv2.circle(
                picture, (x + side * round(radius * 0.35), y - round(radius * 0.15)), max(1, radius // 9), dark, -1
            )
        opening = abs(math.sin(9 * turn) * math.sin(7 * turn + 1)) if speaking else 0.0
        mouth = (max(1, round(radius * 0.3)), max(1, round(radius * (0.05 + 0.2 * opening))))
        cv2.ellipse(picture, (x, y + round(radius * 0.35)), mouth, 0, 0, 360, (70, 60, 140), -1, cv2.LINE_AA)
        disc = (round(w * 0.88 + w * 0.06 * math.sin(turn)), round(h * 0.16 - h * 0.08 * math.cos(turn)))
        cv2.circle(picture, disc, max(2, h // 22), (240, 240, 240), -1, cv2.LINE_AA)
