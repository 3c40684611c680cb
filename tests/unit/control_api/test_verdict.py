"""The rules from figures to a verdict."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.accounts.rules import Role
from control_api.bookings.rules import NEWEST_RULES
from control_api.checks import thresholds
from control_api.checks.joint import NEEDED, Party, complete, may_confirm, words
from control_api.checks.measured import Measured
from control_api.checks.people import clean_phone
from control_api.checks.progress import SiteAt, deadline, progress
from control_api.checks.stills import Still, jpeg_size, read_still
from control_api.checks.store import Check, NewCheck, Override, Sheet, SiteChecks, _values
from control_api.checks.tables import CheckRow
from control_api.checks.thresholds import Limit
from control_api.checks.verdict import ITEMS, Verdict, judge, worst
from control_api.problems import Refused
from tests.unit.control_api.check_samples import GOOD, JPEG, STILL


def measured(**changed: Any) -> Measured:
    return Measured.model_validate({name: value for name, value in (GOOD | changed).items() if value is not None})


def new_check(check: str, **changed: Any) -> NewCheck:
    what = measured(**changed)
    judged = judge(what, device_ready=True)
    still = Still(JPEG, 640, 360)
    return NewCheck(check, "c-1", "so-y-te", "Sở Y tế", "browser", "technical", Sheet(), what, judged, still=still)


def codes(what: Measured, ready: bool = True) -> dict[str, Verdict]:
    return {reason.code: reason.verdict for reason in judge(what, device_ready=ready).reasons}


def test_good_figures_pass_without_a_reason() -> None:
    judged = judge(measured(), device_ready=True)
    assert judged.verdict is Verdict.PASS
    assert not judged.reasons
    assert set(judged.items) == set(ITEMS)


@pytest.mark.parametrize(
    ("part", "change", "code", "verdict"),
    [
        ("camera", {"brightness": 3.0, "contrast": 0.5}, "camera_black", "fail"),
        ("camera", {"brightness": 30.0}, "camera_dark", "remarks"),
        ("camera", {"brightness": 240.0}, "camera_bright", "remarks"),
        ("camera", {"frozen_s": 3.5}, "camera_frozen", "fail"),
        ("camera", {"frame_rate": 8.0}, "camera_slow", "remarks"),
        ("camera", {"width": 160, "height": 120}, "camera_small", "fail"),
        ("microphone", {"speech_dbfs": -70.0}, "microphone_silent", "fail"),
        ("microphone", {"speech_dbfs": -45.0}, "microphone_quiet", "remarks"),
        ("microphone", {"noise_dbfs": -25.0}, "microphone_noise", "fail"),
        ("microphone", {"clipped": 0.02}, "microphone_clips", "remarks"),
        ("loudspeaker", {"heard": False, "tries": 3}, "loudspeaker_not_heard", "fail"),
        ("loudspeaker", {"tries": 2}, "loudspeaker_unsure", "remarks"),
        ("sound_loop", {"found": 0}, "sound_not_returned", "fail"),
        ("sound_loop", {"delay_ms": 500.0}, "sound_late", "remarks"),
        ("sound_loop", {"level_db": -30.0}, "sound_weak", "remarks"),
        ("picture_loop", {"returned": False}, "picture_not_returned", "fail"),
        ("line", {"loss_up": 0.02}, "loss_up", "remarks"),
        ("line", {"loss_down": 0.08}, "loss_down", "fail"),
        ("line", {"seconds": 7.9}, "line_not_measured", "fail"),
        ("line", {"rtt_ms": 200.0}, "round_trip", "remarks"),
        ("line", {"jitter_ms": 120.0}, "jitter", "fail"),
    ],
)
def test_s80_each_fault_has_its_reason(part: str, change: dict[str, Any], code: str, verdict: str) -> None:
    found = codes(measured(**{part: GOOD[part] | change}))
    assert found.get(code) == verdict
    assert judge(measured(**{part: GOOD[part] | change}), device_ready=True).verdict == verdict


@pytest.mark.parametrize("part", sorted(GOOD))
def test_what_was_not_measured_fails(part: str) -> None:
    assert judge(measured(**{part: None}), device_ready=True).verdict is Verdict.FAIL


def test_s81_nobody_confirmed_the_equipment() -> None:
    assert codes(measured(), ready=False) == {"device_not_ready": Verdict.FAIL}


def test_the_mcu_must_have_got_the_picture_that_the_site_says_it_sent() -> None:
    nothing = {"received_kbps": 30.0, "frame_rate": 0.0, "decoded": False}
    assert "mcu_got_no_picture" in codes(measured(mcu=nothing))
    assert codes(measured(mcu={"received_kbps": 300.0, "frame_rate": 15.0, "decoded": True})) == {}


LIMITS = [getattr(thresholds, name) for name in dir(thresholds) if isinstance(getattr(thresholds, name), Limit)]


@pytest.mark.parametrize("limit", LIMITS)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2))
def test_worse_figures_never_judge_better(limit: Limit, values: list[float]) -> None:
    good, bad = sorted(values, reverse=limit.least)
    order = ("pass", "remarks", "fail")
    assert order.index(limit.judged(good)) <= order.index(limit.judged(bad))
    assert limit.judged(limit.remark) != "remarks" or limit.remark == limit.fail
    assert {field.name for field in fields(limit)} == {"remark", "fail", "least"}


@given(st.lists(st.sampled_from(list(Verdict))))
def test_the_worst_verdict_wins_in_any_order(verdicts: list[Verdict]) -> None:
    assert worst(verdicts) is worst(reversed(verdicts))
    assert (worst(verdicts) is Verdict.FAIL) == (Verdict.FAIL in verdicts)


numbers = st.floats(0, 255)


@given(
    camera=st.none()
    | st.fixed_dictionaries(
        {
            "width": st.integers(0, 4000),
            "height": st.integers(0, 4000),
            "frame_rate": st.floats(0, 60),
            "brightness": numbers,
            "contrast": numbers,
            "frozen_s": st.floats(0, 10),
            "seconds": st.just(4.0),
        }
    ),
    microphone=st.none()
    | st.fixed_dictionaries(
        {"speech_dbfs": st.floats(-120, 0), "noise_dbfs": st.floats(-120, 0), "seconds": st.just(5.0)}
    ),
    ready=st.booleans(),
)
def test_every_verdict_that_is_not_a_pass_says_why(camera: Any, microphone: Any, ready: bool) -> None:
    judged = judge(measured(camera=camera, microphone=microphone), device_ready=ready)
    assert (judged.verdict is Verdict.PASS) == (not judged.reasons)
    assert judged.verdict is worst(judged.items.values())
    for reason in judged.reasons:
        assert judged.items[reason.item] is not Verdict.PASS
        assert reason.vi
        assert reason.en


# -------------------------------------------------------------------------------------------------- stills, phones


def test_a_still_is_a_whole_jpeg_within_bounds() -> None:
    assert read_still(STILL) == Still(JPEG, 640, 360)
    for end in range(len(JPEG)):
        assert jpeg_size(JPEG[:end]) is None


@given(st.binary(max_size=200))
def test_anything_may_claim_to_be_a_jpeg(data: bytes) -> None:
    jpeg_size(b"\xff\xd8" + data + b"\xff\xd9")


@pytest.mark.parametrize("text", ["0912 345 678", "0912.345.678", "(0204) 3555 992", "+84 912 345 678", "", "  "])
def test_s76_telephone_numbers_as_people_write_them(text: str) -> None:
    assert " " not in clean_phone(text)


@pytest.mark.parametrize("text", ["12345", "0912345", "không có", "0912345678901234"])
def test_s76_what_is_no_telephone_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad_phone"):
        clean_phone(text)


# ------------------------------------------------------------------------------------------------ progress, parties


SITES = (SiteAt("tinh", "Tỉnh", "main"), SiteAt("a", "A"), SiteAt("b", "B"))


def checked(site: str, at: float, **changed: Any) -> Check:
    new = new_check("k-1", **changed)
    return Check(CheckRow(**_values(new, at) | {"site_id": site}))


def test_s82_a_check_less_than_an_hour_before_the_start_is_late() -> None:
    starts = 100_000.0
    times = deadline(starts, NEWEST_RULES)
    assert (starts - times.latest, starts - times.wished) == (3600.0, 4 * 3600.0)
    known = SiteChecks({"a": checked("a", times.latest), "b": checked("b", times.latest + 1)})
    states = {one.site.id: (one.state, one.late) for one in progress(SITES, known, times.latest)}
    assert states == {"tinh": ("missing", False), "a": ("passed", False), "b": ("passed", True)}


def test_s82_a_failed_check_is_red_until_an_officer_says_otherwise() -> None:
    failed = checked("a", 1.0, microphone=None)
    known = SiteChecks({"a": failed})
    assert progress(SITES[1:2], known, None)[0].red
    overridden = Check(failed.row, (Override(Verdict.REMARKS, "đạt", "an", 2.0),))
    assert not progress(SITES[1:2], SiteChecks({"a": overridden}), None)[0].red


def test_s36_class_a_needs_four_parties() -> None:
    assert set(NEEDED["A"]) == set(Party)
    said = {(Party.SO, ""): True, (Party.MAIN, ""): True, (Party.CARRIER, ""): True, (Party.MEMBER, "a"): True}
    assert not complete(words("A", ["a", "b"], said, []))
    assert complete(words("A", ["a", "b"], said, ["b"]))
    assert not complete(words("A", ["a"], said | {(Party.CARRIER, ""): False}, []))


def test_a_members_own_word_counts_more_than_its_check() -> None:
    assert not complete(words("B", ["a"], {(Party.MAIN, ""): True, (Party.MEMBER, "a"): False}, ["a"]))


@pytest.mark.parametrize("role", list(Role))
def test_s62_a_carrier_speaks_for_the_line_alone(role: Role) -> None:
    allowed = {party for party in Party if may_confirm(role, party)}
    if role in (Role.ADMINISTRATOR, Role.OFFICER):
        assert allowed == set(Party)
    elif role is Role.CARRIER:
        assert allowed == {Party.CARRIER}
    elif role in (Role.TECHNICIAN, Role.OPERATOR):
        assert allowed == {Party.MAIN, Party.MEMBER}
    else:
        assert not allowed
