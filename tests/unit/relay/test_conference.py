"""What a conference's plan lets through, both ways.  Real legs with injected keys, a link that only keeps."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from mcu_core import wire
from mcu_core.relay import rtcp
from mcu_core.relay.audio_ingest import AudioIngest
from mcu_core.relay.conference import HELD_FOR, TURNS
from mcu_core.relay.leg import GONE_AFTER, RESTING_SILENT_AFTER, SILENT_AFTER, Leg
from tests.unit.relay.packets import rtp_packet
from tests.unit.relay.stage import Browser, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_only_wanted_pictures_reach_the_mixer(stage: Stage) -> None:
    site = stage.join(1)
    site.film(keyframe=True)
    assert stage.link.media == []
    stage.plan(site.leg, camera_wanted=True)
    assert site.plis() == 1, "asked for a keyframe at once"
    site.film()
    assert stage.link.media == []
    site.film(keyframe=True)
    site.film()
    assert [(v.site, v.track, v.keyframe) for v in stage.link.media] == [(1, "camera", True), (1, "camera", False)]
    stage.plan(site.leg)
    site.film(keyframe=True)
    assert len(stage.link.media) == 2


def test_screen_with_unknown_ssrc_is_told_by_its_mid(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True, screen_wanted=True)
    site.film(keyframe=True, ssrc=999, extensions=b"\x402")
    assert [(v.track, v.keyframe) for v in stage.link.media] == [("screen", True)]
    site.film(keyframe=True, ssrc=998)
    assert len(stage.link.media) == 1, "never by payload type: camera and screen share it"


def test_sound_goes_on_without_a_gap_when_others_come_and_go(stage: Stage) -> None:
    site = stage.join(1)

    def tick() -> int:
        stage.now += 0.02
        stage.conference._media(wire.AudioOut(stage.now, 0, b"opus", {}))
        sent, stage.sock.sent = stage.sock.sent, []
        (packet,) = [data for data, to in sent if to == site.address and data[1] == site.leg.audio.payload_type]
        return int.from_bytes(packet[2:4], "big")

    first = tick()
    guest = stage.join(2)
    second = tick()
    stage.conference.remove(guest.leg)
    assert [first, second, tick()] == [first, first + 1, first + 2]
    assert (site.leg.audio.packets, site.leg.audio.octets) == (3, 12)
    assert guest.leg.audio.packets == 1


def test_sound_of_the_loudest_open_sites_passes(stage: Stage) -> None:
    sites = [stage.join(number, audio_open=number != 3) for number in (1, 2, 3)]
    stage.plan(sites[0].leg, loudest=1, audio_open=True)
    for _ in range(20):
        stage.now += 0.02
        for site, level in zip(sites, (20, 45, 5), strict=True):
            site.speak(level)
    assert {media.site for media in stage.link.media} == {1}
    stage.link.media.clear()
    stage.plan(sites[1].leg, loudest=1, audio_open=True, audio_always=True)
    for site, level in zip(sites, (20, 120, 5), strict=True):
        site.speak(level)
    assert {media.site for media in stage.link.media} == {1, 2}
    assert stage.conference.take_levels() == {1: -20, 2: -45, 3: -5}, "levels of muted sites, too"
    assert stage.conference.take_levels() == {1: -127, 2: -127, 3: -127}


def test_a_fan_gives_its_place_to_who_speaks_and_the_mixer_is_told_which_is_which(stage: Stage) -> None:
    fan, ada = (stage.join(number, audio_open=True) for number in (1, 2))
    stage.plan(fan.leg, loudest=1, audio_open=True)
    for n in range(200):
        stage.now += 0.02
        fan.speak(32)
        ada.speak(34 if n >= 140 and n % 10 < 6 else 70)  # its pauses end at their header
    told = [(media.site, media.speech) for media in stage.link.media]
    assert told[50:140] == [(1, False)] * 90
    assert set(told[141:]) == {(2, True), (2, False)}


def test_site_that_tells_no_level_always_passes_when_open(stage: Stage) -> None:
    leg = stage.leg(1, level_id=None)
    stage.plan(leg, loudest=0, audio_open=True)
    browser = stage.connect(leg)
    browser.speak()
    assert stage.link.media[0].level == wire.LEVEL_UNKNOWN
    assert stage.conference.take_levels() == {}
    stage.plan(leg, audio_open=False)
    browser.speak()
    assert len(stage.link.media) == 1


def test_joiner_waits_for_a_keyframe_that_is_asked_for_once(stage: Stage) -> None:
    first, second = stage.join(1, rendition=5), stage.join(2, rendition=5)
    assert stage.link.keyframes() == [5]
    stage.show(5)
    assert first.pictures() == second.pictures() == 0
    stage.show(5, keyframe=True)
    stage.show(5)
    assert first.pictures() == second.pictures() == 2
    stage.now += 0.3
    third = stage.join(3, rendition=5)
    assert third.pictures() == 2, "a keyframe of 0.3 s ago will do"
    assert stage.link.keyframes() == [5]
    stage.now += 1.0
    fourth = stage.join(4, rendition=5)
    assert fourth.pictures() == 0
    assert stage.link.keyframes() == [5, 5]


@pytest.mark.parametrize("lossy", [False, True])
def test_a_site_whose_line_loses_much_is_asked_twice_for_each_packet(stage: Stage, lossy: bool) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    for number in range(60):
        if lossy and number % 5 == 4:
            site._sequences[11] += 1
        stage.pass_time(0.066)
        site.film(keyframe=number % 5 == 4)
    stage.pass_time(1.0)
    site.film(keyframe=True)
    site.got()
    site._sequences[11] += 1
    site.film()
    stage.pass_time(0.04)
    asked = [message for message in site.got()[1] if isinstance(message, rtcp.Nack)]
    assert len(asked) == (2 if lossy else 1)


def test_missing_keyframe_is_asked_for_again(stage: Stage) -> None:
    stage.join(1, rendition=5)
    stage.pass_time(1.0)
    assert 3 <= len(stage.link.keyframes()) <= 4


def test_old_rendition_flows_until_the_new_one_has_a_keyframe(stage: Stage) -> None:
    site = stage.join(1, rendition=5)
    stage.show(5, keyframe=True)
    site.got()
    stage.now += 5.0
    stage.plan(site.leg, rendition=6)
    stage.show(6)
    stage.show(5)
    assert site.pictures() == 1
    stage.show(6, keyframe=True)
    assert site.pictures() == 1
    stage.show(5)
    assert site.pictures() == 0
    stage.show(6)
    assert site.pictures() == 1
    stage.plan(site.leg, rendition=None)
    stage.show(6)
    assert site.pictures() == 0


def test_change_of_mind_before_the_keyframe_leaves_the_old_rendition(stage: Stage) -> None:
    site = stage.join(1, rendition=5)
    stage.show(5, keyframe=True)
    stage.now += 5.0
    stage.plan(site.leg, rendition=6)
    stage.plan(site.leg, rendition=5)
    stage.show(6, keyframe=True)
    site.got()
    stage.show(5)
    assert site.pictures() == 1


def test_requests_of_many_viewers_become_one(stage: Stage) -> None:
    sites = [stage.join(number, rendition=5) for number in range(1, 6)]
    stage.show(5, keyframe=True)
    stage.link.events.clear()
    stage.now += 1.0
    for site in sites:
        assert site.leg.video is not None
        site.rtcp(rtcp.pli(1, site.leg.video.ssrc))
    assert stage.link.keyframes() == [5]
    stage.show(5, keyframe=True)
    sites[0].rtcp(rtcp.pli(1, sites[0].leg.video.ssrc if sites[0].leg.video else 0))
    stage.pass_time(0.5)
    assert stage.link.keyframes() == [5], "the one on its way answers it"


def test_mixer_that_comes_back_gets_keyframes_at_once(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True, rendition=5)
    site.film(keyframe=True)
    stage.show(5, keyframe=True)
    stage.now += 5.0
    site.got()
    stage.conference._mixer_up()
    stage.pass_time(0.02)
    assert site.plis() == 1
    assert stage.link.keyframes()[-1] == 5
    before = len(stage.link.media)
    site.film()
    site.film(keyframe=True)
    assert [media.keyframe for media in stage.link.media[before:]] == [True]


def test_decoder_that_needs_a_keyframe_is_heard_but_not_too_often(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    stage.now += 1.0
    site.got()
    for _ in range(20):
        stage.conference._event(wire.SiteKeyframe(1, "camera"))
        stage.pass_time(0.02)
    assert site.plis() == 1


def test_reports_follow_the_mixers_clock_and_tell_the_limit(stage: Stage) -> None:
    site = stage.join(1, rendition=5, camera_wanted=True, camera_bitrate_bps=500_000)
    site.film(keyframe=True)
    stage.show(5, keyframe=True)
    stage.conference._media(wire.AudioOut(stage.now, int(stage.now * 48_000), b"opus", {}))
    shown_at = stage.now
    stage.pass_time(1.2)
    reports = site.got()[1]
    senders = {r.ssrc: r for r in reports if isinstance(r, rtcp.SenderReport)}
    assert site.leg.video is not None
    video, audio = senders[site.leg.video.ssrc], senders[site.leg.audio.ssrc]
    assert video.ntp == audio.ntp
    elapsed = (video.rtp_time - int(shown_at * 90_000)) % 2**32 / 90_000
    assert elapsed == pytest.approx((audio.rtp_time - int(shown_at * 48_000)) % 2**32 / 48_000, abs=0.001)
    assert any(isinstance(r, rtcp.Block) and r.ssrc == 11 for r in reports)
    rembs = [r for r in reports if isinstance(r, rtcp.Remb)]
    assert rembs[0].bitrate_bps == pytest.approx(564_000, rel=0.01)
    assert (site.leg.info.planned, site.leg.info.rendition) == (True, 5), "a new control learns what it is sent"


def test_sites_clock_reaches_the_mixer(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    site.rtcp(rtcp.sender_report(rtcp.SenderReport(11, rtcp.ntp_time(1_700_000_000.0), 4242, 1, 1)))
    (clock,) = [e for e in stage.link.events if isinstance(e, wire.SenderClock)]
    assert (clock.site, clock.kind, clock.rtp_time) == (1, "camera", 4242)
    assert clock.ntp == pytest.approx(1_700_000_000.0 + rtcp.NTP_EPOCH)


def test_a_new_mixer_is_told_at_once_what_clocks_the_sites_have(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    site.speak()
    for second in (0, 1):
        for ssrc in (10, 11):
            site.rtcp(rtcp.sender_report(rtcp.SenderReport(ssrc, rtcp.ntp_time(1000.0 + second), second, 1, 1)))
    stage.link.events.clear()
    stage.conference._mixer_up()
    clocks = [e for e in stage.link.events if isinstance(e, wire.SenderClock)]
    assert sorted((clock.kind, clock.rtp_time) for clock in clocks) == [("audio", 1), ("camera", 1)]
    stage.conference.remove(site.leg)
    stage.link.events.clear()
    stage.conference._mixer_up()
    assert stage.link.events == []


def test_monitor_sends_nothing_whatever_it_sends(stage: Stage) -> None:
    monitor = stage.join(0, rendition=5, camera_wanted=True, audio_open=True, audio_always=True)
    monitor.rtp(0, b"opus", payload_type=111, extensions=bytes((0x10, 5)))
    monitor.film(keyframe=True, ssrc=1)
    assert stage.link.media == []
    stage.show(5, keyframe=True)
    stage.conference._media(wire.AudioOut(stage.now, 0, b"opus", {0: b"x", 1: b"y"}))
    media, _ = monitor.got()
    assert {kind for kind, _ in media} == {96, 111}
    assert (111, 12 + 4) in media, "the shared mix"


def test_unwanted_stream_is_opened_only_now_and_then(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    stage.plan(site.leg)
    opened = set()
    for _ in range(600):
        stage.now += 0.01
        site.rtp(11, b"\x61xx", payload_type=96)
        opened.add(site.leg.heard)
    assert len(opened) == pytest.approx(6 / 0.25, abs=2)
    stage.plan(site.leg, camera_wanted=True)
    site.film(keyframe=True)
    assert stage.link.media[-1].keyframe


def test_life_of_a_leg(stage: Stage) -> None:
    never = stage.leg(8)
    assert never.age(stage.now + GONE_AFTER - 1) is None
    assert never.age(stage.now + GONE_AFTER) == "never_connected"
    site = stage.join(1)
    assert site.leg.age(stage.now + SILENT_AFTER - 0.1) is None
    assert site.leg.state == "connected"
    site.leg.age(stage.now + SILENT_AFTER)
    assert str(site.leg.state) == "silent"
    stage.now += 10
    site.speak()
    site.leg.age(stage.now + 1)
    assert str(site.leg.state) == "connected"
    assert site.leg.age(stage.now + GONE_AFTER) == "silent"


def test_site_that_was_told_to_send_nothing_is_missed_later_but_not_while_it_films(stage: Stage) -> None:
    site = stage.join(1, audio_stopped=True)
    sign = rtcp.receiver_report(site.leg.audio.ssrc, [])
    site.rtcp(sign)
    site.leg.age(stage.now + RESTING_SILENT_AFTER - 0.1)
    assert site.leg.state == "connected", "a browser checks its consent every six seconds at least"
    site.leg.age(stage.now + RESTING_SILENT_AFTER)
    assert str(site.leg.state) == "silent"
    stage.plan(site.leg, audio_stopped=True, camera_wanted=True)
    site.film(keyframe=True)
    stage.now += 0.5
    site.rtcp(sign)
    site.leg.age(stage.now + SILENT_AFTER)
    assert str(site.leg.state) == "silent"


def test_sound_that_comes_back_after_a_pause_is_no_late_sound() -> None:
    """Chromium's timestamps stand still meanwhile."""
    ingest = AudioIngest(10, 1, lambda *packet: True)

    def hear(packets: range, later: float) -> None:
        for number in packets:
            ingest.reception.hear(number, number * 960, number * 0.02 + later)

    hear(range(50), 0.0)
    ingest.plan(wire.LegPlan("leg1", audio_stopped=True))
    ingest.plan(wire.LegPlan("leg1", audio_open=True))
    hear(range(50, 100), 1.5)
    assert ingest.reception.jitter_ms < 1
    assert ingest.reception.queue(3.5) == pytest.approx(0.0, abs=0.001)


def test_leaving_forgets_the_viewer_and_its_voice(stage: Stage) -> None:
    site, other = stage.join(1, rendition=5, audio_open=True), stage.join(2, rendition=5)
    stage.show(5, keyframe=True)
    site.speak()
    stage.conference.remove(site.leg)
    site.got()
    stage.show(5)
    stage.conference._media(wire.AudioOut(stage.now, 0, b"opus", {}))
    assert site.got() == ([], [])
    assert other.pictures() > 0
    assert 1 not in stage.conference.take_levels()


def test_rendition_of_another_codec_is_not_sent(stage: Stage) -> None:
    site = stage.join(1, rendition=5)
    stage.show(5, keyframe=True)
    leg = stage.leg(2, codec="VP8")
    stage.plan(leg, rendition=5)
    other = stage.connect(leg)
    stage.show(5, keyframe=True)
    assert other.pictures() == 0
    assert site.pictures() > 0
    assert stage.conference.dropped["wrong_codec"] >= 1


def test_statistics_of_a_leg(stage: Stage) -> None:
    site = stage.join(1, rendition=5, camera_wanted=True)
    site.leg.stats(stage.now)
    for _ in range(15):
        stage.now += 1 / 15
        site.film(keyframe=True)
        stage.show(5, keyframe=True)
    site.rtcp(rtcp.remb(1, 900_000, [5]))
    stats = site.leg.stats(stage.now)
    assert stats.video_fps_received == pytest.approx(15, abs=0.5)
    assert stats.received_kbps > 200
    assert stats.sent_kbps > 20
    assert stats.remb_bps == pytest.approx(900_000, rel=0.01)
    assert struct.calcsize("=I") == 4


def test_round_trip_is_learned_from_reports(stage: Stage) -> None:
    site = stage.join(1)
    stage.conference._media(wire.AudioOut(stage.now, 0, b"opus", {}))
    stage.pass_time(1.1)
    report = next(r for r in site.got()[1] if isinstance(r, rtcp.SenderReport))
    sent = stage.now
    stage.now += 0.06 + 0.5
    lsr = (report.ntp >> 16) & 0xFFFF_FFFF
    site.rtcp(rtcp.receiver_report(1, [rtcp.Block(site.leg.audio.ssrc, 0.1, 1, 1, 0, lsr, int(0.5 * 65536))]))
    assert site.leg.rtt is not None
    assert 0.05 < site.leg.rtt < 1.3
    assert sent < stage.now


class Opened:
    """Counts what is decrypted."""

    def __init__(self, stage: Stage) -> None:
        self.count = 0
        self._open = stage.opener.open
        stage.opener.open = self._counted

    def _counted(self, key: object, size: int) -> int:
        self.count += 1
        return self._open(key, size)


@pytest.mark.parametrize(("is_open", "level"), [(False, 10), (True, 80), (False, 127)])
def test_sound_that_cannot_pass_is_not_decrypted_but_shown(stage: Stage, is_open: bool, level: int) -> None:
    site = stage.join(1, audio_open=is_open)
    opened = Opened(stage)
    for _ in range(500):
        stage.now += 0.02
        site.speak(level)
    assert 35 <= opened.count <= 45, "about four times a second"
    assert stage.conference.take_levels() == {1: -level}
    assert stage.link.media == []
    assert site.leg.voice is not None
    assert site.leg.voice.reception.block(stage.now).lost == 0
    assert site.leg.age(stage.now) is None
    assert site.leg.state == "connected"


def test_silent_site_is_heard_from_its_first_loud_packet_to_the_end_of_its_last_word(stage: Stage) -> None:
    site = stage.join(1, audio_open=True)
    for level in [90] * 50 + [20] * 50 + [90] * 50:
        stage.now += 0.02
        site.speak(level)
    assert len(stage.link.media) == 100
    stage.plan(site.leg)
    site.speak(10)
    assert len(stage.link.media) == 100


def test_roll_over_of_a_stream_that_is_only_skimmed(stage: Stage) -> None:
    site = stage.join(1)
    for _ in range(70_000):
        stage.now += 0.02
        site.speak(30)
    stage.plan(site.leg, audio_open=True)
    site.speak(30)
    assert len(stage.link.media) == 1, "decrypted behind the roll-over"


def test_forged_levels_show_on_no_meter(stage: Stage) -> None:
    site = stage.join(1)
    site.speak(90)
    forged = rtp_packet(50, 1, b"x" * 40, ssrc=10, payload_type=111, extensions=bytes((0x10, 0)))
    for _ in range(100):
        stage.now += 0.02
        site.speak(90)
        stage.opener.buffer[: len(forged)] = forged
        stage.mux.datagram(len(forged), site.address, stage.sock.as_socket, stage.now)
    assert stage.conference.take_levels() == {1: -90}


def test_reports_that_are_due_at_once_are_sent_one_after_the_other(stage: Stage) -> None:
    for site in range(1, 201):
        stage.join(site)
    for leg in stage.conference.legs.values():
        leg._report_at = stage.now
    sent = []
    for _ in range(TURNS):
        before = len(stage.sock.sent)
        stage.pass_time(0.01)
        sent.append(len(stage.sock.sent) - before)
    assert sent == [200 // TURNS] * TURNS


def test_a_join_plans_nobody_anew_but_who_joins(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for site in range(1, 10):
        stage.join(site, audio_open=True)
    applied: list[int] = []
    apply = Leg.apply
    monkeypatch.setattr(Leg, "apply", lambda leg, plan, now: applied.append(leg.site) or apply(leg, plan, now))  # type: ignore[func-returns-value]
    stage.join(10, audio_open=True)
    assert set(applied) == {10}


def test_room_system_without_remb_is_held_by_tmmbr(stage: Stage) -> None:
    leg = stage.leg(1, feedback=("nack", "nack pli", "ccm fir", "ccm tmmbr"))
    stage.plan(leg, camera_wanted=True, camera_bitrate_bps=400_000)
    site = stage.connect(leg)
    stage.pass_time(1.2)
    limits = site.limits()
    assert set(limits) == {11}
    assert limits[11] == pytest.approx(400_000, rel=0.01)


def test_site_that_only_obeys_limits_is_held_low_while_nobody_sees_it(stage: Stage) -> None:
    browser = stage.join(1, camera_wanted=True, camera_bitrate_bps=500_000)
    leg = stage.leg(2, feedback=("nack", "nack pli", "ccm fir", "ccm tmmbr"))
    stage.plan(leg, camera_wanted=True, camera_bitrate_bps=400_000)
    room = stage.connect(leg)
    sites = (browser, room)

    def film(seconds: float) -> tuple[list[int], int | None]:
        """What the browser is told in a time in which both film, and what the room system is."""
        for _ in range(round(seconds / 0.1)):
            for site in sites:
                site.film(keyframe=True)
            stage.pass_time(0.1)
        limits = room.limits()
        told = [message.bitrate_bps for message in browser.got()[1] if isinstance(message, rtcp.Remb)]
        return told, limits.get(21)

    assert film(2.0)[1] == pytest.approx(400_000, rel=0.01)
    for site in sites:
        stage.plan(site.leg)
    assert film(4.0) == ([], None), "a hint stops it, and it is to come back at its full size"
    held, room_held = film(4.0)
    assert held[-1] == pytest.approx(104_000, rel=0.01)
    assert room_held == pytest.approx(40_000, rel=0.01)
    stage.plan(browser.leg, camera_wanted=True, camera_bitrate_bps=500_000)
    assert film(0.2)[0] == [pytest.approx(564_000, rel=0.01)]
    stage.plan(browser.leg)
    stage.pass_time(8.0)
    assert not [message for message in browser.got()[1] if isinstance(message, rtcp.Remb)], "it sends nothing"


def test_packets_that_end_unopened_are_not_lost(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    site.film(keyframe=True)
    stage.plan(site.leg)
    for _ in range(80):
        stage.pass_time(0.03)
        site.film()
    assert site.leg._uplink.limit_bps is None, "its line carries all that it sends"


def test_loss_is_not_told_for_ever_of_a_picture_that_is_hidden(stage: Stage) -> None:
    site = stage.join(1, camera_wanted=True)
    for _ in range(20):
        site.film(keyframe=True)
        site._sequences[11] += 2  # lost
        stage.pass_time(0.1)
    assert site.leg.stats(stage.now).lost_fraction > 0.1
    stage.plan(site.leg)
    stage.pass_time(2.0)
    assert site.leg.stats(stage.now).lost_fraction == 0.0


def overload(stage: Stage) -> tuple[Any, list[wire.Event]]:
    """A site whose line has become narrow while it watches rendition 1, and what control is told."""
    told: list[wire.Event] = []
    stage.conference._tell = told.append
    site = stage.join(1, rendition=1)
    stage.show(1, keyframe=True)
    site.got()
    stage.conference.overloaded(site.leg, 480_000, stage.now)
    return site, told


def test_site_on_a_line_that_became_narrow_is_sent_nothing_until_there_is_a_smaller_picture(stage: Stage) -> None:
    site, told = overload(stage)
    assert told == [wire.LegOverload("leg1", 480_000)]
    stage.show(1)
    assert site.pictures() == 0
    site.rtcp(rtcp.nack(7, site.leg.video.ssrc, [(site.leg.video.cursor - 1 + site.leg.video.offset) & 0xFFFF]))
    assert site.got()[0] == [], "nor is anything sent again"
    stage.plan(site.leg, rendition=5)
    assert stage.link.keyframes()[-1] == 5
    stage.show(1, keyframe=True)
    assert site.pictures() == 0
    stage.show(5, keyframe=True)
    assert site.pictures() == 1
    stage.show(5)
    assert site.pictures() == 1
    assert site.leg.video.locate((site.leg.video.offset + site.leg.video.start - 1) & 0xFFFF) is None, "old packets"


def test_site_that_gets_no_smaller_picture_is_sent_the_same_again(stage: Stage) -> None:
    site, _ = overload(stage)
    asked = len(stage.link.keyframes())
    stage.pass_time(HELD_FOR - 0.1)
    stage.show(1, keyframe=True)
    assert site.pictures() == 0
    stage.pass_time(0.5)
    assert len(stage.link.keyframes()) > asked
    stage.show(1, keyframe=True)
    stage.show(1)
    assert site.pictures() == 2


def test_change_of_mind_while_the_picture_is_held_back_does_not_end_it(stage: Stage) -> None:
    site, _ = overload(stage)
    stage.plan(site.leg, rendition=5)
    stage.plan(site.leg, rendition=1)
    stage.pass_time(HELD_FOR + 0.1)
    stage.show(1, keyframe=True)
    assert site.pictures() == 1


def test_site_that_leaves_while_its_picture_is_held_back(stage: Stage) -> None:
    site, _ = overload(stage)
    stage.conference.remove(site.leg)
    stage.pass_time(HELD_FOR + 0.1)
    stage.show(1, keyframe=True)
    assert site.pictures() == 0


def test_what_a_larger_picture_lost_is_not_the_smaller_one_s() -> None:
    stage = Stage()
    site = stage.join(1, rendition=1)
    ssrc = site.leg.video.ssrc if site.leg.video is not None else 0

    def report(lost: int, highest: int) -> float:
        site.rtcp(rtcp.receiver_report(1, [rtcp.Block(ssrc, 0.5, lost, highest, 0, 0, 0)]))
        return site.leg.stats(stage.now).peer_lost_fraction

    stage.show(1, keyframe=True)
    report(0, 100)
    stage.pass_time(2.0)
    report(0, 200)
    assert report(100, 400) > 0.3
    stage.plan(site.leg, rendition=2)
    stage.show(2, keyframe=True)
    stage.pass_time(0.1)
    assert report(150, 500) == 0.0
    stage.pass_time(1.5)
    assert report(150, 560) == 0.0
    assert report(180, 620) > 0.2


def test_a_site_back_from_a_long_cut_is_given_a_keyframe(stage: Stage) -> None:
    """By then it misses more than the ring can send again, and would find that out by itself seconds later."""
    site = stage.join(1, rendition=1)
    stage.show(1, keyframe=True)
    stage.pass_time(SILENT_AFTER + 1)
    site.leg.age(stage.now)
    before = len(stage.link.keyframes())
    site.speak()
    site.leg.age(stage.now)
    site.leg.age(stage.now)
    assert stage.link.keyframes()[before:] == [1]


def test_one_viewer_that_floods_with_plis_does_not_take_the_bits_of_all(stage: Stage) -> None:
    flooding, honest = stage.join(1, rendition=5), stage.join(2, rendition=5)
    stage.show(5, keyframe=True)
    stage.pass_time(3.0)

    def wants(site: Browser) -> None:
        assert site.leg.video is not None
        site.rtcp(rtcp.pli(9, site.leg.video.ssrc))

    def second() -> int:
        """A PLI each 50 ms, answered by a keyframe 100 ms after it was asked for; how many keyframes."""
        before = len(stage.link.keyframes())
        for _ in range(20):
            known = len(stage.link.keyframes())
            wants(flooding)
            stage.pass_time(0.05)
            if len(stage.link.keyframes()) > known:
                stage.pass_time(0.1)
                stage.show(5, keyframe=True)
        return len(stage.link.keyframes()) - before

    assert sum(second() for _ in range(10)) <= 8
    stage.pass_time(0.5)
    asked = len(stage.link.keyframes())
    wants(honest)
    assert len(stage.link.keyframes()) == asked + 1
    stage.show(5, keyframe=True)
    stage.pass_time(5.0)
    asked = len(stage.link.keyframes())
    wants(flooding)
    assert len(stage.link.keyframes()) == asked + 1, "calm again"
