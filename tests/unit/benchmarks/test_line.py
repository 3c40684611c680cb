"""The line benchmark's own arithmetic: recordings put in place, candidates led elsewhere, tables for any result."""

from __future__ import annotations

from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks.freezes import Span
from benchmarks.impair import PROFILES
from benchmarks.line import Measured, judge, missed, run, table
from benchmarks.line_film import FRAME_RATE, film
from benchmarks.line_sites import Record, Sound, detour, through
from benchmarks.speech import NO_WORDS, Speech
from endpoint_client.marks import find_marks
from endpoint_client.tones import RATE, babble


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


ISSUE = {"freezes_per_min", "longest_freeze_ms", "audio_gap_ms_max", "pesq_or_stoi", "recovery_s", "uplink_kbps"}


def seen_and_heard(voice: Speech, *cuts: tuple[float, float], seconds: float = 30.0) -> Record:
    """Fifteen pictures a second and the voice from time 100 on, but for the cuts."""

    def cut(at: float) -> bool:
        return any(begin <= at < end for begin, end in cuts)

    pictures = [99.0 + n / 15 for n in range(round((seconds + 1) * 15)) if not cut(n / 15 - 1)]
    sounds = [
        Sound(100 + n * 0.02, 0, voice.pcm[n * 960 % voice.pcm.size :][:960])
        for n in range(round(seconds * 50))
        if not cut(n * 0.02)
    ]
    return Record(pictures, sounds)


@pytest.fixture(scope="module")
def voice() -> Speech:
    return Speech(babble(0)[: RATE * 4], NO_WORDS)


def judged(profile: str, voice: Speech, up: Record, down: Record) -> dict[str, Any]:
    counts = {"lost": 3, "queue_full": 1, "cut": 0, "octets": 1_000_000}
    facts = {"same_seat": True, "processor_idle": 0.5, "relay": {}}
    both = {"up": counts, "down": counts}
    measured = Measured(Span(100, 130), up, down, both, facts, "aiortc")
    return {**judge(PROFILES[profile], 1, [voice, voice], measured), "seconds_asked": 30.0}


def shown(result: dict[str, Any]) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(table(result))
    return console.export_text()


def test_a_line_that_came_back_is_judged_with_all_promised_figures(voice: Speech) -> None:
    whole = seen_and_heard(voice)
    result = judged("N7", voice, whole, seen_and_heard(voice, (8, 14)))
    assert result.keys() >= ISSUE
    assert (result["recovered"], result["missed"]) == (True, [])
    assert (result["recovery_s_up"], result["recovery_s"]) == (0.0, pytest.approx(1.0, abs=0.15))
    assert result["longest_freeze_ms"] == pytest.approx(6000, abs=100)
    assert result["audio_gap_ms_max"] == pytest.approx(6000, abs=400)
    assert result["pesq_or_stoi_up"] > 0.95
    assert result["uplink_kbps"] == 267
    assert "≤ 2" in shown(result)
    assert "without words" in shown(result)


def test_a_line_that_never_came_back_misses_its_goal(voice: Speech) -> None:
    result = judged("N7", voice, seen_and_heard(voice, (8, 30)), seen_and_heard(voice, (8, 14)))
    assert (result["recovered"], result["recovery_s"], result["missed"]) == (False, None, ["recovery_s"])
    assert result["recoveries_s"] == {"up": [None], "down": [pytest.approx(1.0, abs=0.15)]}
    assert "not ✗" in shown(result)


@pytest.fixture(scope="module")
def well(voice: Speech) -> dict[str, Any]:
    """A line with nothing wrong."""
    whole = seen_and_heard(voice)
    return judged("N6", voice, whole, whole)


@pytest.mark.parametrize(("profile", "said"), [("N7", ["same_seat"]), ("N8", ["same_seat"]), ("N6", [])])
def test_a_seat_that_was_lost_misses_the_goal_of_lines_that_come_back(
    well: dict[str, Any], profile: str, said: list[str]
) -> None:
    lost = {**well, "profile": profile, "same_seat": False}
    assert missed(lost) == said
    assert ("no ✗" in shown(lost)) == bool(said)
    assert missed({**lost, "same_seat": True}) == []


def test_nothing_to_recover_from_misses_nothing_and_silence_is_no_clear_speech(voice: Speech) -> None:
    whole, silent = seen_and_heard(voice), Record(seen_and_heard(voice).pictures)
    result = judged("N3", voice, whole, whole)
    assert (result["recovered"], result["recovery_s"], result["missed"]) == (None, None, [])
    assert "pesq_or_stoi" in judged("N3", voice, whole, silent)["missed"]


def test_a_short_run_of_steps_says_that_it_took_longer(well: dict[str, Any]) -> None:
    assert "were asked for" in shown({**well, "seconds": 90.0})
