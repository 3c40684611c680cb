"""Fading from one arrangement of a view to the next."""

from __future__ import annotations

import itertools
from dataclasses import replace

import av
import numpy as np
import pytest

from mcu_core.mixing import rendition as rendition_module
from mcu_core.mixing.fade import Fade
from mcu_core.mixing.quarantine import Source
from mcu_core.mixing.scene import make_scene
from mcu_core.mixing.view_loop import ViewLoop
from mcu_core.wire import RenditionPlan, SitePlan, TilePlan, VideoOut, ViewPlan
from mixer.codec import EncodedVideo
from mixer.picture import Canvas, Picture
from tests.unit.mixing.fakes import AtOnce, FakeClock, FakePictures

SITES = {n: SitePlan(n, f"Điểm {n}", present=True) for n in (1, 2)}
FULL = TilePlan(0.0, 0.0, 1.0, 1.0, site=1)
PLAN = ViewPlan("programme", 64, 32, 30.0, (FULL,), fade=0.3)


def test_halfway_is_the_mean_and_the_end_is_the_new_picture() -> None:
    canvas = Canvas(66, 34)  # rows of the frame are padded
    canvas.picture.fill((40, 100, 200))
    fade = Fade(canvas, began=10.0, seconds=0.3)
    canvas.picture.fill((200, 120, 100))
    for now, luma in ((10.0, 40), (10.15, 120), (10.3, 200)):
        blended = Picture.from_frame(fade.blend(canvas, now))
        assert blended.y.shape == (34, 66)
        assert np.all(np.abs(blended.y.astype(int) - luma) <= 1)
    assert not fade.over(10.29)
    assert fade.over(10.31)


class Spy:
    """An encoder that notes the middle of each picture."""

    lumas: list[int] = []  # noqa: RUF012

    def __init__(self, *plan: object) -> None:
        Spy.lumas = []

    def encode(self, canvas: av.VideoFrame, rtp_time: int, force_keyframe: bool = False) -> list[EncodedVideo]:
        Spy.lumas.append(int(Picture.from_frame(canvas).y[8, 32]))
        return [EncodedVideo(b"", force_keyframe, rtp_time)]

    def set_bitrate(self, bitrate_bps: int) -> None:
        """Of no interest."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("fade", "steps"), [(0.3, 9), (0.0, 1)])
async def test_a_view_fades_over_300_ms_or_cuts(monkeypatch: pytest.MonkeyPatch, fade: float, steps: int) -> None:
    monkeypatch.setattr(rendition_module, "video_encoder", Spy)
    pictures: dict[Source, Picture] = {
        (1, "camera"): Picture.blank(64, 32, (30, 128, 128)),
        (2, "camera"): Picture.blank(64, 32, (230, 128, 128)),
    }
    sent: list[VideoOut] = []
    plan = replace(PLAN, fade=fade)
    loop = ViewLoop(make_scene(1, plan, SITES), FakeClock(), AtOnce(), FakePictures(pictures), sent.append, _nobody)
    rendition = RenditionPlan(1, "programme", "H264", 64, 32, 30.0, 100_000)

    def show(picture: VideoOut) -> None:
        sent.append(picture)
        if len(sent) == 5:
            second = replace(plan, tiles=(replace(FULL, site=2),))
            loop.update(make_scene(2, second, SITES), [rendition])
        if len(sent) == 25:
            loop.retire()

    loop._send = show
    loop.update(make_scene(1, plan, SITES), [rendition])
    await loop.run()
    lumas = Spy.lumas[4:]
    assert lumas == sorted(lumas)
    assert lumas[-1] > 200
    between = sum(40 < luma < 200 for luma in lumas)
    assert (between >= 5) == (fade > 0)
    assert next(index for index, luma in enumerate(lumas) if luma > 220) <= steps + 2
    assert all(b - a <= 30 for a, b in itertools.pairwise(lumas)) == (fade > 0)


def _nobody(view: str, revision: int, tick: float) -> None:
    """Does not ask when it was on air."""
