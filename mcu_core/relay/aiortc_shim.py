"""The only place that touches the internals of aiortc and pylibsrtp: DTLS handshakes and SRTP.

aiortc gives the handshake, the fingerprint check and the SRTP keys; after that only DTLS records go into it, while
RTP and RTCP are protected here, in place, in one buffer (`Sealer`, `Opener`), straight through pylibsrtp's
binding.  Where that binding is not as expected, the public `Session` does the same more slowly.  `self_test` runs at
start and fails loudly when an upgrade changed what is used.  Facts and pitfalls behind it: RFC 5764; the lost-flight
cure is explained at `DatagramPipe`.

Owned by the relay's event loop; not thread-safe.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import pylibsrtp
import structlog
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

log = structlog.get_logger("relay")

HANDSHAKE_DEADLINE = 10.0
MAX_DATAGRAM = 1500
TAG = 16  # octets that sealing adds, at most
_TAGS = {b"SRTP_AEAD_AES_256_GCM": TAG, b"SRTP_AEAD_AES_128_GCM": TAG, b"SRTP_AES128_CM_SHA1_80": 10}  # RFC 7714, 3711
_LEAST_ROW = 64  # octets
_MOST_PITCHES = 64  # of which pointers are kept
_HANDSHAKE_RECORD, _CHANGE_CIPHER = 22, 20
_RECORD_HEADER = 13

Certificate = RTCCertificate


def new_certificate() -> Certificate:
    """A P-256 certificate, valid for 30 days; one per relay process is enough."""
    return RTCCertificate.generateCertificate()


def fingerprint(certificate: Certificate) -> str:
    """The SHA-256 fingerprint as written in SDP (RFC 8122)."""
    return next(f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256")


class SelfTestFailed(RuntimeError):
    """aiortc or pylibsrtp is not the version this module was written for."""


# ------------------------------------------------------------------------------------------------------ DTLS


class DatagramPipe:
    """What `RTCDtlsTransport` believes to be an ICE transport: a bounded queue in, a callback out.

    OpenSSL repeats a lost flight only after 1 s, while browsers repeat theirs after 50 ms.  So when a handshake
    datagram comes again (same bytes after the record header, whose sequence number grows), our last flight was
    lost: it is sent again at once.
    """

    role = "controlling"  # aiortc: the controlling side is the DTLS server

    def __init__(self, send: Callable[[bytes], None], queue: int = 64) -> None:
        self._send_datagram = send
        self._waiting: deque[bytes] = deque()
        self._limit = queue
        self._arrived = asyncio.Event()
        self._closed = False
        self._seen: deque[bytes] = deque(maxlen=16)
        self._flight = b""
        self.repeated = 0
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """One DTLS datagram from the peer."""
        if data[0] == _HANDSHAKE_RECORD and self._flight:
            body = data[_RECORD_HEADER:]
            if body in self._seen:
                self.repeated += 1
                self._send_datagram(self._flight)
            else:
                self._seen.append(body)
        elif data[0] == _HANDSHAKE_RECORD:
            self._seen.append(data[_RECORD_HEADER:])
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            return
        self._waiting.append(data)
        self._arrived.set()

    def close(self) -> None:
        """Send and receive nothing more; whoever waits gets a ConnectionError."""
        self._closed = True
        self._arrived.set()
        self._send_datagram = _nowhere

    async def _recv(self) -> bytes:
        while not self._waiting:
            if self._closed:
                raise ConnectionError
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def _send(self, data: bytes) -> None:
        if data[0] in (_HANDSHAKE_RECORD, _CHANGE_CIPHER):
            self._flight = data
        self._send_datagram(data)


def _nowhere(data: bytes) -> None:
    """Where a closed pipe sends to."""


class Dtls:
    """The DTLS server side of one leg."""

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self.pipe = DatagramPipe(send)
        self._transport = RTCDtlsTransport(cast(Any, self.pipe), [certificate])
        self._transport._set_role("server")
        self._ended = asyncio.Event()
        self._transport.on("statechange", self._state_changed)

    def _state_changed(self) -> None:
        if self._transport.state in ("closed", "failed"):
            self._ended.set()

    async def handshake(self, fingerprints: Sequence[tuple[str, str]], deadline: float = HANDSHAKE_DEADLINE) -> Keys:
        """Shake hands with the peer whose certificate has these `(algorithm, value)` fingerprints.

        Raises ConnectionError when it fails or takes longer than `deadline` seconds.
        """
        remote = RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
        try:
            async with asyncio.timeout(deadline):
                await self._transport.start(remote)
        except TimeoutError:
            raise ConnectionError("the DTLS handshake took too long") from None
        except Exception as error:  # OpenSSL and X.509 parsing on a stranger's bytes: it ends this leg, not the relay
            raise ConnectionError(f"the DTLS handshake failed: {error!r}") from error
        if self._transport.state != "connected":
            raise ConnectionError("the DTLS handshake failed")
        connection = self._transport._ssl
        tag = _TAGS.get(connection.get_selected_srtp_profile()) if connection is not None else None
        if tag is None:
            raise ConnectionError("an SRTP profile whose tag is not known")
        return Keys(self._transport._rx_srtp, self._transport._tx_srtp, tag)

    async def ended(self) -> None:
        """Return when the peer has closed the connection (close_notify) or `close` was called."""
        await self._ended.wait()

    async def close(self) -> None:
        """Say goodbye (close_notify) and stop."""
        await self._transport.stop()
        self.pipe.close()
        self._ended.set()
        # nothing here may wait for a collection of cycles, which is rare: OpenSSL's share of a leg alone is 80 KB
        self._transport.remove_all_listeners()
        connection, self._transport._ssl = self._transport._ssl, None
        # pyOpenSSL's verification helper and its C callback hold each other; the connection keeps the callback while
        # it needs it
        helper = getattr(connection, "_verify_helper", None)
        if helper is not None:
            helper.callback = None


# ------------------------------------------------------------------------------------------------------ SRTP


class Keys:
    """The SRTP sessions of one leg: `receive` for what comes in, `send` for what goes out.

    `tag`: octets that sealing an RTP packet adds.
    """

    __slots__ = ("receive", "receive_session", "send", "send_session", "tag")

    def __init__(self, receive: pylibsrtp.Session, send: pylibsrtp.Session, tag: int = TAG) -> None:
        self.receive_session, self.send_session, self.tag = receive, send, tag
        self.receive: Any = receive._srtp[0] if _DIRECT else receive
        self.send: Any = send._srtp[0] if _DIRECT else send

    @classmethod
    def from_secrets(cls, receive: bytes, send: bytes) -> Keys:
        """AES-256-GCM keys from two secrets of 44 bytes (key, salt), for tests and benchmarks without a handshake."""
        profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM
        sessions = []
        for secret, kind in (
            (receive, pylibsrtp.Policy.SSRC_ANY_INBOUND),
            (send, pylibsrtp.Policy.SSRC_ANY_OUTBOUND),
        ):
            policy = pylibsrtp.Policy(key=secret, ssrc_type=kind, srtp_profile=profile)
            policy.allow_repeat_tx = True
            policy.window_size = 1024
            sessions.append(pylibsrtp.Session(policy))
        return cls(sessions[0], sessions[1])


class Sealer:
    """Protects outgoing packets in place in `buffer`."""

    def __init__(self, size: int = 128 * 1024) -> None:
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)
        if _DIRECT:
            pointer, length = _ffi.from_buffer(self.buffer), _ffi.new("int *")
            protect, protect_rtcp, ok = _lib.srtp_protect, _lib.srtp_protect_rtcp, _lib.srtp_err_status_ok

            def seal(key: Any, at: int, size: int) -> int:
                length[0] = size
                if protect(key, pointer + at, length) != ok:
                    return -1
                sealed: int = length[0]
                return sealed

            def seal_rtcp(key: Any, at: int, size: int) -> int:
                length[0] = size
                if protect_rtcp(key, pointer + at, length) != ok:
                    return -1
                sealed: int = length[0]
                return sealed

            lengths = _ffi.new("int[]", size // _LEAST_ROW)
            of_each = [lengths + number for number in range(size // _LEAST_ROW)]  # what they point into, the next holds
            sizes_of_each = memoryview(_ffi.buffer(lengths)).cast("B").cast("i")
            places: dict[int, list[Any]] = {}  # by pitch, as many as were needed

            def seal_rows(keys: Sequence[Any], pitch: int, sizes: array[int]) -> list[int]:
                if len(keys) != len(sizes):
                    raise ValueError("a packet without a key would be sent as it is")
                rows = sizes_of_each[: len(sizes)]
                rows[:] = sizes
                if len(places) > _MOST_PITCHES:
                    places.clear()
                place = places.setdefault(pitch, [])
                if len(place) < len(rows):
                    place += [pointer + pitch * number for number in range(len(place), len(rows))]
                refused = list(map(protect, keys, place, of_each))
                sealed = rows.tolist()
                if any(refused):
                    sealed = [-1 if bad else size for bad, size in zip(refused, sealed, strict=True)]
                return sealed
        else:
            view = self.view

            def seal(key: Any, at: int, size: int) -> int:
                return _through_session(key.protect, view, at, size)

            def seal_rtcp(key: Any, at: int, size: int) -> int:
                return _through_session(key.protect_rtcp, view, at, size)

            def seal_rows(keys: Sequence[Any], pitch: int, sizes: array[int]) -> list[int]:
                rows = zip(keys, range(0, pitch * len(sizes), pitch), sizes, strict=True)
                return [seal(key, at, size) for key, at, size in rows]

        self.seal: Callable[[Any, int, int], int] = seal
        """`seal(keys.send, at, size)`: protect the RTP packet at `buffer[at:at + size]`; returns its new length, -1
        on refusal.

        The caller leaves 16 bytes after the packet.
        """
        self.seal_rtcp: Callable[[Any, int, int], int] = seal_rtcp
        """The same for RTCP; 20 bytes after the packet."""
        self.seal_rows: Callable[[Sequence[Any], int, array[int]], list[int]] = seal_rows
        """`seal_rows(keys, pitch, sizes)`: `seal` for packets that begin every `pitch` octets, with a `keys.send` and
        an item of `array("i")` for each; returns the new length, or -1, of each.

        The caller leaves 16 bytes after each, and has no more than a packet for every 64 bytes of the buffer.
        """


class Opener:
    """Unprotects incoming packets in place.  The one at hand is at the beginning of `buffer`, one of the `slots`."""

    def __init__(self, slots: int = 1, size: int = 2048) -> None:
        self.slots = [bytearray(size) for _ in range(slots)]
        self._pointers = [_ffi.from_buffer(slot) if _DIRECT else None for slot in self.slots]
        self.take(0)
        if _DIRECT:
            length = _ffi.new("int *")
            unprotect, unprotect_rtcp, ok = _lib.srtp_unprotect, _lib.srtp_unprotect_rtcp, _lib.srtp_err_status_ok

            def open_(key: Any, size: int) -> int:
                length[0] = size
                if unprotect(key, self._pointer, length) != ok:
                    return -1
                opened: int = length[0]
                return opened

            def open_rtcp(key: Any, size: int) -> int:
                length[0] = size
                if unprotect_rtcp(key, self._pointer, length) != ok:
                    return -1
                opened: int = length[0]
                return opened
        else:

            def open_(key: Any, size: int) -> int:
                return _through_session(key.unprotect, memoryview(self.buffer), 0, size)

            def open_rtcp(key: Any, size: int) -> int:
                return _through_session(key.unprotect_rtcp, memoryview(self.buffer), 0, size)

        self.open: Callable[[Any, int], int] = open_
        """`open(keys.receive, size)`: unprotect `buffer[:size]`; returns its new length, -1 when it is not authentic.

        A refused packet may be left garbled in the buffer.
        """
        self.open_rtcp: Callable[[Any, int], int] = open_rtcp

    def take(self, slot: int) -> None:
        """Turn to the packet in that slot."""
        self.buffer, self._pointer = self.slots[slot], self._pointers[slot]


def _through_session(work: Callable[[bytes], bytes], view: memoryview, at: int, size: int) -> int:
    try:
        result = work(bytes(view[at : at + size]))
    except (pylibsrtp.Error, ValueError):
        return -1
    view[at : at + len(result)] = result
    return len(result)


def _binding() -> tuple[Any, Any]:
    from pylibsrtp import _binding  # type: ignore[attr-defined,unused-ignore]

    for name in ("srtp_protect", "srtp_protect_rtcp", "srtp_unprotect", "srtp_unprotect_rtcp", "srtp_err_status_ok"):
        getattr(_binding.lib, name)
    if _binding.lib.srtp_err_status_ok:
        raise AttributeError("what went well is not 0")
    return _binding.ffi, _binding.lib


try:
    _ffi, _lib = _binding()
    _DIRECT = True
except (ImportError, AttributeError):
    _ffi = _lib = None
    _DIRECT = False


async def warm_up() -> None:
    """Shake hands once with ourselves: OpenSSL's first handshake takes 10 ms, too long for a loop that carries sound.

    Raises SelfTestFailed.
    """
    here, there = new_certificate(), new_certificate()
    answers: list[DatagramPipe] = []
    server = Dtls(here, lambda data: answers[0].feed(data))
    answers.append(DatagramPipe(server.pipe.feed))
    answers[0].role = "controlled"
    client = RTCDtlsTransport(cast(Any, answers[0]), [there])
    client._set_role("client")
    prints = [(f.algorithm, f.value) for f in there.getFingerprints()]
    try:
        async with asyncio.timeout(HANDSHAKE_DEADLINE):
            await asyncio.gather(server.handshake(prints), client.start(RTCDtlsParameters(here.getFingerprints())))
    except (ConnectionError, TimeoutError) as error:
        raise SelfTestFailed(f"DTLS: no handshake with itself: {error}") from error
    finally:
        await server.close()
        await client.stop()


# ------------------------------------------------------------------------------------------------- self test


def self_test() -> None:
    """Check everything private this module relies on.  Raises SelfTestFailed; warns when only the slow path works."""
    for name in ("_set_role", "start", "stop", "state", "on"):
        if not hasattr(RTCDtlsTransport, name):
            raise SelfTestFailed(f"aiortc's RTCDtlsTransport has no {name}")
    transport = RTCDtlsTransport(cast(Any, DatagramPipe(lambda data: None)), [new_certificate()])
    for name in ("_rx_srtp", "_tx_srtp"):
        if not hasattr(transport, name):
            raise SelfTestFailed(f"aiortc's RTCDtlsTransport has no {name}")
    secret, other = bytes(range(44)), bytes(range(44, 88))
    here, there = Keys.from_secrets(other, secret), Keys.from_secrets(secret, other)
    packet = bytes.fromhex("80e0123400000064deadbeef") + bytes(range(200))
    report = bytes.fromhex("81c90007deadbeef") + bytes(24)
    plain = Keys.from_secrets(other, secret).send_session
    rows, pitch = Sealer(4096), len(packet) + TAG
    rows.view[: 2 * pitch] = 2 * (packet + bytes(TAG))
    pair = [Keys.from_secrets(other, secret) for _ in range(2)]
    if rows.seal_rows([keys.send for keys in pair], pitch, array("i", (len(packet),) * 2)) != [pitch] * 2:
        raise SelfTestFailed("SRTP: packets cannot be sealed together")
    if rows.view[: 2 * pitch] != 2 * plain.protect(packet):
        raise SelfTestFailed("SRTP: what is sealed together and pylibsrtp's Session disagree")
    sealer, opener = Sealer(4096), Opener()
    for data, seal, unseal, reference in (
        (packet, sealer.seal, opener.open, plain.protect),
        (report, sealer.seal_rtcp, opener.open_rtcp, plain.protect_rtcp),
    ):
        sealer.view[64 : 64 + len(data)] = data
        size = seal(here.send, 64, len(data))
        sealed = bytes(sealer.view[64 : 64 + max(size, 0)])
        if sealed != reference(data):
            raise SelfTestFailed("SRTP: the direct path and pylibsrtp's Session disagree")
        opener.buffer[:size] = sealed[:-1] + bytes((sealed[-1] ^ 1,))
        if unseal(there.receive, size) >= 0:
            raise SelfTestFailed("SRTP: a forged packet was accepted")
        opener.buffer[:size] = sealed
        size = unseal(there.receive, size)
        if size < 0 or opener.buffer[:size] != data:
            raise SelfTestFailed("SRTP: what was protected does not open again")
    if not _DIRECT:
        log.warning("pylibsrtp's binding is not as expected", costs="about 2 us more a packet")
