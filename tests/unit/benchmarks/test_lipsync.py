"""Flash and beep are found in what a site received, and which came first is not a matter of luck."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, cast

import pytest
from rich.console import Console

from benchmarks import lipsync
from benchmarks.dtls_client import Identity
from benchmarks.flash_and_beep import BLOCK, RATE, beeps, flashes
from benchmarks.lipsync import GOAL_MS, PPM, case, run, table
from benchmarks.lipsync_judge import Skew, at, beeps_in, flashes_in, skews
from benchmarks.lipsync_site import FRAME_RATE, KEY_EVERY, PERIOD, Heard, Packet, Report, SyncLeg, SyncSite
from benchmarks.loadgen_media import payloads
from benchmarks.machine import machine
from mcu_core.relay import rtcp

TONE, CENTRE = 900.0, (0.5, 0.5)
PERIODS = 4
OPUS_LAG = 0.0065
NTP = 4_000_000_000.0


def sound(late: float = 0.0, first: int = 65_500, base: int = 2**32 - 100_000) -> Heard:
    """Four beeps, said to be taken `late` seconds after their time; sequence numbers and RTP times wrap."""
    packets = beeps(TONE, PERIOD) * PERIODS
    heard = [
        Packet(first + n, (base + n * BLOCK) % 2**32, False, n * 0.02 + 0.1, each) for n, each in enumerate(packets)
    ]
    return Heard(heard, [Report(NTP + late, base), Report(NTP + late + 2, (base + 2 * RATE) % 2**32)])


def picture(first: int = 65_520, base: int = 2**32 - 50_000) -> Heard:
    heard: list[Packet] = []
    for n, frame in enumerate(flashes(PERIOD, FRAME_RATE, KEY_EVERY) * PERIODS):
        parts = payloads(frame)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            time = (base + n * 90_000 // FRAME_RATE) % 2**32
            heard.append(Packet(first + len(heard), time, last, n / FRAME_RATE + 0.2, part))
    return Heard(heard, [Report(NTP, base)])


@pytest.mark.parametrize("late", [-0.2, 0.0, 0.1])
def test_sound_after_its_picture_is_a_negative_skew(late: float) -> None:
    found = skews(picture(), sound(late), TONE, CENTRE, PERIOD)
    assert len(found) == PERIODS - 1, "the first flash has nothing before it"
    assert median(skew.stamped for skew in found) == pytest.approx(-late - OPUS_LAG, abs=0.006)
    assert median(skew.arrived for skew in found) == pytest.approx(0.1 - OPUS_LAG, abs=0.006)


def test_a_beep_whose_beginning_was_lost_does_not_count_as_late() -> None:
    heard = sound()
    whole = beeps_in(heard, TONE)
    del heard.packets[2 * 52]  # the first of the third beep
    torn = beeps_in(heard, TONE)
    assert len(torn) == len(whole) - 1
    assert {beep.ntp for beep in torn} < {beep.ntp for beep in whole}


def test_a_beep_torn_in_its_middle_is_one_beep() -> None:
    heard = sound()
    del heard.packets[2 * 52 + 3 : 2 * 52 + 8]
    assert all((beep.ntp - NTP) % PERIOD < 0.03 for beep in beeps_in(heard, TONE))


def test_a_beep_that_lost_its_beginning_before_it_was_mixed_does_not_count() -> None:
    heard = sound()
    silence = heard.packets[40].payload
    for n in (2 * 52, 2 * 52 + 1):
        heard.packets[n] = replace(heard.packets[n], payload=silence)
    assert len(beeps_in(heard, TONE)) == PERIODS - 2


def test_another_tone_is_not_heard() -> None:
    assert beeps_in(sound(), 1500.0) == []


def test_a_flash_whose_picture_is_not_whole_does_not_count() -> None:
    seen = picture()
    lit = [packet for packet in seen.packets if packet.arrived == pytest.approx(2 * PERIOD + 0.2)]
    for packet in lit:
        seen.packets.remove(packet)
    assert len(flashes_in(seen, CENTRE)) == PERIODS - 2


def test_packets_that_came_out_of_order_or_twice_are_put_in_order() -> None:
    seen, heard = picture(), sound()
    for one in (seen, heard):
        one.packets[40], one.packets[44] = one.packets[44], one.packets[40]
        one.packets.insert(60, one.packets[55])
    assert len(skews(seen, heard, TONE, CENTRE, PERIOD)) == PERIODS - 1


def test_without_reports_nothing_is_known() -> None:
    assert skews(Heard(picture().packets), sound(), TONE, CENTRE, PERIOD) == []
    assert skews(picture(), Heard(), TONE, CENTRE, PERIOD) == []


def test_times_go_by_the_nearest_report() -> None:
    reports = [Report(100.0, 2**32 - 48_000), Report(200.0, 48_000)]
    assert at(reports, 0, RATE) == pytest.approx(101.0)
    assert at(reports, 24_000, RATE) == pytest.approx(199.5)


IN_STEP = Skew(0.0, 0.0)


def shown(*cases: dict[str, Any]) -> str:
    console = Console(record=True, width=200)
    console.print(table({"seconds": 2.0, "goal_ms": list(GOAL_MS), "cases": cases, "machine": machine()}))
    return console.export_text()


def test_what_is_outside_the_goal_is_counted_and_shown() -> None:
    found = [[Skew(0.046, 0.0), Skew(0.044, 0.0)], [Skew(-0.126, 0.1), Skew(-0.124, 0.0)]]
    judged = case("N3", "passed", found, 2 * PERIOD, True)
    assert (judged["samples"], judged["flashed"], judged["outside"], judged["missed"]) == (4, 4, 2, ["outside"])
    assert judged["skew_ms"] == {"min": -126.0, "p5": -126.0, "p50": 44.0, "p95": 46.0, "max": 46.0}
    text = shown(judged)
    assert "-125 … +45" in text
    assert "2 ✗" in text
    assert f"±{PPM:g} ppm" in text


def test_a_case_without_enough_samples_misses_its_goal() -> None:
    assert case("N0", "mixed", [[], []], 2 * PERIOD, True)["missed"] == ["samples"]
    assert case("N0", "mixed", [[IN_STEP], [IN_STEP]], 2 * PERIOD, True)["missed"] == []
    few = case("N0", "mixed", [[IN_STEP], []], 2 * PERIOD, True)
    assert few["missed"] == ["samples"]
    assert "1/4 ✗" in shown(few)


def test_a_case_that_fell_back_to_the_mixed_picture_says_so() -> None:
    fell = case("N0", "passed", [[IN_STEP], [IN_STEP]], PERIOD, False)
    assert fell["missed"] == ["kept"]
    assert "not always passed ✗" in shown(fell)


async def test_a_site_counts_the_changes_of_its_picture() -> None:
    site = SyncSite(SyncLeg(Identity(), TONE, 0, 1), "https://127.0.0.1:1", None, "token", "A")
    try:
        for passed in (False, True, True, False, True):
            await site._hear({"type": "picture", "passed": passed, "name": None})
        assert (site.passed, site.changes) == (True, 3)
    finally:
        site.leg.close()


async def test_what_went_wrong_with_one_site_leaves_neither_the_other_nor_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stopped: list[str] = []

    class Server:
        relay_port, port, url, ca = 1, 2, "https://127.0.0.1:2", tmp_path

        async def conference(self, title: str) -> str:
            return title

        async def site(self, conference: str, name: str, role: str) -> dict[str, Any]:
            return {"token": name, "name": name}

    class Proxy:
        media_port = 3

        @classmethod
        async def start(cls, *_: Any, **__: Any) -> Proxy:
            return cls()

        async def stop(self) -> None:
            stopped.append("proxy")

    class Broken(SyncSite):
        def start(self) -> None:
            self.leg.joined_at = 1.0
            self._tasks = [asyncio.create_task(self._break()), asyncio.create_task(asyncio.sleep(60))]

        async def _break(self) -> None:
            raise RuntimeError(f"{self.name} broke")

        async def leave(self) -> None:
            try:
                await super().leave()
            finally:
                assert all(task.done() for task in self._tasks)
                assert self.leg.socket.fileno() == -1
                stopped.append(self.name)

    async def show(*_: Any) -> None:
        raise TimeoutError

    for name, fake in (("ProxyProcess", Proxy), ("SyncSite", Broken), ("_show", show), ("trust", lambda *_: None)):
        monkeypatch.setattr(lipsync, name, fake)
    with pytest.raises(RuntimeError, match="broke"):
        await lipsync._line(cast(Any, Server()), "N0", 3.0, 1, ["mixed"], lambda _: None)
    assert stopped == ["Điểm cầu 2", "Điểm cầu 1", "proxy"]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="3600"):
        run(seconds=1)
    with pytest.raises(ValueError, match="no such"):
        run(profile="N9")
    with pytest.raises(ValueError, match="no such"):
        run(picture="drawn")


def test_a_site_sends_again_what_was_lost_and_keeps_its_beat() -> None:
    sent: list[bytes] = []

    class Plain(SyncLeg):
        """Its packets are not encrypted."""

        def _open(self, data: bytes) -> bytes | None:
            return data[12:]

        def _send_rtcp(self, packet: bytes) -> None:
            sent.append(packet)

    leg = Plain(Identity(), TONE, 100, 1)
    try:
        first = picture(first=0)
        for packet in first.packets[:20]:
            if packet.sequence != 5:
                header = b"\x80\xe6" + packet.sequence.to_bytes(2, "big") + packet.rtp_time.to_bytes(4, "big")
                leg._video(header + (7).to_bytes(4, "big") + packet.payload, packet.marker, 1.0)
        leg._ask(1.0)
        leg._ask(1.05)
        assert [message for packet in sent for message in rtcp.parse(packet, len(packet))] == [rtcp.Nack(7, (5,))]
        index = leg._video_out.index = 3
        leg._obey(rtcp.KeyframeRequest(leg._video_out.ssrc), 1.0)
        assert leg._video_out.index == index
    finally:
        leg.close()
