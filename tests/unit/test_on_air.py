"""What goes on air: plans, hints and tallies of a conference at one moment."""

from __future__ import annotations

from collections.abc import Callable

from mcu_core.commands import AddSite, MuteSite, PlaceSite, Podium, SetLayout, SetRendition
from mcu_core.conference import Conference
from mcu_core.hints import QualityHint
from mcu_core.on_air import OnAir, rendition_number
from mcu_core.presence import Happening, Leg
from mcu_core.wire import CODECS, Codec, LegPlan, Track, View


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
    conference.presence.legs[f"leg-{site}"] = Leg(f"leg-{site}", "0", site, codec=codec, connected=True)


def no_hint(site: str, track: Track) -> QualityHint:
    return QualityHint()


def legs(conference: Conference, hint_of: Callable[[str, Track], QualityHint] = no_hint) -> dict[str, LegPlan]:
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
