"""Seats: one per site, held for a while, never given to a stranger."""

from __future__ import annotations

import itertools

from signaling.seats import Seat, SeatBook, new_seat_id


def book() -> SeatBook:
    numbers = itertools.count(1)
    return SeatBook(lambda: f"s-{next(numbers)}")


def test_a_returning_endpoint_gets_its_own_seat_back() -> None:
    seats = book()
    first = seats.enter("a", "programme", "t-1", None)
    assert not first.resumed
    seats.lost("s-1", 10.0)
    again = seats.enter("a", "programme", "t-1", "s-1")
    assert again.resumed
    assert again.seat is first.seat
    assert again.seat.lost_at is None


def test_a_second_endpoint_of_the_same_site_ends_the_first() -> None:
    seats = book()
    seats.enter("a", "programme", "t-1", None)
    second = seats.enter("a", "programme", "t-1", None)
    assert second.ended is not None
    assert second.ended.id == "s-1"
    assert [seat.id for seat in seats] == ["s-2"]


def test_a_seat_of_another_site_cannot_be_claimed() -> None:
    seats = book()
    seats.enter("a", "programme", "t-1", None)
    entry = seats.enter("b", "programme", "t-2", "s-1")
    assert not entry.resumed
    assert entry.seat.id == "s-2"
    assert entry.ended is None


def test_monitors_sit_side_by_side_and_return_with_their_own_token_only() -> None:
    seats = book()
    seats.enter(None, "wall", "t-1", None)
    seats.enter(None, "wall", "t-2", None)
    assert len(seats) == 2
    assert seats.may_return("s-1", None, "t-1")
    assert not seats.may_return("s-1", None, "t-2")


def test_a_seat_expires_only_after_its_websocket_has_been_missing_long_enough() -> None:
    seats = book()
    seats.enter("a", "programme", "t-1", None)
    seats.enter("b", "programme", "t-2", None)
    seats.lost("s-1", 10.0)
    assert seats.expired(69.9, hold=60.0, monitor_hold=5.0) == []
    assert [seat.id for seat in seats.expired(70.0, hold=60.0, monitor_hold=5.0)] == ["s-1"]
    seats.give_up("s-1")
    assert seats.expired(70.0, hold=60.0, monitor_hold=5.0) == []


def test_a_stored_seat_waits_for_its_endpoint() -> None:
    seats = book()
    seats.restore(Seat("s-9", "a", "programme", "t-1", lost_at=0.0))
    assert seats.enter("a", "programme", "t-1", "s-9").resumed


def test_seat_ids_cannot_be_guessed() -> None:
    assert len({new_seat_id() for _ in range(1000)}) == 1000
    assert len(new_seat_id()) >= 18
