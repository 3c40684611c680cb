"""The line benchmark's own arithmetic: recordings put in place, candidates led elsewhere, tables for any result."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from benchmarks.line import run, table
from benchmarks.line_film import FRAME_RATE, film
from benchmarks.line_sites import Record, Sound, detour, through
from endpoint_client.marks import find_marks
from endpoint_client.tones import RATE


def block(value: int, samples: int = 480) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(samples, value, np.int16)


def test_sound_is_put_together_without_regard_to_small_delays() -> None:
    record = Record(sounds=[Sound(10.0, 0, block(1)), Sound(10.05, 0, block(2)), Sound(10.055, 0, block(3))])
    sound = record.sound(10.0, 10.04)
    assert sound[:1440].tolist() == [1] * 480 + [2] * 480 + [3] * 480
    assert not sound[1440:].any()


def test_sound_that_stopped_goes_on_where_it_came_back() -> None:
    record = Record(sounds=[Sound(10.0, 0, block(1)), Sound(12.0, 0, block(2))])
    sound = record.sound(10.0, 13.0)
    assert np.flatnonzero(sound == 2)[0] == 2 * RATE


def test_samples_known_to_be_missing_leave_their_place_silent() -> None:
    record = Record(sounds=[Sound(10.0, 0, block(1)), Sound(10.02, 960, block(2))])
    sound = record.sound(10.0, 10.04)
    assert np.flatnonzero(sound == 2)[0] == 1440
    assert np.count_nonzero(sound) == 960


def test_only_what_falls_between_the_times_is_taken() -> None:
    record = Record(sounds=[Sound(9.995, 0, block(1)), Sound(10.005, 0, block(2))])
    assert record.sound(10.0, 10.01).tolist() == [1] * 240 + [2] * 240


def test_candidates_lead_through_the_proxy_and_nothing_else_changes() -> None:
    sdp = (
        "m=audio 40000 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=mid:0\r\n"
    )
    assert detour(5555)(sdp) == sdp.replace("127.0.0.1 40000", "127.0.0.1 5555")


def test_a_link_leads_through_the_proxy() -> None:
    assert through("https://127.0.0.1:8443/join/kX3", 999) == "https://127.0.0.1:999/join/kX3"


def test_each_picture_of_the_film_says_which_it_is() -> None:
    frames = film(7)
    assert len(frames) == 5 * FRAME_RATE
    for number in (0, 60, 149):
        (sighting,) = find_marks(frames[number])
        assert (sighting.mark.site, sighting.mark.frame) == (7, number)


def test_wrong_arguments_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="N99"):
        run(profile="N99")
    with pytest.raises(ValueError, match="3600"):
        run(seconds=1)


def test_a_result_with_unknown_figures_has_a_table() -> None:
    keys = ("freezes_per_min", "longest_freeze_ms", "audio_gap_ms_max", "pesq_or_stoi", "recovery_s", "fps")
    counts = {"lost": 3, "queue_full": 1, "cut": 0}
    result = {
        **{"profile": "N7", "profile_text": "cut", "seconds": 30.0, "client": "aiortc", "speech": "espeak-ng"},
        **{f"{key}_{way}": None for key in keys for way in ("up", "down")},
        **{"uplink_kbps": 1, "downlink_kbps": 2, "same_seat": True, "processor_idle": 0.5},
        "line": {"up": counts, "down": counts},
        "machine": {"cpu": "c", "cores": 2, "cores_allowed": 2, "memory_gb": 4, "python": "3", "kernel": "6"},
    }
    console = Console(width=160, record=True, file=StringIO())
    console.print(table(result))
    text = console.export_text()
    assert "≤ 2" in text
    assert "packets lost by the line" in text
