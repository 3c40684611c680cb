"""Opus, 48 kHz mono, 20 ms (RFC 6716): encoder and decoder with real loss concealment.

libopus is called directly: PyAV carries it, but its decoder offers neither concealment (PLC) nor the redundancy of
the next packet (FEC), and each block would pass through an AudioFrame.  Where no libopus is found, PyAV's own
codecs do the work and lost sound is faded out by hand.  An object is used by one thread at a time.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

RATE = 48_000
BLOCK = 960  # 20 ms
_LONGEST = 5760  # 120 ms, the longest packet of RFC 6716
_MAX_PACKET = 1500

_VOIP = 2048
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_PACKET_LOSS, _SET_SIGNAL = 4002, 4010, 4012, 4014, 4024
_SIGNAL_VOICE = 3001
_COMPLEXITY = 5  # 10 costs twice the time for no audible gain at these bitrates


@cache
def libopus() -> ctypes.CDLL | None:
    """The libopus that PyAV carries, or the system's; None where there is neither."""
    beside = Path(av.__file__).parent
    candidates = [
        str(path)
        for folder in (beside.parent / "av.libs", beside / ".libs", beside / ".dylibs")
        for path in sorted(folder.glob("libopus*"))
    ]
    system = ctypes.util.find_library("opus") if not candidates else None
    for name in [*candidates, system]:
        if name is None:
            continue
        with contextlib.suppress(OSError, AttributeError):
            return _declare(ctypes.CDLL(name))
    return None


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
        ("opus_encoder_create", pointer, [number, number, number, pointer]),
        ("opus_encoder_destroy", None, [pointer]),
        ("opus_encode", number, [pointer, pointer, number, pointer, number]),
        ("opus_decoder_create", pointer, [number, number, pointer]),
        ("opus_decoder_destroy", None, [pointer]),
        ("opus_decode", number, [pointer, ctypes.c_char_p, number, pointer, number, number]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.opus_encoder_ctl.restype = number  # variadic: arguments are converted at the call
    return library


class OpusEncoder:
    """Encodes blocks of 20 ms, with redundancy for listeners that lose packets."""

    def __init__(self, bitrate_bps: int = 48_000, expected_loss_percent: int = 5) -> None:
        self._library = libopus()
        self._handle: int | None = None
        if self._library is None:
            self._context = _av_encoder(bitrate_bps, expected_loss_percent)
            return
        error = ctypes.c_int()
        self._handle = self._library.opus_encoder_create(RATE, 1, _VOIP, ctypes.byref(error))
        if not self._handle:
            raise RuntimeError(f"libopus refused an encoder: {error.value}")
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_COMPLEXITY, _COMPLEXITY),
            (_SET_INBAND_FEC, 1),
            (_SET_PACKET_LOSS, expected_loss_percent),
            (_SET_SIGNAL, _SIGNAL_VOICE),
        ):
            self._set(request, value)
        self._out = ctypes.create_string_buffer(_MAX_PACKET)

    def encode(self, pcm: Pcm) -> bytes:
        """Encode one contiguous block, shape (960,)."""
        if pcm.shape != (BLOCK,) or not pcm.flags.c_contiguous:
            raise ValueError(f"a block of shape {pcm.shape}, not ({BLOCK},)")
        if self._library is None or self._handle is None:
            return self._encode_with_av(pcm)
        size = self._library.opus_encode(self._handle, pcm.ctypes.data, BLOCK, self._out, _MAX_PACKET)
        if size < 0:
            raise RuntimeError(f"libopus could not encode: {size}")
        return ctypes.string_at(self._out, size)

    def set_bitrate(self, bitrate_bps: int) -> None:
        """Takes effect with the next block."""
        if self._handle is None:
            self._context.bit_rate = bitrate_bps
        else:
            self._set(_SET_BITRATE, bitrate_bps)

    def close(self) -> None:
        """Free the codec; a second call does nothing."""
        if self._handle is not None and self._library is not None:
            self._library.opus_encoder_destroy(self._handle)
            self._library = self._handle = None

    def __del__(self) -> None:
        self.close()

    def _set(self, request: int, value: int) -> None:
        assert self._library is not None
        handle = ctypes.c_void_p(self._handle)
        self._library.opus_encoder_ctl(handle, ctypes.c_int(request), ctypes.c_int(value))

    def _encode_with_av(self, pcm: Pcm) -> bytes:
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class OpusDecoder:
    """Decodes packets of one sender to mono; conceals what was lost.  Counts `broken` packets."""

    def __init__(self) -> None:
        self.broken = 0
        self._library = libopus()
        self._handle: int | None = None
        self._pcm = np.zeros(_LONGEST, np.int16)
        self._at = self._pcm.ctypes.data
        self._last: Pcm = np.zeros(BLOCK, np.int16)  # what the hand-made fade repeats
        if self._library is None:
            self._context, self._mono = _av_decoder()
            return
        error = ctypes.c_int()
        self._handle = self._library.opus_decoder_create(RATE, 1, ctypes.byref(error))
        if not self._handle:
            raise RuntimeError(f"libopus refused a decoder: {error.value}")

    def decode(self, payload: bytes) -> Pcm:
        """Decode a packet, int16 of shape (n,), n samples at 48 kHz.  A broken one is concealed like a lost one."""
        if not payload:
            return self.conceal()
        if self._handle is None:
            return self._decode_with_av(payload)
        decoded = self._run(payload, _LONGEST, 0)
        if decoded is None:
            self.broken += 1
            return self.conceal()
        return decoded

    def conceal(self, samples: int = BLOCK) -> Pcm:
        """Continue the sound over a lost packet of `samples` (a multiple of 120), fading as losses go on."""
        if self._handle is not None:
            concealed = self._run(None, samples, 0)
            if concealed is not None:
                return concealed
        # no libopus: repeat what was last heard, quieter each time
        self._last = (np.resize(self._last, samples) * np.linspace(0.7, 0.4, samples)).astype(np.int16)
        return self._last

    def decode_fec(self, payload: bytes, samples: int = BLOCK) -> Pcm:
        """The lost packet before `payload`, from the redundancy in it; concealment if it carries none."""
        if self._handle is not None and payload:
            recovered = self._run(payload, samples, 1)
            if recovered is not None:
                return recovered
        return self.conceal(samples)

    def close(self) -> None:
        """Free the codec; a second call does nothing."""
        if self._handle is not None and self._library is not None:
            self._library.opus_decoder_destroy(self._handle)
            self._library = self._handle = None

    def __del__(self) -> None:
        self.close()

    def _run(self, payload: bytes | None, samples: int, fec: int) -> Pcm | None:
        assert self._library is not None
        size = len(payload) if payload is not None else 0
        count = self._library.opus_decode(self._handle, payload, size, self._at, samples, fec)
        return self._pcm[:count].copy() if count > 0 else None

    def _decode_with_av(self, payload: bytes) -> Pcm:
        try:
            blocks = [
                mono.to_ndarray().reshape(-1)
                for frame in self._context.decode(av.Packet(payload))
                for mono in self._mono.resample(frame)
            ]
        except av.FFmpegError:
            self.broken += 1
            return self.conceal()
        if not blocks:
            return self.conceal()
        self._last = np.concatenate(blocks).astype(np.int16)
        return self._last


def _av_encoder(bitrate_bps: int, expected_loss_percent: int) -> av.AudioCodecContext:
    context = av.CodecContext.create("libopus", "w")
    context.bit_rate, context.sample_rate, context.layout, context.format = bitrate_bps, RATE, "mono", "s16"
    context.options = {"application": "voip", "fec": "1", "packet_loss": str(expected_loss_percent)}
    context.open()
    return context


def _av_decoder() -> tuple[av.AudioCodecContext, av.AudioResampler]:
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout = RATE, "mono"
    return context, av.AudioResampler(format="s16", layout="mono", rate=RATE)
