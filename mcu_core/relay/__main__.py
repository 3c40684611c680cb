"""`python -m mcu_core.relay`: one relay, with its settings from the environment."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys

from mcu_core.errors import OperatorError
from mcu_core.relay import aiortc_shim
from mcu_core.relay.process import Relay
from mcu_core.relay.settings import RelaySettings

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """The supervisor's death ends this process, too (Linux)."""
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


async def _serve(settings: RelaySettings) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    relay = Relay(settings)
    gc.collect()
    gc.freeze()  # modules live for ever: full collections need not look at them
    with contextlib.suppress(asyncio.CancelledError):
        await relay.run()


def main() -> int:
    logging.basicConfig(level=os.environ.get("MCU_LOG_LEVEL", "INFO"), format="%(levelname)s %(name)s: %(message)s")
    _die_with_parent()
    aiortc_shim.self_test()
    try:
        asyncio.run(_serve(RelaySettings.from_environment(os.environ)))
    except OperatorError as error:
        print(f"{error.vi}\n{error.en}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
