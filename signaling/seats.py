"""Seats: the right of one endpoint to stand for one site, or one monitor, in a conference.

A seat outlives its WebSocket for a while.  A site has one seat; a second endpoint with the site's link gets a new one
and the old one ends.  Monitors may have several.  Pure; `now` in seconds of the caller's clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcu_core.wire import View


def new_seat_id() -> str:
    return f"s-{secrets.token_urlsafe(12)}"


@dataclass(slots=True)
class Seat:
    """Who sits: `site` is the site's id, None for a monitor.  The leg of a seat carries its id."""

    id: str
    site: str | None
    view: View  # what a monitor watches
    token_id: str  # the join token it came with
    draws_names: bool = False  # the endpoint writes the name on a picture that is a site's own
    lost_at: float | None = None  # since when its WebSocket is missing; None: it is there


@dataclass(frozen=True, slots=True)
class Entry:
    seat: Seat
    resumed: bool  # the same endpoint came back
    ended: Seat | None = None  # another endpoint's seat that this one replaces


class SeatBook:
    """The seats of one conference."""

    def __init__(self, new_id: Callable[[], str] = new_seat_id) -> None:
        self._new_id = new_id
        self._seats: dict[str, Seat] = {}
        self._of_site: dict[str, Seat] = {}

    def __iter__(self) -> Iterator[Seat]:
        return iter(list(self._seats.values()))

    def __len__(self) -> int:
        return len(self._seats)

    def get(self, seat: str) -> Seat | None:
        return self._seats.get(seat)

    def of_site(self, site: str) -> Seat | None:
        return self._of_site.get(site)

    def restore(self, seat: Seat) -> None:
        """Put in a seat as it is; a stored one waits for its WebSocket (`lost_at`)."""
        self._seats[seat.id] = seat
        if seat.site is not None:
            self._of_site[seat.site] = seat

    def may_return(self, claimed: str | None, site: str | None, token_id: str) -> bool:
        """Whether `claimed` is a seat of that very site, or of a monitor with that very token."""
        seat = self._seats.get(claimed or "")
        return seat is not None and seat.site == site and (site is not None or seat.token_id == token_id)

    def came_with(self, claimed: str | None, token_id: str) -> bool:
        """Whether the endpoint of a seat last came in with that very token."""
        seat = self._seats.get(claimed or "")
        return seat is not None and seat.token_id == token_id

    def enter(self, site: str | None, view: View, token_id: str, claimed: str | None) -> Entry:
        """Sit down: on the claimed seat if it may return to it, else on a new one."""
        if claimed is not None and self.may_return(claimed, site, token_id):
            seat = self._seats[claimed]
            seat.lost_at, seat.token_id = None, token_id
            return Entry(seat, resumed=True)
        ended = None if site is None else self.of_site(site)
        if ended is not None:
            self.give_up(ended.id)
        seat = Seat(self._new_id(), site, view, token_id)
        self.restore(seat)
        return Entry(seat, resumed=False, ended=ended)

    def lost(self, seat: str, now: float) -> None:
        if seat in self._seats:
            self._seats[seat].lost_at = now

    def give_up(self, seat: str) -> Seat | None:
        given_up = self._seats.pop(seat, None)
        if given_up is not None and given_up.site is not None and self._of_site.get(given_up.site) is given_up:
            del self._of_site[given_up.site]
        return given_up

    def expired(self, now: float, hold: float, monitor_hold: float) -> list[Seat]:
        """Seats whose WebSocket has been missing that many seconds; they are still in the book."""
        return [
            seat
            for seat in self._seats.values()
            if seat.lost_at is not None and now - seat.lost_at >= (monitor_hold if seat.site is None else hold)
        ]
