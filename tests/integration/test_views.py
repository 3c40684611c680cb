"""Views as sites get them: sizes, personal views, pages, rules in cells, and one site's picture passed through."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.harness import Room, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
WHOLE = (0.0, 0.0, 1.0, 1.0)


async def test_a_site_on_a_small_size_gets_it_while_the_others_keep_theirs(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await bob.sees(ada.number, timeout=20)
    await room.command("PUT", f"/sites/{(await room.site_state(bob))['id']}/size", {"size": "medium"})
    await bob.until(lambda: bob.report()["picture"]["width"] == 640, "a picture of 640x360", timeout=15)
    await bob.sees(ada.number, where=await room.place("programme", ada))
    assert ada.report()["picture"]["width"] == 1280
    renditions = await room.command("GET", "/renditions")
    assert {(one["width"], one["viewers"]) for one in renditions} == {(1280, 1), (640, 1)}


async def test_a_full_screen_site_is_passed_through_without_an_encoder_and_mixed_again(room: Room) -> None:
    ada = await room.join("Ada", "main", draws_names=True)
    bob = await room.join("Bob", draws_names=True)
    eva = await room.join("Eva", draws_names=True)
    await bob.sees(ada.number, timeout=20)
    for view in ("programme", "chair"):
        await room.command("PUT", f"/views/{view}/layout", {"layout": "1"})
    for watcher in (bob, eva):
        await watcher.sees(ada.number, where=WHOLE, timeout=15)
        await watcher.sees_not(eva.number)
    ada_id = (await room.site_state(ada))["id"]

    async def passed() -> bool:
        return [one["passed"] for one in await room.command("GET", "/renditions")] == [ada_id]

    await eventually(passed, "Ada's own picture")
    await asyncio.sleep(3.0)  # the encoder is out of the plan after two
    pictures = bob.report()["picture"]["frames"]
    await bob.until(lambda: bob.report()["picture"]["frames"] > pictures + 20, "pictures without an encoder")
    assert bob.report()["picture"]["longest_gap_ms"] < 1000
    await room.podium(eva)
    await room.podium(None)
    for view in ("programme", "chair"):
        await room.command("PUT", f"/views/{view}/layout", {"layout": "2x2"})
    await bob.sees(eva.number, where=await room.place("programme", eva), timeout=15)


async def test_a_personal_view_is_that_site_s_alone(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    await bob.sees(eva.number, timeout=20)
    path = f"/sites/{(await room.site_state(bob))['id']}/view"
    eva_id = (await room.site_state(eva))["id"]
    await room.command("PUT", path, {"layout": "1+1_large", "cells": [{"cell": 0, "site": eva_id}]})
    await bob.sees(eva.number, where=await room.place(f"site:{bob.number}", eva), timeout=15)
    await ada.sees(bob.number, where=await room.place("chair", bob))
    await room.command("DELETE", path)
    await bob.sees(bob.number, where=await room.place("programme", bob), timeout=15)


async def test_a_paged_wall_turns(room: Room) -> None:
    sites = [await room.join("Ada", "main"), await room.join("Bob"), await room.join("Eva")]
    await room.command("PUT", "/views/wall/layout", {"pages": {"tiles": 2, "seconds": 5}, "transition": "fade"})
    wall = await room.watch("wall")
    for site in sites:
        await wall.sees(site.number, timeout=20)

    async def turned() -> bool:
        shown = [cell["site"] for cell in (await room.state())["views"]["wall"]["cells"]]
        return shown == [(await room.site_state(sites[2]))["id"], None]

    await eventually(turned, "the second page")
