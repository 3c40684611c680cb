"""Which program each kind of worker is, and where its socket lies."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from mcu_core.errors import OperatorError
from mcu_core.wire import WorkerKind

_CHILD = (sys.executable, "-m", "mcu_core.node.child")
COMMANDS: Mapping[WorkerKind, tuple[str, ...]] = {
    "control": (*_CHILD, "control_api.control"),
    "relay": (*_CHILD, "mcu_core.relay"),
    "mixer": (*_CHILD, "mcu_core.mixing"),
}
SPARE_FLAG = "--spare"  # a mixer given this waits for its name on standard input

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_PATH = 107  # sun_path of unix(7) without its final zero


def check_name(name: str) -> str:
    """Return `name`; OperatorError "bad_worker_name" if it cannot be part of a socket's file name."""
    if not _NAME.fullmatch(name):
        raise OperatorError(
            "bad_worker_name",
            f"Tên tiến trình {name!r} không hợp lệ: chỉ dùng chữ không dấu, số, dấu chấm, gạch ngang, tối đa 64 ký tự.",
            f"Worker name {name!r} is not valid: use letters, digits, dots, dashes and underscores, at most 64.",
        )
    return name


def socket_path(run_dir: Path, kind: WorkerKind, name: str) -> Path:
    """Path of a worker's socket.  OperatorError when the name is not valid or the path too long for a Unix socket."""
    path = run_dir / f"{kind}-{check_name(name)}.sock"
    if len(str(path).encode()) > _LONGEST_PATH:
        raise OperatorError(
            "run_dir_too_long",
            f"Đường dẫn {path} quá dài cho Unix socket (tối đa {_LONGEST_PATH} byte). Hãy đặt MCU_RUN_DIR ngắn hơn.",
            f"The path {path} is too long for a Unix socket ({_LONGEST_PATH} bytes). Choose a shorter MCU_RUN_DIR.",
        )
    return path
