"""Media arithmetic: arrays in, arrays out; no clock, no sockets, no asyncio.  README.md lists the rooms.

Names are imported from their modules on first use, so that a process that needs only `levels` loads no codec.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixer.audio_bus import AudioBus
    from mixer.channel import ChannelStrip
    from mixer.codec import EncodedVideo, OpusDecoder, OpusEncoder, VideoDecoder, VideoEncoder, video_encoder
    from mixer.compositor import Compositor, TileSpec
    from mixer.dynamics import Limiter, level_dbov
    from mixer.layout import Cell, Layout, Rect, auto_layout, catalogue, to_pixels
    from mixer.levels import ActiveSpeaker, Loudest
    from mixer.master import Master
    from mixer.picture import Canvas, Picture

__all__ = [
    "ActiveSpeaker",
    "AudioBus",
    "Canvas",
    "Cell",
    "ChannelStrip",
    "Compositor",
    "EncodedVideo",
    "Layout",
    "Limiter",
    "Loudest",
    "Master",
    "OpusDecoder",
    "OpusEncoder",
    "Picture",
    "Rect",
    "TileSpec",
    "VideoDecoder",
    "VideoEncoder",
    "auto_layout",
    "catalogue",
    "level_dbov",
    "to_pixels",
    "video_encoder",
]

_HOME = {
    "audio_bus": ("AudioBus",),
    "channel": ("ChannelStrip",),
    "codec": ("EncodedVideo", "OpusDecoder", "OpusEncoder", "VideoDecoder", "VideoEncoder", "video_encoder"),
    "compositor": ("Compositor", "TileSpec"),
    "dynamics": ("Limiter", "level_dbov"),
    "layout": ("Cell", "Layout", "Rect", "auto_layout", "catalogue", "to_pixels"),
    "levels": ("ActiveSpeaker", "Loudest"),
    "master": ("Master",),
    "picture": ("Canvas", "Picture"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"mixer.{module}"), name)
    raise AttributeError(f"module 'mixer' has no attribute {name!r}")
