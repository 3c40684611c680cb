"""Inbound video: order, loss, keyframes.  A fake clock; sequence numbers over the wrap."""

from __future__ import annotations

import itertools
import random

import pytest

from mcu_core.relay import packetize
from mcu_core.relay.ingest import KeyframeAsker, VideoIngest
from mcu_core.relay.reception import Reception
from mcu_core.relay.rtp import FIXED
from mcu_core.wire import Codec
from tests.unit.relay.packets import picture, rtp_packet


class Sender:
    """Packetises pictures into numbered packets of 15 a second."""

    def __init__(self, first: int = 0, codec: Codec = "H264") -> None:
        self.sequence = first
        self.number = 0
        self.codec = codec

    def picture(self, size: int = 3000, keyframe: bool = False) -> list[bytes]:
        if self.codec == "H264":
            payloads = packetize.h264(picture(size, keyframe, self.number))
        else:
            payloads = packetize.vp8(bytes((0x10 if keyframe else 0x11,)) + bytes(size), self.number)
        packets = []
        for number, payload in enumerate(payloads):
            last = number == len(payloads) - 1
            packets.append(rtp_packet(self.sequence, self.number * 6000, payload, marker=last))
            self.sequence += 1
        self.number += 1
        return packets


class Receiver:
    """An ingest that is wanted, and what came out of it."""

    def __init__(self, codec: Codec = "H264") -> None:
        self.frames: list[tuple[bool, int, int]] = []
        self.troubles = 0
        self.ingest = VideoIngest(7, codec, self._frame, self._trouble)
        self.ingest.want(True)
        self.asked: list[int] = []
        self.plis = 0

    def _frame(self, keyframe: bool, rtp_time: int, data: bytes, now: float) -> None:
        self.frames.append((keyframe, rtp_time // 6000, len(data)))

    def _trouble(self) -> None:
        self.troubles += 1

    def hear(self, packets: list[bytes], now: float) -> None:
        for data in packets:
            self.ingest.receive(data, len(data), FIXED.unpack_from(data), now)

    def pass_time(self, now: float, rtt: float = 0.05) -> list[int]:
        asked = self.ingest.service(now, rtt)
        self.asked += asked
        self.plis += self.ingest.keyframes.due(now)
        return asked

    @property
    def seen(self) -> list[int]:
        return [number for _, number, _ in self.frames]


@pytest.mark.parametrize("first", [0, 2**15 - 4, 2**16 - 4])
@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_pictures_come_out_at_their_marker(first: int, codec: Codec) -> None:
    sender, receiver = Sender(first, codec), Receiver(codec)
    receiver.hear(sender.picture(keyframe=True), 0.0)
    for number in range(1, 6):
        packets = sender.picture()
        receiver.hear(packets[:-1], number / 15)
        assert receiver.seen == list(range(number))
        receiver.hear(packets[-1:], number / 15)
        assert receiver.seen == list(range(number + 1))


def test_nothing_before_the_first_keyframe() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture() + sender.picture(), 0.0)
    receiver.pass_time(0.0)
    assert receiver.frames == []
    assert receiver.plis == 1
    receiver.hear(sender.picture(keyframe=True) + sender.picture(), 0.1)
    assert receiver.seen == [2, 3]


def test_the_first_keyframe_without_its_parameter_sets_is_of_no_use_and_asked_for_again() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True)[1:] + sender.picture(), 0.0)  # lost before there was a number to miss
    receiver.pass_time(0.0)
    assert receiver.frames == []
    assert receiver.ingest.dropped == {"frame_undecodable": 1}
    assert receiver.plis == 1
    receiver.hear(sender.picture(keyframe=True) + sender.picture(), 0.3)
    receiver.pass_time(1.0)
    assert receiver.seen == [2, 3]
    assert receiver.plis == 1


def test_the_head_of_a_keyframe_is_asked_for_when_a_stream_is_wanted_again() -> None:
    sender, receiver = Sender(2**16 - 9), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.ingest.want(False)
    skimmed = sender.picture()
    for data in skimmed:
        assert receiver.ingest.skim(data, len(data), FIXED.unpack_from(data), 0.1)
    receiver.ingest.want(True)
    head, *rest = sender.picture(keyframe=True)  # perhaps of another size: the sets that are known would be wrong
    receiver.hear(rest, 1.0)
    assert receiver.seen == [0]
    assert receiver.pass_time(1.02) == [FIXED.unpack_from(head)[2]]
    receiver.hear([head], 1.1)
    assert receiver.seen == [0, 2]


def test_a_keyframe_whose_sets_stay_lost_is_not_begun_with_older_ones() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    receiver.hear(sender.picture(keyframe=True)[1:], 1.0)
    receiver.pass_time(2.0)
    assert receiver.seen == [0]
    assert receiver.plis == 1
    receiver.hear(sender.picture(keyframe=True), 2.1)
    assert receiver.seen == [0, 2]


@pytest.mark.parametrize("own_time", [False, True])
def test_parameter_sets_in_pictures_of_their_own_are_kept_for_the_keyframe(own_time: bool) -> None:
    receiver, number, time = Receiver(), 0, 0
    for keyframe in (True, False, True, False):
        for unit in picture(900, keyframe).split(b"\0\0\0\1")[1:]:
            data = rtp_packet(number, time, unit, marker=unit[0] & 31 in (1, 5) or not own_time)
            receiver.hear([data], number / 100)
            number, time = number + 1, time + (3000 if own_time else 0)
        time += 3000
    whole = [size for keyframe, _, size in receiver.frames if keyframe]
    assert len(whole) == 2
    assert min(whole) == len(picture(900, keyframe=True))


def test_an_answer_that_was_asked_for_is_waited_for_though_the_line_seems_longer_then() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    receiver.hear(sender.picture(6000)[1:], 1.0)
    asked: list[float] = []
    for ms in range(1, 2000):
        asked += [ms / 1000] * len(receiver.pass_time(1 + ms / 1000, 0.205 if len(asked) < 3 else 0.23))
        if receiver.ingest.keyframes.wanted:
            break
    assert len(asked) == 3
    assert asked[2] + 0.23 < ms / 1000 < 0.82


@pytest.mark.parametrize("first", [0, 2**16 - 5])
def test_reordered_and_doubled_packets_do_no_harm(first: int) -> None:
    sender, receiver = Sender(first), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    source = random.Random(4)
    for number in range(1, 30):
        packets = sender.picture(6000)
        shuffled = [*packets, source.choice(packets)]
        source.shuffle(shuffled)
        receiver.hear(shuffled, number / 15)
        assert receiver.pass_time(number / 15 + 0.001) == []
    assert receiver.seen == list(range(30))


@pytest.mark.parametrize("first", [0, 2**16 - 7])
def test_lost_packet_is_asked_for_and_repaired(first: int) -> None:
    sender, receiver = Sender(first), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    packets = sender.picture(6000)
    lost = packets.pop(2)
    receiver.hear(packets, 1.0)
    assert receiver.troubles
    missing = int.from_bytes(lost[2:4], "big")
    assert receiver.pass_time(1.002) == [], "it may only be late"
    assert receiver.pass_time(1.01) == [missing]
    assert receiver.pass_time(1.03) == [], "not again within a round trip"
    assert receiver.pass_time(1.08) == [missing]
    receiver.hear([lost], 1.09)
    assert receiver.seen == [0, 1]
    assert receiver.pass_time(1.3) == []


def test_retransmission_stream_repairs_and_padding_on_it_is_ignored() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    packets = sender.picture(6000)
    lost = packets.pop(1)
    receiver.hear(packets, 1.0)
    again = rtp_packet(900, 6000, lost[2:4] + lost[12:], ssrc=8, marker=bool(lost[1] & 0x80))
    for data in (rtp_packet(899, 6000, b"", ssrc=8, padding=200), again, again):
        receiver.ingest.receive_rtx(data, len(data), FIXED.unpack_from(data), 1.05)
    assert receiver.seen == [0, 1]


def test_unrepaired_loss_skips_to_the_next_keyframe_with_one_request() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    receiver.hear(sender.picture(6000)[1:], 1.0)
    now = 1.0
    while now < 1.5:
        receiver.hear(sender.picture(), now)
        receiver.pass_time(now)
        now += 1 / 15
    assert receiver.seen == [0]
    assert receiver.plis == 1
    receiver.hear(sender.picture(keyframe=True) + sender.picture(), now)
    assert receiver.seen[1:] == [sender.number - 2, sender.number - 1]


@pytest.mark.parametrize(
    ("rtt", "nacks", "gives_up"),
    [
        (0.005, 3, 0.20),
        (0.02, 3, 0.20),
        (0.05, 3, 0.22),
        (0.1, 3, 0.40),
        (0.15, 3, 0.58),
        (0.2, 3, 0.76),
        (0.25, 2, 0.64),  # the answer to a third would come too late
        (0.3, 2, 0.76),
        (0.5, 2, 1.24),
    ],
)
def test_a_packet_is_asked_for_twice_or_three_times_and_given_up_when_an_answer_would_have_come(
    rtt: float, nacks: int, gives_up: float
) -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    receiver.hear(sender.picture(6000)[1:], 1.0)
    asked, until = [], 0.0
    for ms in range(1, 2000):
        now = 1 + ms / 1000
        asked += [ms / 1000] * len(receiver.pass_time(now, rtt))
        if receiver.ingest.keyframes.wanted:
            until = ms / 1000
            break
    assert len(asked) == nacks
    assert until == pytest.approx(gives_up, abs=0.003)
    assert asked[-1] + rtt < until, "nobody is asked in vain"
    assert asked[-1] > 0.09, "an outage of 90 ms is repaired on the shortest line too"
    assert receiver.plis == 1


def test_keyframe_behind_a_hole_is_used_when_the_hole_is_given_up() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.hear(sender.picture(6000)[1:], 1.0)
    receiver.hear(sender.picture(keyframe=True) + sender.picture(), 1.1)
    assert receiver.seen == [0]
    receiver.pass_time(1.25)
    assert receiver.seen == [0, 2, 3]


def test_keyframe_requests_are_rare_and_get_rarer() -> None:
    asker = KeyframeAsker()
    asker.want()
    times = [t / 100 for t in range(1000) if asker.due(t / 100)]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert min(gaps) >= 0.5
    assert gaps == sorted(gaps)
    asker.arrived(10.0)
    assert not asker.due(20.0)
    asker.want()
    assert asker.due(20.0)


def test_unwanted_stream_is_not_assembled_and_begins_with_a_keyframe_again() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.pass_time(0.0)
    receiver.ingest.want(False)
    receiver.hear(sender.picture(), 0.1)
    assert receiver.seen == [0]
    receiver.ingest.want(True)
    receiver.pass_time(0.2)
    assert receiver.plis == 1
    receiver.hear(sender.picture() + sender.picture(keyframe=True) + sender.picture(), 0.3)
    assert receiver.seen == [0, 3, 4]


def test_sender_that_forgets_the_marker_still_works() -> None:
    sender, receiver = Sender(), Receiver()
    for number in range(3):
        packets = sender.picture(keyframe=number == 0)
        receiver.hear([data[:1] + bytes((data[1] & 0x7F,)) + data[2:] for data in packets], number / 15)
    assert receiver.seen == [0, 1]


def test_padding_packets_between_pictures_change_nothing() -> None:
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    receiver.hear([rtp_packet(sender.sequence, 0, b"", padding=100)], 0.01)
    sender.sequence += 1
    receiver.hear(sender.picture(), 0.1)
    assert receiver.seen == [0, 1]


def test_sender_that_begins_anew_is_followed() -> None:
    sender, receiver = Sender(100), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    sender.sequence = 40_000
    receiver.hear(sender.picture(keyframe=True) + sender.picture(), 1.0)
    assert receiver.seen[-1] == 2


def test_endless_picture_is_dropped() -> None:
    receiver = Receiver()
    head = picture(50, keyframe=True)
    packets = [rtp_packet(0, 0, packetize.h264(head)[0])]
    packets += [rtp_packet(n, 0, b"\x61" + bytes(1000)) for n in range(1, 1200)]
    receiver.hear(packets, 0.0)
    assert receiver.frames == []
    assert receiver.ingest.dropped["frame_too_large"] == 1


def test_hostile_packets_never_break_and_memory_stays_bounded() -> None:
    receiver = Receiver()
    source = random.Random(9)
    now = 0.0
    for _ in range(6000):
        now += 0.002
        data = rtp_packet(
            source.randrange(65536) if source.random() < 0.3 else int(now * 100),
            source.randrange(2**32),
            source.randbytes(source.randrange(30)),
            marker=source.random() < 0.3,
        )
        receiver.hear([data], now)
        receiver.pass_time(now)
    assert len(receiver.ingest._waiting) <= 800
    assert len(receiver.ingest._holes) <= 1200


@pytest.mark.parametrize("first", [10, 2**15, 2**16 - 10])
def test_report_counts_loss_and_jitter(first: int) -> None:
    reception = Reception(7, 90_000)
    for number in range(100):
        if number % 10 != 3:
            reception.hear((first + number) & 0xFFFF, number * 3000, number / 30 + (0.01 if number % 2 else 0.0))
    block = reception.block(4.0)
    assert block.lost == 10
    assert block.fraction == pytest.approx(0.1)
    assert block.highest & 0xFFFF == (first + 99) & 0xFFFF
    assert reception.jitter_ms == pytest.approx(10, abs=3)
    assert (block.lsr, block.dlsr) == (0, 0)
    for number in range(100, 120):
        reception.hear((first + number) & 0xFFFF, number * 3000, number / 30)
    reception.sender_report(0x11112222_33334444, 4.0)
    block = reception.block(4.5)
    assert block.fraction == 0.0
    assert (block.lsr, block.dlsr) == (0x22223333, 32768)


def with_holes(count: int) -> Receiver:
    """Has so many packets missing, each with one behind it."""
    sender, receiver = Sender(), Receiver()
    receiver.hear(sender.picture(keyframe=True), 0.0)
    packets = [packet for _ in range(count) for packet in sender.picture(1800)]
    receiver.hear(packets[1::2], 0.1)
    return receiver


def test_on_a_full_line_many_holes_are_given_up_and_a_keyframe_is_wanted() -> None:
    receiver = with_holes(20)
    assert receiver.ingest.service(0.12, 0.05, crowded=True) == []
    assert receiver.ingest.keyframes.wanted
    assert receiver.seen == [0]


def test_on_a_line_that_loses_much_each_try_is_two_packets() -> None:
    receiver = with_holes(1)  # since 0.1
    ingest = receiver.ingest
    asked = [at for at in range(1, 31) if ingest.service(0.1 + at / 100, 0.1, twice=True)]
    assert asked == [1, 3, 13, 15, 25, 27]
    receiver = with_holes(1)
    (missing,) = receiver.ingest.service(0.11, 0.1, twice=True)
    assert receiver.ingest.service(0.12, 0.1, twice=True) == []
    assert receiver.ingest.service(0.13, 0.1, twice=True) == [missing]
    receiver = with_holes(1)
    assert len(receiver.ingest.service(0.11, 0.1, crowded=True, twice=True)) == 1
    assert receiver.ingest.service(0.13, 0.1, crowded=True, twice=True) == [], "answers would keep it full"


def test_on_a_full_line_a_few_holes_are_asked_for_once() -> None:
    receiver = with_holes(5)
    assert len(receiver.ingest.service(0.12, 0.05, crowded=True)) == 5
    assert receiver.ingest.service(0.19, 0.05, crowded=True) == []
    assert len(receiver.ingest.service(0.2, 0.05)) == 5, "and again when it is not full any more"
