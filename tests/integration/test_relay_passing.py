"""Pass-through against stock aiortc sites: the site's own pictures without any encoder, changes without a freeze."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from mcu_core import wire
from tests.integration.relay_harness import RelayProcess, StockSite, relay_process, until, world

pytestmark = pytest.mark.asyncio(loop_scope="module")
MIXED, SITE = 90, 0  # luma of rendition 1, and of what a stock site films


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay() -> AsyncIterator[RelayProcess]:
    async with relay_process() as made:
        yield made


def shows(site: StockSite, luma: int) -> bool:
    return len(site.lumas) > 3 and all(seen == pytest.approx(luma, abs=20) for seen in site.lumas[-3:])


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_viewers_see_the_site_without_any_encoder(relay: RelayProcess, codec: wire.Codec) -> None:
    async with world(relay, f"c-pass-{codec}", codec) as stage:
        stage.mixer.renditions = []
        await stage.join(f"s-{codec}", 1, codec=codec)
        viewers = [await stage.join(f"v{n}-{codec}", n, {"rendition": 1}, codec=codec) for n in (2, 3)]
        await stage.pass_on(wire.PassPlan(1, 1))
        await until(lambda: all(shows(viewer, SITE) for viewer in viewers), "the site's pictures")
        late = await stage.join(f"v4-{codec}", 4, {"rendition": 1}, codec=codec)
        await until(lambda: shows(late, SITE), "for one who comes later, too")
        assert stage.mixer.video == [], "the mixer is given nothing"


async def test_change_between_mixed_and_passed_freezes_nobody(relay: RelayProcess) -> None:
    async with world(relay, "c-change") as stage:
        await stage.join("s", 1)
        viewers = [await stage.join(f"v{n}", n, {"rendition": 1}) for n in (2, 3)]
        await until(lambda: all(shows(viewer, MIXED) for viewer in viewers), "the mixed picture")
        longest: list[float] = []
        for _ in range(4):
            for viewer in viewers:
                viewer.stamps.clear()
            await stage.pass_on(wire.PassPlan(1, 1))
            await until(lambda: all(shows(viewer, SITE) for viewer in viewers), "the site's own")
            await asyncio.sleep(0.15)
            await stage.pass_on()
            await until(lambda: all(shows(viewer, MIXED) for viewer in viewers), "the mixed picture again")
            await asyncio.sleep(0.15)
            steps = [later - earlier for viewer in viewers for earlier, later in pairwise(viewer.stamps)]
            assert min(steps) > 0, "times never go back"
            longest.append(max(steps) / 90_000)
        # a busy machine can hold up everything once in a while, but not every time
        assert sorted(longest)[1] < 0.2, f"freezes of {longest} s"


async def test_site_that_stops_is_mixed_until_it_films_again(relay: RelayProcess) -> None:
    """The mixer encodes only what control would have it encode: what does not flow."""
    async with world(relay, "c-stop") as stage:
        site = await stage.join("s", 1)
        viewer = await stage.join("v", 2, {"rendition": 1})
        await stage.pass_on(wire.PassPlan(1, 1))
        await until(lambda: relay.flows("c-stop"), "control is told")
        stage.mixer.renditions = []
        await until(lambda: shows(viewer, SITE), "the site's own")
        sender = site.pc.getTransceivers()[1].sender
        camera = sender.track
        sender.replaceTrack(None)
        await until(lambda: not relay.flows("c-stop"), "control is told again")
        stage.mixer.renditions = [1]
        await until(lambda: shows(viewer, MIXED), "the mixed picture")
        sender.replaceTrack(camera)
        await until(lambda: relay.flows("c-stop") and shows(viewer, SITE), "the site's own again")
