"""What control, relay, mixer and supervisor say to each other over Unix stream sockets.

A connection carries frames: `u32 length | u8 kind | payload` (big endian; length counts kind + payload).

- kind 0 is RPC: one JSON object, `{"id", "call"}`, `{"id", "ok"}`, `{"id", "error"}` or `{"event"}`.  Calls, replies
  and events are the frozen dataclasses below, told apart by their `type`.
- kinds 1-4 are media: a fixed header and the encoded payload.  Raw pictures never cross a process boundary.

Plans are declarative and whole: the newest `MixPlan` or `LegPlan`s replace what was, so a restarted process is
brought up to date by sending them again.  Times called `tick` and `arrived` are seconds of CLOCK_MONOTONIC, which all
processes of one machine share; `rtp_time` is the RTP timestamp in the clock of its codec (RFC 3550, section 5.1).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError

from mcu_core.errors import McuError, PeerLost

Codec = Literal["H264", "VP8"]
Track = Literal["camera", "screen"]
View = str  # "programme", "chair", "wall", or "site:<number>": the personal view of that site
VIEW_PATTERN = r"^(programme|chair|wall|site:[1-9][0-9]{0,3})$"
WorkerKind = Literal["control", "relay", "mixer"]
SLOW_VIEW = 10.0  # frames/s, at most: sites on such views only are decoded in turns, on a wall perhaps as stills

# --------------------------------------------------------------------------------------------- media frames

RPC, VIDEO_IN, AUDIO_IN, VIDEO_OUT, AUDIO_OUT = range(5)
TRACKS: tuple[Track, ...] = ("camera", "screen")
CODECS: tuple[Codec, ...] = ("H264", "VP8")
LEVEL_UNKNOWN = 255
MAX_FRAME = 4 * 1024 * 1024

_LENGTH_KIND = struct.Struct("!IB")
_VIDEO_IN = struct.Struct("!IBBBdI")  # site, track, codec, flags, arrived, rtp_time
_KEYFRAME, _STILL = 1, 2  # flags
_AUDIO_IN = struct.Struct("!IHBBdI")  # site, sequence, level (-dBov, 127 silent, 255 unknown), voice, arrived, rtp_time
_VIDEO_OUT = struct.Struct("!HBdI")  # rendition, keyframe, tick, rtp_time
_AUDIO_OUT = struct.Struct("!dIHH")  # tick, rtp_time, length of the shared payload, number of private payloads
_PRIVATE = struct.Struct("!IH")  # site, length
_VIDEO_IN_FRAME = struct.Struct(_LENGTH_KIND.format + _VIDEO_IN.format.removeprefix("!"))
_AUDIO_IN_FRAME = struct.Struct(_LENGTH_KIND.format + _AUDIO_IN.format.removeprefix("!"))


@dataclass(frozen=True, slots=True)
class VideoIn:
    """One whole encoded frame of a site, relay -> mixer.  H.264 as Annex B, VP8 as a bare frame."""

    site: int
    track: Track
    codec: Codec
    keyframe: bool
    arrived: float
    rtp_time: int
    payload: bytes
    still: bool = False  # the next one comes in a few seconds and is a keyframe, too

    def pack(self) -> bytes:
        return pack_video_in(
            self.site, self.track, self.codec, self.keyframe, self.arrived, self.rtp_time, self.payload, self.still
        )

    @classmethod
    def unpack(cls, data: bytes) -> VideoIn:
        site, track, codec, flags, arrived, rtp_time = _VIDEO_IN.unpack_from(data)
        keyframe, still = bool(flags & _KEYFRAME), bool(flags & _STILL)
        return cls(site, TRACKS[track], CODECS[codec], keyframe, arrived, rtp_time, data[_VIDEO_IN.size :], still)


@dataclass(frozen=True, slots=True)
class AudioIn:
    """One Opus packet of a site, relay -> mixer, in arrival order (the mixer's playout buffer sorts by `sequence`)."""

    site: int
    sequence: int
    level: int
    speech: bool  # as the relay judges by levels, `mixer.levels.Speech`; False when there is none
    arrived: float
    rtp_time: int
    payload: bytes

    def pack(self) -> bytes:
        return pack_audio_in(
            self.site, self.sequence, self.level, self.speech, self.arrived, self.rtp_time, self.payload
        )

    @classmethod
    def unpack(cls, data: bytes) -> AudioIn:
        site, sequence, level, speech, arrived, rtp_time = _AUDIO_IN.unpack_from(data)
        return cls(site, sequence, level, bool(speech), arrived, rtp_time, data[_AUDIO_IN.size :])


def pack_video_in(
    site: int, track: Track, codec: Codec, keyframe: bool, arrived: float, rtp_time: int, payload: bytes, still: bool
) -> bytes:
    """`VideoIn(...).pack()` without the object, which would cost more than the packing."""
    size = 1 + _VIDEO_IN.size + len(payload)
    number = TRACKS.index(track), CODECS.index(codec)
    flags = _KEYFRAME * keyframe | _STILL * still
    return _VIDEO_IN_FRAME.pack(size, VIDEO_IN, site, *number, flags, arrived, rtp_time) + payload


def pack_audio_in(
    site: int, sequence: int, level: int, speech: bool, arrived: float, rtp_time: int, payload: bytes
) -> bytes:
    """The same for `AudioIn`."""
    size = 1 + _AUDIO_IN.size + len(payload)
    return _AUDIO_IN_FRAME.pack(size, AUDIO_IN, site, sequence, level, speech, arrived, rtp_time) + payload


@dataclass(frozen=True, slots=True)
class VideoOut:
    """One encoded picture of a rendition, mixer -> relay.  `tick` is the mixer's clock at `rtp_time`."""

    rendition: int
    keyframe: bool
    tick: float
    rtp_time: int
    payload: bytes

    def pack(self) -> bytes:
        return _frame(VIDEO_OUT, _VIDEO_OUT.pack(self.rendition, self.keyframe, self.tick, self.rtp_time), self.payload)

    @classmethod
    def unpack(cls, data: bytes) -> VideoOut:
        rendition, keyframe, tick, rtp_time = _VIDEO_OUT.unpack_from(data)
        return cls(rendition, bool(keyframe), tick, rtp_time, data[_VIDEO_OUT.size :])


@dataclass(frozen=True, slots=True)
class AudioOut:
    """One 20 ms tick of sound, mixer -> relay.  A site in `private` hears that; everyone else hears `shared`."""

    tick: float
    rtp_time: int
    shared: bytes
    private: dict[int, bytes]

    def pack(self) -> bytes:
        head = _AUDIO_OUT.pack(self.tick, self.rtp_time, len(self.shared), len(self.private))
        table = b"".join(_PRIVATE.pack(site, len(payload)) for site, payload in self.private.items())
        return _frame(AUDIO_OUT, head, table, self.shared, *self.private.values())

    @classmethod
    def unpack(cls, data: bytes) -> AudioOut:
        tick, rtp_time, length, count = _AUDIO_OUT.unpack_from(data)
        table = [_PRIVATE.unpack_from(data, _AUDIO_OUT.size + i * _PRIVATE.size) for i in range(count)]
        at = _AUDIO_OUT.size + count * _PRIVATE.size
        shared, at = data[at : at + length], at + length
        private = {}
        for site, size in table:
            private[site], at = data[at : at + size], at + size
        return cls(tick, rtp_time, shared, private)


Media = VideoIn | AudioIn | VideoOut | AudioOut
_MEDIA: dict[int, Callable[[bytes], Media]] = {
    VIDEO_IN: VideoIn.unpack,
    AUDIO_IN: AudioIn.unpack,
    VIDEO_OUT: VideoOut.unpack,
    AUDIO_OUT: AudioOut.unpack,
}


def _frame(kind: int, *parts: bytes) -> bytes:
    return _LENGTH_KIND.pack(1 + sum(map(len, parts)), kind) + b"".join(parts)


# ------------------------------------------------------------------------------------- plans and their parts


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What a mixer must know of a site."""

    site: int  # number within the conference; travels with every packet
    name: str  # NFC, as shown on its label
    present: bool = False  # has a live leg
    muted: bool = False  # its sound is closed at the MCU, whatever it sends
    camera_off: bool = False  # says that it sends no camera picture
    gain_db: float = 0.0
    always: bool = False  # chair and podium: heard whatever their level, whoever else speaks


@dataclass(frozen=True, slots=True)
class TilePlan:
    """One rectangle of a view, in fractions of the canvas (0..1), drawn in ascending `z`."""

    x: float
    y: float
    w: float
    h: float
    z: int = 0
    fit: Literal["letterbox", "crop"] = "crop"
    site: int | None = None  # None: blank
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class ViewPlan:
    view: View
    width: int
    height: int
    frame_rate: float
    tiles: tuple[TilePlan, ...] = ()
    podium: int | None = None  # site marked as on the podium
    fade: float = 0.0  # seconds to blend from one arrangement of tiles to the next; 0 cuts


@dataclass(frozen=True, slots=True)
class RenditionPlan:
    """One encoding of one view.  Exists only while somebody watches it."""

    rendition: int
    view: View
    codec: Codec
    width: int
    height: int
    frame_rate: float
    bitrate_bps: int


@dataclass(frozen=True, slots=True)
class MixPlan:
    """Everything one conference's mixer does.  `revision` grows; an older one than the last applied is ignored."""

    type: Literal["mix_plan"] = field(default="mix_plan", init=False)
    conference: str
    revision: int
    sites: tuple[SitePlan, ...] = ()
    views: tuple[ViewPlan, ...] = ()
    renditions: tuple[RenditionPlan, ...] = ()
    coming: tuple[tuple[int, Track], ...] = ()  # on no view yet, but in a moment: decoded already
    loudest: int = 4  # voices heard at once besides those that always are; relays choose among their own
    echo: bool = False  # a test room: everybody hears themselves too


@dataclass(frozen=True, slots=True)
class PassPlan:
    """Viewers of this rendition get a site's own packets, from its next keyframe on, while they suit.

    They suit while they come, are no larger than `width` x `height` and need no more than `bitrate_bps`.  The relay
    says whether they do (`PassFlow`); the mixer's encoder stays in its plan until then, and comes back after that.
    """

    rendition: int
    site: int
    track: Track = "camera"
    width: int = 1280
    height: int = 720
    bitrate_bps: int = 1_500_000


@dataclass(frozen=True, slots=True)
class LegPlan:
    """What one leg is sent and what the relay passes on of it.  Unknown legs are ignored."""

    leg: str
    rendition: int | None = None  # what it watches
    audio_open: bool = False  # its sound may be heard
    audio_always: bool = False  # chair and podium: passed on whatever their level
    audio_stopped: bool = False  # the site was told to send none: its silence says little of its line
    camera_wanted: bool = False
    screen_wanted: bool = False
    camera_bitrate_bps: int | None = None  # told to the sender by REMB; None: no limit of ours
    camera_slow_fps: int | None = None  # asked of the sender while only the wall shows it; None: others do, or nobody


# ------------------------------------------------------------------------------------------- calls -> relay


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """Ask a relay what it carries; the first call after every (re)connection.  -> RelayInfo"""

    type: Literal["relay_status"] = field(default="relay_status", init=False)


@dataclass(frozen=True, slots=True)
class OpenLeg:
    """Answer a site's offer.  -> LegAnswer; EndpointError codes when the offer cannot be served."""

    type: Literal["open_leg"] = field(default="open_leg", init=False)
    leg: str
    conference: str
    site: int  # 0 for a monitor: it watches and listens but is nobody in the conference
    mixer: str  # path of the Unix socket of the conference's mixer
    offer: str  # SDP
    codecs: tuple[Codec, ...] = CODECS  # in order of preference
    draws_names: bool = False  # of no use to a relay; kept for control, which may forget it


@dataclass(frozen=True, slots=True)
class RestartIce:
    """Re-offer with new ICE credentials on a live leg (RFC 8839, section 4.4.1.1.1).  -> LegAnswer"""

    type: Literal["restart_ice"] = field(default="restart_ice", init=False)
    leg: str
    offer: str


@dataclass(frozen=True, slots=True)
class CloseLeg:
    """-> Done"""

    type: Literal["close_leg"] = field(default="close_leg", init=False)
    leg: str


@dataclass(frozen=True, slots=True)
class LegPlans:
    """The whole plan of one conference's legs on this relay.  -> Done"""

    type: Literal["leg_plans"] = field(default="leg_plans", init=False)
    conference: str
    mixer: str
    legs: tuple[LegPlan, ...]
    loudest: int = 4  # voices that pass at once besides those that always do
    passes: tuple[PassPlan, ...] = ()  # renditions passed through instead of mixed


# ----------------------------------------------------------------------------------- calls -> the supervisor


@dataclass(frozen=True, slots=True)
class Place:
    """Start a worker if there is none of that kind and name.  -> Placed"""

    type: Literal["place"] = field(default="place", init=False)
    kind: WorkerKind
    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """Stop a worker.  -> Done"""

    type: Literal["release"] = field(default="release", init=False)
    kind: WorkerKind
    name: str


@dataclass(frozen=True, slots=True)
class ListWorkers:
    """-> Workers"""

    type: Literal["list_workers"] = field(default="list_workers", init=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Is the event loop alive?  Every `Peer` answers by itself.  -> Done"""

    type: Literal["ping"] = field(default="ping", init=False)


# ------------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class Done:
    type: Literal["done"] = field(default="done", init=False)


@dataclass(frozen=True, slots=True)
class LegInfo:
    leg: str
    conference: str
    site: int
    state: Literal["new", "connected", "silent"]
    codec: Codec | None  # of its video, both ways
    camera: bool  # it offered to send one
    screen: bool
    planned: bool  # it has been given a plan
    rendition: int | None  # what its newest plan lets it watch
    draws_names: bool  # as it was opened


@dataclass(frozen=True, slots=True)
class PassFlow:
    """relay -> control, when it changes: viewers of a rendition get a site's own pictures and these suit.

    False: they stopped, do not suit, or gave way; then only a mixer's encoder can help.
    """

    type: Literal["pass_flow"] = field(default="pass_flow", init=False)
    conference: str
    rendition: int
    site: int
    track: Track
    flows: bool = True


@dataclass(frozen=True, slots=True)
class RelayInfo:
    type: Literal["relay_info"] = field(default="relay_info", init=False)
    pid: int
    port: int
    legs: tuple[LegInfo, ...]
    flows: tuple[PassFlow, ...] = ()  # all that flow


@dataclass(frozen=True, slots=True)
class LegAnswer:
    type: Literal["leg_answer"] = field(default="leg_answer", init=False)
    answer: str  # SDP
    info: LegInfo


@dataclass(frozen=True, slots=True)
class PlanApplied:
    """Reply of a mixer to MixPlan."""

    type: Literal["plan_applied"] = field(default="plan_applied", init=False)
    revision: int


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    kind: WorkerKind
    name: str
    pid: int
    socket: str
    restarts: int


@dataclass(frozen=True, slots=True)
class Placed:
    type: Literal["placed"] = field(default="placed", init=False)
    worker: WorkerInfo


@dataclass(frozen=True, slots=True)
class Workers:
    type: Literal["workers"] = field(default="workers", init=False)
    workers: tuple[WorkerInfo, ...]
    tasks: int = 0  # of the supervisor's event loop


# -------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class LegState:
    """relay -> control.  `silent`: nothing received for 3 s; `closed`: gone, the leg no longer exists."""

    type: Literal["leg_state"] = field(default="leg_state", init=False)
    leg: str
    state: Literal["new", "connected", "silent", "closed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LegStats:
    """Figures of one leg over the last interval (about 1 s)."""

    leg: str
    received_kbps: float = 0.0
    sent_kbps: float = 0.0
    video_fps_received: float = 0.0  # camera frames assembled; of stills, frames that arrived
    lost_fraction: float = 0.0  # of what the site sent to us, after repair by NACK
    peer_lost_fraction: float = 0.0  # of what we sent, from its receiver reports
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    nacks: int = 0
    plis: int = 0
    remb_bps: int | None = None  # what it says it can receive
    stills_per_s: float = 0.0  # single pictures that walls show of its camera, which sends too much; 0: all it sends


@dataclass(frozen=True, slots=True)
class LegOverload:
    """relay -> control, at once: a leg's line suddenly carries only so much of what it is sent.

    Its picture is held back until there is a keyframe of a smaller one, or for a moment.
    """

    type: Literal["leg_overload"] = field(default="leg_overload", init=False)
    leg: str
    carried_bps: int  # that came through, packet headers included


@dataclass(frozen=True, slots=True)
class RelayStats:
    """relay -> control, about 1 Hz."""

    type: Literal["relay_stats"] = field(default="relay_stats", init=False)
    legs: tuple[LegStats, ...]
    cpu: float  # cores used by this process
    loop_lag_ms: float  # longest since the last one
    packets_in_per_s: float
    packets_out_per_s: float
    dropped: dict[str, int] = field(default_factory=dict)  # by queue or reason, since start
    tasks: int = 0  # of its event loop
    loop_cpu_ms: float = 0.0  # most time of a processor that one turn of the loop used, since the last one


@dataclass(frozen=True, slots=True)
class Levels:
    """relay -> control, about 5 Hz: audio level of each site in dBov (0 loudest, -127 silent).

    Closed sites too, while they send.
    """

    type: Literal["levels"] = field(default="levels", init=False)
    conference: str
    levels: dict[int, int]


@dataclass(frozen=True, slots=True)
class RelayAttached:
    """relay -> mixer, first frame on their connection."""

    type: Literal["relay_attached"] = field(default="relay_attached", init=False)
    relay: str


@dataclass(frozen=True, slots=True)
class RenditionKeyframe:
    """relay -> mixer: a viewer needs a keyframe of this rendition (already merged over viewers)."""

    type: Literal["rendition_keyframe"] = field(default="rendition_keyframe", init=False)
    rendition: int


@dataclass(frozen=True, slots=True)
class SiteKeyframe:
    """mixer -> relay: this site's decoder needs a keyframe (the relay rate-limits the PLI)."""

    type: Literal["site_keyframe"] = field(default="site_keyframe", init=False)
    site: int
    track: Track


@dataclass(frozen=True, slots=True)
class SenderClock:
    """relay -> mixer: the newest sender report of a stream (RFC 3550, section 6.4.1), for lip sync."""

    type: Literal["sender_clock"] = field(default="sender_clock", init=False)
    site: int
    kind: Literal["audio", "camera", "screen"]
    ntp: float  # seconds, the site's own wall clock
    rtp_time: int


@dataclass(frozen=True, slots=True)
class PassedPicture:
    """relay -> mixer: a camera picture that went to viewers as it was and not to the mixer, for lip sync."""

    type: Literal["passed_picture"] = field(default="passed_picture", init=False)
    site: int
    rtp_time: int
    arrived: float  # as in VideoIn


@dataclass(frozen=True, slots=True)
class PictureWait:
    """mixer -> relay, when it changes: a site's passed camera pictures are shown so much later than they arrive."""

    type: Literal["picture_wait"] = field(default="picture_wait", init=False)
    site: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """mixer -> control: the active speaker changed."""

    type: Literal["speaker"] = field(default="speaker", init=False)
    conference: str
    site: int | None


@dataclass(frozen=True, slots=True)
class Noisy:
    """-> control: a site has been loud for a while without speech: noise, not a speaker."""

    type: Literal["noisy"] = field(default="noisy", init=False)
    conference: str
    site: int
    level_dbov: float


@dataclass(frozen=True, slots=True)
class PlanOnAir:
    """mixer -> control: the first picture made from this revision has left the encoder of each of its views.

    While load is shed, the wall is not waited for.
    """

    type: Literal["plan_on_air"] = field(default="plan_on_air", init=False)
    conference: str
    revision: int
    tick: float


@dataclass(frozen=True, slots=True)
class ViewStats:
    view: View
    frame_rate: float
    compose_ms: float  # median
    encode_ms: float
    late_ms_p99: float


@dataclass(frozen=True, slots=True)
class MixerStats:
    """mixer -> control, about 1 Hz."""

    type: Literal["mixer_stats"] = field(default="mixer_stats", init=False)
    conference: str
    cpu: float
    loop_lag_ms: float
    audio_late_ms_p99: float
    encoders: int
    decoders: int
    voices: tuple[int, ...]  # sites heard now
    views: tuple[ViewStats, ...]
    receiving: tuple[int, ...] = ()  # sites whose camera was decoded in the last 2 s
    quarantined: tuple[int, ...] = ()  # sites whose bitstream broke a decoder
    dropped: dict[str, int] = field(default_factory=dict)
    tasks: int = 0
    loop_cpu_ms: float = 0.0  # as the relay's
    decoded_per_s: float = 0.0  # pictures, of all sites
    shed: int = 0  # rung of load shedding (mixing/shedding.py); 0: pictures are made as planned


@dataclass(frozen=True, slots=True)
class WorkerUp:
    """supervisor -> control: a worker listens on its socket."""

    type: Literal["worker_up"] = field(default="worker_up", init=False)
    worker: WorkerInfo


@dataclass(frozen=True, slots=True)
class WorkerDown:
    type: Literal["worker_down"] = field(default="worker_down", init=False)
    worker: WorkerInfo
    reason: str


Call = RelayStatus | OpenLeg | RestartIce | CloseLeg | LegPlans | MixPlan | Place | Release | ListWorkers | Ping
Reply = Done | RelayInfo | LegAnswer | PlanApplied | Placed | Workers
Event = (
    LegState
    | LegOverload
    | PassFlow
    | RelayStats
    | Levels
    | RelayAttached
    | RenditionKeyframe
    | SiteKeyframe
    | SenderClock
    | PassedPicture
    | PictureWait
    | Speaker
    | Noisy
    | PlanOnAir
    | MixerStats
    | WorkerUp
    | WorkerDown
)

_CALL: TypeAdapter[Call] = TypeAdapter(Annotated[Call, Field(discriminator="type")])
_REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="type")])
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

T = TypeVar("T")


def _json(adapter: TypeAdapter[T], message: T) -> bytes:
    """Nine times as quick as `asdict` and `json`: a plan of 200 legs must not hold the event loop for 2 ms.

    Whether the fields have their types mypy has said; an int where a float may be is none to warn of.
    """
    return adapter.dump_json(message, warnings=False)


# ---------------------------------------------------------------------------------------------- connections

OnCall = Callable[["Peer", Call], Awaitable[Reply]]
OnEvent = Callable[["Peer", Event], None]
OnMedia = Callable[["Peer", Media], None]
OnLost = Callable[["Peer"], None]


async def _refuse(peer: Peer, call: Call) -> Reply:
    raise PeerLost("not_served", "Tiến trình này không nhận lệnh đó.", f"This process does not serve {call.type}.")


def _ignore(peer: Peer, what: object) -> None:
    """Default handler of events and media."""


class Peer(asyncio.Protocol):
    """One end of a connection.  Owned by the event loop it was made on.

    Media frames of one turn of the loop go out in one write: for both ends the call costs more than the bytes.
    The write buffer is bounded: past `high_water` bytes media frames are dropped and counted (a late picture is
    worthless, and a dead reader must not eat memory); RPC is always written, until
    `4 * high_water`, where the connection is cut.
    """

    def __init__(
        self,
        *,
        on_call: OnCall = _refuse,
        on_event: OnEvent = _ignore,
        on_media: OnMedia = _ignore,
        on_lost: OnLost | None = None,
        high_water: int = 2 * 1024 * 1024,
    ) -> None:
        self._on_call, self._on_event, self._on_media, self._on_lost = on_call, on_event, on_media, on_lost
        self._high_water = high_water
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._unsent: list[bytes] = []  # media frames of this turn of the loop
        self._unsent_size = 0
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self.media_dropped = 0
        self.closed = asyncio.Event()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at, end = 0, len(buffer)
        while end - at >= 5:
            length, kind = _LENGTH_KIND.unpack_from(buffer, at)
            if not 1 <= length <= MAX_FRAME or kind > AUDIO_OUT:
                self.close()
                return
            if end - at < 4 + length:
                break
            payload = bytes(memoryview(buffer)[at + 5 : at + 4 + length])
            at += 4 + length
            if kind == RPC:
                self._rpc_received(payload)
            else:
                self._on_media(self, _MEDIA[kind](payload))
        if at:
            del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(_lost())
        self._waiting.clear()
        for task in self._serving:
            task.cancel()
        if self._on_lost is not None:
            self._on_lost(self)

    # -- what its owner calls

    async def call(self, call: Call, deadline: float = 10.0) -> Reply:
        """Send a call and wait at most `deadline` seconds.  Raises the other side's McuError, or PeerLost."""
        if self.closed.is_set() or self._transport is None:
            raise _lost()
        number = next(self._ids)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._send_rpc(b'{"id":%d,"call":%b}' % (number, _json(_CALL, call)))
            async with asyncio.timeout(deadline):  # not wait_for: in Python 3.11 that may swallow a cancellation
                return await future
        except TimeoutError:
            raise PeerLost(
                "peer_timeout", f"Tiến trình không trả lời {call.type}.", f"No reply to {call.type} in {deadline} s."
            ) from None
        finally:
            self._waiting.pop(number, None)

    def post(self, event: Event) -> None:
        """Send an event; nothing happens on a closed connection."""
        self._send_rpc(b'{"event":%b}' % _json(_EVENT, event))

    def send_media(self, packed: bytes) -> bool:
        """Send one packed media frame (`VideoIn.pack()` …).  False if it was dropped."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if self._unsent_size + transport.get_write_buffer_size() > self._high_water:
            self.media_dropped += 1
            return False
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(packed)
        self._unsent_size += len(packed)
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def _flush(self) -> None:
        transport = self._transport
        if self._unsent and transport is not None and not transport.is_closing():
            transport.write(b"".join(self._unsent))
        self._unsent.clear()
        self._unsent_size = 0

    # -- RPC

    def _send_rpc(self, message: bytes) -> None:
        """`message` is a JSON object."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > 4 * self._high_water:
            transport.abort()
            return
        self._flush()  # what was said first arrives first
        transport.write(_frame(RPC, message))

    def _rpc_received(self, payload: bytes) -> None:
        try:
            message = json.loads(payload)
            if "event" in message:
                self._on_event(self, _EVENT.validate_python(message["event"]))
            elif "call" in message:
                task = asyncio.get_running_loop().create_task(
                    self._serve(int(message["id"]), _CALL.validate_python(message["call"])), name="wire/serve"
                )
                self._serving.add(task)
                task.add_done_callback(self._serving.discard)
            else:
                self._settle(message)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            # Both ends are ours: an impossible message is a bug, and fails loudly at its reader.
            self.close()
            raise RuntimeError(f"malformed message on the wire: {payload[:200]!r}") from error

    def _settle(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message["id"])
        if future is None or future.done():
            return
        if "ok" in message:
            future.set_result(_REPLY.validate_python(message["ok"]))
            return
        error = message["error"]
        kind = next((cls for cls in McuError.__subclasses__() if cls.__name__ == error["kind"]), PeerLost)
        future.set_exception(kind(error["code"], error["vi"], error["en"]))

    async def _serve(self, number: int, call: Call) -> None:
        try:
            reply = Done() if isinstance(call, Ping) else await self._on_call(self, call)
        except McuError as error:
            body = {"kind": type(error).__name__, "code": error.code, "vi": error.vi, "en": error.en}
            self._send_rpc(json.dumps({"id": number, "error": body}).encode())
        except Exception:
            body = {"kind": "PeerLost", "code": "internal", "vi": "Lỗi nội bộ của tiến trình.", "en": "Internal error."}
            self._send_rpc(json.dumps({"id": number, "error": body}).encode())
            raise
        else:
            self._send_rpc(b'{"id":%d,"ok":%b}' % (number, _json(_REPLY, reply)))


def _lost() -> PeerLost:
    return PeerLost("peer_lost", "Mất kết nối với tiến trình.", "The connection to the process was lost.")


async def listen(path: str, new_peer: Callable[[], Peer]) -> asyncio.Server:
    """Listen on a Unix socket; an old socket file at `path` is replaced."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = await asyncio.get_running_loop().create_unix_server(new_peer, path)
    os.chmod(path, 0o600)
    return server


async def connect(path: str, peer: Peer, *, deadline: float = 5.0, retry: float = 0.05) -> Peer:
    """Connect, retrying every `retry` seconds while nobody listens yet.  Raises PeerLost after `deadline`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    while True:
        try:
            await loop.create_unix_connection(lambda: peer, path)
            return peer
        except (FileNotFoundError, ConnectionRefusedError):
            if loop.time() + retry > until:
                raise _lost() from None
            await asyncio.sleep(retry)
