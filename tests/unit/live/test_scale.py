"""Large conferences against fakes: sizes by line, pictures passed through, turns, noise, personal views."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcu_core.commands import FillCell, MuteSite, PinSize, PlaceSite, SetLayout, SetOptions, SetPersonalView, Undo
from mcu_core.errors import OperatorError
from mcu_core.on_air import rendition_number
from mcu_core.scene import CustomTile, Filler, Pages
from mcu_core.wire import LegOverload, LegPlans, LegStats, MixPlan, Noisy, PassFlow, PassPlan, RelayStats, Speaker
from signaling import messages as say
from tests.unit.live.fakes import World, settle, world

FLOWS = PassFlow("c-1", 1, 1, "camera")
MEDIUM = rendition_number("programme", "H264", "medium")


async def line_of(w: World, seat: str, seconds: int, stats: LegStats) -> None:
    for _ in range(seconds):
        w.machine.relay.tell(RelayStats((stats,), 0.1, 0.0, 0.0, 0.0))
        await w.clock.pass_by(1.0)


def passes(w: World) -> tuple[PassPlan, ...]:
    return next(call for call in reversed(w.machine.relay.calls) if isinstance(call, LegPlans)).passes


def encoded(w: World) -> list[int]:
    return [plan.rendition for plan in w.machine.mixer.mix.renditions]


async def full_screen(w: World) -> None:
    """Show the main site alone; its pictures flow as they are."""
    for view in ("programme", "chair"):
        await w.live.command("c-1", SetLayout(view, "1"), actor="an")
    await settle()
    assert passes(w) == (PassPlan(1, 1, "camera"),)
    assert encoded(w) == [1]
    w.machine.relay.tell(FLOWS)
    await settle()


async def test_a_site_on_a_narrow_line_is_sent_a_smaller_picture_and_later_the_full_one_again() -> None:
    async with world("a", "b") as w:
        a, _ = await w.join("a")
        b, _ = await w.join("b")
        await line_of(w, a, 2, LegStats(a, sent_kbps=1500, remb_bps=600_000, peer_lost_fraction=0.3))
        assert w.site("a")["size"] == "medium"
        assert {r.rendition for r in w.machine.mixer.mix.renditions} == {1, MEDIUM}
        assert (w.machine.relay.leg_plans[a].rendition, w.machine.relay.leg_plans[b].rendition) == (MEDIUM, 1)
        [entry] = w.store.journalled("size_adapted")
        assert (entry.site, entry.data["from"], entry.data["to"]) == ("a", "high", "medium")
        await line_of(w, a, 12, LegStats(a, sent_kbps=464, remb_bps=4_000_000))
        assert w.machine.relay.leg_plans[a].rendition == 1
        assert encoded(w) == [1]


async def test_a_line_that_becomes_narrow_is_answered_at_once() -> None:
    async with world("a", "b") as w:
        a, _ = await w.join("a")
        await w.join("b")
        w.machine.relay.tell(LegOverload(a, 480_000))
        await settle()
        assert w.machine.relay.leg_plans[a].rendition == rendition_number("programme", "H264", "low")
        [entry] = w.store.journalled("size_adapted")
        assert (entry.site, entry.data) == ("a", {"from": "high", "to": "low", "carried_bps": 480_000})
        w.machine.relay.tell(LegOverload("gone", 480_000))
        await w.live.command("c-1", PinSize("a", "high"), actor="an")
        w.machine.relay.tell(LegOverload(a, 480_000))
        await settle()
        assert w.machine.relay.leg_plans[a].rendition == 1


async def test_a_line_known_to_be_narrow_stays_so_with_a_new_leg_a_new_relay_and_a_new_control() -> None:
    async with world("a") as w:
        a, channel = await w.join("a")

        async def offer_again() -> int | None:
            await w.offer(a, channel)
            await w.live_media(a, channel)
            return w.machine.relay.leg_plans[a].rendition

        low = rendition_number("programme", "H264", "low")
        await line_of(w, a, 2, LegStats(a, sent_kbps=1500, remb_bps=600_000, peer_lost_fraction=0.3))
        assert await offer_again() == MEDIUM
        assert await offer_again() == MEDIUM
        w.machine.kill("relay", "0")
        await w.clock.pass_by(1.0)
        assert await offer_again() == MEDIUM
        w.machine.relay.tell(LegOverload(a, 480_000))
        await settle()
        assert w.site("a")["size"] == "low", "what adapts is what is sent"
        await w.kill()
        calls = len(w.machine.mixer.calls)
        await w.start()
        await w.clock.pass_by(1.0)
        assert w.machine.relay.leg_plans[a].rendition == low
        told = [call for call in w.machine.mixer.calls[calls:] if isinstance(call, MixPlan)]
        assert {r.rendition for plan in told for r in plan.renditions} == {low}, "not for a moment another"


async def test_a_leg_on_sound_alone_stays_so_when_control_restarts_until_its_line_is_better() -> None:
    async with world("a") as w:
        a, _ = await w.join("a")
        w.machine.relay.tell(LegOverload(a, 50_000))
        await line_of(w, a, 8, LegStats(a, sent_kbps=160, remb_bps=50_000, peer_lost_fraction=0.5))
        assert w.machine.relay.leg_plans[a].rendition is None
        await w.kill()
        await w.start()
        assert w.site("a")["size"] == "sound"
        await line_of(w, a, 12, LegStats(a, sent_kbps=64, remb_bps=4_000_000))
        assert w.site("a")["size"] == "low"


async def test_a_pinned_site_is_left_alone() -> None:
    async with world("a") as w:
        a, _ = await w.join("a")
        await w.live.command("c-1", PinSize("a", "medium"), actor="an")
        await line_of(w, a, 4, LegStats(a, sent_kbps=1500, peer_lost_fraction=0.5))
        assert w.site("a")["size"] == "medium"
        await w.live.command("c-1", PinSize("a", None), actor="an")
        assert w.site("a")["size"] == "high"


async def test_a_restart_does_not_take_a_pinned_size_for_what_the_line_carries() -> None:
    async with world("a") as w:
        await w.join("a")
        await w.live.command("c-1", PinSize("a", "sound"), actor="an")
        await settle()
        await w.kill()
        await w.start()
        await w.live.command("c-1", PinSize("a", None), actor="an")
        assert w.site("a")["size"] == "high"


async def test_a_leg_that_no_plan_had_reached_when_control_died_is_sent_the_full_picture() -> None:
    async with world("a") as w:
        await w.join("a")
        await w.kill()
        w.machine.relay.calls = [call for call in w.machine.relay.calls if not isinstance(call, LegPlans)]
        await w.start()
        assert w.site("a")["size"] == "high"


async def test_adaptation_can_be_switched_off() -> None:
    async with world("a", adaptation=False) as w:
        a, _ = await w.join("a")
        await line_of(w, a, 4, LegStats(a, sent_kbps=1500, peer_lost_fraction=0.5))
        assert w.site("a")["size"] == "high"


async def test_a_full_screen_site_is_passed_through_and_its_encoder_ends_two_seconds_later() -> None:
    async with world("a") as w:
        await w.join("tinh")
        _, a = await w.join("a")
        await full_screen(w)
        assert a.got(say.Picture) == [say.Picture(passed=True, name="UBND tỉnh")]
        assert encoded(w) == [1]
        await w.clock.pass_by(2.1)
        assert encoded(w) == []
        assert w.machine.mixer.mix.views == ()
        a.forget()
        await w.live.command("c-1", SetLayout("programme", "1+1"), actor="an")
        await settle()
        assert encoded(w) == [1, 3]
        assert passes(w) == (PassPlan(3, 1, "camera"),)  # the chair's screen is still one site
        assert a.got(say.Picture) == []  # until a mixed picture takes its place
        w.machine.relay.tell(replace(FLOWS, flows=False))
        await settle()
        assert a.got(say.Picture) == [say.Picture(passed=False, name=None)]


async def test_two_views_that_flow_shortly_after_one_another_both_lose_their_encoders() -> None:
    async with world("a") as w:
        await w.join("tinh")
        await w.join("a")
        for view, site in (("programme", "tinh"), ("chair", "a")):
            await w.live.command("c-1", SetLayout(view, "1"), actor="an")
            await w.live.command("c-1", PlaceSite(view, 0, site), actor="an")
        await settle()
        w.machine.relay.tell(FLOWS)
        await w.clock.pass_by(0.01)
        w.machine.relay.tell(PassFlow("c-1", 3, 2, "camera"))
        await w.clock.pass_by(2.1)
        assert encoded(w) == []


async def test_a_site_whose_pictures_cease_while_it_says_that_it_films_is_mixed_until_they_come_again() -> None:
    async with world("a") as w:
        await w.join("tinh")
        _, a = await w.join("a")
        await full_screen(w)
        await w.clock.pass_by(2.1)
        assert encoded(w) == []
        w.machine.relay.tell(replace(FLOWS, flows=False))
        await settle()
        assert encoded(w) == [1]
        assert a.got(say.Picture)[-1] == say.Picture(passed=False, name=None)
        assert passes(w) == (PassPlan(1, 1, "camera"),)
        w.machine.relay.tell(FLOWS)
        await w.clock.pass_by(2.1)
        assert encoded(w) == []


async def test_control_that_comes_back_leaves_a_passed_picture_alone() -> None:
    async with world("a") as w:
        await w.join("tinh")
        await w.join("a")
        await full_screen(w)
        await w.clock.pass_by(2.1)
        w.machine.relay.flows = (FLOWS,)
        await w.kill()
        before = len(w.machine.mixer.calls)
        await w.start()
        await w.clock.pass_by(3.0)
        assert [call.renditions for call in w.machine.mixer.calls[before:] if isinstance(call, MixPlan)] == [()]


async def test_who_does_not_draw_names_is_sent_the_mixed_picture() -> None:
    async with world("a", "b") as w:
        await w.join("tinh")
        await w.join("a")
        await full_screen(w)
        await w.clock.pass_by(2.1)
        assert encoded(w) == []
        plain, channel = await w.enter(await w.token("b"), draws_names=False)
        await w.offer(plain, channel)
        await w.live_media(plain, channel)
        assert passes(w) == ()
        assert encoded(w) == [1]
        await w.kill()
        await w.start()
        await w.clock.pass_by(0.1)
        assert passes(w) == (), "the relay knows it still"
        await w.enter(await w.token("b"))  # a page takes its place
        w.machine.relay.tell(replace(FLOWS, flows=False))
        await settle()
        assert passes(w) == (PassPlan(1, 1, "camera"),)


async def test_a_relay_that_dies_passes_nothing_on() -> None:
    async with world("a") as w:
        await w.join("tinh")
        seat, channel = await w.join("a")
        await full_screen(w)
        w.machine.kill("relay", "0")
        await settle()
        channel.forget()
        await w.clock.pass_by(1.0)
        await w.offer(seat, channel)
        await w.live_media(seat, channel)
        assert encoded(w) == [1]


async def test_a_page_that_comes_back_is_told_again_whose_picture_it_gets() -> None:
    async with world("a") as w:
        await w.join("tinh")
        seat, channel = await w.join("a")
        token = next(text for text, token in w.store.tokens.items() if token.site == "a")
        await full_screen(w)
        w.live.lost(seat, channel)
        _, again = await w.enter(token, seat, media=True)
        await settle()
        assert again.got(say.Picture) == [say.Picture(passed=True, name="UBND tỉnh")]


async def test_a_lost_camera_brings_the_mixed_picture_back() -> None:
    async with world("a") as w:
        main, channel = await w.join("tinh")
        await w.join("a")
        await full_screen(w)
        await w.clock.pass_by(2.1)
        w.live.sends(main, channel, say.State(microphone=True, camera=False, screen=False))
        await w.clock.pass_by(0.1)
        assert passes(w) == ()
        assert encoded(w) == [1]


async def test_a_paged_wall_turns_by_itself_while_somebody_watches() -> None:
    members = [f"xa-{number}" for number in range(7)]
    async with world(*members) as w:
        for site in ("tinh", *members):
            await w.join(site)
        await w.live.command("c-1", SetLayout("wall", "auto", pages=Pages(4, 10.0)), actor="an")
        token = await w.live.open_monitor("c-1", "wall", actor="an")
        seat, channel = await w.enter(token)
        await w.offer(seat, channel)
        w.machine.relay.connected(seat)
        await settle()

        def wall() -> tuple[int | None, ...]:
            view = next(view for view in w.machine.mixer.mix.views if view.view == "wall")
            return tuple(tile.site for tile in view.tiles)

        seen = [wall()]
        for _ in range(3):
            await w.clock.pass_by(10.0)
            seen.append(wall())
        assert seen[0] != seen[1]
        assert seen[0] == seen[2]
        assert set(seen[0]) | set(seen[1]) == set(range(1, 9))
        plans = len([call for call in w.machine.mixer.calls if isinstance(call, MixPlan)])
        await w.clock.pass_by(7.0 - w.clock.time % 10)  # then the next page is made ready
        assert len([call for call in w.machine.mixer.calls if isinstance(call, MixPlan)]) == plans


async def test_the_loudest_cell_follows_the_speaker_with_its_hold() -> None:
    async with world("a", "b") as w:
        for site in ("tinh", "a", "b"):
            await w.join(site)
        await w.live.command("c-1", SetLayout("programme", "1"), actor="an")
        await w.live.command("c-1", FillCell("programme", 0, Filler("loudest", 2.0)), actor="an")

        def large() -> int | None:
            return next(view for view in w.machine.mixer.mix.views if view.view == "programme").tiles[0].site

        await settle()
        assert large() == 1  # nobody has spoken
        w.machine.mixer.tell(Speaker("c-1", 2))
        await w.clock.pass_by(0.1)
        assert large() == 2
        w.machine.mixer.tell(Speaker("c-1", 3))
        await w.clock.pass_by(0.5)
        assert large() == 2
        await w.clock.pass_by(1.6)
        assert large() == 3


async def test_a_noisy_site_is_muted_with_an_alarm_if_the_operator_wants_so() -> None:
    async with world("a") as w:
        await w.join("tinh")
        _, channel = await w.join("a")
        w.machine.mixer.tell(Noisy("c-1", 2, -18.0))
        await settle()
        assert w.site("a")["muted_by"] is None
        await w.live.command("c-1", SetOptions(auto_mute_noisy=True), actor="an")
        alarms = w.live.events("c-1")
        w.machine.relay.tell(Noisy("c-1", 1, -18.0))
        w.machine.relay.tell(Noisy("c-1", 2, -18.0))
        w.machine.mixer.tell(Noisy("c-1", 2, -17.0))
        await settle()
        assert (w.site("tinh")["muted_by"], w.site("a")["muted_by"]) == (None, "noise")
        assert channel.got(say.Tally)[-1].muted_by == "noise"
        assert len(w.store.journalled("muted_noise")) == 1
        assert (await anext(alarms))["type"] == "state"
        chair, alarm = await anext(alarms), await anext(alarms)
        assert chair["code"] == "site_noisy"  # never muted for it
        assert (alarm["code"], "Xã a" in alarm["vi"]) == ("site_muted_noise", True)
        alarms.close()


async def test_noise_is_told_to_the_operator_where_nothing_is_muted_by_itself_and_not_every_ten_seconds() -> None:
    async with world("a") as w:
        await w.join("a")
        alarms = w.live.events("c-1")
        told = []
        for seconds in (0.0, 10.0, 580.0, 20.0):
            await w.clock.pass_by(seconds)
            w.machine.mixer.tell(Noisy("c-1", 2, -18.0))
            await settle()
            told.append(len(w.store.journalled("alarm_site_noisy")))
        assert told == [1, 1, 1, 2]
        assert (await anext(alarms))["type"] == "state"
        alarm = await anext(alarms)
        assert ("Xã a" in alarm["vi"], "tắt tiếng" in alarm["vi"], "Mute it" in alarm["en"]) == (True, True, True)
        await w.live.command("c-1", MuteSite("a", True), actor="an")
        await w.clock.pass_by(700.0)
        w.machine.mixer.tell(Noisy("c-1", 2, -18.0))
        await settle()
        assert len(w.store.journalled("alarm_site_noisy")) == 2  # nobody hears it
        alarms.close()


async def test_how_many_are_heard_at_once_is_told_to_mixer_and_relay_and_can_be_undone() -> None:
    async with world("a") as w:
        await w.join("a")

        def told() -> tuple[int, int]:
            plans = [call for call in w.machine.relay.calls if isinstance(call, LegPlans)]
            return w.machine.mixer.mix.loudest, plans[-1].loudest

        await settle()
        assert told() == (4, 4)
        await w.live.command("c-1", SetOptions(loudest=7), actor="an")
        await settle()
        assert told() == (7, 7)
        [entry] = w.store.journalled("options")
        assert entry.data == {"auto_mute_noisy": False, "pass_through": True, "echo": False, "loudest": 7}
        await w.live.command("c-1", Undo(), actor="an")
        await settle()
        assert told() == (4, 4)


async def test_noise_is_not_the_end_of_control_when_nothing_can_be_stored() -> None:
    async with world("a") as w:
        await w.join("a")
        await w.live.command("c-1", SetOptions(auto_mute_noisy=True), actor="an")
        w.store.broken = True
        w.machine.mixer.tell(Noisy("c-1", 2, -18.0))
        await settle()
        w.store.broken = False
        w.machine.mixer.tell(Noisy("c-1", 2, -18.0))
        await settle()
        assert w.site("a")["muted_by"] == "noise"


async def test_personal_views_are_limited_by_the_setting() -> None:
    async with world("a", "b", personal_views=1) as w:
        a, _ = await w.join("a")
        state = await w.live.command("c-1", SetPersonalView("a", "1"), actor="an")
        assert state["views"]["site:2"]["layout"] == "1"
        with pytest.raises(OperatorError, match="too_many_views"):
            await w.live.command("c-1", SetPersonalView("b"), actor="an")
        assert w.live.state("c-1")["personal_views"] == {"used": 1, "most": 1}
        await settle()
        assert w.machine.relay.leg_plans[a].rendition == rendition_number("site:2", "H264")


async def test_a_layout_drawn_anew_changes_the_views_that_have_it() -> None:
    async with world("a") as w:
        await w.join("a")
        wide, narrow = (CustomTile(0, 0.25, 1, 0.5),), (CustomTile(0.25, 0, 0.5, 1),)
        await w.live.command("c-1", SetLayout("programme", "rong", wide), actor="an")
        await w.live.layout_changed("rong", narrow, actor="an")
        await settle()
        view = next(view for view in w.machine.mixer.mix.views if view.view == "programme")
        assert [(tile.x, tile.w, tile.site) for tile in view.tiles] == [(0.25, 0.5, 2)]
        assert w.live.state("c-1")["views"]["programme"]["layout"] == "rong"
        revision = w.live.state("c-1")["revision"]
        await w.live.layout_changed("khac", narrow, actor="an")
        assert w.live.state("c-1")["revision"] == revision  # nothing of it is this conference's


async def test_sites_of_the_next_page_are_told_and_decoded_two_seconds_before_it() -> None:
    async with world("a", "b") as w:
        channels = [(await w.join(site))[1] for site in ("tinh", "a", "b")]
        await full_screen(w)
        monitor, channel = await w.enter(await w.live.open_monitor("c-1", "wall", actor="an"))
        await w.offer(monitor, channel)
        await w.live_media(monitor, channel)
        await w.live.command("c-1", SetLayout("wall", "auto", pages=Pages(1, 10.0)), actor="an")
        pages = []  # four times a second: who is on the wall, who is decoded, who was told to send
        for _ in range(120):
            await w.clock.pass_by(0.25)
            mix = w.machine.mixer.mix
            shown = next(view for view in mix.views if view.view == "wall").tiles[0].site
            hints = [[hint for hint in one.got(say.Hint) if hint.track == "camera"][-1] for one in channels]
            told = {number for number, hint in enumerate(hints, 1) if hint.active}
            pages.append((shown, {shown, *(site for site, _ in mix.coming)}, told))
        turns = [now for now in range(10, 120) if pages[now][0] != pages[now - 1][0]]
        assert len(turns) == 3
        for turn in turns:
            shown = pages[turn][0]
            assert all(shown in decoded and shown in told for _, decoded, told in pages[turn - 7 : turn])
            assert all(shown not in decoded for _, decoded, _ in pages[turn - 12 : turn - 9])
