"""The endpoint WebSocket against a fake of the conferences: every limit and refusal of protocol.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from mcu_core.errors import EndpointError, PeerLost
from mcu_core.wire import View
from signaling import Channel, EndpointSockets, SocketSettings
from signaling.errors import AWAY_RETRY_AFTER, bad_token, not_allowed, replaced, told, too_often
from signaling.messages import Hello, Offer, Quality, RaiseHand, Request, SeatConference, SeatSite, State, Welcome
from signaling.origin import network_of
from signaling.outbox import encode

HELLO = {"type": "hello", "version": 1, "token": "good", "client": "test/1", "language": "vi"}
Connect = Callable[..., Awaitable[ClientWebSocketResponse]]


class FakeConferences:
    """Knows the token "good"; remembers what it was told."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.heard: list[object] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.lost_seats: list[str] = []

    async def enter(self, hello: Hello, channel: Channel) -> str:
        if hello.token == "later":
            raise PeerLost("database_unavailable", "Mất kết nối.", "Away.")
        if hello.token != "good":
            raise bad_token()
        seat = hello.seat or f"s-{len(self.channels) + 1}"
        for other in self.channels.values():
            other.close(told(replaced()))
        self.channels[seat] = channel
        welcome = Welcome(
            seat=seat,
            role="member",
            site=SeatSite(id="a", name="Xã A", number=1),
            conference=SeatConference(id="c-1", title="Họp"),
            media="keep" if hello.media else "offer",
            view="programme",
        )
        channel.send(encode(welcome))
        return seat

    async def offer(self, seat: str, channel: Channel, offer: Offer) -> str:
        await self.answering.wait()
        match offer.sdp:
            case "bad":
                raise EndpointError("bad_offer", "Dòng 1 sai.", "Line 1 is wrong.")
            case "codec":
                raise EndpointError("unsupported_codec", "Không có Opus.", "No Opus.")
            case "dead":
                raise PeerLost("peer_lost", "Mất kết nối.", "Lost.")
        return f"answer to {offer.sdp}"

    def sends(self, seat: str, channel: Channel, state: State) -> None:
        self.heard.append(state)

    def measured(self, seat: str, channel: Channel, quality: Quality) -> None:
        self.heard.append(quality)

    def watch(self, seat: str, channel: Channel, view: View) -> None:
        raise not_allowed()

    async def ask(self, seat: str, channel: Channel, request: Request) -> None:
        self.heard.append(request)
        await self.answering.wait()
        if isinstance(request, RaiseHand):
            return
        raise too_often() if request.type == "lower_hand" else PeerLost("database_unavailable", "Mất.", "Away.")

    async def leave(self, seat: str, channel: Channel) -> None:
        self.heard.append("leave")

    def lost(self, seat: str, channel: Channel) -> None:
        self.lost_seats.append(seat)


@pytest.fixture
def conferences() -> FakeConferences:
    return FakeConferences()


@pytest.fixture
async def connect(conferences: FakeConferences) -> AsyncIterator[Connect]:
    clients: list[TestClient[web.Request, web.Application]] = []

    async def _connect(**settings: Any) -> ClientWebSocketResponse:
        if not clients:
            sockets = EndpointSockets(conferences, SocketSettings(**settings))
            app = web.Application()
            app.router.add_get("/ws/v1/endpoint", sockets.handle)
            client = TestClient(TestServer(app))
            await client.start_server()
            clients.append(client)
        return await clients[0].ws_connect("/ws/v1/endpoint", max_msg_size=0)

    yield _connect
    for client in clients:
        await client.close()


async def receive(socket: ClientWebSocketResponse) -> dict[str, Any]:
    message: dict[str, Any] = await socket.receive_json(timeout=5)
    return message


async def refusal(socket: ClientWebSocketResponse) -> tuple[str, bool]:
    """The error that comes next."""
    message = await receive(socket)
    assert message["type"] == "error"
    assert message["vi"]
    assert message["en"]
    return message["code"], message["fatal"]


async def close_code(socket: ClientWebSocketResponse) -> int | None:
    message = await socket.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    return socket.close_code


async def joined(connect: Connect, **settings: Any) -> ClientWebSocketResponse:
    socket = await connect(**settings)
    await socket.send_json(HELLO)
    assert (await receive(socket))["type"] == "welcome"
    return socket


async def test_hello_offer_answer(connect: Connect) -> None:
    socket = await joined(connect)
    await socket.send_json({"type": "offer", "sdp": "v=0", "restart": False})
    assert await receive(socket) == {"type": "answer", "sdp": "answer to v=0"}


async def test_what_the_endpoint_says_arrives(connect: Connect, conferences: FakeConferences) -> None:
    socket = await joined(connect)
    await socket.send_json({"type": "state", "microphone": True, "camera": False, "screen": False})
    await socket.send_json({"type": "quality", "fps": 30.0, "kbps": 1480})
    await socket.send_json({"type": "view", "view": "wall"})
    assert await refusal(socket) == ("not_allowed", False)
    assert conferences.heard == [State(microphone=True, camera=False, screen=False), Quality(fps=30.0, kbps=1480)]


async def test_no_hello_in_time(connect: Connect) -> None:
    socket = await connect(hello_deadline=0.05)
    assert await refusal(socket) == ("hello_timeout", True)
    assert await close_code(socket) == 4402


@pytest.mark.parametrize(
    ("hello", "code", "closed"),
    [({"token": "wrong"}, "bad_token", 4404), ({"version": 2}, "bad_version", 4403)],
)
async def test_a_hello_that_is_refused(connect: Connect, hello: dict[str, Any], code: str, closed: int) -> None:
    socket = await connect()
    await socket.send_json(HELLO | hello)
    assert await refusal(socket) == (code, True)
    assert await close_code(socket) == closed


async def test_hello_comes_first_and_once(connect: Connect) -> None:
    socket = await connect()
    await socket.send_json({"type": "leave"})
    assert await refusal(socket) == ("bad_message", False)
    await socket.send_json(HELLO)
    assert (await receive(socket))["type"] == "welcome"
    await socket.send_json(HELLO)
    assert await refusal(socket) == ("bad_message", False)


async def test_the_fifth_bad_message_is_the_last(connect: Connect, conferences: FakeConferences) -> None:
    socket = await joined(connect)
    for text in ("not json", "{}", '{"type": "dance"}', "[1]"):
        await socket.send_str(text)
        assert await refusal(socket) == ("bad_message", False)
    await socket.send_bytes(b"\x00")
    assert await refusal(socket) == ("bad_message", True)
    assert await close_code(socket) == 4401
    assert conferences.lost_seats == ["s-1"]


async def test_an_oversized_message(connect: Connect) -> None:
    socket = await joined(connect)
    await socket.send_json({"type": "offer", "sdp": "x" * 70_000})
    assert await refusal(socket) == ("message_too_large", True)
    assert await close_code(socket) == 1009


async def test_a_message_far_too_large_is_cut_off(connect: Connect) -> None:
    socket = await joined(connect)
    await socket.send_str("x" * 1_000_000)
    assert await close_code(socket) == 1009


async def test_a_flood_is_stopped(connect: Connect) -> None:
    socket = await joined(connect)
    for _ in range(300):
        await socket.send_json({"type": "pong", "n": 0})
    assert await refusal(socket) == ("too_many_messages", True)
    assert await close_code(socket) == 4408


@pytest.mark.parametrize(
    ("sdp", "code"), [("bad", "bad_offer"), ("codec", "unsupported_codec"), ("dead", "media_unavailable")]
)
async def test_an_offer_that_cannot_be_served(connect: Connect, sdp: str, code: str) -> None:
    socket = await joined(connect)
    await socket.send_json({"type": "offer", "sdp": sdp})
    assert await refusal(socket) == (code, False)
    await socket.send_json({"type": "offer", "sdp": "v=0"})
    assert (await receive(socket))["type"] == "answer"


async def test_a_slow_answer_stops_nothing_else(connect: Connect, conferences: FakeConferences) -> None:
    conferences.answering.clear()
    socket = await joined(connect)
    await socket.send_json({"type": "offer", "sdp": "v=0"})
    await socket.send_json({"type": "view", "view": "wall"})
    assert await refusal(socket) == ("not_allowed", False)
    conferences.answering.set()
    assert await receive(socket) == {"type": "answer", "sdp": "answer to v=0"}


async def test_only_the_newest_offer_is_answered(connect: Connect, conferences: FakeConferences) -> None:
    conferences.answering.clear()
    socket = await joined(connect)
    await socket.send_json({"type": "offer", "sdp": "v=0"})
    await socket.send_json({"type": "offer", "sdp": "v=0 again"})
    await socket.send_json({"type": "view", "view": "wall"})
    assert await refusal(socket) == ("not_allowed", False)
    conferences.answering.set()
    assert await receive(socket) == {"type": "answer", "sdp": "answer to v=0 again"}


async def test_a_second_endpoint_takes_over(connect: Connect, conferences: FakeConferences) -> None:
    first = await joined(connect)
    second = await joined(connect)
    assert await refusal(first) == ("replaced", True)
    assert await close_code(first) == 4407
    await second.send_json({"type": "offer", "sdp": "v=0"})
    assert (await receive(second))["type"] == "answer"
    assert conferences.lost_seats == ["s-1"]


async def test_a_returning_endpoint_says_its_seat(connect: Connect) -> None:
    socket = await connect()
    await socket.send_json(HELLO | {"seat": "s-7", "media": True})
    welcome = await receive(socket)
    assert (welcome["seat"], welcome["media"]) == ("s-7", "keep")


async def test_leave_closes_normally(connect: Connect, conferences: FakeConferences) -> None:
    socket = await joined(connect)
    await socket.send_json({"type": "leave"})
    assert await close_code(socket) == 1000
    assert conferences.heard == ["leave"]


async def test_pings_that_nobody_answers_end_the_connection(connect: Connect, conferences: FakeConferences) -> None:
    socket = await joined(connect, ping_period=0.02)
    assert await receive(socket) == {"type": "ping", "n": 1}
    assert await receive(socket) == {"type": "ping", "n": 2}
    assert await close_code(socket) == 3008
    assert conferences.lost_seats == ["s-1"]


async def test_answered_pings_keep_it_open(connect: Connect) -> None:
    socket = await joined(connect, ping_period=0.02)
    for number in range(1, 8):
        assert await receive(socket) == {"type": "ping", "n": number}
        await socket.send_json({"type": "pong", "n": number})


async def test_a_reader_that_does_not_read_is_cut_off(connect: Connect, conferences: FakeConferences) -> None:
    await joined(connect, outbox=8)
    message = encode(told(EndpointError("bad_offer", "x" * 60_000, "y")))
    for _ in range(9):  # nothing is written before we wait, so the outbox is what fills
        conferences.channels["s-1"].send(message)
    async with asyncio.timeout(5):
        while not conferences.lost_seats:
            await asyncio.sleep(0.01)


async def test_a_foreign_page_is_refused(connect: Connect, conferences: FakeConferences) -> None:
    sockets = EndpointSockets(conferences)
    app = web.Application()
    app.router.add_get("/ws/v1/endpoint", sockets.handle)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/ws/v1/endpoint", headers={"Origin": "https://evil.example"})
        assert response.status == 403
        assert json.loads(await response.text())["error"]["code"] == "bad_origin"


async def test_strangers_are_limited(connect: Connect) -> None:
    first = await connect(strangers=1)
    with pytest.raises(Exception, match="503"):
        await connect()
    await first.send_json(HELLO)
    assert (await receive(first))["type"] == "welcome"
    await joined(connect)  # who has said hello is no stranger any more


async def test_silent_connections_of_one_address_are_limited() -> None:
    asking = "192.0.2.1"
    sockets = EndpointSockets(FakeConferences(), SocketSettings(silent_of_address=2), address=lambda _: asking)
    app = web.Application()
    app.router.add_get("/ws/v1/endpoint", sockets.handle)
    async with TestClient(TestServer(app)) as client:
        first, second = [await client.ws_connect("/ws/v1/endpoint") for _ in range(2)]
        with pytest.raises(WSServerHandshakeError, match="503"):
            await client.ws_connect("/ws/v1/endpoint")
        asking = "192.0.2.2"
        await client.ws_connect("/ws/v1/endpoint")  # another address is not affected
        asking = "192.0.2.1"
        await first.send_json(HELLO)
        assert (await receive(first))["type"] == "welcome"
        third = await client.ws_connect("/ws/v1/endpoint")  # who has said hello is not counted
        with pytest.raises(WSServerHandshakeError, match="503"):
            await client.ws_connect("/ws/v1/endpoint")
        for socket in (first, second, third):
            await socket.close()
        await asyncio.sleep(0.05)
        for _ in range(2):
            await client.ws_connect("/ws/v1/endpoint")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_address_belongs_to_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_a_hello_while_the_database_is_away_may_come_back(connect: Connect) -> None:
    socket = await connect()
    await socket.send_json(HELLO | {"token": "later"})
    error = await receive(socket)
    assert (error["code"], error["fatal"], error["retry_after"]) == ("media_unavailable", True, AWAY_RETRY_AFTER)
    assert await close_code(socket) == 1000  # no code of a final refusal


async def test_a_pong_for_a_ping_that_was_not_sent_counts_for_nothing(connect: Connect) -> None:
    socket = await joined(connect, ping_period=0.05)
    await socket.send_json({"type": "pong", "n": 1_000_000})
    assert await receive(socket) == {"type": "ping", "n": 1}
    assert await receive(socket) == {"type": "ping", "n": 2}
    assert await close_code(socket) == 3008


async def test_s08_a_request_of_a_site_is_passed_on_and_its_refusal_told(
    connect: Connect, conferences: FakeConferences
) -> None:
    socket = await joined(connect)
    for asked in ({"type": "raise_hand"}, {"type": "lower_hand"}, {"type": "report_issue", "category": "line"}):
        await socket.send_json(asked)
    refusals = [await receive(socket) for _ in range(2)]
    assert [(error["code"], error["fatal"]) for error in refusals] == [("too_often", False), ("not_stored", False)]
    assert len(conferences.heard) == 3


async def test_requests_that_wait_for_the_database_are_bounded_and_stop_nothing(
    connect: Connect, conferences: FakeConferences
) -> None:
    socket = await joined(connect, requests=2)
    conferences.answering.clear()
    for _ in range(3):
        await socket.send_json({"type": "raise_hand"})
    assert (await receive(socket))["code"] == "too_often"
    await socket.send_json({"type": "state", "microphone": True, "camera": True, "screen": False})
    await socket.send_json({"type": "leave"})
    assert await close_code(socket) == 1000
    assert len(conferences.heard) == 4


async def test_a_server_that_goes_down_says_so(conferences: FakeConferences) -> None:
    sockets = EndpointSockets(conferences)
    app = web.Application()
    app.router.add_get("/ws/v1/endpoint", sockets.handle)
    async with TestClient(TestServer(app)) as client:
        socket = await client.ws_connect("/ws/v1/endpoint")
        await socket.send_json(HELLO)
        await receive(socket)
        sockets.shut_down()
        assert await close_code(socket) == 1001
    assert len(sockets) == 0
