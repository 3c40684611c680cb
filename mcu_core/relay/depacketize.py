"""RTP payloads put together to encoded pictures again: H.264 to Annex B (RFC 6184), VP8 to a bare frame (RFC 7741).

Payloads come from the network: what does not parse gives None (the picture is then treated as lost), never an
exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcu_core.relay.packetize import split_annex_b

_START = b"\0\0\0\1"
_STAP_A, _FU_A = 24, 28
_IDR, _SPS, _PPS = 5, 7, 8
_WITH_SETS = (_SPS, _PPS, _STAP_A)
_MOST_PPS = 8
_REFUSED = 2  # keyframes without parameter sets, before one is handed on


def h264(payloads: Sequence[bytes]) -> tuple[bytes, bool] | None:
    """`(Annex B bytes, holds a keyframe)` of one picture's payloads in order; None when they do not fit together."""
    parts: list[bytes] = []
    keyframe = False
    open_unit = False
    for payload in payloads:
        if not payload:
            return None
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            if len(payload) < 3:
                return None
            head = payload[1]
            if head & 0x80:
                if open_unit:
                    return None
                unit = head & 0x1F
                keyframe |= unit == _IDR
                parts += (_START, bytes((payload[0] & 0xE0 | unit,)), payload[2:])
                open_unit = True
            else:
                if not open_unit:
                    return None
                parts.append(payload[2:])
            if head & 0x40:
                open_unit = False
            continue
        if open_unit:
            return None
        if kind == _STAP_A:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                at += 2
                if size == 0 or at + size > len(payload):
                    return None
                keyframe |= payload[at] & 0x1F == _IDR
                parts += (_START, payload[at : at + size])
                at += size
        elif 1 <= kind <= 23:
            keyframe |= kind == _IDR
            parts += (_START, payload)
        else:
            return None
    if open_unit or not parts:
        return None
    return b"".join(parts), keyframe


class ParameterSets:
    """The newest SPS and PPS of one H.264 stream: some senders tell them once, or in a picture of their own."""

    def __init__(self) -> None:
        self._sps: bytes | None = None
        self._pps: list[bytes] = []
        self._refused = 0

    def hear(self, payload: bytes) -> None:
        """Take what sets are in a payload, in order."""
        for unit in _units(payload):
            self._keep(unit)

    def complete(self, keyframe: bytes) -> bytes | None:
        """The Annex B keyframe, with the parameter sets in front if it has none; None where they have not come.

        After some such the keyframe as it is: a decoder may have heard the sets before we began.
        """
        if any(unit[0] & 0x1F == _SPS for unit in split_annex_b(keyframe)):
            self._refused = 0
            return keyframe
        if self._sps is not None and self._pps:
            return b"".join(_START + unit for unit in (self._sps, *self._pps)) + keyframe
        self._refused += 1
        return keyframe if self._refused > _REFUSED else None

    def _keep(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind == _SPS:
            self._sps = unit
            self._pps = []
        elif kind == _PPS and unit not in self._pps and len(self._pps) < _MOST_PPS:
            self._pps.append(unit)


def may_hold_sets(payload: bytes) -> bool:
    """Whether `ParameterSets` should hear this payload; asked for each."""
    return payload[0] & 0x1F in _WITH_SETS


def h264_starts_keyframe(payload: bytes) -> bool:
    """Whether this payload is where a decoder can begin: parameter sets, or the beginning of an IDR slice."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == _IDR
    return any(unit[0] & 0x1F in (_IDR, _SPS) for unit in _units(payload))


def _units(payload: bytes) -> Iterator[bytes]:
    """The NAL units of a payload that is no fragment: itself, or those that travel together, as far as they parse."""
    if payload[0] & 0x1F != _STAP_A:
        yield payload
        return
    at = 1
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        if unit := payload[at + 2 : at + 2 + size]:
            yield unit
        at += 2 + size


def vp8(payloads: Sequence[bytes]) -> tuple[bytes, bool] | None:
    """`(frame, is a keyframe)` of one picture's payloads in order; None when they do not fit together."""
    parts: list[bytes] = []
    for number, payload in enumerate(payloads):
        at = _vp8_descriptor(payload)
        if at is None or at >= len(payload):
            return None
        begins = bool(payload[0] & 0x10) and not payload[0] & 0x07
        if begins != (number == 0):
            return None
        parts.append(payload[at:])
    if not parts:
        return None
    return b"".join(parts), not parts[0][0] & 1


def vp8_starts_keyframe(payload: bytes) -> bool:
    at = _vp8_descriptor(payload)
    if at is None or at >= len(payload):
        return False
    return bool(payload[0] & 0x10) and not payload[0] & 0x07 and not payload[at] & 1


def _vp8_descriptor(payload: bytes) -> int | None:
    """Length of the payload descriptor; None when it is cut off."""
    if not payload:
        return None
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return None
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) < 3:
                return None
            at += 2 if payload[2] & 0x80 else 1
        if flags & 0x40:
            at += 1
        if flags & 0x30:
            at += 1
    return at if at <= len(payload) else None
