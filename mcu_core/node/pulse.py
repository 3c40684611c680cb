"""Whether a worker's event loop still turns: the supervisor asks, any answer counts.

A process that is stopped, or caught in a loop or a lock, keeps its sockets open and its peers waiting; only silence
tells.  Misses are counted one by one, so that a machine that stood still itself (a suspended virtual machine, a
debugger) finds one miss when it goes on, not many.
"""

from __future__ import annotations

import asyncio

from mcu_core.errors import PeerLost
from mcu_core.wire import Peer, Ping, connect

PERIOD = 2.0  # seconds from question to question, and at most for an answer
MISSES = 5  # in a row: hung


async def until_silent(socket: str, *, period: float = PERIOD, misses: int = MISSES) -> None:
    """Ask the worker at the Unix socket `socket` again and again; return when it missed `misses` times in a row."""
    loop = asyncio.get_running_loop()
    peer = Peer()
    connected = False
    missed = 0
    try:
        while missed < misses:
            begin = loop.time()
            try:
                async with asyncio.timeout(period):
                    if not connected or peer.closed.is_set():
                        peer.close()
                        peer, connected = Peer(), False
                        await connect(socket, peer, deadline=period)
                        connected = True
                    await peer.call(Ping(), period)
            except (PeerLost, OSError, TimeoutError):
                missed += 1
            else:
                missed = 0
            if missed < misses:
                await asyncio.sleep(max(0.0, begin + period - loop.time()))
    finally:
        peer.close()
