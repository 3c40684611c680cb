"""The wire between the processes: what is sent arrives as it was, and a bad or slow end harms only itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mcu_core import wire
from mcu_core.errors import EndpointError, PeerLost

VIDEO_IN = wire.VideoIn(
    site=7, track="screen", codec="VP8", keyframe=True, arrived=12.5, rtp_time=2**32 - 1, payload=b"x"
)
AUDIO_OUT = wire.AudioOut(tick=3.0, rtp_time=960, shared=b"all", private={2: b"without two", 9: b""})


@pytest.mark.parametrize(
    "media",
    [
        VIDEO_IN,
        replace(VIDEO_IN, still=True),
        replace(VIDEO_IN, keyframe=False),
        wire.AudioIn(site=1, sequence=65535, level=127, speech=False, arrived=0.0, rtp_time=0, payload=b""),
        wire.VideoOut(rendition=3, keyframe=False, tick=1.0, rtp_time=90000, payload=b"\0" * 5000),
        AUDIO_OUT,
        wire.AudioOut(tick=3.0, rtp_time=960, shared=b"", private={}),
    ],
)
def test_media_frames_survive_the_wire(media: wire.Media) -> None:
    packed = media.pack()
    assert type(media).unpack(packed[5:]) == media


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))  # JSON has no others
MESSAGES = [
    (adapter, kind)
    for adapter, kinds in ((wire._CALL, wire.Call), (wire._REPLY, wire.Reply), (wire._EVENT, wire.Event))
    for kind in get_args(kinds)
]


@pytest.mark.parametrize(("adapter", "kind"), MESSAGES, ids=lambda one: getattr(one, "__name__", ""))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_message_survives_the_wire(adapter: TypeAdapter[Any], kind: type[Any], data: st.DataObject) -> None:
    message = data.draw(st.from_type(kind))
    assert adapter.validate_python(json.loads(wire._json(adapter, message))) == message


class End:
    """One end of a test connection; remembers what came."""

    def __init__(self) -> None:
        self.events: list[wire.Event] = []
        self.media: list[wire.Media] = []
        self.lost = asyncio.Event()

    async def serve(self, peer: wire.Peer, call: wire.Call) -> wire.Reply:
        if isinstance(call, wire.CloseLeg):
            raise EndpointError("no_leg", "Không có kết nối này.", "There is no such leg.")
        if isinstance(call, wire.RelayStatus):
            await asyncio.sleep(60)
        if isinstance(call, wire.MixPlan):
            return wire.PlanApplied(call.revision)
        return wire.Done()

    def peer(self, high_water: int = 2 * 1024 * 1024) -> wire.Peer:
        return wire.Peer(
            on_call=self.serve,
            on_event=lambda _, event: self.events.append(event),
            on_media=lambda _, media: self.media.append(media),
            on_lost=lambda _: self.lost.set(),
            high_water=high_water,
        )


async def eventually(fact: Callable[[], bool], deadline: float = 5.0) -> None:
    async with asyncio.timeout(deadline):
        while not fact():
            await asyncio.sleep(0.005)


async def test_calls_events_and_media_in_both_directions(tmp_path: Path) -> None:
    server, client = End(), End()
    path = str(tmp_path / "s")
    async with await wire.listen(path, server.peer):
        peer = await wire.connect(path, client.peer())
        plan = wire.MixPlan(
            conference="c",
            revision=41,
            sites=(wire.SitePlan(1, "Xã Văn Môn"),),
            views=(wire.ViewPlan("wall", 1280, 720, 5.0, (wire.TilePlan(0, 0, 1, 1, site=1),)),),
        )
        assert await peer.call(plan) == wire.PlanApplied(41)
        with pytest.raises(EndpointError, match="no_leg") as caught:
            await peer.call(wire.CloseLeg("x"))
        assert "Không có" in caught.value.vi
        peer.post(wire.Levels(conference="c", levels={3: -20}))
        assert peer.send_media(VIDEO_IN.pack())
        assert peer.send_media(AUDIO_OUT.pack())
        await eventually(lambda: len(server.media) == 2 and len(server.events) == 1)
        assert server.media == [VIDEO_IN, AUDIO_OUT]
        assert server.events == [wire.Levels(conference="c", levels={3: -20})]
        peer.close()
        await peer.closed.wait()
        await eventually(server.lost.is_set)


async def test_media_of_one_turn_go_out_together_and_before_what_is_said_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    path = str(tmp_path / "s")

    def reader() -> wire.Peer:
        return wire.Peer(on_media=lambda _, media: heard.append(media), on_event=lambda _, event: heard.append(event))

    async with await wire.listen(path, reader):
        peer = await wire.connect(path, End().peer())
        transport = peer._transport
        assert transport is not None
        writes: list[bytes] = []
        write = transport.write

        def counted(data: bytes) -> None:
            writes.append(data)
            write(data)

        monkeypatch.setattr(transport, "write", counted)
        levels = wire.Levels(conference="c", levels={3: -20})
        for _ in range(3):
            assert peer.send_media(VIDEO_IN.pack())
        peer.post(levels)
        assert peer.send_media(AUDIO_OUT.pack())
        await eventually(lambda: len(heard) == 5)
        assert heard == [VIDEO_IN, VIDEO_IN, VIDEO_IN, levels, AUDIO_OUT]
        assert len(writes) == 3
        peer.send_media(VIDEO_IN.pack())
        peer.close()  # what was taken still goes out
        await eventually(lambda: len(heard) == 6)


async def test_a_call_has_a_deadline_and_ends_with_its_connection(tmp_path: Path) -> None:
    server, client = End(), End()
    path = str(tmp_path / "s")
    async with await wire.listen(path, server.peer):
        peer = await wire.connect(path, client.peer())
        with pytest.raises(PeerLost, match="peer_timeout"):
            await peer.call(wire.RelayStatus(), deadline=0.05)
        waiting = asyncio.create_task(peer.call(wire.RelayStatus()))
        await asyncio.sleep(0)
        peer.close()
        with pytest.raises(PeerLost, match="peer_lost"):
            await waiting
        with pytest.raises(PeerLost, match="peer_lost"):
            await peer.call(wire.RelayStatus())


async def test_a_cancelled_call_stays_cancelled_when_the_other_end_dies_at_that_moment(tmp_path: Path) -> None:
    """Or a process that is told to stop while its workers stop goes on for ever."""
    path = str(tmp_path / "s")
    async with await wire.listen(path, End().peer):
        peer = await wire.connect(path, End().peer())
        call = asyncio.create_task(peer.call(wire.RelayStatus()))
        await asyncio.sleep(0)
        peer.connection_lost(None)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        peer.close()


async def test_a_reader_that_stopped_loses_media_but_not_memory(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    stuck = asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stuck.wait()
        writer.close()

    async with await asyncio.start_unix_server(never_read, path, limit=1):
        peer = await wire.connect(path, End().peer(high_water=100_000))
        frame = wire.VideoOut(rendition=1, keyframe=False, tick=0.0, rtp_time=0, payload=bytes(50_000)).pack()
        sent = [peer.send_media(frame) for _ in range(40)]
        assert not sent[-1]
        assert peer.media_dropped == sent.count(False)
        peer.close()
        stuck.set()
        await asyncio.sleep(0)


async def test_garbage_cuts_the_connection_only(tmp_path: Path) -> None:
    server = End()
    path = str(tmp_path / "s")
    async with await wire.listen(path, server.peer):
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"\xff" * 64)
        await eventually(server.lost.is_set)
        writer.close()
        peer = await wire.connect(path, End().peer())
        assert await peer.call(wire.MixPlan(conference="c", revision=1)) == wire.PlanApplied(1)
        peer.close()
        await peer.closed.wait()


async def test_connect_waits_for_a_listener_and_gives_up(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with pytest.raises(PeerLost):
        await wire.connect(path, End().peer(), deadline=0.1)
    connecting = asyncio.create_task(wire.connect(path, End().peer(), deadline=5))
    await asyncio.sleep(0.06)
    async with await wire.listen(path, End().peer):
        peer = await connecting
        peer.close()
        await peer.closed.wait()
