"""Scenes of a script and rehearsals in the conference: one step, undone as one, whatever came before."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu_core.commands import (
    AddSite,
    CallNext,
    Command,
    MuteAll,
    MuteSite,
    PlaceSite,
    PlayScene,
    Podium,
    Rehearse,
    RemoveSite,
    SetLayout,
    Undo,
    ViewPlan,
)
from mcu_core.conference import Conference
from mcu_core.errors import OperatorError
from mcu_core.scene import CustomTile, Filler, Placement


def conference_of(*members: str) -> Conference:
    conference = Conference.new("c-1", "Họp giao ban")
    conference.apply(AddSite("tinh", "main", "tinh"), 0.0)
    for member in members:
        conference.apply(AddSite(member, site=member), 0.0)
    return conference


def heard(conference: Conference) -> set[str]:
    return {site for site in conference.arrangement.sites if conference.arrangement.muted_by(site) is None}


def stored_again(conference: Conference) -> Conference:
    return Conference.from_document("c-1", json.loads(json.dumps(conference.document())))


REPORT = PlayScene(
    "s-2",
    "Sở Y tế báo cáo",
    podium="y-te",
    views=(ViewPlan("programme", "1+2", cells=((1, Placement("tinh")),)), ViewPlan("wall", "2x2")),
    audio="podium",
    heard=("van-mon",),
    next_site="yen-phong",
)


def test_s74_scene_puts_layouts_podium_and_sound_on_at_once() -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong", "tam-giang")
    conference.apply(MuteSite("van-mon", True), 0.5)
    events = conference.apply(REPORT, 1.0)
    assert [(event.what, event.site) for event in events] == [("script_scene", "y-te")]
    now = conference.arrangement
    assert (now.scene.podium, now.next_site, now.playing) == ("y-te", "yen-phong", "s-2")
    assert now.scene.views["programme"].layout == "1+2"
    assert now.scene.views["programme"].cells == {1: Placement("tinh")}
    assert now.scene.views["wall"].layout == "2x2"
    assert now.scene.views["chair"].layout == "1"  # no plan: as the podium arranges it
    assert heard(conference) == {"tinh", "y-te", "van-mon"}


def test_s74_undo_takes_a_scene_back_whole() -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong")
    conference.apply(SetLayout("wall", "3x3"), 0.5)
    conference.apply(PlayScene("s-1", "Khai mạc", podium="tinh"), 0.6)
    before = conference.arrangement
    conference.apply(REPORT, 1.0)
    conference.apply(Undo(), 2.0)
    assert conference.arrangement == before
    assert conference.arrangement.playing == "s-1"


def test_place_in_the_script_survives_a_restart() -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong")
    conference.apply(REPORT, 1.0)
    again = stored_again(conference)
    assert again.arrangement == conference.arrangement
    again.apply(Undo(), 2.0)
    assert again.arrangement.playing is None


def test_scene_without_some_of_its_sites_goes_on_and_names_them() -> None:
    conference = conference_of("van-mon")
    rotation = ViewPlan("chair", "2x2", cells=((0, Filler("rotation", 10.0, ("y-te", "van-mon"))), (1, Placement("x"))))
    events = conference.apply(PlayScene("s-3", "Thảo luận", podium="y-te", views=(rotation,), next_site="x"), 1.0)
    assert events[0].data["missing"] == ["x", "y-te"]
    now = conference.arrangement
    assert (now.scene.podium, now.next_site) == (None, None)
    assert now.scene.views["chair"].cells == {0: Filler("rotation", 10.0, ("van-mon",))}


def test_scene_after_a_podium_by_hand_begins_from_what_was_before_it() -> None:
    conference = conference_of("y-te", "van-mon")
    conference.apply(SetLayout("programme", "3x3"), 0.5)
    conference.apply(Podium("van-mon"), 1.0)
    conference.apply(PlayScene("s-4", "Nghỉ"), 2.0)
    now = conference.arrangement
    assert now.scene.views["programme"].layout == "3x3"
    assert now.before_podium is None
    assert heard(conference) == {"tinh", "y-te", "van-mon"}


def test_ending_the_podium_of_a_scene_leaves_the_scene_s_own_views() -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong")
    conference.apply(REPORT, 1.0)
    conference.apply(Podium(None), 2.0)
    assert conference.arrangement.scene.views["programme"].layout == "1+2"
    assert conference.arrangement.scene.views["wall"].layout == "2x2"
    assert heard(conference) == {"tinh", "y-te", "van-mon", "yen-phong"}


def test_scene_that_lets_only_the_chair_be_heard() -> None:
    conference = conference_of("y-te", "van-mon")
    conference.apply(PlayScene("s-5", "Kết luận", audio="podium"), 1.0)
    assert heard(conference) == {"tinh"}
    conference.apply(PlayScene("s-6", "Trao đổi"), 2.0)
    assert heard(conference) == {"tinh", "y-te", "van-mon"}


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (ViewPlan("programme", "không-có"), "unknown_layout"),
        (ViewPlan("programme", "1", cells=((1, Placement("y-te")),)), "cell_out_of_range"),
        (ViewPlan("site:7"), "unknown_view"),
        (ViewPlan("chair", "custom", tiles=(CustomTile(0.5, 0, 0.6, 1),)), "bad_tiles"),
    ],
)
def test_scene_that_does_not_fit_changes_nothing(plan: ViewPlan, code: str) -> None:
    conference = conference_of("y-te")
    before = conference.document()
    with pytest.raises(OperatorError) as error:
        conference.apply(PlayScene("s-7", views=(plan,), podium="y-te"), 1.0)
    assert error.value.code == code
    assert conference.document() == before


def test_s78_end_of_a_rehearsal_restores_the_room() -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong")
    conference.apply(SetLayout("wall", "3x3"), 0.1)
    conference.apply(PlaceSite("wall", 2, "van-mon"), 0.2)
    conference.apply(MuteSite("van-mon", True), 0.3)
    conference.apply(Podium("van-mon"), 0.4)
    before = conference.arrangement
    assert [event.what for event in conference.apply(Rehearse(True), 1.0)] == ["rehearsal"]
    assert conference.arrangement.rehearsing
    assert all(event.data["rehearsal"] for event in conference.apply(REPORT, 2.0))
    conference.apply(PlayScene("s-6", "Trao đổi"), 3.0)
    conference = stored_again(conference)
    assert [event.what for event in conference.apply(Rehearse(False), 4.0)] == ["rehearsal_ended"]
    assert conference.arrangement == before
    assert "rehearsal" not in conference.apply(REPORT, 5.0)[0].data


def test_rehearsal_ends_although_a_site_is_gone_meanwhile() -> None:
    conference = conference_of("y-te", "van-mon")
    conference.apply(PlaceSite("wall", 0, "van-mon"), 0.2)
    conference.apply(Podium("van-mon"), 0.4)
    conference.apply(Rehearse(True), 1.0)
    conference.apply(RemoveSite("van-mon"), 2.0)
    conference.apply(Rehearse(False), 3.0)
    now = conference.arrangement
    assert (now.scene.podium, dict(now.scene.views["wall"].cells)) == (None, {})
    assert heard(conference) == {"tinh", "y-te"}


def test_rehearsal_begun_twice_is_one() -> None:
    conference = conference_of("y-te")
    conference.apply(Rehearse(True), 1.0)
    kept = conference.arrangement.before_rehearsal
    assert conference.apply(Rehearse(True), 2.0) == []
    assert conference.arrangement.before_rehearsal == kept


_SITES = st.sampled_from(["tinh", "y-te", "van-mon", "yen-phong"])
_COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Podium, st.one_of(st.none(), _SITES)),
    st.builds(MuteSite, _SITES, st.booleans()),
    st.just(MuteAll()),
    st.builds(CallNext, _SITES),
    st.builds(SetLayout, st.sampled_from(["programme", "chair", "wall"]), st.sampled_from(["auto", "2x2", "1+5"])),
    st.builds(
        PlayScene,
        st.sampled_from(["s-1", "s-2"]),
        podium=st.one_of(st.none(), _SITES),
        views=st.lists(
            st.builds(ViewPlan, st.sampled_from(["programme", "chair", "wall"]), st.sampled_from(["auto", "2x2"])),
            max_size=3,
        ).map(tuple),
        audio=st.sampled_from(["open", "podium"]),
        heard=st.lists(_SITES, max_size=2).map(tuple),
        next_site=st.one_of(st.none(), _SITES),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_COMMANDS, max_size=6), st.lists(_COMMANDS, max_size=6))
def test_s78_whatever_is_played_a_rehearsal_leaves_no_trace(before: list[Command], played: list[Command]) -> None:
    conference = conference_of("y-te", "van-mon", "yen-phong")
    for command in before:
        conference.apply(command, 1.0)
    was = conference.arrangement
    conference.apply(Rehearse(True), 2.0)
    for command in played:
        conference.apply(command, 3.0)
    conference.apply(Rehearse(False), 4.0)
    assert conference.arrangement == was
    scene = conference.arrangement.scene
    assert (scene.podium is None) == (conference.arrangement.before_podium is None)
