"""A leg that has left is freed at once: collections of cycles are rare in the relay, and legs come and go."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.unit.relay.stage import Stage
from tests.unit.relay.test_aiortc_shim import Wire


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_a_closed_dtls_end_holds_nothing() -> None:
    wire = Wire()
    await wire.connect()
    await wire.close()
    server = weakref.ref(wire.server)
    transport = weakref.ref(wire.server._transport)
    del cast(Any, wire).server
    for _ in range(3):
        await asyncio.sleep(0)
    assert server() is None
    assert transport() is None


async def test_closed_dtls_ends_leave_no_cycles_that_hold_openssl_s_callbacks() -> None:
    def held() -> int:
        return sum(type(one).__name__ == "_VerifyHelper" for one in gc.get_objects())

    before = held()
    wires = [Wire() for _ in range(8)]
    for wire in wires:
        await wire.connect()
        await wire.close()
        site = cast(Any, wire.client)  # stock aiortc, not what is looked at
        site._ssl._verify_helper.callback = site._ssl = None
    del wires, wire, site
    for _ in range(3):
        await asyncio.sleep(0)
    assert held() == before


async def test_a_leg_that_has_left_is_freed() -> None:
    stage = Stage()
    browser = stage.join(3, camera_wanted=True)
    leg = browser.leg
    browser.rtp(30, b"opus")
    browser.rtp(31, b"\x65picture", marker=True)
    stage.pass_time(0.2)
    await leg.close()
    stage.mux.remove(leg)
    stage.conference.remove(leg)
    gone = weakref.ref(leg)
    del leg, browser
    stage.pass_time(0.2)
    assert gone() is None
