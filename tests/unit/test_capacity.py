"""What a meeting asks of the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_core.capacity import FULL, Capacity, Demand, MeetingSize, assumed, demand_of, most_video, total

CAPACITY = Capacity(1.6e9, 350e6, 2e9, 250e3, 130e3)
SIZES = st.builds(
    MeetingSize,
    st.integers(0, 200),
    st.integers(0, 200),
    personal_views=st.integers(0, 8),
    frame_rate=st.sampled_from([15.0, 25.0, 30.0]),
)


@given(SIZES)
def test_s68_one_site_more_never_costs_less(size: MeetingSize) -> None:
    if size.video_sites:
        more = MeetingSize(
            size.video_sites + 1, size.sound_sites, frame_rate=size.frame_rate, personal_views=size.personal_views
        )
        assert CAPACITY.share(demand_of(more)) >= CAPACITY.share(demand_of(size))
        assert CAPACITY.share(demand_of(size.sound_only())) <= CAPACITY.share(demand_of(size))


@given(SIZES, st.floats(0, 1))
def test_s68_most_video_is_the_largest_number_that_fits(size: MeetingSize, held: float) -> None:
    besides = Demand(decode=held * CAPACITY.decode)
    found = most_video(size, CAPACITY, besides)
    if found is None:
        assert not CAPACITY.fits(besides + demand_of(size.sound_only()))
        return
    assert CAPACITY.fits(besides + demand_of(size.with_video(found)))
    if found < size.sites:
        assert not CAPACITY.fits(besides + demand_of(size.with_video(found + 1)))


def test_kinds_of_work_share_the_processors() -> None:
    half = Demand(decode=CAPACITY.decode / 2)
    assert CAPACITY.share(half) == pytest.approx(0.5)
    assert CAPACITY.share(total([half, Demand(encode=CAPACITY.encode / 2)])) == pytest.approx(1.0)
    assert not CAPACITY.fits(half + Demand(compose=CAPACITY.compose * (FULL - 0.49)))
    assert CAPACITY.share(Demand(packets=130e3)) == pytest.approx(1.0)  # one relay is full before the processors are


def test_the_model_is_above_what_was_measured_but_not_far() -> None:
    """`mcu bench scale` on 2 cores (RESULTS.md): cores by sites, each sending 320x180 at 15 pictures a second."""
    per_core = Capacity(838e6, 174e6, 1e9, 130e3)
    for sites, cores in ((8, 0.473), (32, 0.686), (60, 0.827), (120, 0.994), (200, 1.376)):
        asked = per_core.share(demand_of(MeetingSize(sites)))
        assert cores <= asked <= 1.25 * cores, sites


def test_an_unmeasured_machine_is_trusted_with_less() -> None:
    guess = assumed(2)
    assert not guess.measured
    assert guess.share(demand_of(MeetingSize(30))) > CAPACITY.share(demand_of(MeetingSize(30)))
