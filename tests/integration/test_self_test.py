"""The self-test against a real server: a synthetic call of three sites, asked for at the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from benchmarks.server import Server

pytestmark = pytest.mark.timeout(180)


async def test_s53_the_mcu_tests_itself_and_tells_what_it_found(short_path: Path) -> None:
    async with Server(short_path) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "control_api.cli", "selftest", "--json", "--wait", "120"),
            env=server.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaints = await process.communicate()
        assert process.returncode == 0, (out.decode(), complaints.decode())
        report = json.loads(out)
        assert report["good"], report
        assert [site["name"] for site in report["sites"]] == ["Điểm thử 1", "Điểm thử 2", "Điểm thử 3"]
        assert all(len(site["hears"]) == 2 for site in report["sites"])
        (listed,) = await server.api("GET", "/self-tests")
        assert (listed["state"], listed["good"], listed["asked_by"]) == ("done", True, "mcu selftest")
        assert await server.api("GET", "/conferences") == []  # nobody saw the call
        assert (await server.metrics())["mcu_conferences"] == 0
