"""A conference as its sites live it: who sees and hears whom, muting, the podium, loss."""

from __future__ import annotations

import pytest

from tests.integration.harness import LossyLink, Room, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
WHOLE = (0.0, 0.0, 1.0, 1.0)


async def test_pictures_and_tones_arrive_and_nobody_hears_themselves(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    sites = (ada, bob, eva)
    for watcher, view in ((ada, "chair"), (bob, "programme"), (eva, "programme")):
        for shown in sites:
            await watcher.sees(shown.number, where=await room.place(view, shown), timeout=20)
    for listener in sites:
        for speaker in sites:
            if speaker is not listener:
                assert await listener.hears(speaker.number) == pytest.approx(-20, abs=6)
        await listener.hears_not(listener.number, for_seconds=1)
    for site in sites:
        report = site.report()
        assert report["hears_itself"] is False
        assert report["picture"]["width"] == 1280
        assert report["connections"] == {"websocket": 1, "media": 1}


async def test_a_site_that_uses_the_stock_encoders_is_seen_and_heard(room: Room) -> None:
    """S03 (article 3.1): live picture and sound between all sites."""
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob", live=True, codec="VP8")
    await ada.sees(bob.number, timeout=20)
    await ada.hears(bob.number)
    await bob.sees(ada.number)
    await bob.hears(ada.number)
    assert bob.report()["sending"]["codec"] == "VP8"


async def test_a_muted_site_is_not_heard_until_it_is_unmuted(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    await ada.hears(bob.number)
    await room.mute(bob)
    await bob.until(lambda: bob.tally["muted"] and bob.tally["muted_by"] == "operator", "tally muted")
    for listener in (ada, eva):
        await listener.hears_not(bob.number)
    await ada.hears(eva.number)
    await ada.sees(bob.number)
    await room.mute(bob, False)
    await bob.until(lambda: not bob.tally["muted"], "tally unmuted")
    for listener in (ada, eva):
        await listener.hears(bob.number)


async def test_the_podium_changes_both_views_and_sound_and_gives_all_back(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    wall = await room.watch("wall")
    for site in (ada, bob, eva):
        await ada.sees(site.number, where=await room.place("chair", site), timeout=20)
        await wall.sees(site.number)
    before = await room.state()

    await room.podium(eva)
    large = await room.place("programme", eva)
    assert large[2] >= 0.6
    await bob.sees(eva.number, where=large)
    await ada.sees(eva.number, where=WHOLE)
    await ada.sees_not(bob.number)
    await eva.until(lambda: eva.tally["on_podium"] and not eva.tally["muted"], "tally on podium")
    await bob.until(lambda: bob.tally["muted"] and bob.tally["muted_by"] == "rule", "tally muted by rule")
    await ada.hears(eva.number)
    await ada.hears_not(bob.number)
    await bob.hears(eva.number)
    await bob.hears(ada.number)
    for site in (ada, bob, eva):
        await wall.sees(site.number)

    await room.podium(None)
    after = await room.state()
    assert after["views"] == before["views"]
    for site in (ada, bob, eva):
        await bob.sees(site.number, where=await room.place("programme", site))
        await ada.sees(site.number, where=await room.place("chair", site))
    await ada.hears(bob.number)
    await eva.until(lambda: not eva.tally["on_podium"], "tally off podium")


async def test_a_newcomer_sees_the_picture_although_its_first_keyframe_is_lost(room: Room) -> None:
    ada = await room.join("Ada", "main")
    await ada.sees(ada.number, timeout=20)
    link = LossyLink(drop_first_picture=True)
    bob = await room.join("Bob", link=link)
    await bob.sees(ada.number)
    assert link.lost >= 1


async def test_loss_does_not_freeze_the_picture(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob", link=LossyLink(loss=0.02))
    await bob.sees(ada.number, timeout=20)
    shown = bob.pictures.flow.count
    await bob.until(lambda: bob.pictures.flow.count > shown + 150, "150 pictures over a lossy link", 20)
    await bob.sees(ada.number)
    await bob.hears(ada.number)


async def test_someone_leaving_disappears_and_somebody_new_is_placed(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    await ada.sees(bob.number, timeout=20)
    await bob.stop()
    await ada.sees_not(bob.number)

    async def absent() -> bool:
        return bool((await room.site_state(bob))["state"] == "absent")

    await eventually(absent, "Bob is absent")
    eva = await room.join("Eva")
    await ada.sees(eva.number, where=await room.place("chair", eva))


async def test_a_site_nobody_sees_is_told_to_stop_its_camera_and_starts_again(room: Room) -> None:
    ada = await room.join("Ada", "main")
    bob = await room.join("Bob")
    eva = await room.join("Eva")
    await ada.sees(bob.number, timeout=20)
    for view in ("programme", "chair"):
        await room.command("PUT", f"/views/{view}/layout", {"layout": "1"})
        await room.command("PUT", f"/views/{view}/cells/0", {"site": eva.site_id})
    assert bob.media is not None
    await bob.until(lambda: bob.media is not None and bob.media.sending() is None, "camera stopped by a hint")
    await ada.sees(eva.number, where=WHOLE)
    await ada.sees_not(bob.number)
    await room.command("PUT", "/views/chair/cells/0", {"site": bob.site_id})
    await ada.sees(bob.number, where=WHOLE)
