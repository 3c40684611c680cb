"""First code of every child of the supervisor: `python -m mcu_core.node.child MODULE [ARGS]`.

Ties the process to its parent (prctl(2), PR_SET_PDEATHSIG), then runs MODULE as `__main__`.  Done here and not in a
`preexec_fn`, which may deadlock in a parent that has threads.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PARENT = "MCU_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends; repeating it does nothing more.

    Without effect outside Linux.  When the environment names the parent and it is gone already, exits at once.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):
        os._exit(1)  # it died between fork and prctl


def main() -> None:
    die_with_parent()
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
