"""By how much the sound of what a site received is before its picture: flash and beep found in the packets themselves.

A moment of a stream is placed by its RTP time and the sender reports (RFC 3550, section 6.4.1), as a receiver places it
that keeps both in step.  A flash counts only when the picture and the one before it came whole, a beep only when no
packet around its beginning is missing: what was lost would look like lateness.  Pure; times in seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmarks.flash_and_beep import BLOCK, RATE, Pcm, beep_starts, is_white
from benchmarks.lipsync_site import Heard, Packet, Report
from benchmarks.loadgen_media import assemble
from mcu_core.errors import EndpointError
from mcu_core.relay.rtp import time_delta
from mixer.codec import OpusDecoder, VideoDecoder
from mixer.picture import Picture

_AROUND = 3  # packets before a beep that must be there


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is to be shown or heard by its sender's clock, and when it came."""

    ntp: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Skew:
    """Seconds by which a beep is before its flash; negative: after it.  As stamped, and as it arrived."""

    stamped: float
    arrived: float


def skews(picture: Heard, sound: Heard, tone: float, place: tuple[float, float], period: float) -> list[Skew]:
    """Each flash seen at `place` (fractions of the picture) beside the beep that is nearest to it."""
    heard = beeps_in(sound, tone)
    found = []
    for flash in flashes_in(picture, place):
        beep = min(heard, key=lambda one: abs(one.ntp - flash.ntp), default=None)
        if beep is not None and abs(beep.ntp - flash.ntp) < period / 2:
            found.append(Skew(flash.ntp - beep.ntp, flash.arrived - beep.arrived))
    return found


def at(reports: Sequence[Report], rtp_time: int, rate: int) -> float:
    """The sender's clock at an RTP time, by the report that is nearest."""
    since = min(((time_delta(rtp_time, one.rtp_time), one.ntp) for one in reports), key=lambda each: abs(each[0]))
    return since[1] + since[0] / rate


def beeps_in(sound: Heard, tone: float) -> list[Moment]:
    if not sound.reports:
        return []
    packets = _in_order(sound.packets)
    decoder = OpusDecoder()
    pcm: list[Pcm] = []
    place: list[Packet | None] = []
    for before, packet in zip([None, *packets], packets, strict=False):
        lost = 0 if before is None else min(packet.sequence - before.sequence - 1, 50)
        pcm += [decoder.conceal(BLOCK) for _ in range(lost)]
        pcm.append(decoder.decode(packet.payload))
        place += [None] * lost + [packet]
    decoder.close()
    found = []
    for start in beep_starts(np.concatenate(pcm), tone) if pcm else ():
        block = start // BLOCK
        first = place[block]
        if first is not None and None not in place[max(0, block - _AROUND) : block]:
            ntp = at(sound.reports, first.rtp_time, RATE) + start % BLOCK / RATE
            found.append(Moment(ntp, first.arrived + start % BLOCK / RATE))
    return found


def flashes_in(picture: Heard, place: tuple[float, float]) -> list[Moment]:
    if not picture.reports:
        return []
    decoder = VideoDecoder("H264")
    found, was_white, was_whole = [], True, False
    follows = -1  # the sequence number that the next picture begins with
    for packets in _pictures(_in_order(picture.packets)):
        first, last = packets[0], packets[-1]
        whole = first.sequence == follows and last.marker and last.sequence - first.sequence == len(packets) - 1
        follows = last.sequence + 1
        white = was_white
        with contextlib.suppress(EndpointError, ValueError):
            for frame in decoder.decode(assemble([packet.payload for packet in packets]), first.rtp_time):
                shown = Picture.from_frame(frame)
                height, width = shown.y.shape
                white = is_white(shown, round(place[0] * width), round(place[1] * height))
        if white and not was_white and whole and was_whole:
            ntp = at(picture.reports, first.rtp_time, 90_000)
            found.append(Moment(ntp, max(packet.arrived for packet in packets)))
        was_white, was_whole = white, whole
    decoder.close()
    return found


def _pictures(packets: Iterable[Packet]) -> Iterable[list[Packet]]:
    return (list(group) for _, group in groupby(packets, key=lambda packet: packet.rtp_time))


def _in_order(packets: Iterable[Packet]) -> list[Packet]:
    """By sequence number, none twice; a copy came when the first did."""
    first: dict[int, Packet] = {}
    for packet in packets:
        first.setdefault(packet.sequence, packet)
    return [first[sequence] for sequence in sorted(first)]
