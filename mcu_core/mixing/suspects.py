"""Which streams were being decoded when a mixer crashed.

A few bytes in a file mapped by all decoder threads, written before and after each frame.  They outlive the process;
the next mixer of the same name reads them and keeps those streams out for a while, so that a bitstream that kills a
decoder kills one mixer, not each of them.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import struct
import threading
from pathlib import Path

from mcu_core.mixing.quarantine import Source
from mcu_core.wire import TRACKS

_MARK = struct.Struct("=IBxxx")  # site, track + 1; all zero: idle
_SLOTS = 64


class DecodingMarks:
    """One mark per thread.  Raises OSError if the file cannot be made."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.ftruncate(file, _SLOTS * _MARK.size)
            self._marks = mmap.mmap(file, _SLOTS * _MARK.size)
        finally:
            os.close(file)
        self._next = itertools.cycle(range(_SLOTS))
        self._thread = threading.local()

    def begin(self, source: Source) -> None:
        """The calling thread starts to decode a frame of `source`."""
        site, track = source
        _MARK.pack_into(self._marks, self._offset(), site, TRACKS.index(track) + 1)

    def end(self) -> None:
        _MARK.pack_into(self._marks, self._offset(), 0, 0)

    def close(self) -> None:
        self._marks.close()

    def _offset(self) -> int:
        if not hasattr(self._thread, "offset"):
            self._thread.offset = next(self._next) * _MARK.size
        offset: int = self._thread.offset
        return offset


def read_suspects(path: Path) -> set[Source]:
    """Streams whose mark was left by a process that is gone; empty when there is no such file."""
    data = b""
    with contextlib.suppress(OSError):
        data = path.read_bytes()
    whole = len(data) - len(data) % _MARK.size
    return {(site, TRACKS[track - 1]) for site, track in _MARK.iter_unpack(data[:whole]) if 0 < track <= len(TRACKS)}
