"""What goes on air: plans, hints and tallies of a conference at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mcu_core.adaptation import Size
from mcu_core.commands import (
    AddSite,
    CallNext,
    DropPersonalView,
    FillCell,
    MuteSite,
    PinSize,
    PlaceSite,
    Podium,
    SetLayout,
    SetOptions,
    SetPersonalView,
    SetRendition,
)
from mcu_core.conference import Conference
from mcu_core.hints import HEARD, HintedTrack, QualityHint
from mcu_core.on_air import OnAir, rendition_number
from mcu_core.passing import PassBook
from mcu_core.presence import Happening, Leg
from mcu_core.scene import CustomTile, Filler, Pages, Placement
from mcu_core.wire import CODECS, Codec, LegPlan, PassFlow, PassPlan, View


def live(*members: str, codec: Codec = "H264") -> Conference:
    """Main site "tinh" (number 1) and members, all live."""
    conference = Conference.new("c-1", "Họp")
    conference.apply(AddSite("Tỉnh", "main", "tinh"), 0.0)
    for member in members:
        conference.apply(AddSite(f"Xã {member}", site=member), 0.0)
    for site in conference.arrangement.sites:
        join(conference, site, codec)
    return conference


def join(conference: Conference, site: str, codec: Codec = "H264") -> None:
    conference.presence.tell(site, Happening.CONNECTED)
    conference.presence.sends(site, microphone=True, camera=True, screen=False)
    conference.presence.legs[f"leg-{site}"] = Leg(
        f"leg-{site}", "0", site, codec=codec, connected=True, draws_names=True
    )


def no_hint(site: str, track: HintedTrack) -> QualityHint:
    return QualityHint()


def legs(conference: Conference, hint_of: Callable[[str, HintedTrack], QualityHint] = no_hint) -> dict[str, LegPlan]:
    return {plan.leg.removeprefix("leg-"): plan for plan in OnAir(conference).leg_plans(hint_of, "0")}


def test_until_the_podium_everybody_shares_one_encoding() -> None:
    conference = live("a", "b")
    plan = OnAir(conference).mix_plan(7)
    assert [(r.rendition, r.view, r.codec, r.width) for r in plan.renditions] == [(1, "programme", "H264", 1280)]
    assert [view.view for view in plan.views] == ["programme"]
    assert {plan.rendition for plan in legs(conference).values()} == {1}
    conference.apply(Podium("a"), 1.0)
    plan = OnAir(conference).mix_plan(8)
    assert [view.view for view in plan.views] == ["programme", "chair"]
    assert {site: plan.rendition for site, plan in legs(conference).items()} == {"tinh": 3, "a": 1, "b": 1}


def test_podium_is_on_both_views_and_only_it_and_the_chair_are_passed_on_whatever_their_level() -> None:
    """S92, S93."""
    conference = live("a", "b")
    conference.apply(Podium("b"), 1.0)
    plan = OnAir(conference).mix_plan(1)
    assert [view.tiles[0].site for view in plan.views] == [3, 3]
    assert [view.podium for view in plan.views] == [3, 3]
    assert {site.site: site.muted for site in plan.sites} == {1: False, 2: True, 3: False}
    plans = legs(conference)
    assert [site for site, plan in plans.items() if plan.audio_open] == ["tinh", "b"]
    assert [site for site, plan in plans.items() if plan.audio_always] == ["tinh", "b"]


def test_a_site_that_leaves_the_podium_comes_back_to_it() -> None:
    """S92, S93: also the chair's own view shows and plays the site that was called."""
    conference = live("a", "b")
    conference.apply(Podium("b"), 1.0)
    del conference.presence.legs["leg-b"]
    conference.presence.tell("b", Happening.LOST)
    conference.presence.tell("b", Happening.GONE)
    plan = OnAir(conference).mix_plan(1)
    assert plan.views[0].tiles[0].site == 3
    assert not plan.sites[2].present
    join(conference, "b")
    plan = OnAir(conference).mix_plan(2)
    assert plan.views[0].tiles[0].site == 3
    assert plan.sites[2].present


def test_nothing_is_encoded_that_nobody_watches() -> None:
    conference = live("a")
    conference.presence.legs.clear()
    plan = OnAir(conference).mix_plan(1)
    assert plan.renditions == ()
    assert plan.views == ()
    assert OnAir(conference).hints() == {}


def test_vp8_is_encoded_only_while_someone_needs_it() -> None:
    conference = live("a", "b")
    conference.presence.legs["leg-b"].codec = "VP8"
    assert [r.codec for r in OnAir(conference).mix_plan(1).renditions] == ["H264", "VP8"]
    assert legs(conference)["b"].rendition == 2
    del conference.presence.legs["leg-b"]
    assert [r.codec for r in OnAir(conference).mix_plan(2).renditions] == ["H264"]


def test_a_leg_without_video_gets_sound_only() -> None:
    conference = live("a")
    conference.presence.legs["leg-a"].codec = None
    assert legs(conference)["a"].rendition is None
    assert legs(conference)["a"].audio_open


def test_a_monitor_watches_what_it_chose_and_is_nobody() -> None:
    conference = live("a")
    conference.presence.legs["leg-m"] = Leg("leg-m", "0", None, "wall", "H264", True)
    plan = OnAir(conference).mix_plan(1)
    assert [(r.rendition, r.frame_rate) for r in plan.renditions] == [(1, 30.0), (5, 5.0)]
    assert legs(conference)["m"] == LegPlan("leg-m", 5)


def test_changing_one_view_s_format_ends_the_sharing() -> None:
    conference = live("a")
    conference.apply(SetRendition("chair", width=640, height=360, bitrate_bps=600_000), 1.0)
    plan = OnAir(conference).mix_plan(1)
    assert [(r.view, r.width, r.bitrate_bps) for r in plan.renditions] == [
        ("programme", 1280, 1_500_000),
        ("chair", 640, 600_000),
    ]


def test_a_site_on_no_screen_sends_no_picture() -> None:
    conference = live("a", "b")
    conference.apply(SetLayout("programme", "1"), 1.0)
    conference.apply(SetLayout("chair", "1"), 1.0)
    on_air = OnAir(conference)
    assert on_air.hints() == {("tinh", "camera"): QualityHint(True, 1280, 720, 30, 1_500_000)}  # passed
    assert {site: plan.camera_wanted for site, plan in legs(conference).items()} == {
        "tinh": True,
        "a": False,
        "b": False,
    }
    assert on_air.tally("tinh").visible
    assert not on_air.tally("a").visible


def test_relays_are_told_what_only_a_wall_shows() -> None:
    conference = live("a", "b")
    conference.apply(SetLayout("programme", "1"), 1.0)
    conference.apply(SetLayout("chair", "1"), 1.0)
    conference.presence.legs["leg-m"] = Leg("leg-m", "0", None, "wall", "H264", True)
    asked = QualityHint(True, 320, 180, 5, 80_000)

    def slow() -> dict[str, int | None]:
        return {site: plan.camera_slow_fps for site, plan in legs(conference, lambda site, track: asked).items()}

    assert slow() == {"tinh": None, "a": 5, "b": 5, "m": None}
    assert legs(conference)["a"].camera_slow_fps is None, "who was told nothing disobeys nothing"
    conference.apply(PlaceSite("chair", 0, "b"), 2.0)
    assert slow() == {"tinh": None, "a": 5, "b": None, "m": None}
    conference.apply(PinSize("tinh", "low"), 2.2)  # so the chair's view comes with 10 frames/s
    assert slow() == {"tinh": None, "a": 5, "b": None, "m": None}
    conference.apply(SetRendition("programme", frame_rate=5), 2.5)
    assert slow() == {"tinh": None, "a": 5, "b": None, "m": None}, "members see films, however slow"
    conference.apply(SetLayout("wall", "auto", pages=Pages(1, 5.0)), 3.0)
    conference.apply(SetRendition("wall", width=1280, height=720, frame_rate=15, bitrate_bps=1_000_000), 3.0)
    assert set(slow().values()) == {None}, "a wall of 15 frames/s is none that may slow down"


def test_a_screen_is_wanted_only_where_it_is_shown() -> None:
    conference = live("a", "b")
    conference.presence.sends("a", microphone=True, camera=True, screen=True)
    assert not legs(conference)["a"].screen_wanted  # a member's screen waits for the operator
    conference.apply(PlaceSite("programme", 1, "a", "screen"), 1.0)
    assert legs(conference)["a"].screen_wanted
    conference.presence.sends("tinh", microphone=True, camera=True, screen=True)
    assert legs(conference)["tinh"].screen_wanted
    assert OnAir(conference).state()["views"]["chair"]["effective_layout"].startswith("content")


def test_the_bitrate_told_is_the_one_of_the_hint() -> None:
    conference = live("a")
    told = QualityHint(True, 640, 360, 30, 700_000)
    plans = legs(conference, lambda site, track: told if site == "a" else QualityHint())
    assert plans["a"].camera_bitrate_bps == 700_000
    assert plans["tinh"].camera_bitrate_bps is None


def test_tallies_tell_who_muted() -> None:
    """S94: the site is told by whom it is muted."""
    conference = live("a", "b")
    conference.apply(MuteSite("a", True), 1.0)
    conference.apply(Podium("b"), 1.0)
    tallies = OnAir(conference).tallies()
    assert (tallies["a"].muted, tallies["a"].muted_by) == (True, "operator")
    assert (tallies["b"].on_podium, tallies["b"].muted) == (True, False)
    conference.apply(Podium("tinh"), 1.0)
    assert OnAir(conference).tally("b").muted_by == "rule"


def test_the_state_names_everything_the_console_draws() -> None:
    conference = live("a")
    conference.presence.spotlight.hear("a", 1.0)
    state = OnAir(conference).state()
    assert {"id", "title", "revision", "open", "podium", "can_undo", "speaker", "main_site", "sites", "views"} <= set(
        state
    )
    assert [site["state"] for site in state["sites"]] == ["live", "live"]
    assert state["views"]["programme"]["layout"] == "auto"
    assert state["views"]["programme"]["effective_layout"] == "1+1"
    assert [cell["site"] for cell in state["views"]["programme"]["cells"]] == ["tinh", "a"]
    assert [state["views"][view]["podium_layout"] for view in ("programme", "chair", "wall")] == ["auto", "1", None]


def test_the_state_tells_which_cell_lies_over_which() -> None:
    conference = live("a", "b")
    tiles = (CustomTile(0.7, 0.7, 0.2, 0.2, 1), CustomTile(0, 0, 1, 1))
    conference.apply(SetLayout("programme", "hinh-trong-hinh", tiles), 1.0)
    cells = OnAir(conference).state()["views"]["programme"]["cells"]
    assert [(cell["w"], cell["z"]) for cell in cells] == [(0.2, 1), (1, 0)]


def test_each_leg_is_sent_its_size_and_an_encoding_exists_only_while_watched() -> None:
    conference = live("a", "b", "c")
    conference.presence.legs["leg-b"].line.size = "medium"
    conference.presence.legs["leg-c"].line.size = "sound"
    plan = OnAir(conference).mix_plan(1)
    assert [(r.view, r.width, r.height, r.frame_rate, r.bitrate_bps) for r in plan.renditions] == [
        ("programme", 1280, 720, 30.0, 1_500_000),
        ("programme", 640, 360, 15.0, 400_000),
    ]
    assert len(plan.views) == 1  # composed once for all sizes
    numbers = {site: plan.rendition for site, plan in legs(conference).items()}
    assert numbers == {"tinh": 1, "a": 1, "b": rendition_number("programme", "H264", "medium"), "c": None}
    assert legs(conference)["c"].audio_open
    conference.presence.legs["leg-b"].line.size = "high"
    assert [r.rendition for r in OnAir(conference).mix_plan(2).renditions] == [1]


def test_nothing_is_encoded_for_a_leg_that_is_lost_but_a_moment_s_loss_changes_nothing() -> None:
    conference = live("a", "b")
    for site in ("tinh", "a", "b"):
        leg = conference.presence.legs[f"leg-{site}"]
        leg.line.size, leg.connected, leg.since = ("medium" if site == "b" else "high"), site == "a", 10.0
    on_air = OnAir(conference, 12.9)
    assert [r["size"] for r in on_air.renditions()] == ["high", "medium"]
    assert on_air.turns_at == 13.0
    on_air = OnAir(conference, 13.0)
    assert [(r["size"], r["viewers"]) for r in on_air.renditions()] == [("high", 1)]
    assert on_air.turns_at is None
    assert legs(conference)["b"].rendition == rendition_number("programme", "H264", "medium"), "it waits for it"
    conference.presence.legs["leg-a"].connected = False
    assert OnAir(conference, 13.0).mix_plan(1).views == ()


def test_no_more_is_asked_of_a_site_than_the_largest_picture_that_anybody_gets() -> None:
    conference = live("a", "b")
    conference.apply(SetLayout("programme", "1"), 1.0)
    conference.apply(SetLayout("chair", "1"), 1.0)
    for site in ("tinh", "a", "b"):
        conference.presence.legs[f"leg-{site}"].line.size = "low"
    hint = OnAir(conference).hints()["tinh", "camera"]
    assert (hint.width, hint.height, hint.frame_rate) == (320, 180, 10)
    conference.presence.legs["leg-b"].line.size = "medium"
    hint = OnAir(conference).hints()["tinh", "camera"]
    assert (hint.width, hint.height, hint.frame_rate) == (640, 360, 15)


def test_sound_may_stop_only_of_who_is_closed_and_neither_speaks_nor_chairs_nor_is_next() -> None:
    conference = live("a", "b", "c", "d")
    assert not [key for key in OnAir(conference).hints() if key[1] == "microphone"]
    for command in (Podium("a"), MuteSite("a", True), MuteSite("tinh", True), CallNext("b"), MuteSite("d", False)):
        conference.apply(command, 1.0)
    on_air = OnAir(conference)
    assert [key for key in on_air.hints() if key[1] == "microphone"] == [("c", "microphone")]
    stopped = {site for site, plan in legs(conference).items() if plan.audio_stopped}
    assert stopped == {"tinh", "a", "b", "c"}, "as they were told"
    assert not any(plan.audio_stopped for plan in legs(conference, lambda site, track: HEARD).values())
    conference.apply(Podium("c"), 2.0)
    assert ("c", "microphone") not in OnAir(conference).hints()
    assert not legs(conference)["c"].audio_stopped, "whatever it was told: it may be heard"


def test_a_pinned_size_beats_what_the_line_carries() -> None:
    conference = live("a")
    conference.presence.legs["leg-a"].line.size = "sound"
    conference.apply(PinSize("a", "low"), 1.0)
    assert OnAir(conference).state()["sites"][1]["size"] == "low"
    assert [r["size"] for r in OnAir(conference).renditions()] == ["high", "low"]
    conference.apply(PinSize("a", None), 2.0)
    assert legs(conference)["a"].rendition is None


def full_screen(conference: Conference) -> None:
    for view in ("programme", "chair"):
        conference.apply(SetLayout(view, "1"), 1.0)


def test_one_site_that_fills_a_view_is_passed_through_and_not_encoded_once_that_has_settled() -> None:
    conference = live("a", "b")
    full_screen(conference)
    book, viewer = PassBook(settle=2.0), conference.presence.legs["leg-b"]
    on_air = OnAir(conference, 100.0, book)
    assert on_air.passes == (PassPlan(1, 1, "camera"),)
    assert [r.rendition for r in on_air.mix_plan(1).renditions] == [1]
    assert on_air.passed_to(viewer) is None
    assert book.due(on_air.passes, 100.0) is None
    book.told("0", PassFlow("c-1", 1, 1, "camera"), 100.0)
    on_air = OnAir(conference, 100.0, book)
    assert [r.rendition for r in on_air.mix_plan(1).renditions] == [1]
    assert on_air.passed_to(viewer) == "tinh"
    assert on_air.renditions()[0]["passed"] == "tinh"
    assert book.due(on_air.passes, 100.0) == 102.0
    on_air = OnAir(conference, 102.0, book)
    assert on_air.mix_plan(2).renditions == ()
    assert on_air.mix_plan(2).views == ()
    assert legs(conference)["tinh"].camera_wanted
    book.told("0", PassFlow("c-1", 1, 1, "camera", flows=False), 110.0)
    on_air = OnAir(conference, 110.0, book)
    assert [r.rendition for r in on_air.mix_plan(3).renditions] == [1]
    assert on_air.passes, "the relay waits for the site's next keyframe"


def test_what_a_relay_is_found_to_pass_on_needs_no_encoder_when_control_comes_back() -> None:
    plan, flow, book = PassPlan(1, 1, "camera"), PassFlow("c-1", 1, 1, "camera"), PassBook()
    book.found("0", [flow])
    assert book.settled([plan], 100.0) == {1}
    book.found("1", [])
    assert book.settled([plan], 100.0) == {1}
    assert book.settled([PassPlan(1, 2, "camera")], 100.0) == frozenset(), "another site's"
    book.told("1", replace(flow, flows=False), 100.0)
    assert book.settled([plan], 100.0) == {1}, "not theirs to say"
    book.found("0", [])
    assert book.settled([plan], 100.0) == frozenset()


def test_a_site_that_another_view_asks_for_more_is_not_passed_through() -> None:
    conference = live("a", "b")
    conference.apply(SetLayout("chair", "1"), 1.0)
    conference.apply(SetLayout("programme", "1+1"), 1.0)
    chair = rendition_number("chair", "H264")
    assert [plan.rendition for plan in OnAir(conference).passes] == [chair]
    conference.apply(SetRendition("programme", width=1920, height=1080), 1.0)
    conference.apply(SetLayout("programme", "pip"), 1.0)
    assert OnAir(conference).hints()["tinh", "camera"].width == 1920
    assert OnAir(conference).passes == ()
    conference.apply(SetLayout("programme", "1"), 1.0)
    conference.apply(SetRendition("programme", width=1280, height=720, bitrate_bps=1_600_000), 1.0)
    assert [plan.rendition for plan in OnAir(conference).passes] == [1], "the chair's are 1.5 Mbit/s"


def test_smaller_sizes_of_a_passed_picture_are_mixed() -> None:
    conference = live("a", "b")
    full_screen(conference)
    conference.presence.legs["leg-b"].line.size = "low"
    on_air = OnAir(conference)
    on_air.settled = frozenset({1})
    plan = on_air.mix_plan(1)
    assert [(r.width, view.view) for r, view in zip(plan.renditions, plan.views, strict=True)] == [(320, "programme")]


@pytest.mark.parametrize("why", ["codec", "camera", "away", "relay", "option", "canvas", "tiles", "nobody", "names"])
def test_a_picture_that_does_not_suit_is_mixed(why: str) -> None:
    conference = live("a", "b")
    full_screen(conference)
    assert OnAir(conference).passes
    main = conference.presence.legs["leg-tinh"]
    match why:
        case "codec":
            main.codec = "VP8"
        case "camera":
            conference.presence.sends("tinh", microphone=True, camera=False, screen=False)
        case "away":
            main.connected = False
            conference.presence.tell("tinh", Happening.LOST)
        case "relay":
            main.relay = "1"
        case "option":
            conference.apply(SetOptions(pass_through=False), 2.0)
        case "canvas":
            for view in ("programme", "chair"):
                conference.apply(SetRendition(view, width=1920, height=1080), 2.0)
        case "tiles":
            for view in ("programme", "chair"):
                conference.apply(SetLayout(view, "2x2"), 2.0)
        case "names":
            conference.presence.legs["leg-b"].draws_names = False
        case "nobody":
            conference.presence.legs.clear()
    passes = OnAir(conference).passes
    assert not [one for one in passes if one.rendition == rendition_number("programme", "H264")]


def test_a_passed_site_is_told_to_send_no_more_than_its_viewers_would_get_of_the_mix() -> None:
    conference = live("a")
    full_screen(conference)
    assert OnAir(conference).hints()["tinh", "camera"].bitrate_bps == 1_500_000


def test_a_personal_view_is_watched_by_its_site_alone_and_takes_the_podium() -> None:
    conference = live("a", "b")
    conference.apply(SetPersonalView("a", "1+1", ((1, Placement("b")),)), 1.0)
    plan = OnAir(conference).mix_plan(1)
    assert [view.view for view in plan.views] == ["programme", "site:2"]
    assert [tile.site for tile in plan.views[1].tiles] == [1, 3]
    assert legs(conference)["a"].rendition == rendition_number("site:2", "H264")
    conference.apply(Podium("b"), 2.0)
    assert OnAir(conference).view_of(conference.presence.legs["leg-a"]) == "site:2"
    conference.apply(Podium(None), 3.0)
    assert "site:2" in OnAir(conference).state()["views"]
    conference.apply(DropPersonalView("a"), 4.0)
    assert legs(conference)["a"].rendition == 1


def test_a_fade_is_in_the_plan_of_its_view() -> None:
    conference = live("a")
    conference.apply(SetLayout("programme", "2x2", transition="fade"), 1.0)
    assert {view.view: view.fade for view in OnAir(conference).mix_plan(1).views} == {"programme": 0.3, "chair": 0.0}
    conference.apply(Podium("a", "fade"), 2.0)
    assert {view.fade for view in OnAir(conference).mix_plan(1).views} == {0.3}


def test_rotations_tell_when_they_turn_while_somebody_watches() -> None:
    conference = live("a", "b")
    conference.apply(FillCell("programme", 0, Filler("rotation", 7.0)), 1.0)
    conference.apply(SetLayout("programme", "1"), 1.0)
    assert OnAir(conference, now=100.0).turns_at == 103.0  # two seconds before, who comes is made ready
    assert OnAir(conference, now=103.0).turns_at == 105.0
    conference.apply(SetLayout("wall", "auto", pages=Pages(1, 5.0)), 1.0)
    conference.presence.legs.clear()
    assert OnAir(conference, now=100.0).turns_at is None


def test_who_comes_with_the_next_page_is_asked_for_and_decoded_but_not_yet_called_visible() -> None:
    conference = live(*(f"xa-{number}" for number in range(7)))
    conference.presence.sends("xa-3", microphone=True, camera=False, screen=False)
    full_screen(conference)
    conference.apply(SetLayout("wall", "auto", pages=Pages(4, 10.0)), 1.0)
    conference.presence.legs["leg-m"] = Leg("leg-m", "0", None, "wall", "H264", True)
    before, soon, then = (OnAir(conference, now=now) for now in (1007.0, 1008.0, 1010.0))
    plans = [on_air.mix_plan(1) for on_air in (before, soon, then)]  # as time goes on
    first, _, second = ({tile.site for tile in plan.views[1].tiles} for plan in plans)
    assert first | second == set(range(1, 9))
    assert plans[0].coming == ()
    assert second - {site for site, _ in plans[1].coming} == {5}, "its camera is off"
    assert soon.hints()["xa-6", "camera"].active
    wanted = {plan.leg: plan.camera_wanted for plan in soon.leg_plans(no_hint, "0")}
    assert wanted["leg-xa-6"]
    assert not soon.tally("xa-6").visible
    assert then.tally("xa-6").visible


def test_a_view_that_looks_like_another_still_turns() -> None:
    conference = live("a", "b")
    conference.apply(SetLayout("programme", "1"), 1.0)
    conference.apply(SetLayout("chair", "1"), 1.0)
    conference.apply(FillCell("chair", 0, Filler("rotation", 6.0)), 1.0)
    on_air = OnAir(conference, now=108.0)
    assert on_air.shown_as["chair"] == "programme"
    assert on_air.turns_at == 112.0


def test_a_joining_site_does_not_turn_the_page() -> None:
    conference = live(*(f"xa-{number}" for number in range(95)))
    conference.apply(SetLayout("wall", "auto", pages=Pages(16, 10.0)), 1.0)
    before = OnAir(conference, now=1000.0).resolved["wall"].tiles
    conference.apply(AddSite("Xã mới", site="xa-new"), 2.0)
    join(conference, "xa-new")
    assert OnAir(conference, now=1001.0).resolved["wall"].tiles == before


def test_numbers_of_all_renditions_are_distinct_and_fit_16_bits() -> None:
    views = ["programme", "chair", "wall", *(f"site:{number}" for number in range(1, 10_000))]
    sizes: tuple[Size, ...] = ("high", "medium", "low")
    numbers = [rendition_number(view, codec, size) for view in views for codec in CODECS for size in sizes]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 1 << 16


def test_rendition_numbers_are_stable_and_distinct() -> None:
    views: tuple[View, ...] = ("programme", "chair", "wall")
    assert [rendition_number(view, codec) for view in views for codec in CODECS] == [1, 2, 3, 4, 5, 6]


def test_120_sites_are_planned_within_a_tick() -> None:
    conference = live(*(f"xa-{number}" for number in range(119)))
    conference.presence.legs["leg-m"] = Leg("leg-m", "0", None, "wall", "H264", True)
    on_air = OnAir(conference)
    assert len(on_air.mix_plan(1).sites) == 120
    wall = next(view for view in on_air.mix_plan(1).views if view.view == "wall")
    assert sorted(tile.site for tile in wall.tiles if tile.site) == list(range(1, 121))
    assert all(plan.camera_wanted for plan in on_air.leg_plans(no_hint, "0") if plan.leg != "leg-m")


def test_the_line_of_each_of_120_legs_is_looked_up_without_working_out_the_pictures() -> None:
    conference = live(*(f"xa-{number}" for number in range(119)))
    on_air = OnAir(conference)
    for leg in conference.presence.legs.values():
        assert len(on_air.rungs(leg)) == 3
    assert "resolved" not in vars(on_air)
