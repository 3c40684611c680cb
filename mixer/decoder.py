"""Decoders of what sites send.  The size is read from the bitstream first: a hostile picture harms only its sender."""

from __future__ import annotations

from typing import Literal

import av
from av.codec.context import Flags

from mcu_core.errors import EndpointError
from mixer.bitstream import h264_sizes, vp8_size

LONG_SIDE, SHORT_SIDE = 1920, 1088


class VideoDecoder:
    """Decodes one stream of H.264 (Annex B) or VP8, frame by frame, in the caller's thread.

    One thread each: a conference decodes many small pictures side by side.  Used by one thread at a time.
    """

    def __init__(self, codec: Literal["H264", "VP8"]) -> None:
        self._codec = codec
        self._context = av.CodecContext.create("h264" if codec == "H264" else "vp8", "r")
        self._context.thread_count = 1
        self._context.flags |= Flags.low_delay
        self._context.options = {"max_pixels": str(LONG_SIDE * SHORT_SIDE)}
        self._seen_size = False

    def decode(self, payload: bytes, rtp_time: int) -> list[av.VideoFrame]:
        """Decode one whole frame; the pictures carry `rtp_time` as `pts`.

        Frames before the first keyframe give no picture.  Raises EndpointError `picture_too_large` before anything of
        the frame is decoded, and `picture_broken` when it cannot be: the caller asks the site for a keyframe.
        """
        self._check_size(payload)
        if not self._seen_size:
            return []
        packet = av.Packet(payload)
        packet.pts = rtp_time
        try:
            return self._context.decode(packet)
        except av.FFmpegError as error:
            raise _broken(str(error)) from error

    def close(self) -> None:
        """Free the codec."""
        del self._context

    def _check_size(self, payload: bytes) -> None:
        try:
            if self._codec == "H264":
                sizes = list(h264_sizes(payload))
            else:
                size = vp8_size(payload)
                sizes = [] if size is None else [size]
        except ValueError as error:
            raise _broken(str(error)) from error
        for width, height in sizes:
            if max(width, height) > LONG_SIDE or min(width, height) > SHORT_SIDE:
                raise EndpointError(
                    "picture_too_large",
                    f"Hình {width}x{height} vượt quá {LONG_SIDE}x{SHORT_SIDE}; hãy giảm độ phân giải của camera.",
                    f"A picture of {width}x{height} exceeds {LONG_SIDE}x{SHORT_SIDE}; lower the camera's resolution.",
                )
            if min(width, height) < 2:
                raise _broken(f"a picture of {width}x{height}")
            self._seen_size = True


def _broken(why: str) -> EndpointError:
    return EndpointError(
        "picture_broken",
        "Không giải mã được hình; đang yêu cầu điểm cầu gửi lại từ đầu.",
        f"The picture cannot be decoded ({why}); a keyframe is being requested.",
    )
