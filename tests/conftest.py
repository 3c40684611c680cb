"""Runs the suite on two cores: the media tests one after the other, the unit tests beside them in what time is left.

Tests with real servers, browsers and media keep to one worker of pytest-xdist, so that no two of them share the
machine; the other worker takes the unit tests, a file at a time, and gives way to them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

_UNIT = "tests/unit/"
_START, _NICE = os.nice(0), 10  # a tenth of a media test's share; with the hundredth of 19 deadlines of seconds passed

settings.register_profile("shared machine", deadline=None)  # examples wait for the media tests
settings.load_profile("shared machine")


class _MediaAlone(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::")[0] if nodeid.startswith(_UNIT) else "media"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _MediaAlone:
    config.option.loadscopereorder = False  # the media tests, which are collected first, are also begun first
    return _MediaAlone(config, log)


@pytest.fixture(autouse=True)
def gives_way(request: pytest.FixtureRequest, worker_id: str) -> None:
    """Unit tests leave media tests most of the time; a worker's media tests come before its unit tests, if any."""
    if worker_id != "master" and request.node.nodeid.startswith(_UNIT) and os.nice(0) == _START:
        os.nice(_NICE)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder whose path is short enough for a server's Unix sockets; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcu-", dir="/tmp") as folder:
        yield Path(folder)
