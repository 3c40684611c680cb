"""Site names, marks and cards as I420 bitmaps: drawn once, then blended or copied onto tiles.

Text is Vietnamese first and always NFC: OpenCV places the marks of decomposed letters beside them.  A label
is kept by what it says and its size; the caches are bounded.  Safe from any thread: drawing holds one lock, and what
was drawn is never written to again.
"""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mixer.picture import Picture, Plane, Yuv

Notice = Literal["camera_off", "absent", "waiting"]
Language = Literal["vi", "en"]

NOTICES: dict[Language, dict[Notice, str]] = {
    "vi": {"camera_off": "Đã tắt camera", "absent": "Chưa kết nối", "waiting": "Đang chờ hình"},
    "en": {"camera_off": "Camera is off", "absent": "Not connected", "waiting": "Waiting for picture"},
}

_Mask = NDArray[np.float32]


def yuv(rgb: int) -> Yuv:
    """Video-range BT.601 of a 0xRRGGBB colour."""
    r, g, b = rgb >> 16, rgb >> 8 & 255, rgb & 255
    return (
        round(16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256),
        round(128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256),
        round(128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256),
    )


WHITE, GREY, RED = yuv(0xF8FAFC), yuv(0x94A3B8), yuv(0xFB7185)
LABEL_BOX, PODIUM_BOX = yuv(0x0B1220), yuv(0xB4232A)
CARD, CARD_EDGE, BLANK = yuv(0x1B2637), yuv(0x111927), yuv(0x0B1018)
SPEAKER = yuv(0x2FBF71)

ICON_HEIGHT = 100  # cards lower than this have no room for their icon
_BOX_OPACITY = 0.8
_ELLIPSIS = "…"
_drawing = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """A bitmap to lay over a picture of its size.

    Luma is blended, y x `keep` / 255 + ink.y; chroma is replaced where `cover` is not 0, so that what lies beneath does
    not tint the letters.
    """

    ink: Picture  # luma already multiplied by its opacity
    keep: Plane
    cover: Plane

    @property
    def width(self) -> int:
        return self.ink.width

    @property
    def height(self) -> int:
        return self.ink.height

    def blend(self, target: Picture) -> None:
        """Draw over `target`, which has the same size and is changed in place."""
        ink, luma = self.ink, target.y
        cv2.multiply(luma, self.keep, luma, 1 / 255)
        cv2.add(luma, ink.y, luma)
        cv2.copyTo(ink.u, self.cover, target.u)
        cv2.copyTo(ink.v, self.cover, target.v)


def label_size(tile_height: int) -> int:
    """Height of a label's letters in pixels on a tile of `tile_height`; 0 where a label would not be readable."""
    return 0 if tile_height < 44 else min(max(round(5 + tile_height * 0.045), 10), 26)


@lru_cache(maxsize=512)
def label(text: str, size: int, widest: int, muted: bool, camera_off: bool, podium: bool) -> Stamp | None:
    """The box with a site's name and marks, at most `widest` pixels wide; None if there is nothing to say.

    `size` is the height of the letters in pixels.  A longer name is shortened with an ellipsis.
    """
    height = _even(size * 1.7)
    pad = max(round(size * 0.5), 4)
    icons = ["podium"] * podium + ["muted"] * muted + ["camera_off"] * camera_off
    taken = 2 * pad + len(icons) * round(size * 1.25) - (0 if text or not icons else round(size * 0.25))
    with _drawing:
        text = _shorten(normal(text), size, widest - taken)
        if not text and not icons:
            return None
        width = min(_even(taken + (_text_width(text, size) if text else 0)), widest & ~1)
        layers: list[tuple[_Mask, Yuv]] = [
            (_rounded(width, height, size * 0.35) * _BOX_OPACITY, PODIUM_BOX if podium else LABEL_BOX)
        ]
        x = pad
        for icon in icons:
            colour = WHITE if podium or icon == "podium" else RED
            layers.append((_at(_icon(icon, size), x, (height - size) // 2, width, height), colour))
            x += round(size * 1.25)
        if text:
            layers.append((_at(_text(text, size), x, round(height / 2 - size * 0.74), width, height), WHITE))
    return _stamp(layers)


@lru_cache(maxsize=192)
def card(width: int, height: int, text: str, notice: Notice, language: Language = "vi") -> Picture:
    """What stands in a tile of even `width` x `height` while its site sends no picture: its name, and why."""
    widest = round(width * 0.88)
    size = min(max(round(height * 0.1), 9), 48)
    small = max(round(size * 0.72), 8)
    picture = Picture.blank(width, height, CARD)
    for edge in (picture.y[:1], picture.y[-1:], picture.y[:, :1], picture.y[:, -1:]):
        edge[...] = CARD_EDGE[0]  # neighbouring cards stay apart
    with _drawing:
        parts: list[tuple[_Mask, Yuv, int]] = []  # and the height it takes
        if height >= ICON_HEIGHT:
            parts.append((_icon(notice, _even(size * 1.3)), GREY, round(size * 1.7)))
        if height >= 24:
            lines = _wrap(normal(text), size, widest)
            parts += [(_text(line, size), WHITE, round(size * 1.35)) for line in lines]
        if height >= 64:
            parts.append((_text(_shorten(NOTICES[language][notice], small, widest), small), GREY, round(small * 1.6)))
    y = (height - sum(taken for _, _, taken in parts)) // 2
    for mask, colour, taken in parts:
        x = (width - mask.shape[1]) // 2
        if x >= 0 and y >= 0 and y + mask.shape[0] <= height:
            stamp = _stamp([(mask, colour)])
            stamp.blend(picture.part(x & ~1, y & ~1, stamp.width, stamp.height))
        y += taken
    return picture


def normal(text: str) -> str:
    """One line of NFC without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text)).split())


# ------------------------------------------------------------------------------------------------ drawing


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    with resources.as_file(resources.files(__package__).joinpath("fonts", "NotoSans-Bold.ttf")) as path:
        face = cv2.FontFace()
        if not face.set(str(path)):
            raise FileNotFoundError(f"the font {path.name} of the labels is missing or unreadable")
        return face


def _text_width(text: str, size: int) -> int:
    box = cv2.getTextSize((8192, 256), text, (0, 128), _font(), size)
    return int(box[0] + box[2]) + 1


def _shorten(text: str, size: int, widest: int) -> str:
    if _text_width(text, size) <= widest:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _text_width(text[:middle].rstrip() + _ELLIPSIS, size) <= widest:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _ELLIPSIS if low else ""


def _wrap(text: str, size: int, widest: int) -> list[str]:
    """One line, or two broken at the space that fills the first one best."""
    if not text or _text_width(text, size) <= widest:
        return [text] if text else []
    words = text.split(" ")
    count = len(words) - 1
    while count > 0 and _text_width(" ".join(words[:count]), size) > widest:
        count -= 1
    if not count:
        return [_shorten(text, size, widest)]
    return [" ".join(words[:count]), _shorten(" ".join(words[count:]), size, widest)]


def _text(text: str, size: int) -> _Mask:
    """One line in a mask of its own, 1.5 x `size` high, the baseline at 1.1 x `size`."""
    width, height = _even(_text_width(text, size) + 1), _even(size * 1.5)
    # wider than the mask: OpenCV would wrap at the edge
    image = np.zeros((height, width + 2 * size), np.uint8)
    cv2.putText(image, text, (0, round(size * 1.1)), (255,), _font(), size)
    return np.divide(image[:, :width], 255, dtype=np.float32)


def _rounded(width: int, height: int, radius: float) -> _Mask:
    scale = 4
    image = np.zeros((height * scale, width * scale), np.uint8)
    r = round(radius * scale)
    right, bottom = width * scale - 1, height * scale - 1
    cv2.rectangle(image, (r, 0), (right - r, bottom), (255,), -1)
    cv2.rectangle(image, (0, r), (right, bottom - r), (255,), -1)
    for centre in ((r, r), (right - r, r), (r, bottom - r), (right - r, bottom - r)):
        cv2.circle(image, centre, r, (255,), -1)
    return np.divide(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), 255, dtype=np.float32)


def _icon(name: str, size: int) -> _Mask:
    """A square icon, drawn large and averaged down."""
    scale = 8
    side = size * scale
    image = np.zeros((side, side), np.uint8)

    def at(px: float, py: float) -> tuple[int, int]:
        return round(px * side), round(py * side)

    line = max(round(side * 0.09), 1)
    if name == "podium":
        cv2.circle(image, at(0.5, 0.5), round(side * 0.3), (255,), -1)
    elif name == "muted":
        cv2.line(image, at(0.5, 0.24), at(0.5, 0.48), (255,), round(side * 0.28))
        cv2.ellipse(image, at(0.5, 0.48), (round(side * 0.27), round(side * 0.27)), 0, 0, 180, (255,), line)
        cv2.line(image, at(0.5, 0.75), at(0.5, 0.92), (255,), line)
        cv2.line(image, at(0.34, 0.92), at(0.66, 0.92), (255,), line)
    elif name == "camera_off":
        cv2.rectangle(image, at(0.06, 0.28), at(0.64, 0.74), (255,), -1)
        points = np.array([at(0.68, 0.5), at(0.94, 0.3), at(0.94, 0.72)], np.int32)
        cv2.fillPoly(image, [points], (255,))
    else:  # a screen: not connected, or no picture yet
        cv2.rectangle(image, at(0.06, 0.16), at(0.94, 0.72), (255,), line)
        cv2.line(image, at(0.5, 0.72), at(0.5, 0.88), (255,), line)
        cv2.line(image, at(0.3, 0.9), at(0.7, 0.9), (255,), line)
    if name in ("muted", "camera_off", "absent"):
        cv2.line(image, at(0.12, 0.07), at(0.88, 0.94), (0,), round(side * 0.26))
        cv2.line(image, at(0.1, 0.08), at(0.86, 0.94), (255,), line)
    return np.divide(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), 255, dtype=np.float32)


def _at(mask: _Mask, x: int, y: int, width: int, height: int) -> _Mask:
    """`mask` at (`x`, `y`) on an empty one, cut where it does not fit."""
    whole = np.zeros((height, width), np.float32)
    top = max(-y, 0)
    room = whole[max(y, 0) : y + mask.shape[0], x : x + mask.shape[1]]
    room[...] = mask[top : top + room.shape[0], : room.shape[1]]
    return whole


def _stamp(layers: list[tuple[_Mask, Yuv]]) -> Stamp:
    """Lay masks of one even size over each other, the last on top; chroma averages its four luma samples."""
    height, width = layers[0][0].shape
    ink = [np.zeros((height, width), np.float32)] + [np.zeros((height // 2, width // 2), np.float32) for _ in "uv"]
    keep = [np.ones_like(ink[0]), np.ones_like(ink[1])]
    for mask, colour in layers:
        coarse = mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        for plane, value, cover in zip(ink, colour, (mask, coarse, coarse), strict=True):
            plane *= 1 - cover
            plane += cover * value
        keep[0] *= 1 - mask
        keep[1] *= 1 - coarse
    opacity = np.maximum(1 - keep[1], 1 / 255)
    y, u, v = (np.rint(plane).astype(np.uint8) for plane in (ink[0], ink[1] / opacity, ink[2] / opacity))
    cover = np.where(opacity >= _BOX_OPACITY / 2, 255, 0).astype(np.uint8)
    return Stamp(Picture(y, u, v), np.rint(keep[0] * 255).astype(np.uint8), cover)


def _even(number: float) -> int:
    return 2 * round(number / 2)
