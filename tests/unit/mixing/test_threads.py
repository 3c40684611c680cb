"""Which of the mixer's threads get a processor first."""

from __future__ import annotations

import os
from concurrent.futures import Executor

import pytest

from mcu_core.mixing.conference_mix import make_threads


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="not Linux")
def test_codecs_leave_the_processor_to_threads_that_keep_time() -> None:
    def policy(executor: Executor) -> int:
        return executor.submit(os.sched_getscheduler, 0).result()

    threads = make_threads()
    try:
        assert policy(threads.audio) == os.SCHED_OTHER
        assert {policy(each) for each in (threads.render, threads.decode, threads.slow)} == {os.SCHED_BATCH}
    finally:
        for executor in (threads.audio, threads.render, threads.decode, threads.slow):
            executor.shutdown()
