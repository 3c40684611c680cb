"""Offers read and answers written (RFC 8866, 8829; bundle RFC 9143; ICE-lite RFC 8839).

The site offers audio, camera and perhaps screen, the relay answers once: passive DTLS, one payload type per m-line,
`a=ssrc` for what we send (without it Chromium decodes nothing).  aiortc parses; the answer is our own text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from mcu_core.errors import EndpointError
from mcu_core.relay.ice_lite import Credentials
from mcu_core.wire import Codec

MAX_OFFER = 64 * 1024
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
STREAM, CNAME = "mcu", "diemcau"
_FEEDBACK = ("nack", "nack pli", "ccm fir", "ccm tmmbr", "goog-remb")
_DIGESTS = ("sha-256", "sha-384", "sha-512")

Purpose = Literal["audio", "camera", "screen", "refused"]
Setup = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Line:
    """One m-line of an offer, as far as the relay uses it."""

    purpose: Purpose
    kind: str
    mid: str
    formats: str  # as offered, for refusing it
    protocol: str
    receives: bool = False  # the site wants to be sent this
    sends: bool = False
    codec: Codec | None = None  # of a video line
    payload_type: int = 0
    fmtp: str = ""
    rtx: int | None = None  # payload type of retransmissions
    feedback: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()  # primary first
    rtx_ssrc: int | None = None
    mid_id: int | None = None  # header extension ids
    level_id: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    lines: tuple[Line, ...]
    bundle: tuple[str, ...]
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]

    def line(self, purpose: Purpose) -> Line | None:
        return next((line for line in self.lines if line.purpose == purpose), None)


@dataclass(frozen=True, slots=True)
class Sending:
    """The SSRCs under which we send on one m-line."""

    ssrc: int
    rtx_ssrc: int | None = None


def bad_offer(vi: str, en: str) -> EndpointError:
    return EndpointError(
        "bad_offer", f"Lời mời kết nối (SDP) không hợp lệ: {vi}.", f"The connection offer (SDP) is not valid: {en}."
    )


def unsupported(vi: str, en: str) -> EndpointError:
    return EndpointError(
        "unsupported_codec",
        f"Thiết bị không có bộ mã hóa mà MCU dùng được: {vi}.",
        f"The endpoint has no codec that the MCU can use: {en}.",
    )


# --------------------------------------------------------------------------------------------------- reading


def read_offer(text: str, codecs: Sequence[Codec]) -> Offer:
    """Parse a site's or monitor's offer, choosing video by the preference list `codecs`.

    Raises EndpointError `bad_offer` (naming the line or what is missing) or `unsupported_codec`.
    """
    if len(text) > MAX_OFFER:
        raise bad_offer("dài quá 64 KiB", "it is longer than 64 KiB")
    description = _parse(text)
    if not description.media:
        raise bad_offer("không có dòng m= nào", "it has no m= line")
    bundle = next((tuple(map(str, g.items)) for g in description.group if g.semantic == "BUNDLE"), ())
    mids = [media.rtp.muxId for media in description.media]
    if any(not mid for mid in mids) or len(set(mids)) != len(mids):
        raise bad_offer("mỗi dòng m= cần một a=mid riêng", "each m= line needs an a=mid of its own")
    lines: list[Line] = []
    videos = 0
    bundle_only = _bundle_only(text)
    for number, media in enumerate(description.media):
        purpose: Purpose = "refused"
        if (media.port or number in bundle_only) and media.rtp.muxId in bundle:
            if media.kind == "audio" and not any(line.purpose == "audio" for line in lines):
                purpose = "audio"
            elif media.kind == "video" and videos < 2:
                purpose = "screen" if videos else "camera"
                videos += 1
        protocol = text_protocol(text, number)
        if purpose == "refused":
            lines.append(
                Line(purpose, media.kind, media.rtp.muxId, " ".join(map(str, media.fmt)), protocol),
            )
            continue
        lines.append(_read_line(purpose, media, protocol, codecs))
    used = next((m for m, line in zip(description.media, lines, strict=True) if line.purpose != "refused"), None)
    if used is None or not any(line.purpose == "audio" for line in lines):
        raise bad_offer(
            "thiếu dòng m=audio trong nhóm BUNDLE (a=group:BUNDLE)", "there is no m=audio line in a=group:BUNDLE"
        )
    if used.ice is None or not used.ice.usernameFragment or not used.ice.password:
        raise bad_offer("thiếu a=ice-ufrag hoặc a=ice-pwd", "a=ice-ufrag or a=ice-pwd is missing")
    if used.dtls is None:
        raise bad_offer("thiếu a=setup", "a=setup is missing")
    if used.dtls.role == "server":
        raise bad_offer("a=setup phải là actpass hoặc active", "a=setup must be actpass or active")
    fingerprints = tuple((f.algorithm.lower(), f.value) for f in used.dtls.fingerprints)
    if not any(algorithm in _DIGESTS for algorithm, _ in fingerprints):
        raise bad_offer("thiếu a=fingerprint:sha-256", "a=fingerprint:sha-256 is missing")
    return Offer(tuple(lines), bundle, used.ice.usernameFragment, used.ice.password, fingerprints)


def _parse(text: str) -> SessionDescription:
    # mDNS candidates (.local) and all others are of no use: an ICE-lite agent learns the address from the checks.
    lines = [line for line in text.splitlines() if line and not line.startswith("a=candidate:")]
    for number, line in enumerate(lines, 1):
        if not re.match(r"[a-z]=", line):
            raise bad_offer(f"dòng {number} “{line[:60]}”", f"line {number} “{line[:60]}”")
    if not lines or not lines[0].startswith("v="):
        raise bad_offer("dòng đầu phải là v=0", "its first line must be v=0")
    description = _attempt(lines)
    if description is not None:
        return description
    lines = _in_order(lines)
    low, high = 0, len(lines)  # lines[:low] parses, lines[:high] does not
    while high - low > 1:
        middle = (low + high) // 2
        if _attempt(lines[:middle]) is None:
            high = middle
        else:
            low = middle
    wrong = lines[high - 1][:60]
    raise bad_offer(f"dòng “{wrong}”", f"line “{wrong}”")


def _in_order(lines: Sequence[str]) -> list[str]:
    """In each section what refers to payload types after what defines them, so that a beginning stands by itself."""
    section, out = 0, []
    for line in lines:
        section += line.startswith("m=")
        out.append((section, line.startswith(("a=fmtp:", "a=rtcp-fb:")), line))
    return [line for _, _, line in sorted(out, key=lambda entry: entry[:2])]


def _attempt(lines: Sequence[str]) -> SessionDescription | None:
    try:
        return SessionDescription.parse("\r\n".join(lines) + "\r\n")
    except (ValueError, AssertionError, AttributeError, KeyError, IndexError, TypeError, StopIteration, OverflowError):
        return None


def _bundle_only(text: str) -> set[int]:
    """Numbers of the m-lines offered inside the bundle or not at all.  Their port is 0 (RFC 8843 §6; Firefox)."""
    sections = re.split(r"^m=", text, flags=re.MULTILINE)[1:]
    return {
        number for number, section in enumerate(sections) if re.search(r"^a=bundle-only\s*$", section, re.MULTILINE)
    }


def text_protocol(text: str, number: int) -> str:
    """The transport protocol on m-line `number`, as it must be repeated in the answer."""
    line = [line for line in text.splitlines() if line.startswith("m=")][number]
    return line.split()[2]


def _read_line(purpose: Purpose, media: MediaDescription, protocol: str, codecs: Sequence[Codec]) -> Line:
    mid = media.rtp.muxId
    if "SAVPF" not in protocol:
        raise bad_offer(f"a=mid:{mid} không dùng SAVPF", f"a=mid:{mid} does not use SAVPF")
    if not media.rtcp_mux:
        raise bad_offer(f"a=mid:{mid} thiếu a=rtcp-mux", f"a=mid:{mid} lacks a=rtcp-mux")
    codec: Codec | None = None
    if purpose == "audio":
        chosen = next((c for c in media.rtp.codecs if c.name.lower() == "opus" and c.clockRate == 48000), None)
        if chosen is None:
            raise unsupported("cần Opus 48 kHz", "Opus at 48 kHz is needed")
        fmtp = "minptime=10;useinbandfec=1;usedtx=1"  # RFC 7587, section 6.1: a silent site sends next to nothing
    else:
        codec, chosen = _choose_video(media.rtp.codecs, codecs, mid)
        fmtp = ""
        if codec == "H264":
            profile = chosen.parameters["profile-level-id"]
            fmtp = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"
    if chosen.payloadType is None:
        raise bad_offer(f"a=mid:{mid} thiếu a=rtpmap", f"a=mid:{mid} lacks a=rtpmap")
    rtx = next(
        (
            c.payloadType
            for c in media.rtp.codecs
            if c.name.lower() == "rtx" and c.parameters.get("apt") == chosen.payloadType
        ),
        None,
    )
    offered = {" ".join(filter(None, (f.type, f.parameter))) for f in chosen.rtcpFeedback}
    primary, rtx_ssrc = _ssrcs(media)
    extensions = {e.uri: e.id for e in media.rtp.headerExtensions}
    direction = media.direction or "sendrecv"
    return Line(
        purpose=purpose,
        kind=media.kind,
        mid=mid,
        formats=" ".join(map(str, media.fmt)),
        protocol=protocol,
        receives=direction in ("sendrecv", "recvonly") and purpose != "screen",
        sends=direction in ("sendrecv", "sendonly"),
        codec=codec,
        payload_type=chosen.payloadType,
        fmtp=fmtp,
        rtx=rtx if purpose != "audio" else None,
        feedback=tuple(f for f in _FEEDBACK if f in offered) if purpose != "audio" else (),
        ssrcs=primary,
        rtx_ssrc=rtx_ssrc,
        mid_id=extensions.get(MID),
        level_id=extensions.get(AUDIO_LEVEL) if purpose == "audio" else None,
    )


def _choose_video(
    offered: Sequence[RTCRtpCodecParameters], codecs: Sequence[Codec], mid: str
) -> tuple[Codec, RTCRtpCodecParameters]:
    for wanted in codecs:
        if wanted == "VP8":
            chosen = next((c for c in offered if c.name.upper() == "VP8"), None)
        else:
            usable = [c for c in offered if c.name.upper() == "H264" and _h264_rank(c) is not None]
            chosen = min(usable, key=lambda c: _h264_rank(c) or 0, default=None)
        if chosen is not None:
            return wanted, chosen
    names = ", ".join(sorted({c.name for c in offered})) or "-"
    raise unsupported(
        f"a=mid:{mid} cần H.264 (packetization-mode=1, profile-level-id 42e0xx hoặc 42001f) hoặc VP8, chỉ thấy {names}",
        f"a=mid:{mid} needs H.264 (packetization-mode=1, profile-level-id 42e0xx or 42001f) or VP8, not {names}",
    )


def _h264_rank(codec: RTCRtpCodecParameters) -> int | None:
    """0 Constrained Baseline, 1 Baseline 3.1 (42001f); None: not usable."""
    profile = str(codec.parameters.get("profile-level-id", "")).lower()
    if str(codec.parameters.get("packetization-mode", "0")) != "1":
        return None
    if re.fullmatch("42[ce]0[0-9a-f]{2}", profile):
        return 0
    return 1 if profile == "42001f" else None


def _ssrcs(media: MediaDescription) -> tuple[tuple[int, ...], int | None]:
    listed = [s.ssrc for s in media.ssrc]
    for group in media.ssrc_group:
        if group.semantic == "FID" and len(group.items) == 2:
            primary, rtx = (int(item) for item in group.items)
            return (primary,), rtx
    return tuple(listed[:1]), None


# --------------------------------------------------------------------------------------------------- writing


def write_answer(
    offer: Offer,
    *,
    session: int,
    version: int,
    credentials: Credentials,
    fingerprint: str,
    addresses: Sequence[str],
    port: int,
    sending: dict[str, Sending],
    only_watches: bool = False,
) -> str:
    """The answer to `offer`.  `sending` gives the SSRCs by mid of what we send; `addresses` are announced as
    candidates.

    With `only_watches` nothing is accepted from the peer (a monitor).
    """
    used = [line.mid for line in offer.lines if line.purpose != "refused"]
    out = [
        "v=0",
        f"o=- {session} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(used)}",
        f"a=msid-semantic: WMS {STREAM}",
    ]
    for line in offer.lines:
        if line.purpose == "refused":
            out += [f"m={line.kind} 0 {line.protocol} {line.formats}", "c=IN IP4 0.0.0.0", f"a=mid:{line.mid}"]
            if line.kind in ("audio", "video"):
                out.append("a=inactive")
            continue
        out += _answer_line(line, sending.get(line.mid), only_watches)
        out += [
            f"a=ice-ufrag:{credentials.local_ufrag}",
            f"a=ice-pwd:{credentials.local_password}",
            f"a=fingerprint:sha-256 {fingerprint}",
            "a=setup:passive",
            *candidates(addresses, port),
            "a=end-of-candidates",
        ]
    return "\r\n".join(out) + "\r\n"


def _answer_line(line: Line, sending: Sending | None, only_watches: bool) -> list[str]:
    pt = line.payload_type
    formats = str(pt) if line.rtx is None else f"{pt} {line.rtx}"
    sends, receives = line.receives and sending is not None, line.sends and not only_watches
    direction = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}
    name = "opus/48000/2" if line.purpose == "audio" else f"{line.codec}/90000"
    out = [
        f"m={line.kind} 9 {line.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{line.mid}",
        f"a={direction.get((sends, receives), 'inactive')}",
        "a=rtcp-mux",
        f"a=rtpmap:{pt} {name}",
    ]
    if line.fmtp:
        out.append(f"a=fmtp:{pt} {line.fmtp}")
    out += [f"a=rtcp-fb:{pt} {feedback}" for feedback in line.feedback]
    if line.rtx is not None:
        out += [f"a=rtpmap:{line.rtx} rtx/90000", f"a=fmtp:{line.rtx} apt={pt}"]
    if line.mid_id is not None:
        out.append(f"a=extmap:{line.mid_id} {MID}")
    if line.level_id is not None:
        out.append(f"a=extmap:{line.level_id} {AUDIO_LEVEL}")
    if sends and sending is not None:
        track = f"{STREAM} mcu-{line.purpose}"
        out.append(f"a=msid:{track}")
        ssrcs = [sending.ssrc]
        if line.rtx is not None and sending.rtx_ssrc is not None:
            ssrcs.append(sending.rtx_ssrc)
            out.append(f"a=ssrc-group:FID {sending.ssrc} {sending.rtx_ssrc}")
        for ssrc in ssrcs:
            out += [f"a=ssrc:{ssrc} cname:{CNAME}", f"a=ssrc:{ssrc} msid:{track}"]
    return out


def candidates(addresses: Sequence[str], port: int) -> list[str]:
    """Host candidates of the one UDP port, most wanted first."""
    lines = []
    for number, address in enumerate(addresses):
        priority = 126 << 24 | (65535 - number) << 8 | 255
        host = ipaddress.ip_address(address)
        lines.append(f"a=candidate:{number + 1} 1 udp {priority} {host} {port} typ host")
    return lines
