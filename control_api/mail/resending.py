"""Sending again what did not arrive: a person asks for it, perhaps after mending an address."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.mail.letters import Addressee, check_mail
from control_api.mail.tables import Letter
from control_api.problems import Refused
from control_api.settings import Mail


async def send_again(session: AsyncSession, mail: Mail, about: str, whom: Sequence[Addressee], now: float) -> None:
    """Queue the letters about this thing that failed or may not have arrived.

    One whose address is none of `whom` any more goes to one of them that has no letter yet.  Raises Refused
    `mail_is_off`, `notice_under_way`.
    """
    check_mail(mail)
    those = select(Letter).where(Letter.about == about).order_by(Letter.id)
    stuck = list(await session.scalars(those.where(Letter.state.in_(("failed", "unsure"))).with_for_update()))
    if not stuck:
        raise Refused(
            "notice_under_way",
            "Không có thư nào cần gửi lại: thư đã gửi hoặc đang chờ gửi. Hãy tải lại trang.",
            "No letter needs sending again: it was sent or waits to be sent. Reload the page.",
        )
    written = {letter.recipient for letter in await session.scalars(those)}
    today = {one.address for one in whom}
    new = [one for one in whom if one.address not in written]
    for letter in stuck:
        if letter.recipient not in today and new:
            one, text = new.pop(0), letter.body.partition("\n\n")[2]
            letter.recipient, letter.name = one.address, one.name[:200]
            letter.body = f"Kính gửi: {one.name}\n\n{text}"
        letter.state, letter.attempts, letter.next_at, letter.error = "queued", 0, now, ""
