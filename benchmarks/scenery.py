"""Moving pictures that behave like rooms with people: a textured background, moving shapes, sensor noise.

Flat colours and pure noise both flatter or punish codecs and scalers; these have detail of all sizes, falling off with
frequency as in photographs.  The same seed gives the same pictures on every machine.
"""

from __future__ import annotations

import math

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mixer.picture import Canvas


def scene(width: int, height: int, count: int, seed: int = 1) -> list[av.VideoFrame]:
    """`count` consecutive I420 frames of one site, 30 a second, each in memory of its own."""
    rng = np.random.default_rng(seed)
    room = _texture(rng, width, height)
    tint_u, tint_v = _texture(rng, width // 2, height // 2), _texture(rng, width // 2, height // 2)
    noise = [rng.normal(0, 1.6, (height, width)).astype(np.float32) for _ in range(4)]
    people = [(rng.uniform(0.15, 0.85), rng.uniform(0.5, 0.8), rng.uniform(0.5, 1.5)) for _ in range(3)]
    light, colour = rng.uniform(90, 150), rng.uniform(-18, 18, 2)
    frames = []
    for index in range(count):
        canvas = Canvas(width, height)
        luma = room * 38 + np.float32(light)
        planes = [tint_u * 4 + np.float32(128 + colour[0]), tint_v * 4 + np.float32(128 + colour[1])]
        for number, (x, y, speed) in enumerate(people):
            sway = 0.05 * math.sin(index / 15 * speed + number)
            centre = (round((x + sway) * width), round((y + sway / 3) * height))
            body = (round(0.09 * width), round(0.3 * height))
            cv2.ellipse(luma, centre, body, 8 * math.sin(index / 20), 0, 360, (60 + 30 * number,), -1, cv2.LINE_AA)
            head = (centre[0], centre[1] - round(0.3 * height))
            cv2.circle(luma, head, round(0.09 * height), (170 - 10 * number,), -1, cv2.LINE_AA)
            cv2.circle(planes[1], (head[0] // 2, head[1] // 2), round(0.045 * height), (146,), -1, cv2.LINE_AA)
        luma += noise[index % len(noise)]
        for target, values in zip(canvas.picture.planes, (luma, *planes), strict=True):
            np.copyto(target, np.clip(values, 16, 235), casting="unsafe")
        frames.append(canvas.frame)
    return frames


def _texture(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Noise of all sizes, each octave 0.6 times as strong as the one above it; mean 0, deviation 1."""
    total = np.zeros((height, width), np.float32)
    step, strength = max(width, height) // 2, 1.0
    while step >= 1:
        grain = rng.normal(0, strength, (height // step + 3, width // step + 3)).astype(np.float32)
        total += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        step, strength = step // 2, strength * 0.6
    total -= total.mean()
    total /= total.std()
    return total
