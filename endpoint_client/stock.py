"""The four things stock aiortc 1.16 has no public door for, each one attribute of one object, checked when used.

- `send_levels`: packets given to a sender carry no audio level; an MCU chooses voices by it (RFC 6464).
- `on_keyframe_request`: PLI and FIR are swallowed when packets are sent.
- `send`: a sender that is to stop for a while (`RTCRtpEncodingParameters.active` of browsers) must go on reading.
- `count_only`: a receiver always decodes; a site that is only scenery counts packets instead, at a tenth of the cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCRtpReceiver, RTCRtpSender


class HasLevel(Protocol):
    level_dbov: int  # 0..-127


def _door(owner: object, name: str) -> Any:
    if not callable(found := getattr(owner, name, None)):
        raise RuntimeError(f"this aiortc has no {type(owner).__name__}.{name}: adapt endpoint_client/stock.py")
    return found


def send_levels(sender: RTCRtpSender, source: HasLevel) -> None:
    """Write the level of the packet that `source` gave last into its RTP header."""
    inner = _door(sender, "_next_encoded_frame")

    async def with_level(codec: Any) -> Any:
        frame = await inner(codec)
        if frame is not None and frame.audio_level is None:
            frame.audio_level = source.level_dbov
        return frame

    setattr(sender, "_next_encoded_frame", with_level)  # noqa: B010


def on_keyframe_request(sender: RTCRtpSender, wanted: Callable[[], None]) -> None:
    """Call `wanted` for each PLI or FIR."""
    _door(sender, "_send_keyframe")
    setattr(sender, "_send_keyframe", wanted)  # noqa: B010


def send(sender: RTCRtpSender, active: bool) -> None:
    """Send what the track gives, or throw it away."""
    if not isinstance(getattr(sender, "_enabled", None), bool):
        raise RuntimeError("this aiortc has no RTCRtpSender._enabled: adapt endpoint_client/stock.py")
    setattr(sender, "_enabled", active)  # noqa: B010


def count_only(receiver: RTCRtpReceiver, packet: Callable[[bool, int, int], None]) -> None:
    """Hand each packet's (marker, sequence number, size) to `packet` instead of decoding it."""
    _door(receiver, "_handle_rtp_packet")

    async def counted(rtp: Any, arrival_time_ms: int) -> None:
        packet(bool(rtp.marker), rtp.sequence_number, len(rtp.payload))

    setattr(receiver, "_handle_rtp_packet", counted)  # noqa: B010
