"""The outbox, the rate limit and the origin rule."""

from __future__ import annotations

import asyncio

import pytest

from signaling.messages import Hint, Ping, Tally
from signaling.origin import origin_allowed
from signaling.outbox import Outbox, encode
from signaling.rate import MessageRate


def tally(on_podium: bool) -> Tally:
    return Tally(on_podium=on_podium, next=False, muted=False, muted_by=None, visible=True)


def hint(track: str, width: int) -> Hint:
    return Hint.model_validate(
        {"track": track, "active": True, "width": width, "height": 90, "frame_rate": 5, "bitrate_bps": 1}
    )


async def test_the_newest_status_takes_the_place_of_the_older_one() -> None:
    outbox = Outbox()
    for message in (
        tally(True),
        Ping(n=1),
        hint("camera", 160),
        hint("screen", 320),
        tally(False),
        hint("camera", 640),
    ):
        assert outbox.put(encode(message))
    texts = [message.text for message in await outbox.take()]
    expected = (tally(False), Ping(n=1), hint("camera", 640), hint("screen", 320))
    assert texts == [message.model_dump_json() for message in expected]
    assert outbox.replaced == 2


async def test_a_full_outbox_refuses_but_still_takes_a_newer_status() -> None:
    outbox = Outbox(limit=2)
    assert outbox.put(encode(tally(True)))
    assert outbox.put(encode(Ping(n=1)))
    assert not outbox.put(encode(Ping(n=2)))
    assert outbox.put(encode(tally(False)))
    assert outbox.peak == 2


async def test_what_waits_is_handed_out_after_the_end() -> None:
    outbox = Outbox()
    outbox.put(encode(Ping(n=1)))
    outbox.finish()
    assert not outbox.put(encode(Ping(n=2)))
    assert len(await outbox.take()) == 1
    assert await outbox.take() == []


async def test_take_waits_for_something() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    outbox.put(encode(Ping(n=1)))
    assert len(await taking) == 1


def test_a_burst_passes_and_a_flood_does_not() -> None:
    rate = MessageRate(per_second=50, window=5)
    assert all(rate.passes(0.0) for _ in range(250))
    assert not rate.passes(0.0)
    steady = MessageRate(per_second=50, window=5)
    assert all(steady.passes(step / 50) for step in range(10_000))
    flood = MessageRate(per_second=50, window=5)
    passed = next(step for step in range(10_000) if not flood.passes(step / 100))
    assert 4.9 <= passed / 100 <= 5.1  # twice the rate is stopped after five seconds


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),  # not a browser
        ("https://mcu.example.vn:8443", True),
        ("https://MCU.example.vn:8443", True),
        ("https://hop.tinh.gov.vn", True),
        ("https://mcu.example.vn", False),
        ("https://evil.example", False),
        ("https://mcu.example.vn:8443.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_pages(origin: str | None, allowed: bool) -> None:
    assert origin_allowed(origin, "mcu.example.vn:8443", {"https://hop.tinh.gov.vn"}) is allowed
