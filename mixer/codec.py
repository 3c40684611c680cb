"""Encoders and decoders behind small interfaces.  Everything here is used by one thread at a time per object."""

from __future__ import annotations

from typing import Literal, Protocol

import av

from mixer.decoder import VideoDecoder
from mixer.encoder import EncodedVideo, H264Encoder, Vp8Encoder
from mixer.opus import OpusDecoder, OpusEncoder

__all__ = ["EncodedVideo", "OpusDecoder", "OpusEncoder", "VideoDecoder", "VideoEncoder", "video_encoder"]


class VideoEncoder(Protocol):
    """Encodes the pictures of one rendition."""

    def encode(self, canvas_frame: av.VideoFrame, rtp_time: int, force_keyframe: bool = False) -> list[EncodedVideo]:
        """Encode one picture; its frame comes back in the same call."""

    def set_bitrate(self, bitrate_bps: int) -> None:
        """Change the target from the next picture on."""

    def close(self) -> None:
        """Free the codec."""


def video_encoder(
    codec: Literal["H264", "VP8"], width: int, height: int, frame_rate: float, bitrate_bps: int
) -> VideoEncoder:
    """An encoder of even `width` x `height`; canvases of another size are scaled.

    The bitrate is kept within 32 kbit/s and 12 Mbit/s.  Raises ValueError for a size no codec here can carry.
    """
    kind = H264Encoder if codec == "H264" else Vp8Encoder
    return kind(width, height, frame_rate, bitrate_bps)
