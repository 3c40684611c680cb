"""Load generator: many real WebRTC legs from one lean process, so that the MCU is what is measured.

Each leg joins over the real signalling WebSocket and the real UDP port (ICE, DTLS-SRTP), sends pre-encoded Opus and
H.264 and counts what it gets.  Run as `python -m benchmarks.loadgen`; it obeys JSON lines on stdin and answers each
with one JSON line on stdout:

    {"do": "join", "url": "https://127.0.0.1:8443", "ca": "ca.pem", "source": "320x180@15", "apart_ms": 50, "legs": [
        {"name": "a", "token": "…", "number": 1, "speaks": true, "marked": true, "eye": false},
        {"name": "wall", "token": "…", "number": 0, "view": "wall"}]}
    {"do": "measure", "seconds": 20}
    {"do": "obey"}
    {"do": "quit"}

`number` is the site's number (0: a monitor), `marked` puts it on its own film's plates, `eye` decodes what the leg
receives and measures glass to glass (benchmarks/loadgen_eye.py says what that is).  With `obey_hints` a leg stops and
resumes its camera and its sound as the MCU asks, sends its picture no larger and no faster, and next to nothing while
it says nothing; the four that are measured keep their size, because their frame numbers must stay readable.  `obey`
has all legs begin with that.  Join time: from opening the WebSocket (a
person's click) to the first whole keyframe; `offer_ms`: from sending the offer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.dtls_client import Identity
from benchmarks.loadgen_engine import Engine
from benchmarks.loadgen_eye import Eye
from benchmarks.loadgen_leg import Leg
from benchmarks.loadgen_media import UNMARKED, film, tape, tone_tape
from endpoint_client.headless import parse_source
from endpoint_client.link import Link, Message, split_link, trust
from endpoint_client.watching import percentile

_JOIN = 30.0  # seconds for the last leg


Source = tuple[int, int, int]  # width, height, frames/s
NO_SOURCE: Source = (0, 0, 0)


class Caller:
    """Signalling of one leg."""

    def __init__(
        self, leg: Leg, origin: str, verify: Any, spec: dict[str, Any], obey_hints: bool, source: Source = NO_SOURCE
    ) -> None:
        self.leg, self.name, self.view = leg, spec["name"], spec.get("view")
        self._obeys, self._source = False, source
        self._asked: dict[str, Message] = {}  # the last hint by track
        self._silent = not (spec.get("speaks") or spec.get("tone"))
        self._resizes = leg.film is not None and not spec.get("marked")
        self.link = Link(
            origin,
            spec["token"],
            verify=verify,
            client="loadgen/0.1",
            draws_names=True,  # it stands for site pages
            greet=lambda: True,
            hear=self._hear,
            lost=self._lost,
        )
        self.clicked_at = 0.0
        self.error: str | None = None
        self.rejoins = 0
        self.hints = 0
        if obey_hints:
            self.obey()

    def obey(self) -> None:
        """Send no more than is asked for, from now on."""
        self._obeys, self.leg.sparse = True, self._silent
        for hint in self._asked.values():
            self._follow(hint)

    def _follow(self, hint: Message) -> None:
        if hint["track"] == "microphone":
            self.leg.sends_audio = bool(hint["active"])
        if hint["track"] == "camera":
            self.leg.sends_video = bool(hint["active"])
            if self._resizes and hint["active"]:
                asked = hint["width"], hint["height"], hint["frame_rate"]
                width, height, frame_rate = (min(a, b or a) for a, b in zip(self._source, asked, strict=True))
                self.leg.change(film(self.leg.plate, width, height, frame_rate))

    async def run(self, after: float) -> None:
        await asyncio.sleep(after)
        self.clicked_at = time.monotonic()
        await self.link.run()
        if self.link.refused is not None:
            self.error = str(self.link.refused)

    async def _hear(self, message: Message) -> None:
        kind = message["type"]
        if kind == "welcome" and message["media"] == "offer":
            if self.view is not None:
                await self.link.send({"type": "view", "view": self.view})
            self.leg.offered_at = time.monotonic()
            await self.link.send({"type": "offer", "sdp": self.leg.offer(), "restart": False})
        elif kind == "answer":
            try:
                self.leg.answer(message["sdp"], time.monotonic())
            except (ValueError, OSError) as error:
                self.error = str(error)
            if self.leg.tape is not None:
                await self.link.send({"type": "state", "microphone": True, "camera": True, "screen": False})
        elif kind == "media":
            self.rejoins += 1
        elif kind == "hint":
            self.hints += 1
            self._asked[message["track"]] = message
            if self._obeys:
                self._follow(message)
        elif kind == "error":
            self.error = f"{message['code']}: {message['en']}"

    def _lost(self) -> None:
        self._asked.pop("microphone", None)
        self.leg.sends_audio = True

    @property
    def ready(self) -> bool:
        return self.leg.joined_at is not None or self.leg.failure is not None or self.error is not None


class Generator:
    """All legs of the process; each command is one method."""

    def __init__(self) -> None:
        self._identity = Identity()
        self._engine = Engine()
        self._callers: list[Caller] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._engine.start()

    async def join(self, command: dict[str, Any]) -> dict[str, Any]:
        width, height, frame_rate = parse_source(command.get("source", "320x180@15"))
        origin, _ = split_link(command["url"], "-")
        verify = trust(Path(command["ca"]) if command.get("ca") else None, not command.get("ca"))
        apart = command.get("apart_ms", 50) / 1000
        new = []
        for spec in command["legs"]:
            number = spec["number"]
            plate = number if spec.get("marked") else UNMARKED
            picture = film(plate, width, height, frame_rate) if number else None
            sound = None
            if number:
                sound = tone_tape(number) if spec.get("tone") else tape(number, spec.get("speaks", False))
            leg = Leg(self._identity, picture, sound, plate)
            if spec.get("eye"):
                leg.eye = Eye(self._sent_at)
            source = width, height, frame_rate
            new.append(Caller(leg, origin, verify, spec, command.get("obey_hints", False), source))
        self._callers += new
        for index, caller in enumerate(new):
            self._engine.add(caller.leg)
            self._tasks.append(asyncio.create_task(caller.run(index * apart), name=f"leg/{caller.name}"))
        deadline = time.monotonic() + len(new) * apart + command.get("deadline", _JOIN)
        while not all(caller.ready for caller in new) and time.monotonic() < deadline:
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)
        gc.collect()
        gc.freeze()
        return {
            "joined": sum(caller.leg.joined_at is not None for caller in new),
            "failed": {caller.name: self._why(caller) for caller in new if caller.leg.joined_at is None},
            "join_ms": [_ms(c.clicked_at, c.leg.joined_at) for c in new if c.leg.joined_at is not None],
            "offer_ms": [_ms(c.leg.offered_at, c.leg.joined_at) for c in new if c.leg.joined_at is not None],
            "film_kbps": max((round(caller.leg.film.kbps) for caller in new if caller.leg.film), default=0),
        }

    async def measure(self, command: dict[str, Any]) -> dict[str, Any]:
        eyes = [caller.leg.eye for caller in self._callers if caller.leg.eye is not None]
        for caller in self._callers:
            caller.leg.reset()
            caller.hints = 0
        for eye in eyes:
            eye.samples, eye.pictures, eye.errors, eye.dropped = [], 0, 0, 0
        self._engine.late_ms.clear()
        self._engine.skipped = 0
        start, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(command["seconds"])
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
        samples = [sample for eye in eyes for sample in eye.samples]
        return {
            "seconds": round(seconds, 3),
            "loader_cores": round(cpu / seconds, 3),
            "loader_late_ms_p99": percentile(self._engine.late_ms, 0.99),
            "loader_skipped_ticks": self._engine.skipped,
            "glass_to_glass_ms": [round(sample, 1) for sample in samples],
            "eyes": [
                {"pictures": eye.pictures, "errors": eye.errors, "dropped": eye.dropped, "sites": sorted(eye.sites)}
                for eye in eyes
            ],
            "legs": [self._figures(caller, seconds) for caller in self._callers],
        }

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        for caller in self._callers:
            caller.obey()
        return {}

    async def quit(self) -> None:
        for caller in self._callers:
            await caller.link.leave()
        await asyncio.wait(self._tasks, timeout=2) if self._tasks else None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for caller in self._callers:
            self._engine.remove(caller.leg)
            caller.leg.close()
        self._engine.stop()

    def _sent_at(self, site: int, frame: int) -> float | None:
        for caller in self._callers:
            leg = caller.leg
            if leg.film is not None and leg.plate == site != UNMARKED:
                return leg.frame_sent_at(frame)
        return None

    @staticmethod
    def _why(caller: Caller) -> str:
        if caller.error or caller.leg.failure:
            return caller.error or caller.leg.failure or ""
        return "connected, no keyframe" if caller.leg.connected_at else "no connection"

    @staticmethod
    def _figures(caller: Caller, seconds: float) -> dict[str, Any]:
        counters = caller.leg.counters
        return {
            "name": caller.name,
            "fps": round(counters.video_frames / seconds, 2),
            "audio_pps": round(counters.audio_packets / seconds, 2),
            "video_pps": round(counters.video_packets / seconds, 1),
            "video_kbps": round(counters.video_bytes * 8 / seconds / 1000),
            "sent_kbps": round(counters.sent_bytes * 8 / seconds / 1000),
            "video_lost": counters.video_lost,
            "audio_lost": counters.audio_lost,
            "longest_gap_ms": round(counters.longest_video_gap * 1000),
            "unverified": counters.unverified,
            "send_errors": counters.send_errors,
            "plis": counters.plis,
            "hints": caller.hints,
            "rejoins": caller.rejoins,
            "error": caller.error,
        }


def _ms(start: float, end: float | None) -> float:
    return round(((end or 0) - start) * 1000, 1)


async def serve() -> None:
    """Obey stdin until `quit` or its end."""
    reader = asyncio.StreamReader(limit=1 << 22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    generator = Generator()
    commands = {"join": generator.join, "measure": generator.measure, "obey": generator.obey}
    try:
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] == "quit":
                break
            answer = await commands[command["do"]](command)
            print(json.dumps(answer), flush=True)
    finally:
        await generator.quit()


if __name__ == "__main__":
    asyncio.run(serve())
