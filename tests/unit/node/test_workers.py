"""Names, paths, assignments and the words for how a process ended."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mcu_core.errors import OperatorError
from mcu_core.node.commands import COMMANDS, check_name, socket_path
from mcu_core.node.pool import PoolWatch
from mcu_core.node.spare import Assignment, wait_for_assignment, warm_up_quietly
from mcu_core.node.worker import describe_exit
from mcu_core.wire import WorkerInfo, WorkerUp


@pytest.mark.parametrize("name", ["0", "c-1", "c-9f_a.b"])
def test_names_of_conferences_are_names_of_workers(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "-x", "xã", "x" * 65, "a b", "a\n"])
def test_a_name_that_leaves_the_run_directory_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match="bad_worker_name"):
        socket_path(Path("/run/mcu"), "mixer", name)


def test_a_path_too_long_for_a_socket_is_refused_with_advice() -> None:
    with pytest.raises(OperatorError, match="MCU_RUN_DIR"):
        socket_path(Path("/run") / ("x" * 100), "relay", "0")


def test_every_kind_has_a_program() -> None:
    assert set(COMMANDS) == {"control", "relay", "mixer"}


def test_the_end_of_a_process_is_named() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(-250) == "killed by signal 250"


def test_the_spare_is_told_its_name() -> None:
    given = Assignment("c-1", crashed=True)
    assert wait_for_assignment(io.StringIO(given.line())) == given
    assert wait_for_assignment(io.StringIO("")) is None


def test_a_failing_warm_up_is_not_hidden() -> None:
    def fail() -> None:
        raise ImportError("no codec")

    with pytest.raises(ImportError, match="no codec"):
        warm_up_quietly(fail)


async def test_a_watch_keeps_order_and_forgets_the_oldest_when_nobody_reads() -> None:
    watch = PoolWatch()
    for pid in range(1030):
        watch.put(WorkerUp(WorkerInfo("relay", "0", pid, "", 0)))
    first = await anext(watch)
    second = await anext(watch)
    assert (first.worker.pid, second.worker.pid, watch.dropped) == (6, 7, 6)
