"""A scripted site on stock aiortc, a peer that was not shaped to our own server.

`HeadlessSite` joins by link like a browser, sends a pattern (or a file) and a tone of its own, and measures what comes
back: whose plate is where in the picture and how old, whose tone is in the sound, gaps, tally, hints.  It
comes back with its seat and makes its media connection anew when told to.

    site = HeadlessSite("https://mcu:8443/join/kX3…", ca=Path("ca.pem"))
    await site.start()
    await site.sees(3)          # each waits for a fact up to a deadline and raises TimeoutError saying what was there
    await site.hears(3)
    print(site.report())
    await site.stop()

Frame ages are measured against this machine's clock: they mean something when both sites run on one machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from endpoint_client.link import Link, Message, SiteRefused, split_link, trust
from endpoint_client.marks import Box, Sighting
from endpoint_client.media import Hint, Media, SiteOptions
from endpoint_client.watching import PictureWatch, SoundWatch

_NEGOTIATION = 15.0  # seconds from offer to connected media


class HeadlessSite:
    """One endpoint.  All methods belong to the loop it was started on."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        options: SiteOptions | None = None,
        ca: Path | None = None,
        insecure: bool = False,
        name: str = "",
    ) -> None:
        self.options = options or SiteOptions()
        origin, token = split_link(url, token)
        self.link = Link(
            origin,
            token,
            verify=trust(ca, insecure),
            language=self.options.language,
            draws_names=self.options.draws_names,
            greet=lambda: self.media is not None and self.media.alive,
            hear=self._hear,
            lost=self._lost,
        )
        self.name = name
        self.number = 0
        self.site_id: str | None = None
        self.role = ""
        self.conference: Message = {}
        self.tally: Message = {}
        self.told: dict[str, Message] = {}  # newest hand, cue and issue
        self.tallies: deque[Message] = deque(maxlen=100)
        self.hints: deque[Message] = deque(maxlen=100)
        self.errors: deque[Message] = deque(maxlen=100)
        self.welcomes: deque[Message] = deque(maxlen=100)
        self.media: Media | None = None
        self.media_connections = 0
        self.pictures = PictureWatch()
        self.sounds = SoundWatch()
        self.milestones: dict[str, float] = {}  # ms since start
        self.microphone, self.camera = True, True
        self.on_answer: Callable[[str], str] = lambda sdp: sdp  # may change where its candidates lead, as a proxy does
        self.on_media: Callable[[Media], None] = lambda media: None  # a new connection, offered but not yet answered
        self._started = time.monotonic()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._negotiating: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[str] | None = None
        self._last_hint: Hint | None = None

    # -- life

    def begin(self) -> asyncio.Task[None]:
        """Start joining; the task runs until `stop`, and ends by itself (SiteRefused) only when refused for good."""
        self._started = time.monotonic()
        self._task = asyncio.create_task(self._run(), name=f"site/{self.name}")
        return self._task

    async def start(self, deadline: float = 20.0) -> None:
        """Join and wait until media flows.  Raises SiteRefused if the MCU says no, TimeoutError otherwise."""
        self.begin()
        try:
            await self.until(lambda: self.media is not None and self.media.alive, "a media connection", deadline)
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, leave: bool = True) -> None:
        """Leave (or, without `leave`, just vanish) and release everything."""
        task, self._task = self._task, None
        if task is None:
            return
        if leave:
            with contextlib.suppress(TimeoutError, SiteRefused):
                await asyncio.wait_for(self.link.leave(), 2)
                await asyncio.wait_for(asyncio.shield(task), 2)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, SiteRefused, TimeoutError):
            await task

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as self._group:
                await self.link.run()
                raise _Over
        except* _Over:
            pass
        finally:
            if self.media is not None:
                await self.media.close()
            self._tell()
        if self.link.refused is not None:
            raise self.link.refused

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._group is not None
        return self._group.create_task(work, name=f"site/{self.number}/{name}")

    # -- messages

    async def _hear(self, message: Message) -> None:
        kind = message["type"]
        if kind == "welcome":
            self._welcomed(message)
        elif kind == "answer":
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(self.on_answer(message["sdp"]))
        elif kind in ("hand", "cue", "issue"):
            self.told[kind] = message
        elif kind == "tally":
            self.tally = message
            self.tallies.append({**message, "at_s": self._seconds()})
        elif kind == "hint":
            await self._hinted(message)
        elif kind == "conference":
            self.conference = message
        elif kind == "media":
            self._spawn(self._rejoin(message.get("spread_ms", 0) / 1000), "rejoin")
        elif kind == "error":
            self.errors.append(message)
            if self._answer is not None and not self._answer.done() and message["code"] != "bad_message":
                self._answer.set_exception(_refusal(message))
        self._tell()

    def _welcomed(self, message: Message) -> None:
        self.welcomes.append(message)
        self.milestones.setdefault("welcome", self._milliseconds())
        self.role = message["role"]
        if message["site"] is not None:
            self.site_id, self.number = message["site"]["id"], message["site"]["number"]
            self.name = self.name or message["site"]["name"]
        if message["media"] == "offer" or self.media is None or not self.media.alive:
            self._negotiate()
        else:
            self._spawn(self._say_state(), "state")

    async def _hinted(self, message: Message) -> None:
        self.hints.append({**message, "at_s": self._seconds()})
        if not self.options.obey_hints:
            return
        if message["track"] == "microphone" and self.media is not None:
            self.media.send_sound(message["active"])
        if message["track"] != "camera":
            return
        hint = Hint(message["active"], message["width"], message["height"], int(message["frame_rate"]))
        self._last_hint = hint
        if self.media is not None:
            self._spawn(self.media.hint(hint), "hint")

    def _lost(self) -> None:
        """Without signalling nobody can tell that the site may be heard."""
        if self.media is not None:
            self.media.send_sound(True)

    async def _say_state(self) -> None:
        state = {"microphone": self.microphone, "camera": self.camera, "screen": False}
        if self.role != "monitor":
            await self.link.send({"type": "state", **state})
        if self.options.watch is not None and self.role == "monitor":
            await self.link.send({"type": "view", "view": self.options.watch})

    # -- media

    async def _rejoin(self, spread: float) -> None:
        await asyncio.sleep(random.uniform(0, spread))
        self._negotiate()

    def _negotiate(self) -> None:
        if self._negotiating is not None:
            self._negotiating.cancel()
        self._negotiating = self._spawn(self._make_media(), "negotiate")

    async def _make_media(self) -> None:
        """Offer until media flows; an MCU without a relay says `media: rejoin` later, which starts this anew."""
        old, self.media = self.media, None
        if old is not None:
            await old.close()
        number = self.number if self.role != "monitor" else 0
        media = Media(
            self.options,
            number,
            self.pictures,
            self.sounds,
            started=self._started,
            changed=self._media_changed,
            spawn=self._spawn,
        )
        self.media = media
        if self._last_hint is not None:
            await media.hint(self._last_hint)
        media.microphone(self.microphone)
        try:
            async with asyncio.timeout(_NEGOTIATION):
                sdp = await media.offer()
                self.on_media(media)
                self._answer = asyncio.get_running_loop().create_future()
                await self.link.send({"type": "offer", "sdp": sdp, "restart": False})
                self.milestones.setdefault("offered", self._milliseconds())
                answer = await self._answer
                self.milestones.setdefault("answered", self._milliseconds())
                await media.answer(answer)
                await media.connected.wait()
        except TimeoutError:
            if self.link.connected:
                self._spawn(self._rejoin(1.0), "rejoin")
            return
        except SiteRefused:
            await media.close()  # `errors` has it; `start` ends with it
            return
        self.media_connections += 1
        self.milestones.setdefault("connected", self._milliseconds())
        await self._say_state()
        self._tell()

    def _media_changed(self) -> None:
        for what, flow in (("first_picture", self.pictures.flow), ("first_sound", self.sounds.flow)):
            if flow.first is not None and what not in self.milestones:
                self.milestones[what] = round((flow.first - self._started) * 1000, 1)
        media = self.media
        if media is not None and media.connected.is_set() and media.pc.connectionState == "failed":
            media.connected.clear()
            self._spawn(self._rejoin(0.5), "rejoin")
        self._tell()

    async def set_microphone(self, on: bool) -> None:
        """Send sound or silence, and tell the MCU."""
        self.microphone = on
        if self.media is not None:
            self.media.microphone(on)
        await self._say_state()

    # -- facts

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, fact: Callable[[], bool], what: str, timeout: float = 10.0) -> None:
        """Wait for a fact.  Raises TimeoutError saying what there was instead, or SiteRefused on refusal."""
        try:
            async with asyncio.timeout(timeout):
                while not fact():
                    if self._task is None or self._task.done():
                        raise self.link.refused or TimeoutError
                    if self.media is None or not self.media.connected.is_set():
                        refusal = next((e for e in self.errors if e["code"] in _HOPELESS), None)
                        if refusal is not None:
                            raise _refusal(refusal)
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.name or 'site'}: no {what} within {timeout} s; {self._state_text()}") from None

    async def sees(self, site: int, *, where: Box | None = None, timeout: float = 10.0) -> Sighting:
        """Wait for a picture, later than now, that shows the site (in the rectangle `where`, in fractions)."""
        looks = self.pictures.looks

        def shown() -> bool:
            sighting = self.pictures.now_visible.get(site)
            return (
                self.pictures.looks > looks + 1 and sighting is not None and (where is None or sighting.inside(where))
            )

        await self.until(shown, f"picture of site {site}{f' in {where}' if where else ''}", timeout)
        return self.pictures.now_visible[site]

    async def sees_not(self, site: int, *, for_seconds: float = 1.0, timeout: float = 10.0) -> None:
        """Wait until the site was in no picture for a while, with pictures still coming."""
        await self.until(
            self._absence(lambda: self.pictures.looks, lambda: site in self.pictures.now_visible, for_seconds, 3),
            f"absence of site {site} from the picture",
            timeout,
        )

    async def hears(self, site: int, *, timeout: float = 10.0) -> float:
        """Wait until the tone of the site is in the sound, from now on; its level in dBFS."""
        windows = self.sounds.windows
        await self.until(
            lambda: self.sounds.windows > windows + 1 and site in self.sounds.now_heard, f"tone of site {site}", timeout
        )
        return self.sounds.now_heard[site]

    async def hears_not(self, site: int, *, for_seconds: float = 1.0, timeout: float = 10.0) -> None:
        """Wait until the site's tone was not in the sound for a while, with sound still coming."""
        enough = int(for_seconds * 8)  # of the ten windows a second
        await self.until(
            self._absence(lambda: self.sounds.windows, lambda: site in self.sounds.now_heard, for_seconds, enough),
            f"silence of site {site}",
            timeout,
        )

    @staticmethod
    def _absence(
        counter: Callable[[], int], present: Callable[[], bool], for_seconds: float, enough: int
    ) -> Callable[[], bool]:
        """A fact that is true when `present` was false over `for_seconds` and `enough` new observations."""
        state = {"since": time.monotonic(), "count": float(counter())}

        def absent() -> bool:
            if present():
                state.update(since=time.monotonic(), count=float(counter()))
            return time.monotonic() - state["since"] >= for_seconds and counter() - state["count"] >= enough

        return absent

    def _state_text(self) -> str:
        visible = {site: sighting.mark.frame for site, sighting in sorted(self.pictures.now_visible.items())}
        return (
            f"visible {visible}, heard {self.sounds.now_heard}, {self.pictures.flow.count} pictures, "
            f"{self.sounds.flow.count} blocks, media {self.media.pc.connectionState if self.media else None}, "
            f"tally {self.tally}, errors {[error['code'] for error in self.errors]}"
        )

    # -- report

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 2)

    def _milliseconds(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)

    def report(self) -> dict[str, Any]:
        """Everything measured so far, as JSON values."""
        own_tone = self.options.voice == "tone" and self.options.file is None
        return {
            "site": {"id": self.site_id, "name": self.name, "number": self.number},
            "role": self.role,
            "seat": self.link.seat,
            "seconds": self._seconds(),
            "milestones_ms": self.milestones,
            "connections": {"websocket": self.link.connections, "media": self.media_connections},
            "refused": self.link.refused.code if self.link.refused else None,
            "sending": self.media.sending() if self.media else None,
            "picture": self.pictures.report(self._started),
            "sound": self.sounds.report(self._started),
            "hears_itself": self.number in self.sounds.heard if own_tone and self.number else None,
            "conference": self.conference,
            "tally": self.tally,
            "tallies": list(self.tallies),
            "hints": list(self.hints),
            "errors": list(self.errors),
        }


class _Over(Exception):
    """Ends the task group when the link is done."""


_HOPELESS = ("bad_offer", "unsupported_codec")


def _refusal(message: Message) -> SiteRefused:
    return SiteRefused(message["code"], message.get("vi", ""), message.get("en", ""), message.get("retry_after"))
