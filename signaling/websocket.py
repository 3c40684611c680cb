"""The endpoint WebSocket of `protocol.md`: one connection, its deadlines and limits; what it means is `Conferences`.

Each connection is served by its own request task: it reads; one task writes from the bounded outbox; one pings; an
offer is answered in a task of its own, so that a slow relay does not stop the pings.  Nothing outlives the request.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from mcu_core.errors import EndpointError, McuError
from signaling.conferences import Conferences
from signaling.errors import AWAY_RETRY_AFTER, TIMEOUT, close_code, not_stored, told, too_often
from signaling.messages import (
    MAX_MESSAGE,
    Answer,
    ChooseView,
    CueSeen,
    Error,
    FromEndpoint,
    Hello,
    Leave,
    LowerHand,
    Offer,
    Ping,
    Pong,
    Quality,
    RaiseHand,
    ReportIssue,
    Request,
    State,
    parse,
)
from signaling.origin import network_of, origin_allowed
from signaling.outbox import Outbox, Outgoing, encode
from signaling.rate import MessageRate

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketSettings:
    hello_deadline: float = 5.0
    ping_period: float = 5.0
    pings_unanswered: int = 2  # that many and the connection is given up
    send_deadline: float = 5.0  # one write; a reader slower than that is cut off
    bad_messages: int = 5  # the last one is fatal
    outbox: int = 64
    strangers: int = 500  # connections that have no seat yet, all together
    requests: int = 4  # hands, reports and the like that wait for the database at once
    silent_of_address: int = 50  # of them those of one address that have not said hello; sites may share an address
    allowed_origins: frozenset[str] = frozenset()  # besides our own


class EndpointSockets:
    """The route handler, `app.router.add_get("/ws/v1/endpoint", sockets.handle)`.  Owned by the event loop."""

    def __init__(
        self,
        conferences: Conferences,
        settings: SocketSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        address: Callable[[web.Request], str] = lambda request: request.remote or "",
    ) -> None:
        """`address` tells who asks; give one that knows the proxies in front of the server."""
        self._conferences = conferences
        self._address = address
        self._silent: Counter[str] = Counter()  # connections that have not said hello, by network
        self._settings = settings or SocketSettings()
        self._clock = clock
        self._open: set[_Connection] = set()
        self.ended = 0  # connections since the start
        self._strangers: set[_Connection] = set()

    def __len__(self) -> int:
        """Open connections."""
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not origin_allowed(request.headers.get("Origin"), request.host, self._settings.allowed_origins):
            return _refusal(403, "bad_origin", "Trang này không thuộc máy chủ.", "The page is not of this server.")
        network = network_of(self._address(request))
        if (
            len(self._strangers) >= self._settings.strangers
            or self._silent[network] >= self._settings.silent_of_address
        ):
            return _refusal(503, "mcu_busy", "Quá nhiều kết nối đang chờ.", "Too many connections are waiting.")
        socket = web.WebSocketResponse(
            max_msg_size=4 * MAX_MESSAGE,  # a little over the limit is answered in words, far over is cut by aiohttp
            timeout=2.0,
            compress=False,
        )
        address = self._address(request)
        connection = _Connection(socket, request, address, self._conferences, self._settings, self._clock)
        self._open.add(connection)
        self._strangers.add(connection)
        self._silent[network] += 1
        with ExitStack() as silent:
            silent.callback(self._spoken, network)
            try:
                await socket.prepare(request)
                await connection.run(heard=silent.close, known=lambda: self._strangers.discard(connection))
            finally:
                self._open.discard(connection)
                self._strangers.discard(connection)
                self.ended += 1
        return socket

    def _spoken(self, network: str) -> None:
        self._silent[network] -= 1
        if not self._silent[network]:
            del self._silent[network]

    def shut_down(self) -> None:
        """The server goes down: endpoints are told to come back (close code 1001)."""
        for connection in self._open:
            connection.close(code=WSCloseCode.GOING_AWAY)


class _Connection:
    """One endpoint's WebSocket; the `Channel` of its seat."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        address: str,
        conferences: Conferences,
        settings: SocketSettings,
        clock: Callable[[], float],
    ) -> None:
        self.address = address
        self._socket = socket
        self._request = request
        self._conferences = conferences
        self._settings = settings
        self._clock = clock
        self._outbox = Outbox(settings.outbox)
        self._rate = MessageRate()
        self._last_word: Error | None = None
        self._close_code: int = WSCloseCode.OK
        self._bad_messages = 0
        self._pinged = 0  # newest ping
        self._answered = 0  # newest pong
        self._seat: str | None = None
        self._offering: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    # -- Channel

    def send(self, message: Outgoing) -> None:
        if not self._outbox.put(message) and not self._outbox.finished:
            _log.info("endpoint_too_slow", seat=self._seat)
            self._cut()

    def close(self, error: Error | None = None, *, code: int | None = None) -> None:
        if self._outbox.finished:
            return
        self._last_word = error
        if code is not None:
            self._close_code = code
        elif error is not None:
            self._close_code = close_code(error)
        self._outbox.finish()

    def _cut(self) -> None:
        """End without a word: the other side does not read."""
        self._outbox.finish()
        if self._request.transport is not None:
            self._request.transport.abort()

    # -- the connection's tasks

    async def run(self, *, heard: Callable[[], None], known: Callable[[], None]) -> None:
        """Serve the connection until it ends; `heard` is called at its hello, `known` once it has taken a seat."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(), name="endpoint/write")
            pinger = tasks.create_task(self._ping(), name="endpoint/ping")
            try:
                self._seat = await self._greet(heard)
                if self._seat is not None:
                    known()
                    await self._obey(self._seat, tasks)
            finally:
                pinger.cancel()
                if self._offering is not None:
                    self._offering.cancel()
                for asking in self._asking:
                    asking.cancel()
                if self._seat is not None:
                    self._conferences.lost(self._seat, self)
                self.close()

    async def _write(self) -> None:
        try:
            while messages := await self._outbox.take():
                for message in messages:
                    async with asyncio.timeout(self._settings.send_deadline):
                        await self._socket.send_str(message.text)
            if self._last_word is not None:
                last_word = self._last_word.model_dump_json()
                async with asyncio.timeout(self._settings.send_deadline):
                    await self._socket.send_str(last_word)
            reason = b"" if self._last_word is None else self._last_word.code.encode()
            async with asyncio.timeout(self._settings.send_deadline):
                await self._socket.close(code=self._close_code, message=reason)
        except (TimeoutError, ConnectionError):
            self._cut()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_period)
            if self._pinged - self._answered >= self._settings.pings_unanswered:
                self.close(code=TIMEOUT)
                return
            self._pinged += 1
            self.send(encode(Ping(n=self._pinged)))

    async def _greet(self, heard: Callable[[], None]) -> str | None:
        """Wait for hello and take the seat.  None when the connection is to end."""
        try:
            async with asyncio.timeout(self._settings.hello_deadline):
                hello = await self._hello()
        except TimeoutError:
            seconds = self._settings.hello_deadline
            self._tell(
                EndpointError(
                    "hello_timeout",
                    f"Không nhận được lời chào trong {seconds:g} giây. Hãy tải lại trang.",
                    f"No hello within {seconds:g} s. Reload the page.",
                )
            )
            return None
        if hello is None:
            return None
        heard()
        try:
            return await self._conferences.enter(hello, self)
        except McuError as error:
            self._tell(error, fatal=True)
            return None

    async def _hello(self) -> Hello | None:
        while (message := await self._receive()) is not None:
            if isinstance(message, Hello):
                return message
            self._tell(_bad_message("Thông điệp đầu tiên phải là “hello”.", "The first message must be “hello”."))
        return None

    async def _obey(self, seat: str, tasks: asyncio.TaskGroup) -> None:
        while (message := await self._receive()) is not None:
            try:
                match message:
                    case Offer():
                        self._take_offer(seat, message, tasks)
                    case State():
                        self._conferences.sends(seat, self, message)
                    case Quality():
                        self._conferences.measured(seat, self, message)
                    case ChooseView():
                        self._conferences.watch(seat, self, message.view)
                    case RaiseHand() | LowerHand() | ReportIssue() | CueSeen():
                        self._take_request(seat, message, tasks)
                    case Pong():
                        if message.n <= self._pinged:
                            self._answered = max(self._answered, message.n)
                    case Leave():
                        await self._conferences.leave(seat, self)
                        return
                    case Hello():
                        raise _bad_message("“hello” chỉ được gửi một lần.", "“hello” is sent once.")
            except McuError as error:
                self._tell(error)

    def _take_offer(self, seat: str, offer: Offer, tasks: asyncio.TaskGroup) -> None:
        if self._offering is not None:
            self._offering.cancel()  # the newer offer counts; an answer to the older one would confuse the endpoint
        self._offering = tasks.create_task(self._answer(seat, offer), name="endpoint/offer")

    def _take_request(self, seat: str, request: Request, tasks: asyncio.TaskGroup) -> None:
        """In a task of its own: a slow database does not stop the pings."""
        if len(self._asking) >= self._settings.requests:
            raise too_often()
        asking = tasks.create_task(self._ask(seat, request), name="endpoint/request")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _ask(self, seat: str, request: Request) -> None:
        try:
            await self._conferences.ask(seat, self, request)
        except EndpointError as error:
            self._tell(error)
        except McuError:  # the database or a process is away
            self._tell(not_stored())

    async def _answer(self, seat: str, offer: Offer) -> None:
        try:
            self.send(encode(Answer(sdp=await self._conferences.offer(seat, self, offer))))
        except McuError as error:
            self._tell(error)

    # -- one message

    async def _receive(self) -> FromEndpoint | None:
        """The next valid message.  None when the connection has ended or is to end."""
        while not self._outbox.finished:
            raw = await self._socket.receive()
            if raw.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return None
            if not self._rate.passes(self._clock()):
                self._tell(_too_many())
                return None
            try:
                if raw.type is WSMsgType.BINARY:
                    raise _bad_message("Chỉ nhận thông điệp dạng văn bản.", "Only text messages are read.")
                if len(raw.data) > MAX_MESSAGE or len(raw.data.encode()) > MAX_MESSAGE:
                    raise _too_large()
                return parse(raw.data)
            except EndpointError as error:
                self._tell(error)
        return None

    def _tell(self, error: McuError, *, fatal: bool = False) -> None:
        """Tell the endpoint what was wrong; close when that is fatal."""
        message = told(error)
        if error.code == "bad_message":
            self._bad_messages += 1
            fatal = fatal or self._bad_messages >= self._settings.bad_messages
        if fatal and not message.fatal:
            back = AWAY_RETRY_AFTER if message.code == "media_unavailable" else None
            message = message.model_copy(update={"fatal": True, "retry_after": back})
        if message.fatal:
            _log.info("endpoint_refused", seat=self._seat, code=message.code, peer=self._request.remote)
            self.close(message)
        else:
            self.send(encode(message))


def _bad_message(vi: str, en: str) -> EndpointError:
    return EndpointError("bad_message", vi, en)


def _too_large() -> EndpointError:
    limit = MAX_MESSAGE // 1024
    return EndpointError(
        "message_too_large", f"Thông điệp lớn hơn {limit} KiB.", f"The message is larger than {limit} KiB."
    )


def _too_many() -> EndpointError:
    return EndpointError(
        "too_many_messages",
        "Thiết bị gửi quá nhiều thông điệp. Hãy tải lại trang.",
        "The device sends too many messages. Reload the page.",
    )


def _refusal(status: int, code: str, vi: str, en: str) -> web.Response:
    return web.json_response({"error": {"code": code, "vi": vi, "en": en}}, status=status)
