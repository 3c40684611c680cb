"""The conference as its operator knows it: podium, mute, places, undo, restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu_core.commands import (
    AddSite,
    CallNext,
    Command,
    DropPersonalView,
    FillCell,
    MuteAll,
    MuteNoisy,
    MuteSite,
    PinSize,
    PlaceSite,
    PlayScene,
    Podium,
    RedrawLayout,
    Rehearse,
    RemoveSite,
    RenameSite,
    SetGain,
    SetLayout,
    SetOpen,
    SetOptions,
    SetPersonalView,
    SetPodiumLayout,
    SetRendition,
    SetRole,
    SetTitle,
    Undo,
    UnmuteAll,
)
from mcu_core.conference import MAX_UNDO, Conference
from mcu_core.errors import OperatorError
from mcu_core.presence import TRANSITIONS, Happening, State
from mcu_core.redrawing import redrawn
from mcu_core.scene import CustomTile, Filler, Pages, Placement
from mcu_core.wire import View


def conference_of(*members: str, main: str | None = "tinh") -> Conference:
    conference = Conference.new("c-1", "Họp giao ban")
    if main is not None:
        conference.apply(AddSite(main, "main", main), 0.0)
    for member in members:
        conference.apply(AddSite(member, site=member), 0.0)
    return conference


def heard(conference: Conference) -> set[str]:
    return {site for site in conference.arrangement.sites if conference.arrangement.muted_by(site) is None}


def refused(conference: Conference, command: Command) -> str:
    before = conference.document()
    with pytest.raises(OperatorError) as error:
        conference.apply(command, 1.0)
    assert conference.document() == before
    assert error.value.vi
    assert error.value.en
    return error.value.code


def test_podium_opens_speaker_and_chair_and_mutes_the_rest() -> None:
    """S92, S93: one command shows and opens the site, for everybody and on the chair's screen."""
    conference = conference_of("a", "b", "c")
    events = conference.apply(Podium("b"), 1.0)
    assert [(event.what, event.site) for event in events] == [("podium", "b")]
    assert heard(conference) == {"tinh", "b"}
    assert conference.arrangement.muted_by("a") == "rule"
    assert conference.arrangement.scene.views["programme"].layout == "auto"
    assert conference.arrangement.scene.views["chair"].layout == "1"


def test_podium_none_restores_what_was_before_the_first_podium() -> None:
    """S92 (appendix, step 7): one command, picture and sound."""
    conference = conference_of("a", "b", "c")
    conference.apply(SetLayout("chair", "2x2"), 1.0)
    conference.apply(PlaceSite("programme", 3, "c"), 1.0)
    conference.apply(MuteSite("b", True), 1.0)
    before = conference.arrangement
    for speaker in ("a", "b", "tinh", "c"):
        conference.apply(Podium(speaker), 2.0)
        assert conference.arrangement.scene.podium == speaker
    conference.apply(Podium(None), 3.0)
    assert conference.arrangement == before


def test_a_muted_site_is_heard_on_the_podium_and_muted_again_after() -> None:
    conference = conference_of("a", "b")
    conference.apply(MuteSite("a", True), 1.0)
    conference.apply(Podium("a"), 2.0)
    assert "a" in heard(conference)
    conference.apply(Podium("b"), 3.0)
    assert conference.arrangement.muted_by("a") == "operator"


def test_the_operator_can_mute_the_podium_and_open_another_site() -> None:
    conference = conference_of("a", "b", "c")
    conference.apply(Podium("a"), 1.0)
    conference.apply(MuteSite("a", True), 2.0)
    conference.apply(MuteSite("b", False), 2.0)
    assert heard(conference) == {"tinh", "b"}
    conference.apply(Podium("c"), 3.0)
    assert heard(conference) == {"tinh", "c"}


def test_the_chairs_screen_stays_while_the_main_site_speaks() -> None:
    """S93."""
    conference = conference_of("a", "b")
    conference.apply(SetLayout("chair", "3x3"), 1.0)
    conference.apply(Podium("tinh"), 2.0)
    assert conference.arrangement.scene.views["chair"].layout == "3x3"
    assert heard(conference) == {"tinh"}
    conference.apply(Podium("a"), 3.0)
    assert conference.arrangement.scene.views["chair"].layout == "1"


def test_moving_the_podium_keeps_what_the_operator_rearranged() -> None:
    conference = conference_of("a", "b", "c")
    conference.apply(Podium("a"), 1.0)
    conference.apply(SetLayout("programme", "1+5"), 2.0)
    conference.apply(PlaceSite("programme", 0, "c"), 2.0)
    conference.apply(PlaceSite("programme", 4, "a"), 2.0)
    conference.apply(Podium("b"), 3.0)
    programme = conference.arrangement.scene.views["programme"]
    assert programme.layout == "1+5"
    assert list(programme.cells) == [4]  # cell 0 is the new speaker's


def test_the_wall_keeps_its_layout_when_the_podium_ends() -> None:
    conference = conference_of("a")
    conference.apply(Podium("a"), 1.0)
    conference.apply(SetLayout("wall", "4x4"), 2.0)
    conference.apply(Podium(None), 3.0)
    assert conference.arrangement.scene.views["wall"].layout == "4x4"


WIDE, NARROW = (CustomTile(0, 0.25, 1, 0.5), CustomTile(0, 0, 0.2, 0.2)), (CustomTile(0.25, 0, 0.5, 1),)


def test_the_podium_takes_a_layout_of_the_office_s_own() -> None:
    conference = conference_of("a", "b")
    conference.apply(SetPodiumLayout("chair", "rong", WIDE), 1.0)
    conference = Conference.from_document("c-1", conference.document())
    conference.apply(Podium("a"), 2.0)
    chair = conference.arrangement.scene.views["chair"]
    assert (chair.layout, chair.tiles, chair.led) == ("rong", WIDE, False)


def test_a_layout_drawn_anew_is_new_wherever_it_comes_back() -> None:
    conference = conference_of("a", "b")
    conference.apply(SetLayout("chair", "rong", WIDE), 1.0)
    conference.apply(PlaceSite("chair", 1, "b"), 1.0)
    conference.apply(SetPodiumLayout("programme", "rong", WIDE), 1.0)
    conference.apply(Rehearse(True), 1.0)
    conference.apply(Podium("a"), 2.0)
    conference.apply(RedrawLayout("rong", NARROW), 3.0)
    views = conference.arrangement.scene.views
    assert (views["programme"].tiles, views["chair"].tiles) == (NARROW, ())
    conference.apply(Podium(None), 4.0)
    chair = conference.arrangement.scene.views["chair"]
    assert (chair.tiles, dict(chair.cells)) == (NARROW, {})
    conference.apply(Podium("b"), 5.0)
    assert conference.arrangement.scene.views["programme"].tiles == NARROW
    conference.apply(Rehearse(False), 6.0)
    assert conference.arrangement.scene.views["chair"].tiles == NARROW
    assert not conference.keeps_other_tiles("rong", NARROW)


def test_undo_takes_back_the_command_before_a_layout_was_drawn_anew_and_brings_no_old_tiles() -> None:
    conference = conference_of("a", "b")
    conference.apply(SetLayout("chair", "rong", WIDE), 1.0)
    conference.apply(SetPodiumLayout("programme", "rong", WIDE), 1.0)
    conference.apply(Rehearse(True), 1.0)
    drawn = redrawn(conference.arrangement, "rong", NARROW)
    conference.apply(SetLayout("chair", "1"), 2.0)
    conference.apply(SetPodiumLayout("programme", "1"), 2.0)
    conference.apply(Rehearse(False), 2.0)
    conference.apply(MuteSite("a", True), 2.0)
    assert conference.keeps_other_tiles("rong", NARROW)  # for Undo alone
    conference.apply(RedrawLayout("rong", NARROW), 3.0)
    conference = Conference.from_document("c-1", json.loads(json.dumps(conference.document())))
    [event] = conference.apply(Undo(), 4.0)
    assert event.data == {"command": "MuteSite"}
    for _ in range(3):
        conference.apply(Undo(), 5.0)
    assert conference.arrangement == drawn


def test_undo_takes_the_podium_back_exactly() -> None:
    """S92."""
    conference = conference_of("a", "b")
    conference.apply(MuteAll(("tinh",)), 1.0)
    before = conference.arrangement
    conference.apply(Podium("a"), 2.0)
    assert [event.data for event in conference.apply(Undo(), 3.0)] == [{"command": "Podium"}]
    assert conference.arrangement == before


def test_mute_all_spares_only_those_named_and_unmute_all_lifts_it() -> None:
    conference = conference_of("a", "b")
    conference.apply(MuteAll(("tinh",)), 1.0)
    assert heard(conference) == {"tinh"}
    conference.apply(UnmuteAll(), 2.0)
    assert heard(conference) == {"tinh", "a", "b"}


def test_mute_all_without_exceptions_spares_main_site_and_podium_and_an_empty_list_nobody() -> None:
    conference = conference_of("a", "b")
    conference.apply(Podium("a"), 1.0)
    conference.apply(MuteAll(), 2.0)
    assert heard(conference) == {"tinh", "a"}
    conference.apply(MuteAll(()), 3.0)
    assert heard(conference) == set()


def test_a_noisy_site_is_muted_only_where_that_is_wanted_and_never_who_was_called() -> None:
    """S100."""
    conference = conference_of("a", "b", "c", "d")
    conference.apply(MuteNoisy("a", -20.0), 1.0)
    assert "a" in heard(conference)
    conference.apply(SetOptions(auto_mute_noisy=True), 2.0)
    conference.apply(Podium("b"), 3.0)
    conference.apply(MuteSite("d", False), 4.0)  # opened by the operator although the rule mutes it
    conference.apply(CallNext("c"), 5.0)
    for site in ("tinh", "b", "c", "d"):
        assert conference.apply(MuteNoisy(site, -20.0), 6.0) == []
    conference.apply(Podium(None), 7.0)
    [event] = conference.apply(MuteNoisy("a", -20.25), 8.0)
    assert (event.what, event.site, event.data) == ("muted_noise", "a", {"level_dbov": -20.2})
    assert conference.arrangement.muted_by("a") == "noise"


def test_a_mute_for_noise_is_not_what_undo_takes_back_and_ends_when_the_operator_opens_or_calls() -> None:
    conference = conference_of("a", "b", "c")
    conference.apply(SetOptions(auto_mute_noisy=True), 1.0)
    conference.apply(SetTitle("Họp khẩn"), 2.0)
    conference.apply(MuteNoisy("a", -20.0), 3.0)
    assert conference.apply(Undo(), 4.0)[0].data == {"command": "SetTitle"}
    assert conference.arrangement.muted_by("a") == "noise"
    for opens in (MuteSite("a", False), Podium("a"), UnmuteAll(), SetOptions(auto_mute_noisy=False)):
        twin = conference.copy()
        twin.apply(opens, 5.0)
        assert "a" in heard(twin)


@pytest.mark.parametrize("opens", [MuteSite("a", False), UnmuteAll(), Podium("a"), PlayScene("s-1", heard=("a",))])
def test_the_mcu_does_not_mute_again_for_noise_whom_the_operator_opened(opens: Command) -> None:
    conference = conference_of("a", "b")
    conference.apply(SetOptions(auto_mute_noisy=True), 1.0)
    conference.apply(MuteNoisy("a", -20.0), 2.0)
    conference.apply(opens, 3.0)
    for later in (Podium("b"), Podium(None)):  # the word goes round, what the operator opened stays open
        conference.apply(later, 4.0)
    restarted = Conference.from_document("c-1", json.loads(json.dumps(conference.document())))
    assert restarted.apply(MuteNoisy("a", -20.0), 5.0) == []
    assert restarted.apply(MuteNoisy("b", -20.0), 5.0)  # nobody said anything about this one


@pytest.mark.parametrize("closes", [MuteSite("a", True), SetOptions(auto_mute_noisy=False), RemoveSite("a"), Undo()])
def test_the_operators_next_word_ends_the_excuse_for_noise(closes: Command) -> None:
    conference = conference_of("a")
    conference.apply(SetOptions(auto_mute_noisy=True), 1.0)
    conference.apply(MuteNoisy("a", -20.0), 2.0)
    conference.apply(MuteSite("a", False), 3.0)
    conference.apply(closes, 4.0)
    assert not conference.arrangement.excused


def test_an_excuse_outlives_other_options_and_a_silence_of_all() -> None:
    conference = conference_of("a", "b")
    conference.apply(MuteSite("a", True), 1.0)
    conference.apply(MuteSite("a", False), 1.0)
    conference.apply(SetOptions(loudest=6), 2.0)
    conference.apply(SetOptions(auto_mute_noisy=True), 2.0)
    conference.apply(MuteAll(), 3.0)
    conference.apply(UnmuteAll(), 4.0)
    assert conference.apply(MuteNoisy("a", -20.0), 5.0) == []
    assert conference.apply(MuteNoisy("b", -20.0), 5.0)


def test_undo_of_a_mute_leaves_open_whom_the_operator_had_opened() -> None:
    conference = conference_of("a")
    conference.apply(SetOptions(auto_mute_noisy=True), 1.0)
    conference.apply(MuteSite("a", True), 2.0)
    conference.apply(MuteSite("a", False), 3.0)
    conference.apply(MuteSite("a", True), 4.0)
    conference.apply(Undo(), 5.0)
    assert conference.apply(MuteNoisy("a", -20.0), 6.0) == []
    assert "a" in heard(conference)


def test_personal_views_are_counted() -> None:
    conference = conference_of("a", "b", "c")
    conference.personal_views = 2
    for site in ("a", "b"):
        conference.apply(SetPersonalView(site), 1.0)
    assert refused(conference.copy(), SetPersonalView("c")) == "too_many_views"
    conference.apply(SetPersonalView("a", "2x2"), 2.0)  # changing one is no new one
    conference.apply(DropPersonalView("b"), 3.0)
    conference.apply(SetPersonalView("c"), 4.0)
    conference.apply(RemoveSite("a"), 5.0)
    assert conference.arrangement.scene.personal == ("site:4",)


def test_removing_the_site_on_the_podium_ends_the_podium() -> None:
    conference = conference_of("a", "b")
    conference.apply(PlaceSite("wall", 2, "a"), 1.0)
    conference.apply(Podium("a"), 1.0)
    conference.apply(RemoveSite("a"), 2.0)
    assert conference.arrangement.scene.podium is None
    assert heard(conference) == {"tinh", "b"}
    assert not conference.arrangement.scene.views["wall"].cells


def test_a_number_is_never_given_twice() -> None:
    conference = conference_of("a", "b", main=None)
    conference.apply(RemoveSite("b"), 1.0)
    conference.apply(AddSite("c", site="c"), 1.0)
    assert conference.arrangement.sites["c"].number == 3
    conference.apply(Undo(), 1.0)
    conference.apply(AddSite("d", site="d"), 1.0)
    assert conference.arrangement.sites["d"].number == 4


def test_there_is_one_main_site() -> None:
    conference = conference_of("a")
    assert refused(conference, AddSite("b", "main")) == "main_site_exists"
    conference.apply(SetRole("a", "main"), 1.0)
    assert conference.arrangement.main_site == "a"
    assert conference.arrangement.sites["tinh"].role == "member"


def test_an_id_is_made_of_a_vietnamese_name() -> None:
    conference = conference_of(main=None)
    for _ in range(2):
        conference.apply(AddSite("UBND xã  Đông Thọ"), 1.0)
    assert [(site.id, site.name) for site in conference.arrangement.sites.values()] == [
        ("ubnd-xa-dong-tho", "UBND xã Đông Thọ"),
        ("ubnd-xa-dong-tho-2", "UBND xã Đông Thọ"),
    ]


def test_names_are_stored_in_nfc() -> None:
    conference = conference_of(main=None)
    conference.apply(AddSite("Vă" + "n Mo\u0302n", site="m"), 1.0)
    assert conference.arrangement.sites["m"].name == "Văn Môn"


def test_next_is_cleared_when_that_site_gets_the_podium() -> None:
    conference = conference_of("a", "b")
    conference.apply(CallNext("a"), 1.0)
    conference.apply(Podium("b"), 1.0)
    assert conference.arrangement.next_site == "a"
    conference.apply(Podium("a"), 1.0)
    assert conference.arrangement.next_site is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Podium("x"), "unknown_site"),
        (MuteSite("x", True), "unknown_site"),
        (MuteAll(("a", "x")), "unknown_site"),
        (RemoveSite("x"), "unknown_site"),
        (RenameSite("a", "  "), "bad_name"),
        (RenameSite("a", "a\x00b"), "bad_name"),
        (SetTitle("x" * 101), "bad_name"),
        (AddSite("A", site="a"), "site_exists"),
        (AddSite("A", site="Xã"), "bad_site_id"),
        (SetGain("a", 21.0), "out_of_range"),
        (SetGain("a", float("nan")), "out_of_range"),
        (SetLayout("programme", "7x99"), "unknown_layout"),
        (SetLayout("programme", "custom"), "bad_tiles"),
        (SetLayout("programme", "2x2", (CustomTile(0, 0, 1, 1),)), "bad_tiles"),
        (SetLayout("programme", "custom", (CustomTile(0.5, 0, 0.6, 1),)), "bad_tiles"),
        (SetLayout("wall", "auto", pages=Pages(16, 4.0)), "out_of_range"),
        (SetLayout("wall", "auto", pages=Pages(145, 10.0)), "out_of_range"),
        (FillCell("programme", 0, Filler("loudest", 1.0)), "out_of_range"),
        (FillCell("programme", 0, Filler("rotation", 1.0)), "out_of_range"),
        (FillCell("programme", 0, Filler("rotation", 5.0, ("x",))), "unknown_site"),
        (FillCell("site:2", 0, Filler("blank")), "unknown_view"),
        (SetPersonalView("a", "1", ((1, Filler("blank")),)), "cell_out_of_range"),
        (SetPodiumLayout("programme", "7x99"), "unknown_layout"),
        (SetPodiumLayout("programme", "custom"), "bad_tiles"),
        (RedrawLayout("2x2", (CustomTile(0, 0, 1, 1),)), "bad_tiles"),
        (PlaceSite("programme", 25, "a"), "cell_out_of_range"),
        (PlaceSite("programme", -1, "a"), "cell_out_of_range"),
        (PlaceSite("programme", 0, "x"), "unknown_site"),
        (SetOptions(loudest=0), "out_of_range"),
        (SetOptions(loudest=9), "out_of_range"),
        (SetRendition("programme", width=1281), "not_even"),
        (SetRendition("programme", width=16384), "out_of_range"),
        (SetRendition("wall", frame_rate=0.0), "out_of_range"),
    ],
)
def test_a_refused_command_changes_nothing(command: Command, code: str) -> None:
    assert refused(conference_of("a", "b"), command) == code


def test_nothing_to_undo_is_said() -> None:
    assert refused(Conference.new("c-1", "Họp"), Undo()) == "nothing_to_undo"


def test_a_command_that_changes_nothing_leaves_no_step_to_undo() -> None:
    conference = Conference.new("c-1", "Họp")
    assert conference.apply(UnmuteAll(), 1.0) == []
    assert not conference.can_undo


def test_a_copy_can_be_thrown_away() -> None:
    conference = conference_of("a")
    before = conference.document()
    twin = conference.copy()
    twin.apply(Podium("a"), 1.0)
    assert conference.document() == before
    assert twin.presence is conference.presence


def test_a_newer_document_is_refused() -> None:
    document = conference_of("a").document()
    damages: list[dict[str, object]] = [{"version": 2}, {"arrangement": {}}, {"undo": [1]}]
    for damage in damages:
        with pytest.raises(OperatorError, match="bad_document"):
            Conference.from_document("c-1", document | damage)


sites = st.sampled_from(["tinh", "a", "b", "c", "d"])
views = st.sampled_from(["programme", "chair", "wall"])
some_layout = st.sampled_from(["auto", "1", "1+1", "2x2", "1+7"])
rules = st.builds(Filler, st.sampled_from(["podium", "rotation"]), st.just(5.0), st.lists(sites, max_size=2).map(tuple))
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(SetTitle, st.sampled_from(["Họp A", "Họp B"])),
    st.builds(SetOpen, st.booleans()),
    st.builds(AddSite, st.just("Xã"), site=st.none() | sites),
    st.builds(RemoveSite, sites),
    st.builds(RenameSite, sites, st.sampled_from(["Sở Y tế", "Sở Tài chính"])),
    st.builds(SetRole, sites, st.sampled_from(["main", "member"])),
    st.builds(SetGain, sites, st.sampled_from([-3.0, 6.0])),
    st.builds(SetLayout, views, some_layout),
    st.builds(SetLayout, views, st.just("custom"), st.just((CustomTile(0, 0, 0.5, 0.5),))),
    st.builds(PlaceSite, views, st.integers(0, 8), st.none() | sites, st.sampled_from(["camera", "screen"])),
    st.builds(SetPodiumLayout, st.sampled_from(["programme", "chair"]), st.sampled_from(["1", "1+5"])),
    st.builds(SetPodiumLayout, st.just("programme"), st.just("custom"), st.just((CustomTile(0, 0, 0.4, 0.4),))),
    st.builds(RedrawLayout, st.just("custom"), st.just((CustomTile(0, 0, 0.7, 0.7),))),
    st.builds(Podium, st.none() | sites, st.none() | st.sampled_from(["cut", "fade"])),
    st.builds(FillCell, views, st.integers(0, 8), st.none() | rules),
    st.builds(SetLayout, views, st.just("auto"), pages=st.just(Pages(4, 5.0)), transition=st.just("fade")),
    st.builds(SetPersonalView, sites, some_layout, st.just(((0, Filler("podium")),))),
    st.builds(DropPersonalView, sites),
    st.builds(PinSize, sites, st.sampled_from(["low", None])),
    st.builds(SetOptions, st.none() | st.booleans(), st.none() | st.booleans()),
    st.builds(CallNext, st.none() | sites),
    st.builds(MuteSite, sites, st.booleans()),
    st.builds(MuteAll, st.none() | st.lists(sites, max_size=2).map(tuple)),
    st.just(UnmuteAll()),
    st.builds(SetRendition, views, bitrate_bps=st.sampled_from([300_000, 2_000_000])),
)


def carried_out(conference: Conference, script: list[Command]) -> None:
    for step, command in enumerate(script):
        try:
            conference.apply(command, float(step))
        except OperatorError:
            continue


@settings(deadline=None)
@given(st.lists(commands, max_size=MAX_UNDO))
def test_undoing_everything_restores_the_beginning(script: list[Command]) -> None:
    conference = Conference.from_document("c-1", {**conference_of("a", "b").document(), "undo": []})
    beginning = conference.arrangement
    carried_out(conference, script)
    while conference.can_undo:
        conference.apply(Undo(), 99.0)
    assert conference.arrangement == beginning


@settings(deadline=None)
@given(st.lists(commands | st.just(Undo()), max_size=20), st.lists(commands | st.just(Undo()), max_size=10))
def test_a_restart_in_between_is_not_noticed(script: list[Command], rest: list[Command]) -> None:
    conference = conference_of("a", "b")
    carried_out(conference, script)
    restarted = Conference.from_document("c-1", json.loads(json.dumps(conference.document())))
    assert restarted.document() == conference.document()
    carried_out(conference, rest)
    carried_out(restarted, rest)
    assert restarted.document() == conference.document()


@settings(deadline=None)
@given(st.lists(commands | st.just(Undo()), max_size=30))
def test_what_is_named_exists(script: list[Command]) -> None:
    conference = conference_of("a", "b")
    carried_out(conference, script)
    now = conference.arrangement
    names = {*now.muted, *now.opened, now.scene.podium, now.next_site, now.reopened} - {None}
    for scene in filter(None, (now.scene, now.before_podium)):
        for what in (what for view in scene.views.values() for what in view.cells.values()):
            names |= {what.site} if isinstance(what, Placement) else set(what.sites)
    assert names <= set(now.sites)
    assert (now.scene.podium is None) == (now.before_podium is None) == (now.scene.audio == "open")
    numbers = [site.number for site in now.sites.values()]
    assert numbers == sorted(set(numbers))
    assert sum(site.role == "main" for site in now.sites.values()) <= 1


def test_the_undo_stack_is_bounded_and_its_document_small_with_120_sites() -> None:
    conference = conference_of(*(f"xa-{number}" for number in range(120)))
    for step in range(60):
        conference.apply(Podium(f"xa-{step}"), 1.0)
    document = conference.document()
    assert len(document["undo"]) == MAX_UNDO
    assert len(json.dumps(document)) < 100_000


def test_every_happening_has_its_place_in_every_state() -> None:
    assert set(TRANSITIONS) == {(state, happening) for state in State for happening in Happening}


def test_a_view_of_no_name_is_refused() -> None:
    nowhere: View = "balcony"
    assert refused(conference_of("a"), SetLayout(nowhere, "1")) == "unknown_view"
