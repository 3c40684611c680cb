"""RTCP read and written, against aiortc's classes as the other side."""

from __future__ import annotations

import random

from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from mcu_core.relay import rtcp

BLOCK = rtcp.Block(ssrc=9, fraction=0.25, lost=-3, highest=70_000, jitter=12, lsr=0x12345678, dlsr=65536)
REPORT = rtcp.SenderReport(5, rtcp.ntp_time(1_700_000_000.5), 123, 4, 5)
COMPOUND = (
    rtcp.sender_report(REPORT, [BLOCK])
    + rtcp.source_description(5, "diemcau")
    + rtcp.source_description(6, "mcu")
    + rtcp.nack(5, 9, [65534, 65535, 0, 15, 100])
    + rtcp.pli(5, 9)
    + rtcp.remb(5, 2_500_000, [9, 10])
)


def test_what_is_written_is_read_back() -> None:
    sender, block, nack, pli, remb = rtcp.parse(COMPOUND, len(COMPOUND))
    assert sender == REPORT
    assert block == BLOCK
    assert nack == rtcp.Nack(9, (65534, 65535, 0, 15, 100))
    assert pli == rtcp.KeyframeRequest(9)
    assert isinstance(remb, rtcp.Remb)
    assert abs(remb.bitrate_bps - 2_500_000) < 16
    assert remb.ssrcs == (9, 10)


def test_aiortc_reads_the_same() -> None:
    report, name, other, nack, pli, remb = RtcpPacket.parse(COMPOUND)
    assert isinstance(report, RtcpSrPacket)
    assert report.reports[0].packets_lost == -3
    assert isinstance(name, RtcpSdesPacket)
    assert isinstance(other, RtcpSdesPacket)
    assert [(c.ssrc, c.items) for c in name.chunks + other.chunks] == [(5, [(1, b"diemcau")]), (6, [(1, b"mcu")])]
    assert isinstance(nack, RtcpRtpfbPacket)
    assert [number % 65536 for number in nack.lost] == [65534, 65535, 0, 15, 100]  # aiortc does not wrap
    assert isinstance(pli, RtcpPsfbPacket)
    assert isinstance(remb, RtcpPsfbPacket)
    assert unpack_remb_fci(remb.fci)[1] == [9, 10]
    (empty,) = RtcpPacket.parse(rtcp.receiver_report(5))
    assert isinstance(empty, RtcpRrPacket)


def test_full_intra_request_names_its_stream_in_the_entry() -> None:
    fir = bytes.fromhex("84ce0004 00000001 00000000 00000009 01000000".replace(" ", ""))
    assert rtcp.parse(fir, len(fir)) == [rtcp.KeyframeRequest(9)]


def test_transport_wide_feedback_is_not_taken_for_nacks() -> None:
    feedback = bytes.fromhex("8fcd0004 00000001 00000009 00010002 00000000".replace(" ", ""))
    assert rtcp.parse(feedback, len(feedback)) == []


def test_cut_and_garbled_packets_never_break() -> None:
    source = random.Random(3)
    for size in range(len(COMPOUND) + 1):
        rtcp.parse(COMPOUND[:size], size)
    for _ in range(2000):
        data = bytearray(COMPOUND)
        for _ in range(4):
            data[source.randrange(len(data))] = source.randrange(256)
        rtcp.parse(data, len(data))


def test_one_nack_packet_cannot_ask_for_everything() -> None:
    flood = rtcp.nack(1, 9, list(range(0, 60_000, 17)))
    (message,) = rtcp.parse(flood, len(flood))
    assert isinstance(message, rtcp.Nack)
    assert len(message.lost) <= 1024 + 16


def test_round_trip() -> None:
    sent = 1_700_000_000.0
    lsr = (rtcp.ntp_time(sent) >> 16) & 0xFFFF_FFFF
    block = rtcp.Block(9, 0.0, 0, 0, 0, lsr, int(0.5 * 65536))
    rtt = rtcp.round_trip(block, rtcp.ntp_time(sent + 0.56))
    assert rtt is not None
    assert abs(rtt - 0.06) < 0.001
    assert rtcp.round_trip(rtcp.Block(9, 0.0, 0, 0, 0, 0, 0), rtcp.ntp_time(sent)) is None
