"""Bad input gets a clear error, and a conference that is running next to it notices nothing."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from endpoint_client.headless_site import HeadlessSite
from tests.integration.harness import Mcu, RawEndpoint, Room, eventually, stock_offer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def witness(room: Room) -> AsyncIterator[HeadlessSite]:
    """A site that sees itself and must not notice anything."""
    site = await room.join("Ada", "main")
    await site.sees(site.number, timeout=20)
    site.pictures.flow.longest_gap = 0.0
    shown = site.pictures.flow.count
    yield site
    await site.until(lambda: site.pictures.flow.count > shown + 10, "more pictures")
    assert site.pictures.flow.longest_gap < 2
    assert site.report()["connections"] == {"websocket": 1, "media": 1}


def check(error: dict[str, Any], code: str, *, fatal: bool) -> None:
    """An error message names what is wrong, in both languages."""
    assert error["type"] == "error", error
    assert (error["code"], error["fatal"]) == (code, fatal)
    assert len(error["vi"]) > 10
    assert len(error["en"]) > 10
    assert error["vi"] != error["en"]


async def test_a_wrong_token(mcu: Mcu, witness: HeadlessSite) -> None:
    async with RawEndpoint(mcu) as endpoint:
        check(await endpoint.hello("no-such-token"), "bad_token", fatal=True)
        code = await endpoint.closed()
        assert code is not None
        assert 4400 <= code < 4500


async def test_a_revoked_link(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    made = await room.add("Bob")
    await room.command("DELETE", f"/sites/{made['id']}/link")
    async with RawEndpoint(mcu) as endpoint:
        check(await endpoint.hello(made["token"]), "bad_token", fatal=True)


async def test_another_version(mcu: Mcu, room: Room) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        check(await endpoint.hello(made["token"], version=2), "bad_version", fatal=True)


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "this is not SDP",
        "v=0\r\n",
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio nonsense\r\n",
        "v=0\r\n" + "a=x:y\r\n" * 2000,
        "\u0000\u0001\u0002",
    ],
    ids=["empty", "words", "bare", "torn", "long", "binary"],
)
async def test_a_malformed_offer_and_then_a_good_one(mcu: Mcu, room: Room, witness: HeadlessSite, sdp: str) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        assert (await endpoint.hello(made["token"]))["type"] == "welcome"
        await endpoint.say({"type": "offer", "sdp": sdp, "restart": False})
        error = await endpoint.answer("error", "answer")
        check(error, error.get("code", "?"), fatal=False)
        assert error["code"] in ("bad_offer", "bad_message")
        await endpoint.say({"type": "offer", "sdp": await stock_offer(), "restart": False})
        assert "m=audio" in (await endpoint.answer("answer", "error"))["sdp"]


async def test_an_offer_cut_at_any_line_never_harms(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    made, whole = await room.add("Bob"), await stock_offer()
    lines = whole.splitlines(keepends=True)
    async with RawEndpoint(mcu) as endpoint:
        assert (await endpoint.hello(made["token"]))["type"] == "welcome"
        for count in range(1, len(lines), 7):
            await endpoint.say({"type": "offer", "sdp": "".join(lines[:count]), "restart": False})
            assert (await endpoint.answer("answer", "error"))["type"] in ("answer", "error")


async def test_an_unsupported_codec(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    made = await room.add("Bob")
    offer = (await stock_offer()).replace("VP8/90000", "VP9/90000").replace("H264/90000", "AV1/90000")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])
        await endpoint.say({"type": "offer", "sdp": offer, "restart": False})
        check(await endpoint.answer("error", "answer"), "unsupported_codec", fatal=False)
        offer = (await stock_offer()).replace("opus/48000", "speex/48000")
        await endpoint.say({"type": "offer", "sdp": offer, "restart": False})
        check(await endpoint.answer("error", "answer"), "unsupported_codec", fatal=False)


async def test_an_oversized_message(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])
        await endpoint.say({"type": "offer", "sdp": "x" * 70_000, "restart": False})
        error = await endpoint.answer("error", "closed")
        if error["type"] == "error":
            check(error, "message_too_large", fatal=True)
        assert await endpoint.closed() == 1009


@pytest.mark.parametrize(
    "message",
    [
        "not JSON",
        "[]",
        '{"type": "unheard_of"}',
        '{"type": "state", "microphone": "yes", "camera": true, "screen": false}',
        '{"type": "state", "microphone": true, "camera": true, "screen": false, "more": 1}',
        '{"type": "pong", "n": NaN}',
        '{"type": "offer"}',
    ],
)
async def test_a_message_that_is_not_in_the_protocol(mcu: Mcu, room: Room, message: str) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])
        await endpoint.say(message)
        check(await endpoint.answer("error", "closed"), "bad_message", fatal=False)


async def test_the_fifth_bad_message_ends_the_connection(mcu: Mcu, room: Room) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])
        for _ in range(5):
            await endpoint.say("nonsense")
        errors = [await endpoint.answer("error", "closed") for _ in range(5)]
        assert [error.get("fatal") for error in errors] == [False] * 4 + [True]
        await endpoint.closed()


async def test_a_view_is_not_for_a_site_to_choose(mcu: Mcu, room: Room) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])
        await endpoint.say({"type": "view", "view": "wall"})
        check(await endpoint.answer("error", "closed"), "not_allowed", fatal=False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/podium", {"site": "nobody"}),
        ("PUT", "/sites/nobody/muted", {"muted": True}),
        ("PUT", "/views/programme/cells/0", {"site": "nobody"}),
        ("POST", "/sites/nobody/link", None),
        ("POST", "/sites/nobody/drop", None),
        ("DELETE", "/sites/nobody", None),
    ],
)
async def test_an_unknown_site(mcu: Mcu, room: Room, witness: HeadlessSite, method: str, path: str, body: Any) -> None:
    before = await room.state()
    status, answer = await mcu.request(method, f"/conferences/{room.id}{path}", body)
    assert status == 404, answer
    assert answer["error"]["code"] == "unknown_site"
    assert "nobody" in answer["error"]["en"]
    assert (await room.state())["revision"] == before["revision"]


async def test_an_unknown_conference_layout_and_view(mcu: Mcu, room: Room) -> None:
    status, answer = await mcu.request("GET", "/conferences/c-nothing/state")
    assert (status, answer["error"]["code"]) == (404, "unknown_conference")
    path = f"/conferences/{room.id}/views"
    status, answer = await mcu.request("PUT", f"{path}/programme/layout", {"layout": "17x3"})
    assert status in (400, 404, 422), answer
    assert answer["error"]["vi"]
    status, answer = await mcu.request("PUT", f"{path}/nowhere/layout", {"layout": "auto"})
    assert status in (400, 404, 422), answer


async def test_garbage_at_the_media_port(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    """Random bytes, STUN, DTLS, RTP and RTCP look-alikes of every length up to 1500, from a stranger."""
    rng = random.Random(7)
    stun = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"x" * 12)
    username = struct.pack("!HH", 6, 9) + b"abcd:efgh" + b"\0\0\0"
    known = struct.pack("!HHI12s", 1, len(username), 0x2112A442, b"y" * 12) + username
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(("127.0.0.1", mcu.relay_port))
        for number in range(3000):
            body = rng.randbytes(rng.randrange(0, 1500))
            head = (b"", stun, known, b"\x16\xfe\xfd", b"\x80\x6f", b"\x80\xc8", b"\x90\xef")[number % 7]
            try:
                stranger.send((head + body)[: rng.choice((1500, 1500, 1, 11, 12, 13, 20))])
            except ConnectionRefusedError:
                pytest.fail("the relay's port is closed")
    shown = witness.pictures.flow.count
    await witness.until(lambda: witness.pictures.flow.count > shown + 30, "30 more pictures")
    metrics = await mcu.metrics()
    assert metrics['mcu_relay_legs{relay="0"}'] >= 1


async def test_garbage_from_a_sites_own_address(mcu: Mcu, room: Room, witness: HeadlessSite) -> None:
    """Unauthentic packets in the middle of a site's own flow are dropped one by one."""
    bob = await room.join("Bob")
    await witness.sees(bob.number, timeout=20)
    assert bob.media is not None
    ice = bob.media.pc.getTransceivers()[0].receiver.transport.transport
    for number in range(500):
        await ice._send(bytes((0x80, 0x6F if number % 2 else 0xC9)) + os.urandom(100))
    await witness.sees(bob.number)
    await witness.hears(bob.number)
    await bob.sees(witness.number)


async def test_http_without_session_or_with_nonsense(mcu: Mcu, room: Room) -> None:
    import aiohttp

    async with aiohttp.ClientSession(mcu.url, connector=aiohttp.TCPConnector(ssl=False)) as nobody:
        for method, path in (("GET", "/api/v1/conferences"), ("GET", "/metrics"), ("POST", "/api/v1/conferences")):
            async with nobody.request(method, path, headers={"X-MCU-Request": "1"}, json={}) as answer:
                assert answer.status == 401, path
        async with nobody.get("/healthz") as answer:
            assert answer.status == 200
    status, answer = await mcu.request("POST", "/conferences", {"title": ""})
    assert status in (400, 422)
    status, answer = await mcu.request("POST", "/conferences", {"title": "x", "unknown": 1})
    assert status in (400, 422)
    assert "unknown" in json.dumps(answer)


async def test_a_torn_websocket_frees_its_seat_after_a_while(mcu: Mcu, room: Room) -> None:
    made = await room.add("Bob")
    async with RawEndpoint(mcu) as endpoint:
        await endpoint.hello(made["token"])

    async def not_connecting() -> bool:
        state = await room.state()
        return bool(next(one for one in state["sites"] if one["id"] == made["id"])["state"] != "live")

    await eventually(not_connecting, "the site is not live")
