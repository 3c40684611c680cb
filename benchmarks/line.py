"""One site on a bad line: how often its picture freezes, both ways, and whether it understands and is understood.

A real server, a site behind the proxy that makes its line bad (impair.py) and a site with a good line, in one
conference.  Both send moving pictures and speech.  `_down` is what the first site gets of the second through the bad
line, `_up` what the second gets of the first; figures without either are the worse of both.

- `freezes_per_min`, `longest_freeze_ms`: by the W3C rule (freezes.py), of decoded pictures downwards; upwards of the
  site's own picture inside the mix, told by its mark.
- `pesq_or_stoi`: STOI (stoi.py), see `speech_metric`; 0.9 is clear speech.  It includes both Opus codings and the mix.
- `audio_gap_ms_max`: the longest time in which speech was said and nothing was heard (hearing.py).
- `recovery_s`: after the line's return, a step or a new address, until neither freezes over 500 ms nor 200 ms of
  lost speech occur before the line changes again; the longest.  None where it was not well by then, once or more
  (`recovered` is false), and for a line that stays as it is (`recovered` is None).
- `recoveries_s`: the same after each change, both ways.
- `missed`: the figures that miss their goal in either direction, and `same_seat` where the line's return must find the
  site in the seat it had (N7, N8).
- `events`: each freeze and each gap of 100 ms or more, in seconds of the measurement.
- `uplink_kbps`, `downlink_kbps`: UDP payload offered to the line, RTCP and repeats included.
- `seconds`: at least the profile's own length where it has steps (N6: 90 s, N8: 30 s); `seconds_asked` as asked for.
- `processor_idle`: share of the machine's processor time that nobody used meanwhile.  Server, browser and codecs share
  it; below about 0.2 pictures are late because of the machine, not of the line.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks import line_browser
from benchmarks.freezes import Span, freezes, recovery
from benchmarks.hearing import Heard, Samples, compare, resample
from benchmarks.impair import PROFILES, Profile
from benchmarks.impair_proxy import ProxyProcess
from benchmarks.line_film import film, write_recording, write_wav, write_y4m
from benchmarks.line_sites import ClearSite, ImpairedSite, Record, StockSite
from benchmarks.machine import machine, one_line
from benchmarks.relay_watch import RelayWatch
from benchmarks.server import Server
from benchmarks.speech import NO_WORDS, NO_WORDS_HINT, Speech, speech
from endpoint_client.tones import RATE

Progress = Callable[[float], None]
_WORTH_TELLING = 0.1  # seconds of a freeze or gap
_SETTLE = 5.0  # seconds before the measurement: estimates and buffers find their size


def run(
    progress: Progress | None = None,
    *,
    profile: str = "N2",
    seconds: float = 30.0,
    seed: int = 1,
    quick: bool = False,
) -> dict[str, Any]:
    """Measure one profile.  `quick` is 8 s.

    Profiles that stretch (N6, N8) fit themselves to `seconds` but are never shortened; of the cuts of N7 those are run
    that fit.  Raises
    ValueError for a wrong argument, ServerError or TimeoutError when the conference does not come about.
    """
    if profile not in PROFILES:
        raise ValueError(f"không có đường truyền đó · no such profile: {profile!r}; {', '.join(PROFILES)}")
    if quick:
        seconds = min(seconds, 8.0)
    if not 5 <= seconds <= 3600:
        raise ValueError(f"thời gian đo từ 5 đến 3600 giây · measure for 5 to 3600 s, not {seconds:g}")
    line, takes = PROFILES[profile].over(seconds), PROFILES[profile].length(seconds)
    with tempfile.TemporaryDirectory(prefix="mcu-line-") as folder:
        result = asyncio.run(_Measurement(Path(folder), line, takes, seed, progress or _silent).run())
    return {**result, "seconds_asked": seconds}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was recorded: when, by whom (`client`: the site on the bad line), what the proxy counted and others say."""

    span: Span
    up: Record
    down: Record
    counts: dict[str, Any]
    facts: dict[str, Any]
    client: str


class _Measurement:
    """One run; see the module."""

    def __init__(self, folder: Path, profile: Profile, seconds: float, seed: int, progress: Progress) -> None:
        self._folder, self._profile, self._seconds, self._seed = folder, profile, seconds, seed
        self._progress = progress

    async def run(self) -> dict[str, Any]:
        voices = await asyncio.gather(*(asyncio.to_thread(speech, speaker) for speaker in (0, 1)))
        async with Server(self._folder) as server:
            self._progress(0.05)
            conference = await server.conference("Line")
            bad = await server.site(conference, "Đường truyền kém")
            good = await server.site(conference, "Đường truyền tốt")
            await asyncio.to_thread(self._write, voices, int(bad["number"]), int(good["number"]))
            self._progress(0.15)
            proxy = await ProxyProcess.start(
                self._profile,
                seed=self._seed,
                media=("127.0.0.1", server.relay_port),
                web=("127.0.0.1", server.port),
                seconds=self._seconds,
            )
            clear = ClearSite(good["url"], self._folder / "good.mkv", server.ca, int(bad["number"]))
            impaired = self._impaired(bad["url"], server.ca, proxy)
            watch = RelayWatch(server.run_dir, int(bad["number"]))
            try:
                await clear.join()
                await impaired.join()
                await clear.sees_the_other()
                self._progress(0.25)
                await asyncio.sleep(_SETTLE)
                await watch.start()
                measured = await self._measure(watch, proxy, clear, impaired)
            finally:
                watch.close()
                await impaired.leave()
                await clear.leave()
                await proxy.stop()
        self._progress(0.95)
        return await asyncio.to_thread(judge, self._profile, self._seed, voices, measured)

    def _write(self, voices: list[Speech], bad: int, good: int) -> None:
        """The films and voices of both sites."""
        whole = self._seconds + _SETTLE + 120
        if line_browser.available():
            write_y4m(self._folder / "bad.y4m", film(bad))
            write_wav(self._folder / "bad.wav", voices[0].pcm)
        else:
            write_recording(self._folder / "bad.mkv", film(bad), voices[0].pcm, whole)
        write_recording(self._folder / "good.mkv", film(good), voices[1].pcm, whole)

    def _impaired(self, url: str, ca: Path, proxy: ProxyProcess) -> ImpairedSite:
        folder, ports = self._folder, (proxy.web_port, proxy.media_port)
        if line_browser.available():
            return line_browser.BrowserSite(url, folder / "bad.y4m", folder / "bad.wav", *ports)
        return StockSite(url, folder / "bad.mkv", ca, *ports)

    async def _measure(
        self, watch: RelayWatch, proxy: ProxyProcess, clear: ClearSite, impaired: ImpairedSite
    ) -> Measured:
        """The profile from its beginning to its end."""
        seat = await impaired.seat()
        idle, all_time = _processor()
        await proxy.begin()
        begin = time.time()
        while (passed := time.time() - begin) < self._seconds:
            self._progress(0.25 + 0.65 * passed / self._seconds)
            await asyncio.sleep(min(0.5, self._seconds - passed))
        span = Span(begin, begin + self._seconds)
        counts = await proxy.counts()
        idle_now, all_now = _processor()
        facts = {
            "same_seat": await impaired.seat() == seat,
            "processor_idle": round((idle_now - idle) / max(1, all_now - all_time), 3),
            "relay": await watch.figures(),
        }
        return Measured(span, clear.record(), await impaired.record(), counts, facts, impaired.name)


def judge(profile: Profile, seed: int, voices: Sequence[Speech], measured: Measured) -> dict[str, Any]:
    """The figures of what was recorded; `voices`: what the site on the bad line said, and the other."""
    span, seconds = measured.span, measured.span.seconds
    calm = [Span(span.begin + begin, span.begin + end) for begin, end in profile.calm(seconds)]
    ways = {"up": _Way(span, measured.up, voices[0], calm), "down": _Way(span, measured.down, voices[1], calm)}
    figures: dict[str, Any] = {}
    for key, worse in _FIGURES:
        values = {way: getattr(judged, key) for way, judged in ways.items()}
        known = [value for value in values.values() if value is not None]
        figures[key] = worse(known) if known else None
        figures |= {f"{key}_{way}": value for way, value in values.items()}
    if figures["recovered"] is False:
        figures["recovery_s"] = None
    result = {
        "profile": profile.name,
        "profile_text": profile.en,
        "seconds": round(seconds, 3),
        "seed": seed,
        **figures,
        "speech_metric": "STOI",
        "recoveries_s": {way: judged.recoveries_s for way, judged in ways.items()},
        "events": {way: judged.events for way, judged in ways.items()},
        "uplink_kbps": _kbps(measured.counts["up"], seconds),
        "downlink_kbps": _kbps(measured.counts["down"], seconds),
        "client": measured.client,
        "speech": voices[0].source,
        "picture": "640x360, textured scene with moving people",
        **measured.facts,
        "line": measured.counts,
        "client_figures": measured.down.figures,
        "machine": machine(),
    }
    return {**result, "missed": missed(result)}


def missed(result: Mapping[str, Any]) -> list[str]:
    """The goals that are missed, in either direction."""
    goals = _GOALS.get(result["profile"], {})
    figures = [key for key, goal in goals.items() if not all(_meets(result, key, way, goal) for way in ("up", "down"))]
    return [*figures, *(["same_seat"] if _lost_seat(result) else [])]


def _lost_seat(result: Mapping[str, Any]) -> bool:
    return result["profile"] in _KEEP_THE_SEAT and not result["same_seat"]


def _meets(result: Mapping[str, Any], key: str, way: str, goal: float) -> bool:
    value = result[f"{key}_{way}"]
    if key == "recovery_s" and value is None:
        return result[f"recovered_{way}"] is not False
    return value is not None and (value >= goal if key in _AT_LEAST else value <= goal)


class _Way:
    """One direction, judged."""

    def __init__(self, span: Span, record: Record, voice: Speech, calm: Iterable[Span]) -> None:
        frozen = freezes(record.pictures, span.begin, span.end)
        heard = _judge(voice, record.sound(span.begin, span.end))
        gaps = [Span(span.begin + gap.begin, span.begin + gap.end) for gap in heard.gaps]
        self.freezes_per_min = round(len(frozen) * 60 / span.seconds, 2)
        self.longest_freeze_ms = round(max((freeze.seconds for freeze in frozen), default=0.0) * 1000)
        self.audio_gap_ms_max = round(heard.longest_gap * 1000)
        self.pesq_or_stoi = None if heard.intelligibility is None else round(heard.intelligibility, 3)
        recoveries = recovery(calm, frozen, gaps)
        known = [seconds for seconds in recoveries if seconds is not None]
        self.recovered = len(known) == len(recoveries) if recoveries else None
        self.recovery_s = round(max(known), 2) if self.recovered else None
        self.recoveries_s = [None if seconds is None else round(seconds, 2) for seconds in recoveries]
        self.events = [
            {"what": what, "at_s": round(one.begin - span.begin, 2), "ms": round(one.seconds * 1000)}
            for what, several in (("freeze", frozen), ("gap", gaps))
            for one in several
            if one.seconds >= _WORTH_TELLING
        ]
        self.fps = round(sum(span.begin <= time < span.end for time in record.pictures) / span.seconds, 2)


_FIGURES: tuple[tuple[str, Callable[[list[Any]], Any]], ...] = (
    ("freezes_per_min", max),
    ("longest_freeze_ms", max),
    ("audio_gap_ms_max", max),
    ("pesq_or_stoi", min),
    ("recovery_s", max),
    ("recovered", min),
    ("fps", min),
)


def _judge(voice: Speech, sound: Samples) -> Heard:
    return compare(resample(voice.pcm, RATE), resample(sound, RATE))


def _kbps(counts: dict[str, Any], seconds: float) -> int:
    return round(int(counts["octets"]) * 8 / seconds / 1000)


def _processor() -> tuple[int, int]:
    """Clock ticks idle and in all since the machine started (proc(5)); zeros where there is no such file."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0, 0
    return fields[3] + fields[4], sum(fields)


def table(result: dict[str, Any]) -> Table:
    """The human form of `run`'s result."""
    view = Table(
        title=f"{result['profile']} ({result['profile_text']}), {result['seconds']:.0f} s, "
        f"{result['client']}, {result['speech']}"
    )
    for name in ("figure", "up", "down", "goal"):
        view.add_column(name, justify="left" if name == "figure" else "right")
    goals = _GOALS.get(result["profile"], {})
    for key, text in _ROWS:
        goal = "" if key not in goals else f"{'≥' if key in _AT_LEAST else '≤'} {goals[key]:g}"
        view.add_row(text, *(_figure(result, key, way, goals.get(key)) for way in ("up", "down")), goal)
    view.add_row("sent over the line, kbit/s", _text(result["uplink_kbps"]), _text(result["downlink_kbps"]), "")
    lost = {way: counts["lost"] + counts["queue_full"] + counts["cut"] for way, counts in _ways(result)}
    view.add_row("packets lost by the line", _text(lost["up"]), _text(lost["down"]), "")
    seat = "[bold red]no ✗[/]" if _lost_seat(result) else "yes" if result["same_seat"] else "no"
    view.add_row("same seat", seat, "", "yes" if result["profile"] in _KEEP_THE_SEAT else "")
    view.caption = f"{one_line(result['machine'])}; {result['processor_idle']:.0%} idle"
    if result["seconds"] > result["seconds_asked"]:
        view.caption += f"\n{result['seconds_asked']:g} s were asked for: its steps take {result['seconds']:g} s"
    if result["speech"] == NO_WORDS:
        view.caption += f"\n[bold red]{NO_WORDS_HINT}[/]"
    return view


def _figure(result: Mapping[str, Any], key: str, way: str, goal: float | None) -> str:
    value = result[f"{key}_{way}"]
    text = "not" if key == "recovery_s" and result[f"recovered_{way}"] is False else _text(value)
    return text if goal is None or _meets(result, key, way, goal) else f"[bold red]{text} ✗[/]"


_ROWS = (
    ("freezes_per_min", "freezes a minute"),
    ("longest_freeze_ms", "longest freeze, ms"),
    ("fps", "new pictures a second"),
    ("pesq_or_stoi", "intelligibility of speech (STOI)"),
    ("audio_gap_ms_max", "longest gap in speech, ms"),
    ("recovery_s", "well again after a change, s"),
)
_GOALS: Mapping[str, Mapping[str, float]] = {
    "N2": {"longest_freeze_ms": 500},
    "N3": {"freezes_per_min": 1, "pesq_or_stoi": 0.9},
    "N4": {"audio_gap_ms_max": 200},
    "N6": {"recovery_s": 10},
    "N7": {"recovery_s": 2},
}
_KEEP_THE_SEAT = {"N7", "N8"}
_AT_LEAST = {"pesq_or_stoi"}  # the other figures are better when they are smaller


def _ways(result: dict[str, Any]) -> list[tuple[str, dict[str, int]]]:
    return [(way, result["line"][way]) for way in ("up", "down")]


def _text(value: Any) -> str:
    return "–" if value is None else f"{value}"


def _silent(fraction: float) -> None:
    """Nobody watches."""
