"""What the sites notice when a WebSocket breaks or a process is killed: as little as possible, and never for long.

The limits are generous, for a busy machine; the times measured are printed (`pytest -s`) and the benchmark of
restarts says more.
"""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from endpoint_client.headless_site import HeadlessSite
from tests.integration.harness import Mcu, Room, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def picture_and_sound_after(site: HeadlessSite, other: HeadlessSite, moment: float, timeout: float) -> float:
    """Wait until `site` sees and hears `other` in what came after `moment`; seconds from then."""
    seen, heard = site.pictures.seen, site.sounds.heard
    await site.until(
        lambda: seen[other.number].last > moment and heard[other.number].last > moment,
        f"picture and sound of {other.name} after the failure",
        timeout,
    )
    return max(seen[other.number].last, heard[other.number].last) - moment


async def still(site: HeadlessSite, other: HeadlessSite) -> None:
    await site.sees(other.number, timeout=20)
    await site.hears(other.number, timeout=20)


async def test_a_site_whose_websocket_breaks_keeps_seat_place_and_media(room: Room) -> None:
    """S86: it comes back by itself."""
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    for site in (ada, bob, eva):
        await ada.sees(site.number, timeout=20)
    place, seat = await room.place("chair", bob), bob.link.seat
    await bob.link.drop()
    await bob.until(lambda: len(bob.welcomes) == 2, "a second welcome")
    assert bob.welcomes[1]["seat"] == seat
    assert bob.welcomes[1]["media"] == "keep"
    await still(bob, ada)
    await ada.sees(bob.number, where=place)
    assert bob.report()["connections"] == {"websocket": 2, "media": 1}
    assert bob.pictures.flow.longest_gap < 2


async def test_a_site_that_lost_everything_comes_back_to_its_seat(room: Room) -> None:
    ada = await room.join("Ada", "main")
    made = await room.add("Bob")
    bob = await room.enter(made["token"])
    eva = await room.join("Eva")
    for site in (ada, bob, eva):
        await ada.sees(site.number, timeout=20)
    place, seat = await room.place("chair", bob), bob.link.seat
    await room.mute(bob)
    await bob.stop(leave=False)
    again = await room.enter(made["token"], seat=seat)
    assert again.link.seat == seat
    assert again.number == bob.number
    await ada.sees(bob.number, where=place, timeout=20)
    await again.until(lambda: bool(again.tally.get("muted")), "still muted by the operator")
    await still(again, ada)


async def test_a_second_endpoint_with_the_same_link_takes_the_seat_over(room: Room) -> None:
    ada = await room.join("Ada", "main")
    made = await room.add("Bob")
    first = await room.enter(made["token"])
    await ada.sees(first.number, timeout=20)
    second = await room.enter(made["token"])
    await first.until(lambda: first.link.refused is not None, "the first is told")
    assert first.link.refused is not None
    assert first.link.refused.code == "replaced"
    await ada.sees(second.number, timeout=20)
    await still(second, ada)


async def test_a_killed_mixer_is_replaced_and_nobody_reconnects(room: Room, mcu: Mcu) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await still(ada, bob)
    await still(bob, ada)
    await asyncio.sleep(1.5)  # the next spare mixer warms up a second after one was taken
    moment = await mcu.kill("mixer", room.id)
    took = await asyncio.gather(
        picture_and_sound_after(ada, bob, moment + 0.1, 10), picture_and_sound_after(bob, ada, moment + 0.1, 10)
    )
    print(f"mixer killed: picture and sound back after {max(took) + 0.1:.2f} s")
    await still(ada, bob)
    for site in (ada, bob):
        assert site.report()["connections"] == {"websocket": 1, "media": 1}
        assert site.pictures.flow.longest_gap < 5


async def test_a_killed_relay_is_replaced_and_sites_come_back_by_themselves(room: Room, mcu: Mcu) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await still(ada, bob)
    moment = await mcu.kill("relay")
    took = await asyncio.gather(
        picture_and_sound_after(ada, bob, moment + 0.1, 20), picture_and_sound_after(bob, ada, moment + 0.1, 20)
    )
    print(f"relay killed: picture and sound back after {max(took) + 0.1:.2f} s")
    for site in (ada, bob):
        assert site.report()["connections"]["websocket"] == 1
        assert site.media_connections >= 2
    await still(ada, bob)


@pytest.mark.parametrize("kind", ["mixer", "relay"])
async def test_a_worker_that_hangs_is_found_and_replaced(room: Room, mcu: Mcu, kind: str) -> None:
    """Issue 3: a stopped process keeps its sockets open; only its silence tells (10 s)."""
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await still(ada, bob)
    moment = await mcu.kill(kind, room.id if kind == "mixer" else None, signal.SIGSTOP)
    took = await asyncio.gather(
        picture_and_sound_after(ada, bob, moment + 5, 40), picture_and_sound_after(bob, ada, moment + 5, 40)
    )
    print(f"{kind} stopped: picture and sound back after {max(took) + 5:.2f} s")
    assert max(took) + 5 < 35
    await still(ada, bob)


async def test_a_killed_control_interrupts_nothing_and_loses_nothing(room: Room, mcu: Mcu) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await still(ada, bob)
    await still(bob, ada)
    seats = [site.link.seat for site in (ada, bob)]
    for site in (ada, bob):
        site.pictures.flow.longest_gap = site.sounds.flow.longest_gap = 0.0

    acknowledged = [(await room.add(f"Site {number}"))["id"] for number in range(5)]
    await room.mute(bob)
    await room.command("PUT", "/views/chair/layout", {"layout": "1+1"})
    before = await room.state()
    await mcu.kill("control")
    await mcu.rooms_served()
    after = await room.state()

    assert {site["id"] for site in after["sites"]} >= set(acknowledged)
    assert after["views"]["chair"]["layout"] == "1+1"
    assert after["revision"] >= before["revision"]
    assert next(site for site in after["sites"] if site["id"] == bob.site_id)["muted_by"] == "operator"
    for site in (ada, bob):
        await site.until(lambda site=site: len(site.welcomes) >= 2, "a welcome after the restart", 30)  # type: ignore[misc]
        assert site.welcomes[-1]["media"] == "keep"
        assert site.media_connections == 1
    assert [site.link.seat for site in (ada, bob)] == seats
    await ada.sees(bob.number)
    await bob.hears(ada.number)
    for site in (ada, bob):
        print(
            f"control killed: longest gap {site.pictures.flow.longest_gap:.2f} s, {site.sounds.flow.longest_gap:.2f} s"
        )
        assert site.pictures.flow.longest_gap < 1
        assert site.sounds.flow.longest_gap < 1

    await room.mute(bob, False)  # commands work again and reach the mixer
    await ada.hears(bob.number, timeout=20)


async def test_commands_given_while_the_mixer_is_away_hold_when_it_is_back(room: Room, mcu: Mcu) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    await still(ada, bob)
    await mcu.kill("mixer", room.id)
    await room.podium(eva)
    await ada.sees(eva.number, where=(0.0, 0.0, 1.0, 1.0), timeout=20)
    await ada.hears(eva.number, timeout=20)
    await ada.hears_not(bob.number, timeout=20)


async def test_a_mixer_of_one_conference_dies_alone(room: Room, mcu: Mcu) -> None:
    other = await Room.open(mcu, "Họp khác")
    try:
        ada = await room.join("Ada", "main")
        eva = await other.join("Eva", "main")
        bob = await other.join("Bob")
        await still(eva, bob)
        await ada.sees(ada.number, timeout=20)
        gap = eva.pictures.flow.longest_gap = 0.0
        moment = await mcu.kill("mixer", room.id)

        async def again() -> bool:
            return ada.pictures.seen[ada.number].last > moment + 0.5

        await eventually(again, "Ada's picture is back")
        await still(eva, bob)
        gap = eva.pictures.flow.longest_gap
        assert gap < 1.5, f"the other conference waited {gap:.2f} s"
        assert time.monotonic() - moment < 20
    finally:
        await other.close()
