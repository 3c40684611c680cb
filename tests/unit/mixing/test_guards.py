"""Streams that break decoders: counted, kept out for a while, remembered over a crash."""

from __future__ import annotations

import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mcu_core.mixing.quarantine import HOLD, Quarantine, Source
from mcu_core.mixing.suspects import DecodingMarks, read_suspects

ADA: Source = (1, "camera")
BOB: Source = (2, "screen")


def test_five_failures_in_ten_seconds_keep_a_stream_out_for_thirty() -> None:
    quarantine = Quarantine()
    assert [quarantine.failed(ADA, now) for now in (0.0, 2.0, 4.0, 6.0, 8.0)] == [False] * 4 + [True]
    assert quarantine.holds(ADA, 8.1)
    assert quarantine.held(8.1) == {ADA}
    assert not quarantine.holds(BOB, 8.1)
    assert not quarantine.holds(ADA, 8.0 + HOLD)


def test_rare_failures_are_forgiven() -> None:
    quarantine = Quarantine()
    assert not any(quarantine.failed(ADA, 2.6 * n) for n in range(100))


@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0.0, 5.0)), max_size=200))
def test_records_do_not_pile_up(events: list[tuple[int, float]]) -> None:
    quarantine, now = Quarantine(), 0.0
    for site, gap in events:
        now += gap
        quarantine.failed((site, "camera"), now)
    quarantine.forget(now + 1000)
    assert quarantine.held(now + 1000) == set()
    assert not quarantine._records


def test_marks_of_a_process_that_died_name_what_was_decoded(tmp_path: Path) -> None:
    path = tmp_path / "mixer.decoding"
    assert read_suspects(path) == set()
    marks = DecodingMarks(path)

    def decode(source: Source, *, survives: bool) -> None:
        marks.begin(source)
        if survives:
            marks.end()

    for source, survives in ((ADA, True), (BOB, False)):
        thread = threading.Thread(target=decode, args=(source,), kwargs={"survives": survives})
        thread.start()
        thread.join()
    assert read_suspects(path) == {BOB}
    marks.close()
    DecodingMarks(path).close()
    assert read_suspects(path) == set()


def test_a_damaged_file_of_marks_accuses_nobody(tmp_path: Path) -> None:
    path = tmp_path / "mixer.decoding"
    path.write_bytes(b"\1\0\0\0\x09\0\0\0\1\0")
    assert read_suspects(path) == set()
