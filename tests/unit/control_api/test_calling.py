"""Rules of the roll call and of judging lines, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.meeting.calling import (
    RESULTS,
    Action,
    Called,
    Result,
    ToCall,
    acted,
    answered,
    called,
    counted,
    ordered,
    timed_out,
)
from control_api.meeting.grades import (
    FAIR,
    GOOD,
    Change,
    Figures,
    Grade,
    Reading,
    Watch,
    averages,
    grade_of,
    measured,
    packed,
    score_of,
    thinned,
    unpacked,
)
from control_api.meeting.sla import LineRecord, records, records_csv, table
from control_api.meeting.tables import LineEventRow, QualitySumRow


def begun(sites: int = 3) -> Called:
    return called(Called("running", 0, 15.0, (None,) * sites), 0, 100.0)


def test_s87_each_site_has_fifteen_seconds_then_the_next_is_called() -> None:
    now = begun()
    assert (now.position, now.due_at) == (0, 115.0)
    assert timed_out(now, 114.9) is None
    late = timed_out(now, 115.0)
    assert late is not None
    assert (late.position, late.results, late.due_at) == (1, ("no_answer", None, None), 130.0)


def test_a_result_calls_the_next_and_the_last_one_ends() -> None:
    now = begun(2)
    now = answered(now, 0, "present", 101.0)
    assert (now.state, now.position, now.called_at) == ("running", 1, 101.0)
    now = answered(now, 1, "poor", 102.0)
    assert (now.state, now.over, now.due_at) == ("finishing", True, None)
    assert counted(now.results) == {"present": 1, "absent": 0, "poor": 1, "no_answer": 0, "skipped": 0, "waiting": 0}


def test_a_step_back_calls_one_again_and_then_goes_on_where_nobody_was_called() -> None:
    now = begun(4)
    for position in (0, 1):
        now = answered(now, position, "present", 101.0)
    back = acted(now, "back", 105.0)
    assert back is not None
    assert (back.position, back.results[1]) == (1, "present")
    again = answered(back, 1, "absent", 106.0)
    assert (again.position, again.results) == (2, ("present", "absent", None, None))
    assert acted(begun(), "back", 1.0) is None


def test_a_pause_keeps_the_seconds_that_are_left() -> None:
    paused = acted(begun(), "pause", 110.0)
    assert paused is not None
    assert (paused.state, paused.left, timed_out(paused, 1e9)) == ("paused", 5.0, None)
    assert acted(paused, "pause", 111.0) is None
    resumed = acted(paused, "resume", 200.0)
    assert resumed is not None
    assert resumed.due_at == 205.0


def test_a_correction_of_another_site_moves_nothing() -> None:
    now = answered(begun(), 2, "absent", 101.0)
    assert (now.position, now.called_at, now.results) == (0, 100.0, (None, None, "absent"))


keys = st.one_of(
    st.sampled_from(["skip", "back", "repeat", "pause", "resume"]),
    st.tuples(st.integers(0, 4), st.sampled_from(RESULTS)),
    st.just(20.0),
)


@given(st.lists(keys, max_size=40))
def test_whatever_is_pressed_the_place_is_one_of_the_sites_or_it_is_over(
    pressed: list[Action | tuple[int, Result] | float],
) -> None:
    now, at = begun(5), 100.0
    for key in pressed:
        if isinstance(key, float):
            at += key
            now = timed_out(now, at) or now
        elif isinstance(key, tuple):
            now = answered(now, key[0], key[1], at)
        else:
            now = acted(now, key, at) or now
        assert (now.state == "finishing") == now.over
        assert (now.state == "running") == (now.due_at is not None)
        assert 0 <= now.position <= 5


def test_order_by_number_alphabet_and_script() -> None:
    names = ["Xã Văn Môn", "Xã Đông Thọ", "Xã Ân Thi", "Xã An Bình", "Xã Dũng Liệt", "Xã Ăn Sơn", "Xã Ánh"]
    sites = [ToCall(f"s{index}", index, name) for index, name in enumerate(names)]
    assert [site.number for site in ordered(sites[::-1], "number")] == list(range(7))
    assert [site.name for site in ordered(sites, "alphabet")] == [
        "Xã An Bình", "Xã Ánh", "Xã Ăn Sơn", "Xã Ân Thi", "Xã Dũng Liệt", "Xã Đông Thọ", "Xã Văn Môn",
    ]  # fmt: skip
    given_order = [site.site for site in ordered(sites, "script", ("s4", "nobody", "s2", "s4"))]
    assert given_order == ["s4", "s2", "s0", "s1", "s3", "s5", "s6"]


@pytest.mark.parametrize(
    ("words"), ["ma mà mả mã má mạ", "ca că câ", "da đa", "ngan ngăn ngân", "o ô ơ", "u ư", "ban bán bang", "2 10 a"]
)
def test_words_are_sorted_as_in_a_vietnamese_dictionary(words: str) -> None:
    wanted = sorted(words.split(), key=lambda word: word != "2") if "2 10" in words else words.split()
    sites = [ToCall(word, 0, word) for word in reversed(wanted)]
    found = [site.name for site in ordered(sites, "alphabet")]
    assert found == (["10", "2", "a"] if "2 10" in words else wanted)


# ------------------------------------------------------------------------------------------------------- grades


def test_s14_a_line_is_judged_by_its_worst_figure() -> None:
    assert grade_of(None) == "lost"
    assert grade_of(Figures()) == "good"
    assert grade_of(Figures(GOOD.loss, 0.0, GOOD.jitter_ms, GOOD.rtt_ms)) == "good"
    for worse in (Figures(loss_down=0.011), Figures(jitter_ms=31), Figures(rtt_ms=151.0)):
        assert grade_of(worse) == "fair"
    for worst in (
        Figures(loss_up=FAIR.loss + 0.001), Figures(jitter_ms=FAIR.jitter_ms + 1), Figures(rtt_ms=FAIR.rtt_ms + 1)
    ):  # fmt: skip
        assert grade_of(worst) == "bad"


def test_figures_of_relay_and_page_come_together() -> None:
    told = {"lost_fraction": 0.01, "lost": 0.02, "peer_lost_fraction": 0.0, "jitter_ms": 3.0, "peer_jitter_ms": 9.0}
    assert measured({**told, "rtt_ms": None, "peer_rtt_ms": 40.0, "received_kbps": 900.0, "kbps": 1400.0}) == Figures(
        0.01, 0.02, 9.0, 40.0, 900.0, 1400.0
    )
    assert measured({}) == Figures()


figures = st.builds(
    Figures, st.floats(0, 1), st.floats(0, 1), st.floats(0, 5000), st.none() | st.floats(0, 5000), st.floats(0, 1e5),
    st.floats(0, 1e5),
)  # fmt: skip


@given(figures)
def test_the_stored_form_keeps_the_grade_and_the_figures(line: Figures) -> None:
    reading = unpacked(packed(line))
    assert reading.grade == grade_of(line)
    assert reading.figures is not None
    assert reading.figures.loss_up == pytest.approx(line.loss_up, abs=0.001)
    assert (reading.figures.rtt_ms is None) == (line.rtt_ms is None)
    assert unpacked(packed(None)) == Reading("lost", None)


def test_s14_an_alarm_needs_three_bad_readings_and_a_lost_line_only_one() -> None:
    watch = Watch()
    grades: list[Grade] = ["good", "bad", "bad", "fair", "bad", "bad", "bad", "bad", "lost", "good", "good", "fair"]
    changes = {index: change for index, grade in enumerate(grades) if (change := watch.read(grade, index * 10.0))}
    assert changes == {
        6: Change(None, "bad", None), 8: Change("bad", "lost", 20.0), 11: Change("lost", None, 30.0),
    }  # fmt: skip


@given(st.lists(st.sampled_from([Reading("good", Figures()), Reading("bad", Figures(0.2))]), max_size=300))
def test_thinning_hides_no_bad_moment(readings: list[Reading]) -> None:
    series = [(float(index), reading) for index, reading in enumerate(readings)]
    thin = thinned(series, 20)
    assert len(thin) <= 20
    assert any(one.grade == "bad" for _, one in thin) == any(one.grade == "bad" for one in readings)


def test_s48_the_score_of_a_meeting() -> None:
    assert score_of(0, 0, 0, 0) is None
    assert score_of(10, 0, 0, 0) == 100
    assert score_of(5, 0, 0, 5) == 50
    assert score_of(0, 10, 0, 0) == 50
    assert averages([]) is None
    mean = averages([Reading("good", Figures(0.1, rtt_ms=None)), Reading("good", Figures(0.3, rtt_ms=20.0))])
    assert mean is not None
    assert (round(mean.loss_up, 3), mean.rtt_ms) == (0.2, 20.0)


def test_s60_the_carriers_record_counts_outages_and_changes_of_line() -> None:
    summed = QualitySumRow(
        conference_id="c-1", site="xa-a", name="Xã A", first_at=0.0, last_at=90.0, good=6, fair=2, bad=0, lost=2,
        loss_sum=0.08, loss_most=0.04, jitter_sum=80.0, rtt_sum=400.0, rtt_most=90.0, up_sum=8000.0, down_sum=16000.0,
    )  # fmt: skip
    kinds = (("lost", None), ("reserve", None), ("back", 25.0))
    events = [
        LineEventRow(
            conference_id="c-1", site="xa-a", name="Xã A", at=float(at), kind=kind, seconds=seconds, by=None, text=""
        )
        for at, (kind, seconds) in enumerate(kinds)
    ]  # fmt: skip
    (record,) = records([summed], events)
    assert (record.availability, record.outages, record.longest_outage, record.reserve_changes) == (0.8, 1, 25.0, 1)
    assert (record.seconds, record.score, record.mean("loss"), record.mean("rtt")) == (100.0, 70, 0.01, 50.0)
    text = records_csv([record, LineRecord("=cmd", "-x")]).decode("utf-8-sig")
    assert "Xã A" in text
    assert "'=cmd,'-x" in text
    assert table(("a",), [("1\n2",)]).endswith(b'"1\n2"\r\n')
