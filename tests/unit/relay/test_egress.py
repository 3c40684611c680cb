"""One ring for all viewers: joining at keyframes, switching, NACKs, pacing, sound.  A socket that only keeps."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pylibsrtp
import pytest

from mcu_core.relay import depacketize, rtp
from mcu_core.relay.aiortc_shim import Keys, Opener
from mcu_core.relay.egress import (
    RESEND_AGAIN,
    SLICE,
    TURN_TIME,
    Egress,
    VideoSender,
)
from mcu_core.relay.listeners import AudioSender, Listeners
from mcu_core.relay.outlet import Outlet
from mcu_core.relay.ring import KEYFRAME_FRESH, REQUEST_GAP, Ring
from mcu_core.wire import AudioOut, VideoOut
from tests.unit.relay.packets import FakeOutbox, FakeSocket, picture

HERE, THERE = bytes(range(44)), bytes(range(100, 144))


class Later:
    """The loop's `call_later`, in the test's hands."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, delay: float, call: Callable[[], None]) -> None:
        self.calls.append((delay, call))

    def run(self) -> float:
        """Run the first; returns its delay."""
        delay, call = self.calls.pop(0)
        call()
        return delay


class Viewer:
    """A leg's sending side and the browser behind it."""

    def __init__(self, number: int, sock: FakeSocket, rtx: bool = False) -> None:
        self.address = ("192.0.2.1", number)
        self.sock = sock
        self.outlet = Outlet()
        self.outlet.keys = Keys.from_secrets(HERE, THERE)
        self.outlet.sock, self.outlet.address = sock.as_socket, self.address
        self.video = VideoSender(
            self.outlet, 1000 + number, 96 + number, 2000 + number if rtx else None, 97 if rtx else None
        )
        self.audio = AudioSender(self.outlet, 3000 + number, 111)
        self._keys = Keys.from_secrets(THERE, HERE)
        self._opener = Opener()

    def use(self, profile: int, secret: int, tag: int) -> None:
        """Another SRTP profile, whose key and salt have `secret` octets."""

        def session(kind: int) -> pylibsrtp.Session:
            key = bytes(range(secret))
            return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile))

        self.outlet.keys, self._keys = (
            Keys(session(pylibsrtp.Policy.SSRC_ANY_INBOUND), session(pylibsrtp.Policy.SSRC_ANY_OUTBOUND), tag)
            for _ in range(2)
        )

    def got(self) -> list[tuple[rtp.Header, bytes]]:
        """What has arrived since the last call, decrypted."""
        found = []
        for data, address in self.sock.sent:
            if address == self.address:
                self._opener.buffer[: len(data)] = data
                size = self._opener.open(self._keys.receive, len(data))
                if size > 0:
                    header = rtp.parse(self._opener.buffer, size)
                    assert header is not None
                    found.append((header, bytes(self._opener.buffer[header.start : header.end])))
        self.sock.sent = [entry for entry in self.sock.sent if entry[1] != self.address]
        return found


class NoSegments(FakeSocket):
    """A way out that cannot cut packets."""

    def send_cut(self, data: memoryview, segment: int, address: object) -> None:
        raise OSError(errno.EIO, "no checksum offload")


def pictures(got: list[tuple[rtp.Header, bytes]]) -> list[tuple[bytes, bool] | None]:
    frames, parts = [], []
    for header, payload in got:
        parts.append(payload)
        if header.marker:
            frames.append(depacketize.h264(parts))
            parts = []
    return frames


def sequences(got: list[tuple[rtp.Header, bytes]]) -> list[int]:
    return [header.sequence for header, _ in got]


def show(ring: Ring, number: int, size: int = 3000, keyframe: bool = False) -> bytes:
    payload = picture(size, keyframe, number)
    ring.add(VideoOut(ring.rendition, keyframe, number / 30, number * 3000, payload), number / 30)
    return payload


@pytest.fixture
def sock() -> FakeSocket:
    return FakeSocket()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def egress(later: Later) -> Egress:
    return Egress(later, clock=lambda: 0.0, outbox=FakeOutbox)


@pytest.mark.parametrize("gso", [True, False])
def test_all_viewers_get_the_same_picture_with_their_own_numbers(sock: FakeSocket, later: Later, gso: bool) -> None:
    egress = Egress(later, gso=gso, clock=lambda: 0.0, outbox=FakeOutbox)
    ring = Ring(1, "H264")
    viewers = [Viewer(number, sock) for number in range(3)]
    for viewer in viewers:
        viewer.video.enter(ring, 0, 0.0)
    sent = []
    for number in range(5):
        sent.append((show(ring, number, 4000 + 7 * number, keyframe=number == 0), number == 0))
        egress.push(viewer.video for viewer in viewers)
    for number, viewer in enumerate(viewers):
        got = viewer.got()
        assert pictures(got) == sent
        assert {(h.ssrc, h.payload_type) for h, _ in got} == {(1000 + number, 96 + number)}
        first = got[0][0].sequence
        assert first < 2**15
        assert sequences(got) == list(range(first, first + len(got)))
        assert viewer.video.packets == len(got)
    assert sock.calls < 40 if gso else sock.calls > 40


@pytest.mark.parametrize("edge", [2**15, 2**16])
def test_sequence_numbers_go_over_the_edge(egress: Egress, sock: FakeSocket, edge: int) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.offset = edge - 10
    viewer.video.enter(ring, 0, 0.0)
    for number in range(10):
        show(ring, number)
        egress.push([viewer.video])
    got = sequences(viewer.got())
    assert got == [(edge - 10 + n) & 0xFFFF for n in range(30)]
    egress.resend(viewer.video, [edge - 1, edge & 0xFFFF], 1.0)
    assert len(sock.sent) == 2
    assert viewer.video.locate((edge + 50) & 0xFFFF) is None
    assert viewer.video.locate(edge - 11) is None


def test_change_of_rendition_begins_at_its_keyframe_without_a_gap(egress: Egress, sock: FakeSocket) -> None:
    old, new = Ring(1, "H264"), Ring(2, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(old, 0, 0.0)
    for number in range(4):
        show(old, number)
        egress.push([viewer.video])
    for number in range(6):
        show(new, number, 500)
    entry = new.next
    shown = show(new, 6, 5000, keyframe=True)
    before = viewer.got()
    viewer.video.enter(new, entry, 0.2)
    egress.push([viewer.video])
    after = viewer.got()
    assert pictures(after) == [(shown, True)]
    assert sequences(after)[0] == sequences(before)[-1] + 1
    assert rtp.time_delta(after[0][0].rtp_time, before[-1][0].rtp_time) == 3 * 3000
    assert viewer.video.shift == 0
    egress.resend(viewer.video, [sequences(before)[-1], sequences(after)[0]], 0.3)
    again = [data for data, _ in sock.sent]
    assert len(again) == 2, "packets from before the change can still be had"


def test_pictures_of_the_same_tick_from_two_renditions_have_different_times(egress: Egress, sock: FakeSocket) -> None:
    old, new = Ring(1, "H264"), Ring(2, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(old, 0, 0.0)
    for ring in (old, new):
        show(ring, 0, keyframe=True)
    egress.push([viewer.video])
    viewer.video.enter(new, 0, 0.0)
    egress.push([viewer.video])
    show(new, 1)
    egress.push([viewer.video])
    got = viewer.got()
    assert len(pictures(got)) == 3
    times = sorted({header.rtp_time for header, _ in got})
    assert len(times) == 3
    assert 0 < times[1] - times[0] < 900
    resent = [header.sequence for header, _ in got][-1]
    egress.resend(viewer.video, [resent], 1.0)
    assert viewer.got() == [], "it is the very same packet: replay protection drops it"


def test_leaving_and_coming_back_has_no_gap(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0)
    egress.push([viewer.video])
    before = sequences(viewer.got())
    viewer.video.leave()
    show(ring, 1)
    egress.push([viewer.video])
    assert viewer.got() == []
    entry = ring.next
    show(ring, 2, keyframe=True)
    viewer.video.enter(ring, entry, 1.0)
    egress.push([viewer.video])
    assert sequences(viewer.got())[0] == before[-1] + 1


def test_nack_is_answered_once_per_round_trip(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 6000)
    egress.push([viewer.video])
    sent = list(sock.sent)
    lost = sequences(viewer.got())[2]
    viewer.video.rtt = 0.08
    for now in (1.0, 1.01, 1.05):
        egress.resend(viewer.video, [lost], now)
    assert [data for data, _ in sock.sent] == [sent[2][0]], "the very same packet"
    egress.resend(viewer.video, [lost], 1.065)
    assert len(sock.sent) == 2, "the viewer's round trip may be shorter than ours"


def test_nack_is_answered_as_rtx_where_negotiated(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock, rtx=True)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 6000)
    egress.push([viewer.video])
    lost, payload = viewer.got()[3]
    egress.resend(viewer.video, [lost.sequence], 1.0)
    ((header, data),) = viewer.got()
    assert (header.ssrc, header.payload_type, header.rtp_time) == (2001, 97, lost.rtp_time)
    assert data == lost.sequence.to_bytes(2, "big") + payload


def test_on_a_lossy_line_an_answer_is_followed_by_a_copy(egress: Egress, later: Later, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock, rtx=True)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 6000)
    egress.push([viewer.video])
    lost, payload = viewer.got()[3]
    viewer.video.twice = True
    egress.resend(viewer.video, [lost.sequence], 1.0)
    assert later.run() == RESEND_AGAIN
    (first, data), (second, copy) = viewer.got()
    assert (second.sequence - first.sequence, first.rtp_time, second.rtp_time) == (1, lost.rtp_time, lost.rtp_time)
    assert data == copy == lost.sequence.to_bytes(2, "big") + payload
    assert not later.calls


def test_no_copy_is_sent_to_a_viewer_that_has_left_meanwhile(egress: Egress, later: Later, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 6000)
    egress.push([viewer.video])
    lost = sequences(viewer.got())[3]
    viewer.video.twice = True
    egress.resend(viewer.video, [lost], 1.0)
    viewer.outlet.keys = None
    later.run()
    assert len(sock.sent) == 1


def test_flood_of_nacks_is_answered_within_a_budget(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    for number in range(200):
        show(ring, number)
        egress.push([viewer.video])
    asked = sequences(viewer.got())
    for turn in range(20):
        egress.resend(viewer.video, asked, 10 + turn * 0.05)
    assert len(sock.sent) <= 200
    assert sum(len(data) for data, _ in sock.sent) <= 65_536 * 1.1 + 200 * 1200 / 3


def test_packets_before_a_keyframe_are_not_sent_again(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 6000)
    egress.push([viewer.video])
    before = sequences(viewer.got())
    show(ring, 1, 6000, keyframe=True)
    egress.push([viewer.video])
    sent = [data for data, _ in sock.sent]
    after = sequences(viewer.got())
    egress.resend(viewer.video, [before[1], after[1]], 1.0)
    assert [data for data, _ in sock.sent] == [sent[1]], "of the keyframe only"


def test_numbers_go_round(egress: Egress, sock: FakeSocket) -> None:
    ring, viewer = Ring(1, "H264"), Viewer(1, sock)
    viewer.video.offset = viewer.audio._first = 0xFFFF - 1
    viewer.video.enter(ring, 0, 0.0)
    sent = show(ring, 0, keyframe=True)
    listeners = Listeners([(1, viewer.audio)])
    egress.push([viewer.video])
    for number in range(3):
        egress.sound(AudioOut(0.0, 0, b"opus", {}), number * 960, listeners)
    got = viewer.got()
    assert sequences(got) == [0xFFFE, 0xFFFF, 0, 1, 0xFFFF, 0, 1]
    assert pictures(got[:4]) == [(sent, True)]


def test_large_picture_is_spread_while_sound_goes_at_once(egress: Egress, later: Later, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewers = [Viewer(number, sock) for number in range(5)]
    for viewer in viewers:
        viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 100_000, keyframe=True)
    egress.push(viewer.video for viewer in viewers)
    assert all(viewer.video.cursor == SLICE for viewer in viewers), "everybody gets the beginning"
    sock.sent.clear()
    egress.sound(AudioOut(0.0, 0, b"opus", {}), 0, Listeners([(1, viewers[0].audio)]))
    assert len(sock.sent) == 1
    turns = 0
    while later.calls:
        assert later.run() > 0
        turns += 1
    assert turns == ring.next // SLICE
    assert all(viewer.video.cursor == ring.next for viewer in viewers)


def test_turn_is_bounded_with_many_viewers(egress: Egress, later: Later, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewers = [Viewer(number, sock) for number in range(60)]
    for viewer in viewers:
        viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 20_000)
    egress.push(viewer.video for viewer in viewers)
    assert egress.packets <= 430
    assert later.calls[0][0] == 0.0
    while later.calls:
        later.run()
    assert egress.packets == 60 * ring.next


def test_turn_is_shorter_on_a_slow_processor(later: Later, sock: FakeSocket) -> None:
    egress = Egress(later, clock=lambda: sock.calls * 0.0001, outbox=FakeOutbox)  # 33 us a packet
    ring = Ring(1, "H264")
    viewers = [Viewer(number, sock) for number in range(100)]
    for viewer in viewers:
        viewer.video.enter(ring, 0, 0.0)
    show(ring, 0, 3000)
    egress.push(viewer.video for viewer in viewers)
    together = sock.calls
    assert 20 <= together <= 30, "as many as the buffer holds: they took longer than two milliseconds"
    turns = 1
    while later.calls:
        later.run()
        turns += 1
    assert egress.packets == 100 * ring.next
    assert turns == -(-100 // together)


@pytest.mark.parametrize("gso", [True, False])
def test_one_whose_packets_cannot_be_sealed_keeps_no_other_back(sock: FakeSocket, later: Later, gso: bool) -> None:
    egress = Egress(later, gso=gso, clock=lambda: 0.0, outbox=FakeOutbox)
    ring = Ring(1, "H264")
    viewers = [Viewer(number, sock) for number in range(3)]
    for viewer in viewers:
        viewer.video.offset = viewer.audio._first = 0x7000
        viewer.video.enter(ring, 0, 0.0)
    for number in range(2):
        sent = show(ring, number)
        listeners = Listeners((site, viewer.audio) for site, viewer in enumerate(viewers))
        egress.push([viewer.video for viewer in viewers])
        egress.sound(AudioOut(0.0, 0, b"opus", {}), number * 960, listeners)
        viewers[1].video.offset = viewers[1].audio._first = 0x1000  # libsrtp refuses a number so far behind
    got = [viewer.got() for viewer in viewers]
    assert [len(of_one) for of_one in got] == [8, 4, 8]
    assert pictures([packet for packet in got[2] if packet[0].payload_type != 111])[1] == (sent, False)
    assert egress.dropped == {"srtp_refused": 4}
    assert (egress.packets, sock.calls) == (20, 10 if gso else 20)


@pytest.mark.parametrize("rate_bps", [100e6, 900e6])
def test_pictures_of_all_views_leave_no_faster_than_the_line(later: Later, sock: FakeSocket, rate_bps: float) -> None:
    now = 0.0
    egress = Egress(later, rate_bps=rate_bps, clock=lambda: now, outbox=FakeOutbox)
    rings = [Ring(1, "H264"), Ring(2, "H264")]
    viewers = [Viewer(number, sock) for number in range(60)]
    for number, viewer in enumerate(viewers):
        viewer.video.enter(rings[number % 2], 0, 0.0)
    for ring in rings:
        show(ring, 0, 60_000, keyframe=True)
    for first in (0, 1):
        egress.push(viewer.video for viewer in viewers[first::2])
    while later.calls:
        ahead = 8 * egress.octets - rate_bps * now
        assert ahead <= rate_bps * TURN_TIME + 8 * SLICE * 1212, "no more than a turn"
        now += later.run()
    assert egress.packets == 60 * rings[0].next
    assert 8 * egress.octets / rate_bps <= now + 0.001, "nobody waits longer than the line asks"
    assert now < 8 * egress.octets / rate_bps + 0.06


def test_one_viewer_without_a_way_harms_nobody(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    broken = FakeSocket()
    broken.fail = OSError(errno.ENETUNREACH, "unreachable")
    viewers = [Viewer(1, broken), Viewer(2, sock)]
    for viewer in viewers:
        viewer.video.enter(ring, 0, 0.0)
    show(ring, 0)
    egress.push(viewer.video for viewer in viewers)
    egress.sound(AudioOut(0.0, 0, b"opus", {}), 0, Listeners((n, v.audio) for n, v in enumerate(viewers)))
    assert len(viewers[1].got()) == 4
    assert egress.dropped == {"send_failed": 2}


def test_way_that_cannot_cut_packets_gets_them_one_by_one(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264")
    viewer = Viewer(1, NoSegments())
    viewer.video.enter(ring, 0, 0.0)
    sent = show(ring, 0, 6000)
    egress.push([viewer.video])
    assert pictures(viewer.got()) == [(sent, False)]
    assert not viewer.outlet.gso


def test_viewers_of_every_kind_get_the_same_picture(later: Later, sock: FakeSocket) -> None:
    """Of two sockets, with and without GSO, with long and short tags, times ahead or not, one held, one not ready."""
    egress = Egress(later, clock=lambda: 0.0, outbox=FakeOutbox)
    ring, other = Ring(1, "H264"), NoSegments()
    viewers = [Viewer(number, other if number in (3, 4, 9) else sock) for number in range(14)]
    for number, viewer in enumerate(viewers):
        viewer.video.enter(ring, 0, 0.0)
        if number % 5 == 2:
            viewer.use(pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10)
    viewers[6].video.shift = 90
    viewers[10].video.hold()
    viewers[8].outlet.keys = None
    sent = [(show(ring, number, 5000 + 7 * number, keyframe=number == 0), number == 0) for number in range(4)]
    egress.push(viewer.video for viewer in viewers)
    while later.calls:
        later.run()
    times = []
    for number, viewer in enumerate(viewers):
        got = viewer.got()
        assert pictures(got) == ([] if number in (8, 10) else sent), number
        times.append({header.rtp_time for header, _ in got})
    assert times[6] == {time + 90 for time in times[5]}
    assert egress.dropped == {}
    assert [viewer.outlet.gso for viewer in viewers] == [viewer.sock is sock for viewer in viewers]


def test_private_sound_goes_to_its_site_only(egress: Egress, sock: FakeSocket) -> None:
    viewers = [Viewer(number, sock) for number in range(3)]
    monitor = viewers[0]
    listeners = Listeners((number, viewer.audio) for number, viewer in enumerate(viewers))
    for number in range(2):
        egress.sound(AudioOut(number * 0.02, 0, b"shared", {0: b"nobody", 2: b"own"}), number * 960, listeners)
    heard = [viewer.got() for viewer in viewers]
    assert [payload for _, payload in heard[0]] == [b"shared"] * 2
    assert [payload for _, payload in heard[1]] == [b"shared"] * 2
    assert [payload for _, payload in heard[2]] == [b"own"] * 2
    assert sequences(heard[2])[1] == sequences(heard[2])[0] + 1
    assert [header.rtp_time for header, _ in heard[1]] == [0, 960]
    assert (monitor.audio.packets, monitor.audio.octets, viewers[2].audio.octets) == (2, 12, 6)


def test_sound_follows_who_moves_and_goes_on_for_who_leaves_and_comes(egress: Egress, sock: FakeSocket) -> None:
    viewers, other = [Viewer(number, sock) for number in range(3)], FakeSocket()
    listeners = Listeners((number, viewer.audio) for number, viewer in enumerate(viewers))
    gone, viewers[2].outlet.keys = viewers[2].outlet.keys, None

    def tick(number: int) -> list[list[int]]:
        egress.sound(AudioOut(number * 0.02, 0, bytes(50 + 40 * number), {}), number * 960, listeners)
        return [sequences(viewer.got()) for viewer in viewers]

    first = tick(0)
    assert list(map(len, first)) == [1, 1, 0]
    viewers[0].address = viewers[0].outlet.address = ("192.0.2.77", 9)
    viewers[1].sock = other
    viewers[1].outlet.sock, viewers[2].outlet.keys = other.as_socket, gone
    second = tick(1)
    assert list(map(len, second)) == [1, 1, 1]
    assert not [address for _, address in sock.sent if address != viewers[2].address], "nothing where it was before"
    listeners = Listeners((number, viewer.audio) for number, viewer in enumerate(viewers))
    for before, after in zip(second, tick(2), strict=True):
        assert after == [before[0] + 1]
    assert [second[n] for n in (0, 1)] == [[first[n][0] + 1] for n in (0, 1)]


def test_both_legs_of_a_site_get_its_own_sound(egress: Egress, sock: FakeSocket) -> None:
    viewers = [Viewer(number, sock) for number in range(150)]
    listeners = Listeners((number // 2, viewer.audio) for number, viewer in enumerate(viewers))
    egress.sound(AudioOut(0.0, 0, b"shared", {0: b"nobody", 2: b"its own, longer", 70: b"its"}), 960, listeners)
    own = {4: b"its own, longer", 5: b"its own, longer", 140: b"its", 141: b"its"}
    for number, viewer in enumerate(viewers):
        ((header, payload),) = viewer.got()
        assert (payload, header.ssrc) == (own.get(number, b"shared"), 3000 + number)
    assert {viewer.audio.octets for viewer in viewers} == {3, 6, 15}
    assert viewers[4].audio.wire_octets == 12 + 15 + 16
    egress.sound(AudioOut(0.02, 0, b"", {}), 1920, listeners)
    assert (sock.sent, viewers[0].audio.packets) == ([], 1), "the encoder had nothing to give"


def test_joiner_may_begin_with_a_fresh_keyframe_only() -> None:
    ring = Ring(1, "H264", capacity=32)
    assert ring.begin(0.0) is None
    show(ring, 0, 100, keyframe=True)
    for number in range(1, 5):
        show(ring, number, 100)
    assert ring.begin(KEYFRAME_FRESH - 0.01) == 0
    assert ring.begin(KEYFRAME_FRESH) is None
    for number in range(5, 12):
        show(ring, number, 5000)
    assert ring.begin(0.4) is None, "the ring has lost its beginning"


def test_keyframe_requests_are_merged_and_paced() -> None:
    ring = Ring(1, "H264")
    assert not ring.request_due(5.0)
    asked = []
    for now in (5.0, 5.01, 5.1, 5.2, 5.29, 5.31, 5.5):
        ring.want_keyframe()
        if ring.request_due(now):
            asked.append(now)
    assert asked == [5.0, 5.31]
    ring.add(VideoOut(1, True, 5.6, 0, picture(100, keyframe=True)), 5.6)
    assert not ring.request_due(6.5), "the keyframe has come"
    ring.want_keyframe()
    assert not ring.request_due(5.6 + REQUEST_GAP - 0.01)
    assert ring.request_due(5.6 + REQUEST_GAP + 0.01)


def test_viewer_that_fell_behind_by_a_ring_asks_for_a_keyframe(egress: Egress, sock: FakeSocket) -> None:
    ring = Ring(1, "H264", capacity=16)
    viewer = Viewer(1, sock)
    viewer.video.enter(ring, 0, 0.0)
    for number in range(20):
        show(ring, number)
    egress.push([viewer.video])
    assert viewer.got() == []
    assert egress.dropped["egress_behind"] == 1
    assert ring.request_due(100.0)


def test_runs_hold_equal_sizes_the_last_may_be_shorter() -> None:
    ring = Ring(1, "H264")
    show(ring, 0, 9000, keyframe=True)
    for run in ring.runs(0, ring.next):
        sizes = [packet.size for packet in run.packets]
        assert set(sizes[:-1]) <= {sizes[0]}
        assert sizes[-1] <= sizes[0]
    assert sum(map(len, ring.runs(0, ring.next))) == ring.next
