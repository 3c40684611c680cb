"""`python -m mcu_core.relay`: one relay, with its settings from the environment.

Exits with 78 (EX_CONFIG) when a setting is wrong, 1 when something else keeps it from working (its port is taken).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Mapping

from mcu_core.errors import OperatorError
from mcu_core.node.child import die_with_parent
from mcu_core.node.logs import configure_logs
from mcu_core.node.loop import run_watched
from mcu_core.node.priority import SOUND_PRIORITY, set_thread_priority
from mcu_core.relay import aiortc_shim
from mcu_core.relay.process import Relay
from mcu_core.relay.settings import RelaySettings

# Nearly all garbage here is counted references; looking for cycles 50 times a second in thousands of packets is not
# worth its pauses.
_GC_THRESHOLD = (20_000, 50, 100)


async def _serve(settings: RelaySettings) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    relay = Relay(settings)
    gc.collect()
    gc.freeze()  # modules live for ever: full collections need not look at them
    gc.set_threshold(*_GC_THRESHOLD)
    with contextlib.suppress(asyncio.CancelledError):
        await relay.run()


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Serve until told to stop; returns the exit code."""
    try:
        settings = RelaySettings.from_environment(environment)
    except OperatorError as error:
        return _refused(error, os.EX_CONFIG)
    configure_logs(f"relay-{settings.name}")
    aiortc_shim.self_test()
    set_thread_priority(SOUND_PRIORITY)
    try:
        run_watched(_serve(settings))
    except OperatorError as error:
        return _refused(error, 1)
    return 0


def _refused(error: OperatorError, code: int) -> int:
    print(f"{error.vi}\n{error.en}", file=sys.stderr)
    return code


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main())
