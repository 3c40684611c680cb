"""Processor time of a tree of processes is what its processes used."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from benchmarks.processes import cores, role, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")

BUSY = """
import time
until = time.process_time() + 0.3
while time.process_time() < until:
    pass
print(flush=True)
input()
"""


def test_children_are_found_and_their_time_is_counted() -> None:
    before, start = tree(os.getpid()), time.monotonic()
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after = tree(os.getpid())
        assert child.pid in after
        assert after[child.pid].parent == os.getpid()
        assert after[child.pid].seconds >= 0.28
        assert after[child.pid].rss_mb > 3
        assert cores(before, after, time.monotonic() - start) > 0.1
        child.communicate(b"\n")
    assert child.pid not in tree(os.getpid())


def test_roles_are_read_from_command_lines() -> None:
    assert role("python -m mcu_core.node.child mcu_core.relay") == "relay"
    assert role("python -m mcu_core.node.child mcu_core.mixing --spare") == "mixer"
    assert role("python -m mcu_core.node.child control_api.control") == "control"
    assert role("mcu serve") == "supervisor"
