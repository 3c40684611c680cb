"""`python -m mcu_core.mixing`: a mixer named by MCU_WORKER_NAME, or with `--spare` by a line on standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcu_core.node.child import die_with_parent
from mcu_core.node.commands import SPARE_FLAG
from mcu_core.node.spare import Assignment, wait_for_assignment, warm_up_quietly


def main() -> None:
    die_with_parent()
    if SPARE_FLAG in sys.argv:
        warm_up_quietly(_import_and_warm_up)
        print("ready", flush=True)
        assignment = wait_for_assignment(sys.stdin)
        if assignment is None:
            return
    else:
        assignment = Assignment.from_environment()
    from mcu_core.mixing.process import run_mixer
    from mcu_core.node.logs import configure_logs

    configure_logs(f"mixer-{assignment.name}")
    run_mixer(Path(os.environ["MCU_RUN_DIR"]), assignment)


def _import_and_warm_up() -> None:
    from mcu_core.mixing.process import warm_up

    warm_up()


if __name__ == "__main__":
    main()
