"""A wall of sites that send far more than it needs: a real server, real relay and mixer, legs over loopback."""

from __future__ import annotations

import os

from benchmarks import room


def test_a_wall_of_cameras_that_ignore_their_hints_costs_little() -> None:
    """One site fills the programme; the others, on the wall alone, send it 720p30 for 5 frames/s."""
    sites = 3 + len(os.sched_getaffinity(0))  # each needs 108,000 macroblocks a second, of 75,000 for a processor
    seen = room.run(sites=sites, source="1280x720@30", seconds=14.0, layout="1")  # judged for 5 to 9 of them
    assert seen["stills"] == sites - 1
    assert seen["decoded_per_s"] <= 30 + 2 * sites, (
        "half a picture of each a second, and all of who fills the programme"
    )
    assert seen["plis"] >= 2 * (sites - 1)
    assert seen["fps_wall"] > 0, "and they are drawn"
    assert seen["fps_min"] > 20, "what fills the programme is whole"
    assert (seen["packets_lost"], seen["unverified"], seen["eye"]["errors"]) == (0, 0, 0)
