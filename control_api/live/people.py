"""Who sits in one conference: seats, their WebSockets, and what each endpoint was told last.

Endpoints are told what changed and nothing twice.  No I/O but `Channel.send`, which never waits; but each message is
0.05 ms of the loop's time when it is encrypted and written, so a round goes through all sites `AT_ONCE` by `AT_ONCE`.
Owned by the room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcu_core.hints import HINTED, HintBook, HintedTrack, QualityHint
from mcu_core.on_air import OnAir, Tally
from mcu_core.presence import State
from signaling import Channel
from signaling import messages as say
from signaling.outbox import Outgoing, encode
from signaling.seats import Seat, SeatBook

AT_ONCE = 16  # sites that are sent something in one turn of the loop


class People:
    def __init__(self) -> None:
        self.seats = SeatBook()
        self.hints = HintBook()
        self._channels: dict[str, Channel] = {}  # by seat
        self._tallies: dict[str, Tally] = {}  # by site, as told
        self._passed: dict[str, str] = {}  # by seat: name of the site whose own picture it was told to get
        self._info: say.ConferenceInfo | None = None
        self._hints_due: set[str] = set()  # sites whose endpoint has just got its media: told all hints
        self._hints_new: dict[str, dict[HintedTrack, QualityHint]] = {}  # by site: in the book, to be told

    def channel(self, seat: str) -> Channel | None:
        return self._channels.get(seat)

    def channels(self) -> Iterator[Channel]:
        return iter(list(self._channels.values()))

    def sit(self, seat: Seat, channel: Channel) -> Channel | None:
        """Give a seat its WebSocket.  Returns the one it had."""
        before = self._channels.get(seat.id)
        self._channels[seat.id] = channel
        return before

    def is_theirs(self, seat: str, channel: Channel) -> bool:
        """Whether a seat still belongs to this WebSocket."""
        return self._channels.get(seat) is channel

    def disconnect(self, seat: Seat) -> None:
        """Its WebSocket is gone."""
        self._channels.pop(seat.id, None)

    def end(self, seat: Seat) -> None:
        """The seat is over; the next endpoint of that site is told everything from the start."""
        self._channels.pop(seat.id, None)
        self._passed.pop(seat.id, None)
        self.seats.give_up(seat.id)
        if seat.site is not None:
            self._tallies.pop(seat.site, None)
            self.hints.forget(seat.site)
            self._hints_new.pop(seat.site, None)
            self._hints_due.discard(seat.site)

    # -- telling

    def greet(self, seat: Seat, on_air: OnAir, *, hints: bool) -> None:
        """What follows the welcome; `hints` when its media goes on from before."""
        channel = self._channels.get(seat.id)
        if channel is None:
            return
        if seat.site is not None:
            tally = self._tallies[seat.site] = on_air.tally(seat.site)
            channel.send(encode(_tally(tally)))
            if hints:
                for message in self._all_hints(seat.site):
                    channel.send(message)
        channel.send(encode(_info(on_air)))
        self._passed.pop(seat.id, None)  # a page that comes back knows nothing
        picture = self._new_picture(seat, on_air)
        if picture is not None:
            channel.send(encode(picture))

    def media_begins(self, site: str) -> None:
        """Its leg is up: tell it all hints with the next round, also that nobody sees it."""
        self.hints.forget_sound(site)
        self._hints_due.add(site)

    def note_hints(self, on_air: OnAir, now: float) -> None:
        """Take in what is wanted of each site, before the legs' plans are made: these carry it.  Told by a round."""
        for (site, track), hint in self.hints.update(on_air.hints(), now).items():
            self._hints_new.setdefault(site, {})[track] = hint

    def tell_changes(self, on_air: Callable[[], OnAir]) -> Iterator[None]:
        """One round: hints, tallies and conference, to whom they changed.  Yields where other work may come between.

        `on_air` is asked again after each pause; what changes behind the round's back is the next one's.
        """
        info, told = _info(on_air()), 0
        news = None if info == self._info else encode(info)  # once for all
        self._info = info
        due, self._hints_due = self._hints_due, set()
        new, self._hints_new = self._hints_new, {}
        for seat, channel in [(seat, self._channels.get(seat.id)) for seat in self.seats]:
            if channel is None or not self.is_theirs(seat.id, channel):  # who came meanwhile was greeted
                continue
            messages = self._hints_for(seat.site, due, new)
            messages += self._changes_for(seat, on_air())
            if news is not None:
                messages.append(news)
            for message in messages:
                channel.send(message)
            told += bool(messages)
            if told == AT_ONCE:
                told = 0
                yield

    def _hints_for(
        self, site: str | None, due: set[str], new: dict[str, dict[HintedTrack, QualityHint]]
    ) -> list[Outgoing]:
        if site is None:
            return []
        if site in due:
            return self._all_hints(site)
        still = ((track, hint) for track, hint in new.get(site, {}).items() if self.hints.of(site, track) == hint)
        return [encode(_hint(track, hint)) for track, hint in still]

    def _changes_for(self, seat: Seat, on_air: OnAir) -> list[Outgoing]:
        messages = []
        picture = self._new_picture(seat, on_air)
        if picture is not None:
            messages.append(encode(picture))
        if seat.site is not None and self._tallies.get(seat.site) != (tally := on_air.tally(seat.site)):
            self._tallies[seat.site] = tally
            messages.append(encode(_tally(tally)))
        return messages

    def _new_picture(self, seat: Seat, on_air: OnAir) -> say.Picture | None:
        """Whose own picture the seat gets, so that its page draws the name; nothing is told of a mixed one at first."""
        leg = on_air.presence.legs.get(seat.id)
        site = None if leg is None or not leg.draws_names else on_air.passed_to(leg)
        name = "" if site is None else on_air.arrangement.sites[site].name
        if name == self._passed.get(seat.id, ""):
            return None
        if name:
            self._passed[seat.id] = name
        else:
            self._passed.pop(seat.id, None)
        return say.Picture(passed=bool(name), name=name or None)

    def _all_hints(self, site: str) -> list[Outgoing]:
        return [encode(_hint(track, self.hints.of(site, track))) for track in HINTED]

    def to_site(self, site: str, message: say.ToEndpoint) -> bool:
        """Send a message to a site's endpoint; False when nobody is connected there."""
        seat = self.seats.of_site(site)
        channel = self._channels.get(seat.id) if seat is not None else None
        if channel is not None:
            channel.send(encode(message))
        return channel is not None


def _tally(tally: Tally) -> say.Tally:
    return say.Tally(
        on_podium=tally.on_podium,
        next=tally.next,
        muted=tally.muted,
        muted_by=tally.muted_by,
        visible=tally.visible,
    )


def _hint(track: HintedTrack, hint: QualityHint) -> say.Hint:
    return say.Hint(
        track=track,
        active=hint.active,
        width=hint.width,
        height=hint.height,
        frame_rate=hint.frame_rate,
        bitrate_bps=hint.bitrate_bps,
    )


def _info(on_air: OnAir) -> say.ConferenceInfo:
    now, presence = on_air.arrangement, on_air.presence
    podium = now.sites.get(now.scene.podium or "")
    speaker = now.sites.get(presence.speaker or "")
    return say.ConferenceInfo(
        title=now.title,
        podium=None if podium is None else say.SiteName(id=podium.id, name=podium.name),
        present=sum(presence.of(site).state is State.LIVE for site in now.sites),
        sites=len(now.sites),
        speaker=None if speaker is None else speaker.name,
    )
