"""Keeps one conference's mixer and relays at its newest plan, and measures how long a command takes to be on air.

Plans are sent only when they differ from the last ones.  `MixPlan.revision` is milliseconds of CLOCK_MONOTONIC, so
it also grows over a restart of control, which mixers survive.  Owned by the room's task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from control_api.live.workers import WorkerLink
from mcu_core.hints import HintedTrack, QualityHint
from mcu_core.on_air import OnAir
from mcu_core.wire import LegPlans, MixPlan

_FORGOTTEN_AFTER = 10.0  # a plan that is not on air by then never tells


@dataclass(frozen=True, slots=True)
class Asked:
    """A command and when it came."""

    command: str
    at: float
    site: str | None = None


class Plans:
    def __init__(self, conference: str) -> None:
        self._conference = conference
        self._mix: MixPlan | None = None
        self._legs: dict[str, LegPlans] = {}  # by relay, as sent
        self._asked: list[Asked] = []  # commands since the last plan
        self._pending: deque[tuple[int, Asked]] = deque(maxlen=256)

    def asked(self, command: Asked) -> None:
        """A command was accepted; the next plan carries it."""
        self._asked.append(command)

    def nobody_sees(self) -> None:
        """There is no mixer: what was asked until now is on air nowhere."""
        self._asked.clear()

    def leg_opened(self, relay: str) -> None:
        """A leg there is new, whatever its id: it must be told its plan even if that reads the same."""
        self._legs.pop(relay, None)

    def send(
        self,
        on_air: OnAir,
        now: float,
        mixer: WorkerLink,
        relays: Iterable[WorkerLink],
        hint_of: Callable[[str, HintedTrack], QualityHint],
    ) -> None:
        """Hand the links what changed; they send it."""
        newest = on_air.mix_plan(0)
        if self._mix is None or replace(self._mix, revision=0) != newest:
            revision = max(int(now * 1000), 0 if self._mix is None else self._mix.revision + 1)
            self._mix = replace(newest, revision=revision)
            mixer.plan("mix", self._mix)
            self._pending.extend((revision, command) for command in self._asked)
        self._asked.clear()
        if mixer.info is None:
            return
        for relay in relays:
            legs = on_air.leg_plans(hint_of, relay.name)
            watched = {leg.rendition for leg in legs}
            passes = tuple(one for one in on_air.passes if one.rendition in watched)
            plans = LegPlans(self._conference, mixer.info.socket, legs, newest.loudest, passes)
            if self._legs.get(relay.name) != plans and (legs or relay.name in self._legs):
                self._legs[relay.name] = plans
                relay.plan(self._conference, plans)

    def on_air(self, revision: int, now: float) -> list[tuple[Asked, float]]:
        """The mixer shows this revision: commands that it was the first to show, with the seconds they took."""
        shown = []
        while self._pending and self._pending[0][0] <= revision:
            _, command = self._pending.popleft()
            if now - command.at < _FORGOTTEN_AFTER:
                shown.append((command, now - command.at))
        return shown

    def forget(self, relays: Iterable[WorkerLink]) -> None:
        """The mixer is released: nothing is to be sent again."""
        self._mix = None
        self._legs.clear()
        self._pending.clear()
        for relay in relays:
            relay.plan(self._conference, None)
