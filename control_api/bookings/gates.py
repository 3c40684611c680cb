"""What must be true before a booking may enter a step.  Each area appends its own conditions to `GATES`.

    async def duty_officer_is_named(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]: ...

    GATES[Step.PREPARED].append(duty_officer_is_named)

A gate only reads, in the transaction of the step.  An officer may go on despite blockers by giving a reason, which is
stamped and journalled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import Booking
from control_api.bookings.steps import Step


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why not yet, and what to do."""

    code: str
    vi: str
    en: str


Gate = Callable[[AsyncSession, Booking, float], Awaitable[list[Blocker]]]

GATES: dict[Step, list[Gate]] = {step: [] for step in Step}


async def blockers(session: AsyncSession, booking: Booking, step: Step, now: float) -> list[Blocker]:
    """All that stand in the way, in the order of the gates."""
    return [blocker for gate in GATES[step] for blocker in await gate(session, booking, now)]
