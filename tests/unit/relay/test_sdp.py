"""Offers of real browsers are answered; bad ones are refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from mcu_core.errors import EndpointError
from mcu_core.relay import sdp
from mcu_core.relay.ice_lite import Credentials
from mcu_core.wire import Codec

CHROMIUM = (Path(__file__).parent / "data" / "chromium.sdp").read_text(encoding="utf-8")
FIREFOX = """v=0
o=mozilla...THIS_IS_SDPARTA-99.0 1 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:deadbeef
a=mid:0
a=msid:- {aaaaaaaa-0000-0000-0000-000000000001}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:1111 cname:{bbbbbbbb-0000-0000-0000-000000000001}
m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=fmtp:121 max-fs=12288;max-fr=60
a=fmtp:125 apt=121
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:deadbeef
a=mid:1
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:120 ccm fir
a=rtcp-fb:120 goog-remb
a=rtcp-fb:120 transport-cc
a=rtcp-mux
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=rtpmap:121 VP9/90000
a=rtpmap:125 rtx/90000
a=setup:actpass
a=ssrc:2222 cname:{bbbbbbbb-0000-0000-0000-000000000001}
a=ssrc:2223 cname:{bbbbbbbb-0000-0000-0000-000000000001}
a=ssrc-group:FID 2222 2223
"""
BOTH: tuple[Codec, ...] = ("H264", "VP8")


def answer(
    offer: sdp.Offer, *, watches: bool = False, addresses: tuple[str, ...] = ("192.0.2.1", "2001:db8::1")
) -> str:
    sending = {line.mid: sdp.Sending(77 + n, 177 + n) for n, line in enumerate(offer.lines) if line.receives}
    return sdp.write_answer(
        offer,
        session=1,
        version=2,
        credentials=Credentials("ours", "p" * 24, offer.ufrag, offer.password),
        fingerprint=":".join(["AB"] * 32),
        addresses=addresses,
        port=40000,
        sending=sending,
        only_watches=watches,
    )


def test_chromium_gets_h264_mode_1_with_its_own_numbers() -> None:
    offer = sdp.read_offer(CHROMIUM, BOTH)
    audio, camera, screen = offer.lines
    assert [line.purpose for line in offer.lines] == ["audio", "camera", "screen"]
    assert (audio.payload_type, audio.level_id, audio.mid_id) == (111, 1, 4)
    assert (camera.codec, camera.payload_type, camera.rtx) == ("H264", 108, 109)
    assert "packetization-mode=1" in camera.fmtp
    assert "profile-level-id=42e01f" in camera.fmtp
    assert camera.feedback == ("nack", "nack pli", "ccm fir", "goog-remb")
    assert (camera.ssrcs, camera.rtx_ssrc) == ((718063887,), 270284305)
    assert (screen.sends, screen.receives, screen.ssrcs) == (True, False, (285950743,))


def test_preference_decides_between_codecs() -> None:
    assert sdp.read_offer(CHROMIUM, ("VP8", "H264")).lines[1].codec == "VP8"
    firefox = sdp.read_offer(FIREFOX, BOTH)
    assert (firefox.lines[1].codec, firefox.lines[1].payload_type, firefox.lines[1].rtx) == ("VP8", 120, 124)
    assert (firefox.lines[1].ssrcs, firefox.lines[1].rtx_ssrc) == ((2222,), 2223)


def test_profile_42001f_is_taken_when_there_is_no_42e0() -> None:
    line = sdp.read_offer(CHROMIUM.replace("42e01f", "64001f"), ("H264",)).lines[1]
    assert (line.payload_type, "42001f" in line.fmtp) == (102, True)


def test_answer_says_all_that_browsers_need() -> None:
    text = answer(sdp.read_offer(CHROMIUM, BOTH))
    assert "a=ice-lite" in text
    assert "a=group:BUNDLE 0 1 2" in text
    parsed = SessionDescription.parse(text)
    _audio, camera, screen = parsed.media
    assert [m.direction for m in parsed.media] == ["sendrecv", "sendrecv", "recvonly"]
    assert [m.fmt for m in parsed.media] == [[111], [108, 109], [108, 109]]
    assert camera.ssrc[0].cname == "diemcau"
    assert camera.ssrc[0].msid == "mcu mcu-camera"
    assert camera.ssrc_group[0].items == [78, 178]
    assert not screen.ssrc
    for media in parsed.media:
        assert media.rtcp_mux
        assert media.dtls is not None
        assert media.dtls.role == "server"
        assert media.ice is not None
        assert media.ice.usernameFragment == "ours"
        assert [(c.ip, c.port) for c in media.ice_candidates] == [("192.0.2.1", 40000), ("2001:db8::1", 40000)]
        assert media.ice_candidates[0].priority > media.ice_candidates[1].priority
    assert "useinbandfec=1;usedtx=1" in text
    assert f"a=extmap:1 {sdp.AUDIO_LEVEL}" in text
    assert "transport-cc" not in text


def test_monitor_is_only_sent_to() -> None:
    offer = sdp.read_offer(CHROMIUM.replace("a=sendrecv", "a=recvonly"), BOTH)
    directions = [m.direction for m in SessionDescription.parse(answer(offer, watches=True)).media]
    assert directions == ["sendonly", "sendonly", "inactive"]


def test_lines_beyond_the_three_are_refused_without_harm() -> None:
    extra = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=sctp-port:5000\r\n"
    offer = sdp.read_offer(CHROMIUM.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3") + extra, BOTH)
    assert offer.lines[3].purpose == "refused"
    text = answer(offer)
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel" in text
    assert "a=group:BUNDLE 0 1 2\r\n" in text


def test_audio_alone_will_do() -> None:
    text = FIREFOX.replace("BUNDLE 0 1", "BUNDLE 0")
    offer = sdp.read_offer(text[: text.index("m=video")], BOTH)
    assert [line.purpose for line in offer.lines] == ["audio"]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("a=ice-ufrag:deadbeef", "a=x", "a=ice-ufrag"),
        ("a=fingerprint:", "a=x:", "a=fingerprint"),
        ("a=setup:actpass", "a=setup:passive", "a=setup"),
        ("a=setup:actpass", "a=x", "a=setup"),
        ("a=rtcp-mux", "a=x", "a=rtcp-mux"),
        ("a=group:BUNDLE 0 1", "a=x", "BUNDLE"),
        ("a=mid:1", "a=mid:0", "a=mid"),
        ("a=rtpmap:109 opus/48000/2", "a=rtpmap:109", "a=rtpmap:109"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 109", "m=audio 9 RTP/AVP 109", "SAVPF"),
        ("m=video 9", "m=video nine", "m=video nine"),
        ("s=-", "this is not SDP", "this is not SDP"),
        ("v=0", "o=1", "v=0"),
    ],
)
def test_bad_offer_names_what_is_wrong(was: str, becomes: str, says: str) -> None:
    with pytest.raises(EndpointError) as refused:
        sdp.read_offer(FIREFOX.replace(was, becomes), BOTH)
    assert refused.value.code == "bad_offer"
    assert says in refused.value.en
    assert says in refused.value.vi


@pytest.mark.parametrize(
    ("was", "becomes", "says"), [("opus/48000", "speex/16000", "Opus"), ("VP8/90000", "AV1/90000", "H.264")]
)
def test_codecs_we_cannot_serve(was: str, becomes: str, says: str) -> None:
    with pytest.raises(EndpointError) as refused:
        sdp.read_offer(FIREFOX.replace(was, becomes), BOTH)
    assert refused.value.code == "unsupported_codec"
    assert says in refused.value.en
    assert says in refused.value.vi


def test_offer_cut_or_garbled_anywhere_is_refused_or_read_but_never_breaks() -> None:
    lines = CHROMIUM.splitlines(keepends=True)
    texts = [CHROMIUM[:size] for size in range(0, len(CHROMIUM), 97)]
    for number in range(0, len(lines), 5):
        line = lines[number]
        garbled = (line.replace(":", " ", 1), line[: len(line) // 2] + "\r\n")
        texts.extend("".join([*lines[:number], wrong, *lines[number + 1 :]]) for wrong in garbled)
    texts += ["", "\n", "v=0", "v=0\nm=", "x" * (sdp.MAX_OFFER + 1), "v=0\nm=audio 9 UDP/TLS/RTP/SAVPF\n"]
    codes = []
    for text in texts:
        try:
            answer(sdp.read_offer(text, BOTH))
        except EndpointError as error:
            codes.append(error.code)
    assert len(codes) > 50
    assert set(codes) == {"bad_offer", "unsupported_codec"}


def test_lines_offered_only_inside_the_bundle_have_port_0_and_are_taken() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 120"
    inside = FIREFOX.replace(f"{video} 124 121 125\n", "m=video 0 UDP/TLS/RTP/SAVPF 120 124 121 125\na=bundle-only\n")
    assert video not in inside  # Firefox's offer under max-bundle
    offer = sdp.read_offer(inside, ["VP8"])
    assert [line.purpose for line in offer.lines] == ["audio", "camera"]
    refused = sdp.read_offer(inside.replace("a=bundle-only\n", ""), ["VP8"])
    assert [line.purpose for line in refused.lines] == ["audio", "refused"]


async def test_aiortc_accepts_the_answer() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        connection.addTransceiver("audio", direction="recvonly")
        connection.addTransceiver("video", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        offer = sdp.read_offer(connection.localDescription.sdp, BOTH)
        await connection.setRemoteDescription(RTCSessionDescription(answer(offer, addresses=("127.0.0.1",)), "answer"))
        assert connection.signalingState == "stable"
    finally:
        await connection.close()
