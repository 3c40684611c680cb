"""Speech to listen to over bad lines: sentences of a meeting spoken by espeak-ng where it is installed.

Where it is not, a voice without words (endpoint_client/tones.py, `babble`); results say which it was.  Vietnamese and
English, so that tones and plosives are both there.  Made once per run; mono at 48 kHz, a loop without long pauses.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.hearing import resample
from endpoint_client.tones import RATE, babble

Pcm = NDArray[np.int16]
NO_WORDS = "babble (no words)"
NO_WORDS_HINT = (
    "Không có espeak-ng: giọng nói không có lời, chỉ số nghe rõ không so sánh được · "
    "no espeak-ng: a voice without words, intelligibility compares with nothing"
)
_LEVEL_DBFS = -22.0
_PAUSE = 0.15
_TEXTS: tuple[tuple[tuple[str, str], ...], ...] = (  # per speaker: (espeak-ng's voice, text)
    (
        ("vi", "Kính thưa hội nghị, xã Văn Môn xin báo cáo tình hình phòng chống thiên tai trong tuần qua."),
        ("vi", "Mực nước sông hiện ở mức báo động hai, toàn bộ các hộ dân ven đê đã được sơ tán an toàn."),
        ("en", "The bridge on the main road is closed; two trucks with supplies are on their way."),
    ),
    (
        ("vi+f3", "Điểm cầu trung tâm nghe rõ, đề nghị các đồng chí báo cáo số liệu cụ thể từng thôn."),
        ("vi+f3", "Sau hội nghị này, văn phòng sẽ gửi công văn hướng dẫn đến tất cả các đơn vị."),
        ("en+f3", "Please keep the line open and send the figures before four o'clock this afternoon."),
    ),
)


class NoVoice(RuntimeError):
    """espeak-ng is not there or does not speak."""


@dataclass(frozen=True, slots=True)
class Speech:
    """`source` says who speaks."""

    pcm: Pcm
    source: str


def speech(speaker: int) -> Speech:
    """The loop of speaker 0 or 1, about 18 s."""
    try:
        parts = [_spoken(voice, text) for voice, text in _TEXTS[speaker]]
        version = _version()
    except NoVoice:
        return Speech(np.concatenate([babble(10 * speaker + voice) for voice in range(4)]), NO_WORDS)
    pause = np.zeros(int(_PAUSE * RATE))
    pcm = np.concatenate([piece for part in parts for piece in (part, pause)])
    pcm *= 32767 * 10 ** (_LEVEL_DBFS / 20) / np.sqrt(np.mean(pcm[np.abs(pcm) > 0.01 * np.abs(pcm).max()] ** 2))
    count = len(pcm) // 960 * 960  # whole Opus packets
    return Speech(np.clip(pcm[:count], -32000, 32000).astype(np.int16), version)


def _spoken(voice: str, text: str) -> NDArray[np.float64]:
    raw = _espeak("-v", voice, "-s", "165", "--stdout", text)
    with wave.open(io.BytesIO(raw)) as file:
        pcm = np.frombuffer(file.readframes(-1), "<i2")  # the header of a pipe has no length
        return resample(pcm, file.getframerate(), RATE)


def _version() -> str:
    words = _espeak("--version").decode(errors="replace").split()
    return f"espeak-ng {next((word for word in words if word[:1].isdigit()), '')}".strip()


def _espeak(*words: str) -> bytes:
    program = shutil.which("espeak-ng")
    if program is None:
        raise NoVoice("espeak-ng is not installed")
    try:
        done = subprocess.run([program, *words], capture_output=True, timeout=20, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise NoVoice(str(error)) from error
    return done.stdout
