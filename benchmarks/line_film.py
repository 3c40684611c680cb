"""What the two sites of the line benchmark show and say, as files: natural-looking moving pictures and speech.

Each picture carries a mark (endpoint_client/marks.py), so a listener can tell in the mix which picture of the film it
is and when a new one came.  The film runs forth and back, so it is a loop without a cut.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.scenery import scene
from benchmarks.speech import Pcm
from endpoint_client.marks import Mark, stamp
from endpoint_client.tones import RATE
from mixer.picture import Picture

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
_SECONDS = 2.5  # one way


def film(site: int) -> list[av.VideoFrame]:
    """The loop of a site: marked pictures of `FRAME_RATE`, the number on the mark is the place in the list."""
    forth = scene(WIDTH, HEIGHT, round(_SECONDS * FRAME_RATE), seed=site)
    frames = []
    for number, source in enumerate([*forth, *reversed(forth)]):
        frame = av.VideoFrame.from_ndarray(source.to_ndarray(), format="yuv420p")
        picture = Picture.from_frame(frame)
        stamp(picture.y, picture.u, picture.v, Mark(site, number))
        frames.append(frame)
    return frames


def write_y4m(path: Path, frames: Sequence[av.VideoFrame]) -> None:
    """For a browser's fake camera, which repeats it."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAME_RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n")
            file.write(frame.to_ndarray().tobytes())


def write_wav(path: Path, pcm: Pcm) -> None:
    """For a browser's fake microphone, which repeats it."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.astype("<i2").tobytes())


def write_recording(path: Path, frames: Sequence[av.VideoFrame], pcm: Pcm, seconds: float) -> None:
    """Film and voice repeated for `seconds`, in one file, for a headless site (`SiteOptions.file`)."""
    rate = FRAME_RATE // 2
    with av.open(str(path), "w", format="matroska") as file:
        video = file.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "20"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = file.add_stream("pcm_s16le", rate=RATE, layout="mono")
        sound = _blocks(pcm)
        for number in range(round(seconds * rate)):
            frame = frames[number * 2 % len(frames)]
            frame.pts, frame.time_base = number, Fraction(1, rate)
            frame.pict_type = av.video.frame.PictureType.NONE
            file.mux(video.encode(frame))
            for _ in range(RATE // rate // _BLOCK):
                file.mux(audio.encode(next(sound)))
        file.mux(video.encode(None))
        file.mux(audio.encode(None))


_BLOCK = 1600  # samples: half a picture at 15 a second


def _blocks(pcm: Pcm) -> Iterator[av.AudioFrame]:
    at = 0
    while True:
        samples = pcm[np.arange(at, at + _BLOCK) % len(pcm)]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None, :], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        at += _BLOCK
        yield frame
