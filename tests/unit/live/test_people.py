"""A round that tells all sites pauses between them, and what happens in a pause is not undone by it."""

from __future__ import annotations

from control_api.live.people import AT_ONCE, People
from mcu_core.commands import AddSite, MuteAll, SetTitle
from mcu_core.conference import Conference
from mcu_core.on_air import OnAir
from mcu_core.presence import Happening
from signaling import messages as say
from signaling.seats import Seat
from tests.unit.live.fakes import FakeChannel

SITES = 3 * AT_ONCE


class Room:
    """A conference whose sites all sit there; `round` is what its task does."""

    def __init__(self) -> None:
        self.conference = Conference.new("c-1", "Giao ban")
        self.people = People()
        self.seats: list[Seat] = []
        self.channels: dict[str, FakeChannel] = {}
        for number in range(SITES):
            self.conference.apply(AddSite(f"site {number}", site=f"s-{number}"), 0.0)
            seat = self.people.seats.enter(f"s-{number}", "programme", f"t-{number}", None).seat
            self.seats.append(seat)
            self.sit(seat)
            self.conference.presence.tell(f"s-{number}", Happening.JOINED)
            self.conference.presence.tell(f"s-{number}", Happening.CONNECTED)
        self.now = 0.0
        for _ in self.round():
            pass
        self.forget()

    def on_air(self) -> OnAir:
        return OnAir(self.conference, self.now)

    def round(self) -> list[int]:
        """All of it; how many sites have been told something by each pause, and in the end."""
        self.people.note_hints(self.on_air(), self.now)
        told = [self.told() for _ in self.people.tell_changes(self.on_air)]
        return [*told, self.told()]

    def sit(self, seat: Seat) -> FakeChannel:
        channel = self.channels[seat.id] = FakeChannel()
        self.people.sit(seat, channel)
        return channel

    def forget(self) -> None:
        for channel in self.channels.values():
            channel.forget()

    def told(self) -> int:
        return sum(bool(channel.got(say.ConferenceInfo)) for channel in self.channels.values())


def test_what_all_must_know_is_told_a_few_sites_at_a_time() -> None:
    room = Room()
    room.conference.apply(SetTitle("Giao ban tuần"), 1.0)
    assert room.round() == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE, 3 * AT_ONCE]
    room.forget()
    assert room.round() == [0], "nothing is told twice, and nobody waits for it"


def test_who_comes_back_in_a_pause_hears_nothing_old() -> None:
    room = Room()
    room.conference.apply(SetTitle("Giao ban tuần"), 1.0)
    telling = room.people.tell_changes(room.on_air)
    next(telling)
    last = room.seats[-1]
    channel = room.sit(last)
    room.conference.apply(SetTitle("Giao ban tháng"), 1.0)
    room.people.greet(last, room.on_air(), hints=True)
    for _ in telling:
        pass
    assert [info.title for info in channel.got(say.ConferenceInfo)] == ["Giao ban tháng"]
    room.forget()
    room.round()
    others = {info.title for one in room.channels.values() for info in one.got(say.ConferenceInfo)}
    assert others == {"Giao ban tháng"}


def test_what_changes_in_a_pause_is_told_to_those_still_to_come_and_to_the_others_next() -> None:
    room = Room()
    room.conference.apply(SetTitle("Giao ban tuần"), 1.0)
    telling = room.people.tell_changes(room.on_air)
    next(telling)
    room.conference.apply(MuteAll(()), 1.0)
    for _ in telling:
        pass
    assert room.channels[room.seats[-1].id].got(say.Tally)[-1].muted
    assert not room.channels[room.seats[0].id].got(say.Tally)
    room.round()
    assert all(room.channels[seat.id].got(say.Tally)[-1].muted for seat in room.seats)


def test_media_that_begin_in_a_pause_are_told_all_hints_and_no_older_one() -> None:
    room = Room()
    room.conference.apply(MuteAll(()), 0.0)
    room.round()
    room.forget()
    room.now = 60.0
    room.people.note_hints(room.on_air(), room.now)
    telling = room.people.tell_changes(room.on_air)
    next(telling)
    last = room.seats[-1]
    assert last.site is not None
    room.people.media_begins(last.site)  # its sound is wanted for a while again
    for _ in telling:
        pass
    channel = room.channels[last.id]
    assert not [hint for hint in channel.got(say.Hint) if hint.track == "microphone"]
    room.round()
    assert [hint.active for hint in channel.got(say.Hint) if hint.track == "microphone"] == [True]
    assert {hint.track for hint in channel.got(say.Hint)} == {"camera", "screen", "microphone"}
    assert [hint.active for hint in room.channels[room.seats[-2].id].got(say.Hint)] == [False], "the others stop"
