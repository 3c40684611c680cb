"""Live conferences against fakes of database, relays and mixers: joining, commands, and what breaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from control_api.live.lines import LineWatch
from mcu_core.commands import AddSite, BringBack, MuteSite, Podium, RemoveSite, SetLayout, SetOpen, Undo
from mcu_core.conference import Conference
from mcu_core.errors import EndpointError, OperatorError, PeerLost
from mcu_core.wire import (
    CloseLeg,
    LegPlans,
    LegState,
    LegStats,
    Levels,
    MixerStats,
    MixPlan,
    OpenLeg,
    PlanOnAir,
    RelayStats,
    Speaker,
)
from signaling import messages as say
from tests.unit.live.fakes import settle, world


async def test_a_site_joins_and_is_on_air() -> None:
    async with world("a") as w:
        seat, channel = await w.enter(await w.token("a"))
        [welcome] = channel.got(say.Welcome)
        assert (welcome.role, welcome.media, welcome.view) == ("member", "offer", "programme")
        assert welcome.site == say.SeatSite(id="a", name="Xã a", number=2)
        assert channel.texts[0].startswith('{"type":"welcome"')
        assert len(channel.got(say.Tally)) == len(channel.got(say.ConferenceInfo)) == 1
        assert w.site("a")["state"] == "connecting"
        assert w.store.seats[seat].site == "a"

        assert await w.live.offer(seat, channel, say.Offer(sdp="v=0")) == "answer"
        await settle()
        [opened] = [call for call in w.machine.relay.calls if isinstance(call, OpenLeg)]
        assert (opened.leg, opened.site, opened.mixer) == (seat, 2, "/run/mixer-c-1.sock")
        assert w.machine.relay.leg_plans[seat].rendition == 1
        assert [r.rendition for r in w.machine.mixer.mix.renditions] == [1]  # the encoder starts before the media is up

        await w.live_media(seat, channel)
        assert w.site("a")["state"] == "live"
        assert w.machine.mixer.mix.views[0].tiles[0].site == 2
        assert w.machine.relay.leg_plans[seat].camera_wanted
        hints = {hint.track: hint for hint in channel.got(say.Hint)}
        assert (hints["camera"].width, hints["screen"].active) == (1280, False)
        assert channel.got(say.Tally)[-1].visible


async def test_the_main_site_watches_the_chair_s_view() -> None:
    async with world() as w:
        _, channel = await w.enter(await w.token("tinh"))
        [welcome] = channel.got(say.Welcome)
        assert (welcome.role, welcome.view) == ("main", "chair")


async def test_podium_changes_pictures_sound_and_tallies_in_one_step() -> None:
    async with world("a", "b") as w:
        chair, chair_channel = await w.join("tinh")
        a, a_channel = await w.join("a")
        b, b_channel = await w.join("b")
        for channel in (chair_channel, a_channel, b_channel):
            channel.forget()
        state = await w.live.command("c-1", Podium("a"), actor="an")
        assert state["podium"] == "a"
        await settle()
        mix = w.machine.mixer.mix
        assert [(view.view, view.tiles[0].site) for view in mix.views] == [("programme", 2), ("chair", 2)]
        assert {site.site for site in mix.sites if site.muted} == {3}
        plans = w.machine.relay.leg_plans
        assert (plans[chair].rendition, plans[a].rendition) == (3, 1)
        assert plans[a].audio_always
        assert not plans[b].audio_open
        assert a_channel.got(say.Tally)[-1].on_podium
        assert b_channel.got(say.Tally)[-1].muted_by == "rule"
        assert chair_channel.got(say.Tally) == []  # nothing changed for it
        podium = chair_channel.got(say.ConferenceInfo)[-1].podium
        assert podium is not None
        assert podium.name == "Xã a"
        await w.live.command("c-1", Undo(), actor="an")
        await settle()
        assert not any(site.muted for site in w.machine.mixer.mix.sites)
        assert [entry.what for _, entry in w.store.journal if entry.actor == "an"][-2:] == ["podium", "undone"]


async def test_request_to_on_air_is_measured() -> None:
    async with world("a") as w:
        await w.join("a")
        await w.live.command("c-1", Podium("a"), actor="an")
        await settle()
        revision = w.machine.mixer.mix.revision
        w.clock.time += 0.12
        w.machine.mixer.tell(PlanOnAir("c-1", revision, w.clock.time))
        w.machine.mixer.tell(PlanOnAir("c-1", revision, w.clock.time))
        await settle()
        assert [command for command, _ in w.measured] == ["Podium"]
        assert w.measured[0][1] == pytest.approx(0.12)
        [entry] = w.store.journalled("on_air")
        assert entry.data == {"command": "Podium", "ms": 120}


async def test_a_command_that_cannot_be_stored_has_not_happened() -> None:
    async with world("a") as w:
        await w.join("a")
        before, plans = w.live.state("c-1"), len(w.machine.mixer.calls)
        w.store.broken = True
        with pytest.raises(OSError, match="disk full"):
            await w.live.command("c-1", Podium("a"), actor="an")
        await settle()
        assert w.live.state("c-1") == before
        assert len(w.machine.mixer.calls) == plans
        w.store.broken = False
        assert (await w.live.command("c-1", Podium("a"), actor="an"))["podium"] == "a"


async def test_a_repeated_command_does_nothing_twice_and_gives_the_same_answer() -> None:
    async with world("a") as w:
        first = await w.live.command("c-1", AddSite("Xã Mới"), actor="an", command_id="k-1")
        await w.live.command("c-1", MuteSite("a", True), actor="an")
        assert await w.live.command("c-1", AddSite("Xã Mới"), actor="an", command_id="k-1") == first
        assert [site["id"] for site in w.live.state("c-1")["sites"]] == ["tinh", "a", "xa-moi"]


async def test_commands_at_the_same_time_are_carried_out_in_order() -> None:
    async with world(*(f"s{number}" for number in range(10))) as w:
        await asyncio.gather(*(w.live.command("c-1", MuteSite(f"s{n}", True), actor="an") for n in range(10)))
        assert all(w.site(f"s{n}")["muted"] for n in range(10))
        assert w.store.conferences["c-1"].revision == w.live.state("c-1")["revision"] == 22


async def test_what_another_control_process_stored_is_read_again() -> None:
    async with world("a", "b") as w:
        _seat, channel = await w.join("a")
        other = Conference.from_document("c-1", w.store.conferences["c-1"].document)
        before = other.revision
        for command in (Podium("a"), RemoveSite("b")):
            other.apply(command, 0.0)
        await w.store.save("c-1", before, other.revision, other.document(), None, None, [])
        with pytest.raises(OperatorError, match="changed_elsewhere"):
            await w.live.command("c-1", MuteSite("a", True), actor="an")
        await settle()
        state = w.live.state("c-1")
        assert (state["podium"], [site["id"] for site in state["sites"]]) == ("a", ["tinh", "a"])
        assert state["revision"] == other.revision
        assert not w.site("a")["muted"], "the command was refused"
        assert w.site("a")["state"] == "live", "who is there stays"
        assert not channel.closed
        assert channel.got(say.Tally)[-1].on_podium
        assert w.store.journalled("alarm_changed_elsewhere")
        assert (await w.live.command("c-1", MuteSite("a", True), actor="an"))["revision"] == other.revision + 1


async def test_a_command_that_was_stored_without_our_being_told_is_not_done_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world("a") as w:
        save = w.store.save

        async def lost(*arguments: Any) -> None:
            await save(*arguments)
            raise PeerLost("database_down", "", "the connection broke after the commit")

        monkeypatch.setattr(w.store, "save", lost)
        with pytest.raises(PeerLost):
            await w.live.command("c-1", AddSite("Xã Mới"), actor="an", command_id="k-1")
        monkeypatch.undo()
        with pytest.raises(OperatorError, match="changed_elsewhere"):
            await w.live.command("c-1", Podium("a"), actor="an")
        again = await w.live.command("c-1", AddSite("Xã Mới"), actor="an", command_id="k-1")
        assert [site["id"] for site in again["sites"]] == ["tinh", "a", "xa-moi"]


async def test_a_conference_that_another_control_process_deleted_ends() -> None:
    async with world("a") as w:
        _, channel = await w.join("a")
        await w.store.delete("c-1", [])
        with pytest.raises(OperatorError, match="unknown_conference"):
            await w.live.command("c-1", Podium("a"), actor="an")
        await w.clock.pass_by(1.5)
        assert w.live.conferences() == []
        assert channel.closed


async def test_a_conference_of_that_id_in_the_database_is_taken_over_and_not_made_again() -> None:
    async with world() as w:
        made = Conference.new("c-2", "Họp khác")
        made.revision = 1
        await w.store.save("c-2", 0, 1, made.document(), "k-1", {"revision": 1}, [])
        with pytest.raises(OperatorError, match="conference_exists"):
            await w.live.create_conference("Họp mới", actor="an", conference_id="c-2")
        assert w.live.state("c-2")["title"] == "Họp khác"
        again = await w.live.create_conference("Họp khác", actor="an", conference_id="c-2", command_id="k-1")
        assert again["title"] == "Họp khác"


async def test_a_conference_is_made_with_its_first_sites_or_not_at_all() -> None:
    async with world() as w:
        with pytest.raises(OperatorError, match="bad_name"):
            await w.live.create_conference("Họp", actor="an", conference_id="c-2", first=[AddSite("\u200b", "main")])
        assert [one["id"] for one in w.live.conferences()] == ["c-1"]
        assert "c-2" not in w.store.conferences
        made = await w.live.create_conference("Họp", actor="an", conference_id="c-2", first=[AddSite("Tỉnh", "main")])
        assert ([site["role"] for site in made["sites"]], made["revision"]) == (["main"], 1)
        assert [entry.what for of, entry in w.store.journal if of == "c-2"] == ["created", "site_added"]
        assert (await w.live.command("c-2", AddSite("Xã Mới"), actor="an"))["revision"] == 2


async def test_a_second_endpoint_takes_the_seat_over() -> None:
    async with world("a") as w:
        token = await w.token("a")
        first, first_channel = await w.enter(token)
        await w.offer(first, first_channel)
        await w.live_media(first, first_channel)
        second, second_channel = await w.enter(token)
        assert second != first
        assert first_channel.last_word is not None
        assert first_channel.last_word.code == "replaced"
        await settle()
        assert CloseLeg(first) in w.machine.relay.calls
        assert first not in w.store.seats
        assert w.site("a")["state"] == "away"  # its place is held until the new media is up
        w.live.lost(first, first_channel)
        await w.offer(second, second_channel)
        await w.live_media(second, second_channel)
        assert w.site("a")["state"] == "live"


async def test_an_endpoint_that_comes_back_keeps_seat_and_media() -> None:
    async with world("a") as w:
        token = await w.token("a")
        seat, channel = await w.enter(token)
        await w.offer(seat, channel)
        await w.live_media(seat, channel)
        w.live.lost(seat, channel)
        await w.clock.pass_by(59.0)
        assert w.site("a")["state"] == "live"
        again, channel = await w.enter(token, seat, media=True)
        assert again == seat
        assert channel.got(say.Welcome)[0].media == "keep"
        told = {hint.track: hint.active for hint in channel.got(say.Hint)}
        assert told == {"camera": True, "screen": False, "microphone": True}
        await w.clock.pass_by(120.0)
        assert w.site("a")["state"] == "live"


async def test_an_endpoint_that_comes_back_without_media_offers_again() -> None:
    async with world("a") as w:
        token = await w.token("a")
        seat, channel = await w.enter(token)
        await w.offer(seat, channel)
        await w.live_media(seat, channel)
        w.live.lost(seat, channel)
        _, channel = await w.enter(token, seat, media=False)
        assert channel.got(say.Welcome)[0].media == "offer"
        plans = sum(isinstance(call, LegPlans) for call in w.machine.relay.calls)
        await w.offer(seat, channel)
        await settle()
        assert [type(call).__name__ for call in w.machine.relay.calls if isinstance(call, CloseLeg | OpenLeg)] == [
            "OpenLeg",
            "CloseLeg",
            "OpenLeg",
        ]
        # the new leg is told its plan although it reads like the old one's
        assert sum(isinstance(call, LegPlans) for call in w.machine.relay.calls) > plans
        assert w.site("a")["state"] == "live", "its old leg was not missed yet"
        await w.live_media(seat, channel)
        assert {hint.track for hint in channel.got(say.Hint)} == {"camera", "screen", "microphone"}, (
            "a new page knows nothing"
        )


async def test_a_seat_expires_when_nobody_comes_back() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        w.live.lost(seat, channel)
        await w.clock.pass_by(61.5)
        assert w.site("a")["state"] == "absent"
        assert CloseLeg(seat) in w.machine.relay.calls
        assert w.store.seats == {}
        assert w.store.journalled("site_left")


async def test_leaving_gives_the_seat_up_at_once() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        await w.live.leave(seat, channel)
        await settle()
        assert channel.closed
        assert channel.last_word is None
        assert w.site("a")["state"] == "absent"
        assert CloseLeg(seat) in w.machine.relay.calls


async def test_a_silent_leg_holds_its_place_and_comes_back() -> None:
    async with world("a", "b") as w:
        await w.join("b")
        seat, channel = await w.join("a")
        w.machine.relay.tell(LegState(seat, "silent"))
        await w.clock.pass_by(0.1)
        assert w.site("a")["state"] == "away"
        assert [tile.site for tile in w.machine.mixer.mix.views[0].tiles] == [2, 3]
        assert not next(site for site in w.machine.mixer.mix.sites if site.site == 2).present
        assert channel.got(say.Media) == []
        b = next(one for one in w.machine.relay.legs if one != seat)
        w.machine.relay.tell(LegState(b, "silent"))
        await w.clock.pass_by(2.5)
        assert w.machine.mixer.mix.renditions
        await w.clock.pass_by(1.0)
        assert not w.machine.mixer.mix.renditions, "nobody has been there for a while"
        w.machine.relay.connected(seat)
        await w.clock.pass_by(0.1)
        assert w.site("a")["state"] == "live"


async def test_a_leg_that_the_relay_gave_up_is_made_anew() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        w.machine.relay.tell(LegState(seat, "closed", "no consent"))
        await settle()
        assert [message.action for message in channel.got(say.Media)] == ["rejoin"]


async def test_a_dead_relay_makes_its_sites_rejoin_once() -> None:
    async with world("a", "b") as w:
        seats = dict([await w.join("a"), await w.join("b")])
        w.machine.reachable = False
        w.machine.kill("relay", "0")
        await w.clock.pass_by(5.0)
        assert {w.site(site)["state"] for site in ("a", "b")} == {"away"}  # the operator sees it at once
        assert not any(channel.got(say.Media) for channel in seats.values())  # nobody is there to offer to
        w.machine.reachable = True
        await w.clock.pass_by(0.5)
        assert {w.site(site)["state"] for site in ("a", "b")} == {"away"}
        for seat, channel in seats.items():
            assert [message.action for message in channel.got(say.Media)] == ["rejoin"]
            await w.offer(seat, channel)
            await w.live_media(seat, channel)
        assert {w.site(site)["state"] for site in ("a", "b")} == {"live"}
        assert set(w.machine.relay.leg_plans) == set(seats)
        assert all(len(channel.got(say.Media)) == 1 for channel in seats.values())


async def test_a_dead_mixer_is_given_its_plan_and_nobody_notices() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        before = w.machine.mixer.mix
        channel.forget()
        w.machine.kill("mixer", "c-1")
        await w.clock.pass_by(0.5)
        assert w.machine.mixer.mix == before
        assert channel.texts == []
        assert w.site("a")["state"] == "live"
        assert CloseLeg(seat) not in w.machine.relay.calls


async def test_control_killed_and_started_again_finds_everything_as_it_was() -> None:
    async with world("a", "b") as w:
        tokens = {site: await w.token(site) for site in ("a", "b")}
        seats = {}
        for site, token in tokens.items():
            seats[site], channel = await w.enter(token)
            await w.offer(seats[site], channel)
            await w.live_media(seats[site], channel)
        await w.live.command("c-1", Podium("b"), actor="an", command_id="k-9")
        await w.clock.pass_by(3.5)  # hints have shrunk
        state, mix, legs = w.live.state("c-1"), w.machine.mixer.mix, w.machine.relay.leg_plans
        await w.kill()
        calls = len(w.machine.mixer.calls), len(w.machine.relay.calls)
        w.clock.time += 2.0
        await w.start()
        await w.clock.pass_by(1.0)
        assert w.live.state("c-1") == state
        told = [call for call in w.machine.mixer.calls[calls[0] :] if isinstance(call, MixPlan)]
        assert told
        assert all(plan.revision > mix.revision for plan in told)
        for plan in told:  # never, not even for a moment, anything else
            assert (plan.sites, plan.views, plan.renditions) == (mix.sites, mix.views, mix.renditions)
        assert w.machine.relay.leg_plans == legs
        assert not any(isinstance(call, CloseLeg | OpenLeg) for call in w.machine.relay.calls[calls[1] :])
        seat, channel = await w.enter(tokens["a"], seats["a"], media=True)
        assert seat == seats["a"]
        assert channel.got(say.Welcome)[0].media == "keep"
        assert (await w.live.command("c-1", Podium("a"), actor="an", command_id="k-9"))["podium"] == "b"


async def test_media_that_comes_up_while_control_asks_is_not_missed() -> None:
    async with world("a") as w:
        seat, channel = await w.enter(await w.token("a"))
        await w.offer(seat, channel)
        await w.kill()
        relay = w.machine.relay
        relay.hung.clear()  # its reply is on the way …
        await w.start()
        stale = relay.legs[seat]
        relay.tell(LegState(seat, "connected"))  # … and is overtaken
        assert relay.legs[seat] == stale
        relay.hung.set()
        await w.clock.pass_by(0.1)
        assert w.site("a")["state"] == "live"


async def test_after_a_restart_seats_that_nobody_takes_up_expire() -> None:
    async with world("a", "b") as w:
        await w.join("a")
        await w.kill()
        w.machine.relay.legs.clear()  # it left while control was down
        await w.start()
        await w.clock.pass_by(1.0)
        assert w.site("a")["state"] == "away"
        await w.clock.pass_by(62.0)
        assert w.site("a")["state"] == "absent"


async def test_legs_that_belong_to_nobody_are_closed() -> None:
    async with world("a") as w:
        seat, _ = await w.join("a")
        await w.kill()
        w.store.seats.clear()
        await w.start()
        await settle()
        assert CloseLeg(seat) in w.machine.relay.calls


async def test_without_a_relay_the_endpoint_is_told_and_called_when_there_is_one() -> None:
    async with world("a", worker_deadline=0.02) as w:
        w.machine.reachable = False
        w.machine.kill("relay", "0")
        seat, channel = await w.enter(await w.token("a"))
        with pytest.raises(PeerLost):
            await w.offer(seat, channel)
        assert channel.got(say.Media) == []
        w.machine.reachable = True
        await w.clock.pass_by(0.5)
        assert [message.action for message in channel.got(say.Media)] == ["rejoin"]
        await w.offer(seat, channel)
        await w.live_media(seat, channel)
        assert w.site("a")["state"] == "live"


async def test_a_refused_offer_is_the_endpoint_s_business_only() -> None:
    async with world("a", "b") as w:
        await w.join("b")
        seat, channel = await w.enter(await w.token("a"))
        with pytest.raises(EndpointError, match="bad_offer"):
            await w.live.offer(seat, channel, say.Offer(sdp="bad"))
        with pytest.raises(EndpointError, match="bad_offer"):
            await w.live.offer(seat, channel, say.Offer(sdp="v=0", restart=True))  # no leg to restart
        await w.offer(seat, channel)
        assert await w.live.offer(seat, channel, say.Offer(sdp="v=0", restart=True)) == "restarted"
        assert w.site("b")["state"] == "live"


async def test_a_removed_site_is_told_and_its_leg_closed() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        await w.live.command("c-1", RemoveSite("a"), actor="an")
        await settle()
        assert channel.last_word is not None
        assert channel.last_word.code == "removed"
        assert CloseLeg(seat) in w.machine.relay.calls
        assert w.store.seats == {}


async def test_a_link_of_a_removed_site_does_not_open_its_namesake() -> None:
    async with world("a") as w:
        token = await w.token("a")
        await w.live.command("c-1", RemoveSite("a"), actor="an")
        with pytest.raises(EndpointError, match="bad_token"):
            await w.enter(token)
        await w.live.command("c-1", AddSite("Xã khác", site="a"), actor="an")
        with pytest.raises(EndpointError, match="bad_token"):
            await w.enter(token)


async def test_a_dropped_site_may_come_back() -> None:
    async with world("a") as w:
        token = await w.token("a")
        _, channel = await w.enter(token)
        await w.live.drop_site("c-1", "a", actor="an")
        assert channel.last_word is not None
        assert channel.last_word.code == "removed"
        await w.enter(token)
        with pytest.raises(OperatorError, match="unknown_site"):
            await w.live.drop_site("c-1", "x", actor="an")


async def test_closing_the_conference_sends_everybody_home() -> None:
    async with world("a") as w:
        token = await w.token("a")
        _, channel = await w.enter(token)
        await w.live.command("c-1", SetOpen(False), actor="an")
        assert channel.last_word is not None
        assert channel.last_word.code == "conference_closed"
        with pytest.raises(EndpointError, match="conference_closed"):
            await w.enter(token)


async def test_deleting_a_conference_ends_all_of_it() -> None:
    async with world("a") as w:
        _, channel = await w.join("a")
        console = w.live.events("c-1")
        await w.live.delete_conference("c-1", actor="an")
        await settle()
        assert channel.closed
        assert w.machine.released == [("mixer", "c-1")]
        assert w.store.conferences == {}
        assert [message["type"] async for message in console] == []
        with pytest.raises(OperatorError, match="unknown_conference"):
            w.live.state("c-1")


async def test_a_wrong_or_late_token_is_refused() -> None:
    async with world("a") as w:
        with pytest.raises(EndpointError, match="bad_token"):
            await w.enter("nonsense")
        token = await w.live.open_monitor("c-1", "wall", actor="an")
        seat, _ = await w.enter(token)
        await w.clock.pass_by(w.settings.monitor_token_life + 1)
        assert (await w.enter(token, seat))[0] == seat  # who holds a seat may come back to it
        with pytest.raises(EndpointError, match="bad_token"):
            await w.enter(token)


async def test_a_new_link_does_not_throw_out_who_is_in_the_meeting() -> None:
    async with world("a") as w:
        old = await w.token("a")
        seat, channel = await w.enter(old)
        for new in (await w.token("a"), None):
            if new is None:
                await w.live.revoke_link("c-1", "a", actor="an")
            w.live.lost(seat, channel)
            again, channel = await w.enter(old, seat)
            assert again == seat
            with pytest.raises(EndpointError, match="bad_token"):
                await w.enter(old)  # without the seat it is a newcomer
            with pytest.raises(EndpointError, match="bad_token"):
                await w.enter(old, "s-guess")
            assert not channel.closed


async def test_a_replaced_link_does_not_win_a_seat_back_from_the_new_one() -> None:
    async with world("a") as w:
        old = await w.token("a")
        seat, _ = await w.enter(old)
        new = await w.token("a")
        assert (await w.enter(new, seat))[0] == seat
        with pytest.raises(EndpointError, match="bad_token"):
            await w.enter(old, seat)


async def test_a_monitor_chooses_its_view_and_is_nobody() -> None:
    async with world("a") as w:
        await w.join("a")
        seat, channel = await w.enter(await w.live.open_monitor("c-1", "wall", actor="an"))
        [welcome] = channel.got(say.Welcome)
        assert (welcome.role, welcome.site, welcome.view) == ("monitor", None, "wall")
        await w.offer(seat, channel)
        await settle()
        assert w.machine.relay.legs[seat].site == 0
        assert w.machine.relay.leg_plans[seat].rendition == 5
        w.live.watch(seat, channel, "programme")
        await settle()
        assert w.machine.relay.leg_plans[seat].rendition == 1
        assert [rendition["viewers"] for rendition in w.live.renditions("c-1")] == [2]
        assert len(w.live.state("c-1")["sites"]) == 2
        assert w.live.figures().monitors == 1


async def test_a_site_does_not_choose_its_view() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        with pytest.raises(EndpointError, match="not_allowed"):
            w.live.watch(seat, channel, "wall")


async def test_a_full_mcu_takes_nobody_new() -> None:
    async with world("a", "b", max_legs=1) as w:
        token = await w.token("a")
        seat, _ = await w.enter(token)
        with pytest.raises(EndpointError, match="mcu_busy"):
            await w.enter(await w.token("b"))
        assert (await w.enter(token, seat))[0] == seat
        await w.enter(token)  # a takeover is nobody new


async def test_a_monitor_token_opens_a_few_seats_and_takes_none_of_the_sites() -> None:
    async with world("a", max_legs=1, monitors_per_token=2) as w:
        token = await w.live.open_monitor("c-1", "wall", actor="an")
        first, channel = await w.enter(token)
        second, _ = await w.enter(token)
        with pytest.raises(EndpointError, match="mcu_busy"):
            await w.enter(token)
        await w.enter(await w.token("a"))  # the monitors have not used up the sites' legs
        assert (await w.enter(await w.live.open_monitor("c-1", "wall", actor="an")))[0] not in (first, second)
        assert (await w.enter(token, second))[0] == second  # who comes back is nobody new
        w.live.lost(first, channel)
        await w.enter(token)  # a seat that nobody holds gives way
        await settle()
        assert first not in w.store.seats


async def test_all_monitors_together_are_limited() -> None:
    async with world(max_monitors=1) as w:
        await w.enter(await w.live.open_monitor("c-1", "wall", actor="an"))
        with pytest.raises(EndpointError, match="mcu_busy"):
            await w.enter(await w.live.open_monitor("c-1", "wall", actor="an"))


async def test_a_monitor_s_seat_is_held_shortly_a_site_s_longer() -> None:
    async with world("a") as w:
        monitor, watching = await w.enter(await w.live.open_monitor("c-1", "wall", actor="an"))
        site, channel = await w.enter(await w.token("a"))
        w.live.lost(monitor, watching)
        w.live.lost(site, channel)
        await w.clock.pass_by(3)
        assert set(w.store.seats) == {monitor, site}
        await w.clock.pass_by(4)
        assert set(w.store.seats) == {site}


async def test_a_database_that_hangs_keeps_the_seat_of_who_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_api.live.room._SAVE_DEADLINE", 0.05)
    async with world("a", "b") as w:
        token, other = await w.token("a"), await w.token("b")
        seat, channel = await w.enter(token)
        w.live.lost(seat, channel)
        w.store.broken = True
        for token_of, claimed in ((token, seat), (other, None)):
            with pytest.raises(PeerLost, match="media_unavailable"):
                await w.enter(token_of, claimed)
        w.store.broken = False
        await w.clock.pass_by(2)
        assert set(w.store.seats) == {seat}
        assert (await w.enter(token, seat))[0] == seat


async def test_an_offer_that_was_given_up_leaves_no_leg_behind() -> None:
    async with world("a") as w:
        seat, channel = await w.enter(await w.token("a"))
        await settle()
        w.machine.relay.hung.clear()
        older = asyncio.create_task(w.offer(seat, channel))
        await settle()
        older.cancel()
        w.machine.relay.hung.set()
        await w.offer(seat, channel)  # the newer one is served
        assert seat in w.machine.relay.legs
        await w.live.leave(seat, channel)
        await settle()
        assert w.machine.relay.legs == {}

        seat, channel = await w.enter(await w.token("a"))
        w.machine.relay.hung.clear()
        only = asyncio.create_task(w.offer(seat, channel))
        await settle()
        only.cancel()
        await settle()
        w.machine.relay.hung.set()
        await w.live.leave(seat, channel)
        await settle()
        assert [call.leg for call in w.machine.relay.calls if isinstance(call, CloseLeg)][-1] == seat


async def test_messages_of_a_replaced_websocket_are_ignored() -> None:
    async with world("a") as w:
        token = await w.token("a")
        seat, old = await w.enter(token)
        await w.enter(token, seat)
        assert old.closed
        w.live.sends(seat, old, say.State(microphone=True, camera=True, screen=True))
        w.live.lost(seat, old)
        assert not w.site("a")["screen"]
        await w.clock.pass_by(70.0)
        assert seat in w.store.seats
        with pytest.raises(EndpointError, match="replaced"):
            await w.live.offer(seat, old, say.Offer(sdp="v=0"))


async def test_hints_shrink_only_after_a_while() -> None:
    async with world("a", "b") as w:
        _, channel = await w.join("a")
        await w.join("b")
        await w.live.command("c-1", SetLayout("programme", "1"), actor="an")
        await w.live.command("c-1", SetLayout("chair", "1"), actor="an")
        await w.clock.pass_by(0.5)
        b = w.live._rooms["c-1"].people.hints.of("b", "camera")
        assert b.active
        channel.forget()
        await w.clock.pass_by(3.5)
        assert not w.live._rooms["c-1"].people.hints.of("b", "camera").active


async def test_a_closed_site_is_told_to_send_no_sound_and_before_it_may_be_heard_to_send_it_again() -> None:
    async with world("a", "b") as w:
        a, channel = await w.join("a")
        await w.join("b")

        def told() -> list[bool]:
            hints = [hint.active for hint in channel.got(say.Hint) if hint.track == "microphone"]
            channel.forget()
            return hints

        await w.live.command("c-1", Podium("b"), actor="an")
        told()
        await w.clock.pass_by(4.5)
        assert told() == []
        await w.clock.pass_by(2.0)
        assert told() == [False]
        assert w.machine.relay.leg_plans[a].audio_stopped
        await w.offer(a, channel)
        await w.live_media(a, channel)
        assert told() == [True], "what is new sends until it is told"
        assert not w.machine.relay.leg_plans[a].audio_stopped
        await w.clock.pass_by(6.5)
        assert told() == [False]
        w.live.lost(a, channel)  # its page sends by itself now
        _, channel = await w.enter(next(t for t, token in w.store.tokens.items() if token.site == "a"), a, media=True)
        assert told() == [False]
        await w.live.command("c-1", Podium("a"), actor="an")
        await settle()
        assert told() == [True]
        assert w.machine.relay.leg_plans[a].audio_always


async def test_the_console_follows_the_conference() -> None:
    async with world("a") as w:
        seat, _ = await w.join("a")
        console = w.live.events("c-1")
        first = await anext(console)
        assert (first["type"], first["state"]["id"]) == ("state", "c-1")
        await w.live.command("c-1", Podium("a"), actor="an")
        await w.live.command("c-1", Podium("tinh"), actor="an")
        second = await anext(console)
        assert second["state"]["podium"] == "tinh"  # a slow reader gets the newest only
        w.machine.relay.tell(Levels("c-1", {1: -127, 2: -30}))
        w.machine.relay.tell(RelayStats((LegStats(seat, received_kbps=250.0),), 0.2, 1.0, 100.0, 200.0))
        w.machine.mixer.tell(MixerStats("c-1", 0.5, 1.0, 2.0, 1, 2, (2,), (), (2,)))
        w.machine.mixer.tell(Speaker("c-1", 2))
        await w.clock.pass_by(1.5)
        messages = {}
        for _ in range(4):
            message = await anext(console)
            messages[message["type"]] = message
        assert messages["state"]["state"]["speaker"] == "a"
        assert messages["levels"]["levels"] == {"tinh": -127, "a": -30}
        assert messages["quality"]["sites"]["a"]["received_kbps"] == 250.0
        assert messages["stats"]["mixer"]["voices"] == ["a"]
        assert messages["stats"]["relays"]["0"]["cpu"] == 0.2
        assert w.live.figures().mixers["c-1"]["encoders"] == 1
        console.close()


async def test_a_dead_worker_and_a_damaged_stream_raise_alarms() -> None:
    async with world("a") as w:
        await w.join("a")
        console = w.live.events("c-1")
        await anext(console)
        w.machine.mixer.tell(MixerStats("c-1", 0.5, 1.0, 2.0, 1, 2, (), (), (), (2,)))
        w.machine.mixer.tell(MixerStats("c-1", 0.5, 1.0, 2.0, 1, 2, (), (), (), (2,)))
        w.machine.kill("mixer", "c-1")
        await settle()
        alarms = [message for message in [await anext(console) for _ in range(3)] if message["type"] == "alarm"]
        assert [alarm["code"] for alarm in alarms] == ["site_quarantined", "mixer_down"]
        assert all(alarm["vi"] and alarm["en"] and alarm["at"] for alarm in alarms)


async def test_an_idle_mixer_is_released_and_placed_again_when_needed() -> None:
    async with world("a", mixer_hold=30.0) as w:
        seat, channel = await w.join("a")
        await w.live.leave(seat, channel)
        await w.clock.pass_by(32.0)
        assert w.machine.released == [("mixer", "c-1")]
        assert w.store.journalled("alarm_mixer_down") == [], "we asked for it (S99)"
        seat, channel = await w.join("a")
        assert w.machine.mixer.mix.views[0].tiles[0].site == 2
        assert seat in w.machine.relay.leg_plans


async def test_a_damaged_conference_does_not_keep_the_others_down() -> None:
    async with world("a") as w:
        await w.live.create_conference("Họp khác", actor="an", conference_id="c-2")
        await w.kill()
        w.store.conferences["c-1"].document.clear()
        await w.start()
        assert [conference["id"] for conference in w.live.conferences()] == ["c-2"]


async def test_what_happened_while_the_database_was_down_is_written_later() -> None:
    async with world("a") as w:
        seat, channel = await w.join("a")
        w.store.broken = True
        w.machine.relay.tell(LegState(seat, "silent"))
        w.live.sends(seat, channel, say.State(microphone=False, camera=True, screen=False))
        await settle()
        assert not w.store.journalled("site_away")
        w.store.broken = False
        await w.clock.pass_by(2.0)
        assert w.store.journalled("site_away")
        assert not w.store.seats[seat].microphone


async def test_one_hung_worker_delays_nobody_else() -> None:
    async with world("a") as w:
        await w.join("a")
        w.machine.mixer.hung.clear()
        console = w.live.events("c-1")
        await anext(console)
        async with asyncio.timeout(1.0):
            await w.live.command("c-1", Podium("a"), actor="an")
        await settle()
        assert w.machine.relay.leg_plans
        assert (await anext(console))["state"]["podium"] == "a"
        w.machine.mixer.hung.set()
        await settle()
        assert w.machine.mixer.mix.views[0].podium == 2


class Ears:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.asks: list[tuple[str, str, str]] = []
        self.entrances: list[tuple[str, str]] = []
        self.shown: list[tuple[str, str | None, float]] = []

    async def asked(self, conference: str, site: str, request: say.Request) -> None:
        self.asks.append((conference, site, request.type))

    def entered(self, conference: str, site: str) -> None:
        self.entrances.append((conference, site))

    def on_air(self, conference: str, command: str, site: str | None, seconds: float) -> None:
        self.shown.append((command, site, seconds))


async def test_the_listener_hears_hands_entrances_and_what_came_on_air() -> None:
    async with world("a") as w:
        ears = Ears()
        seat, channel = await w.join("a")
        with pytest.raises(PeerLost, match="not_stored"):
            await w.live.ask(seat, channel, say.RaiseHand())  # nobody listens yet
        w.live.listen(ears)
        await w.live.ask(seat, channel, say.RaiseHand())
        assert ears.asks == [("c-1", "a", "raise_hand")]
        monitor, watching = await w.enter(await w.live.open_monitor("c-1", "wall", actor=None))
        with pytest.raises(EndpointError, match="not_allowed"):
            await w.live.ask(monitor, watching, say.RaiseHand())
        again, _ = await w.enter(await w.token("a"), seat=seat, media=True)
        assert (again, ears.entrances) == (seat, [("c-1", "a")])
        await w.live.command("c-1", Podium("a"), actor="an")
        await settle()
        w.machine.mixer.tell(PlanOnAir("c-1", w.machine.mixer.mix.revision, w.clock.time))
        await settle()
        assert [(command, site) for command, site, _ in ears.shown] == [("Podium", "a")]


async def test_a_site_is_sent_a_cue_when_it_is_there() -> None:
    async with world("a") as w:
        _, channel = await w.join("a")
        cue = say.Cue(id="q-1", kind="check", vi="Xin kiểm tra.", en="Please check.")
        assert w.live.tell_site("c-1", "a", cue)
        assert channel.got(say.Cue) == [cue]
        assert not w.live.tell_site("c-1", "tinh", cue)
        assert not w.live.tell_site("c-none", "a", cue)


async def test_a_moment_comes_back_after_podiums() -> None:
    async with world("a", "b") as w:
        before = w.live.state("c-1")
        moment = w.live.moment("c-1")
        await w.live.command("c-1", Podium("a"), actor="an")
        await w.live.command("c-1", Podium("b"), actor="an")
        after = await w.live.command("c-1", BringBack(moment), actor="an")
        assert {**after, "revision": 0, "can_undo": None} == {**before, "revision": 0, "can_undo": None}


async def test_a_repeated_command_keeps_little_and_answers_with_the_state_of_now() -> None:
    async with world("a") as w:
        await w.live.command("c-1", Podium("a"), actor="an", command_id="k-2")
        await w.live.command("c-1", MuteSite("a", True), actor="an")
        assert await w.live.command("c-1", Podium("a"), actor="an", command_id="k-2") == w.live.state("c-1")
        assert w.store.answers["c-1", "k-2"].keys() == {"revision"}
        assert len(w.store.journalled("podium")) == 1


async def test_s99_a_worker_that_comes_back_is_journalled_with_its_absence() -> None:
    async with world("a") as w:
        await w.join("a")
        w.machine.kill("mixer", "c-1")
        await w.clock.pass_by(3.0)
        (down,), (up,) = w.store.journalled("alarm_mixer_down"), w.store.journalled("worker_up")
        assert (up.data["kind"], up.data["name"]) == ("mixer", "c-1")
        assert 0 <= up.data["seconds"] <= up.at - down.at <= 3.0


def test_s99_a_line_is_bad_after_a_while_and_good_after_a_longer_one() -> None:
    watch, told = LineWatch(), []
    loss = [0.2] * 3 + [0.0] * 3 + [0.06] * 8 + [0.03] * 20 + [0.0] * 15 + [0.0] * 5
    for second, fraction in enumerate(loss):
        news = watch.measured("a", LegStats("s-1", peer_lost_fraction=fraction, rtt_ms=40.0), float(second))
        if news is not None:
            told.append((second, *news))
    assert [(what, second) for second, what, _ in told] == [("line_bad", 10), ("line_good", 43)]
    assert told[0][2] == {"lost_percent": 6, "rtt_ms": 40}
    assert told[1][2] == {"seconds": 33}
