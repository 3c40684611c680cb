"""Feed, writer and worker link on their own."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from control_api.live.feed import ALARMS, Feed
from control_api.live.store import JournalEntry, StoredSeat
from control_api.live.workers import Link, WorkerLink
from control_api.live.writer import JOURNAL_LIMIT, Writer
from mcu_core.errors import PeerLost
from mcu_core.wire import Event, LegPlan, LegPlans, MixPlan
from tests.unit.live.fakes import FakeClock, FakeMachine, FakeStore, settle


async def test_a_slow_console_gets_the_newest_of_each_kind_and_every_alarm_that_fits() -> None:
    states = iter(range(100))
    feed = Feed(lambda: {"n": next(states)})
    console = feed.subscribe()
    for number in range(1000):
        feed.state_changed()
        feed.tell("levels", levels={"a": -number})
    for number in range(ALARMS + 3):
        feed.tell("alarm", code=f"n{number}")
    assert await anext(console) == {"type": "state", "state": {"n": 0}}  # made once, when it is read
    alarms = [await anext(console) for _ in range(ALARMS)]
    assert alarms[0]["code"] == "n3"
    assert console.dropped == 3
    assert (await anext(console))["levels"] == {"a": -999}
    waiting = asyncio.create_task(anext(console))
    await settle()
    assert not waiting.done()
    feed.end()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert len(feed) == 0


async def test_state_and_json_are_made_once_for_all_consoles() -> None:
    states = iter(range(100))
    feed = Feed(lambda: {"n": next(states), "title": "Bắc Ninh"})
    one, other = feed.subscribe(), feed.subscribe()
    first = await anext(one)
    assert await anext(other) is first
    assert json.loads(first.text) == first == {"type": "state", "state": {"n": 0, "title": "Bắc Ninh"}}
    assert first.text is first.text
    feed.state_changed()
    assert (await anext(feed.subscribe()))["state"]["n"] == 1, "also a new one is told what is, not what was"


async def test_a_closed_console_is_forgotten() -> None:
    feed = Feed(lambda: {})
    console = feed.subscribe()
    console.close()
    assert len(feed) == 0
    assert [message async for message in console] == []


def seat(number: int) -> StoredSeat:
    return StoredSeat(f"s-{number}", "c-1", "a", "programme", "t-1")


async def test_only_the_newest_version_of_a_seat_is_written() -> None:
    store, clock = FakeStore(), FakeClock()
    writer = Writer(store, clock)
    first, second = writer.seat("s-1", seat(1)), writer.seat("s-1", None)
    running = asyncio.create_task(writer.run())
    await asyncio.gather(first, second)
    assert store.seats == {}
    running.cancel()


async def test_a_broken_database_is_tried_again() -> None:
    store, clock = FakeStore(), FakeClock()
    store.broken = True
    writer = Writer(store, clock)
    saved = writer.seat("s-1", seat(1))
    writer.journal("c-1", JournalEntry(0.0, "note"))
    running = asyncio.create_task(writer.run())
    await clock.pass_by(3.0)
    assert not saved.done()
    store.broken = False
    await clock.pass_by(1.0)
    assert saved.done()
    assert store.seats == {"s-1": seat(1)}
    assert [entry.what for _, entry in store.journal] == ["note"]
    running.cancel()


async def test_the_unwritten_journal_is_bounded() -> None:
    writer = Writer(FakeStore(), FakeClock())
    for _ in range(JOURNAL_LIMIT + 5):
        writer.journal("c-1", JournalEntry(0.0, "note"))
    assert writer.journal_dropped == 5


async def test_a_link_sends_the_newest_plans_again_to_a_worker_that_came_back() -> None:
    machine, clock = FakeMachine(), FakeClock()
    came_up: list[Link] = []

    async def on_up(link: Link) -> None:
        came_up.append(link)

    def on_event(event: Event) -> None:
        raise AssertionError("nobody tells anything here")

    link = WorkerLink("relay", "0", machine, machine.connect, clock, on_up=on_up, on_event=on_event)
    for revision in range(1, 4):
        link.plan("mix", MixPlan("c-1", revision))
    link.plan("legs", LegPlans("c-1", "/run/m.sock", (LegPlan("s-1"),)))
    link.plan("gone", MixPlan("c-9", 1))
    link.plan("gone", None)
    running = asyncio.create_task(link.run())
    await settle()
    assert link.up
    assert [type(call) for call in machine.relay.calls] == [MixPlan, LegPlans]
    assert machine.relay.mix.revision == 3
    machine.kill("relay", "0")
    await settle()
    assert machine.relay.mix.revision == 3
    assert machine.relay.leg_plans == {"s-1": LegPlan("s-1")}
    assert len(came_up) == 2
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert not link.up
    with pytest.raises(PeerLost, match="peer_timeout"):
        await link.ready(0.01)
