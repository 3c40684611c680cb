"""Which of the mixer's threads get a processor first."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Executor

import pytest

from mcu_core.mixing.conference_mix import make_threads


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="not Linux")
def test_codecs_leave_the_processor_to_threads_that_keep_time() -> None:
    def policy(executor: Executor) -> int:
        return executor.submit(os.sched_getscheduler, 0).result()

    def nice(executor: Executor) -> int:
        return executor.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()

    threads = make_threads()
    try:
        assert policy(threads.audio) == os.SCHED_OTHER
        assert {policy(each) for each in (threads.render, threads.decode, threads.slow)} == {os.SCHED_BATCH}
        assert nice(threads.audio) < nice(threads.render) == nice(threads.decode) < nice(threads.slow)
    finally:
        for executor in (threads.audio, threads.render, threads.decode, threads.slow):
            executor.shutdown()
