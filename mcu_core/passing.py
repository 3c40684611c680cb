"""Which renditions are a site's own pictures now, and when those need their encoder no more.

Only what a relay says counts: a rendition that is to be passed through keeps its encoder until the site's pictures flow
and suit, and gets it back when they no longer do.  Owned by the conference's control task; `now` is seconds of its
clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcu_core.wire import PassFlow, PassPlan

SETTLE = 2.0  # seconds; an encoder is not ended for less


class PassBook:
    def __init__(self, settle: float = SETTLE) -> None:
        self._settle = settle
        self._flows: dict[int, tuple[str, PassFlow, float]] = {}  # by rendition: who told, what, since when it flows

    def told(self, relay: str, flow: PassFlow, now: float) -> None:
        """A relay says that a rendition has begun or ceased to flow."""
        if flow.flows:
            self._flows[flow.rendition] = relay, flow, now
        elif (known := self._flows.get(flow.rendition)) is not None and known[0] == relay:
            del self._flows[flow.rendition]

    def found(self, relay: str, flows: Iterable[PassFlow]) -> None:
        """All that flows on a relay; what we did not know has flowed for long."""
        before = self._flows
        self._flows = {number: known for number, known in before.items() if known[0] != relay}
        for flow in flows:
            known = before.get(flow.rendition)
            since = known[2] if known is not None and known[:2] == (relay, flow) else float("-inf")
            self._flows[flow.rendition] = relay, flow, since

    def site_of(self, rendition: int) -> int | None:
        """Whose pictures its viewers get, None: the mixer's."""
        known = self._flows.get(rendition)
        return None if known is None else known[1].site

    def settled(self, passes: Iterable[PassPlan], now: float) -> frozenset[int]:
        """The renditions among these that need no encoder."""
        return frozenset(plan.rendition for plan in passes if now - self._since(plan) >= self._settle)

    def due(self, passes: Iterable[PassPlan], now: float) -> float | None:
        """When the next one has settled."""
        times = [self._since(plan) + self._settle for plan in passes]
        return min((at for at in times if now < at < float("inf")), default=None)

    def _since(self, plan: PassPlan) -> float:
        known = self._flows.get(plan.rendition)
        return known[2] if known is not None and _same(known[1], plan) else float("inf")


def _same(flow: PassFlow, plan: PassPlan) -> bool:
    return (flow.site, flow.track) == (plan.site, plan.track)
