"""The relay process against stock aiortc sites and a mixer that is only a socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.relay_harness import World, until, world


@pytest.fixture
async def stage() -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory(prefix="mcu-") as directory:
        async with world(Path(directory)) as made:
            yield made


async def test_site_sees_and_hears_the_mixer(stage: World) -> None:
    site = await stage.join("a", 1, {"rendition": 1})
    await until(lambda: len(site.lumas) > 20, "pictures")
    assert site.lumas[-1] == pytest.approx(90, abs=4)
    await until(lambda: site.sounds > 20 and site.loudness > 3000, "sound")
