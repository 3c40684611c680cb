"""Long reading beside the server: in a thread with an event loop and connections of its own.

A million rows are minutes of work in small pieces; on the server's loop each piece would delay every command and every
packet of signalling.  The interpreter hands over between threads every 5 ms, so the loop is never away for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from control_api.store.database import Database

T = TypeVar("T")


async def apart(database: Database, work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` returns, given another Database on the same server.  It must touch nothing else that is shared.

    Raises what it raises.  Cancelled, it goes on to its end in its thread, unheard.
    """
    url = database.engine.url.render_as_string(hide_password=False)

    async def carry_out() -> T:
        own = Database(url)
        try:
            return await work(own)
        finally:
            await own.close()

    def run() -> T:
        return asyncio.run(carry_out())

    return await asyncio.to_thread(run)
