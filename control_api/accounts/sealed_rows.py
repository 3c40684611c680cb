"""The sealed secrets of the database as a whole: sealed, sealed anew after a rotation, counted when lost."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from control_api.accounts.sealing import SecretBox, UnreadableSecret
from control_api.accounts.tables import User
from control_api.store.database import Database


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was found and done."""

    sealed: int  # rows written: they were readable, or sealed with an older key
    lost: tuple[str, ...]  # user names whose secret no key of the file opens


def purpose_of(user_id: int) -> str:
    """What the secret of a second factor is for; authenticated with it."""
    return f"totp/{user_id}"


async def seal_all(database: Database, box: SecretBox) -> Sealed:
    """Bring every secret under the newest key; repeating it changes nothing.

    Raises OperatorError `bad_secrets_key`.
    """
    sealed, lost = 0, []
    async with database.writing() as session:
        kept = select(User.id, User.username, User.totp_secret).where(User.totp_secret.is_not(None))
        for user_id, username, stored in (await session.execute(kept.order_by(User.id))).all():
            if stored is None or box.is_current(stored):
                continue
            try:
                plain = box.open(stored, purpose_of(user_id))
            except UnreadableSecret:
                lost.append(username)
                continue
            fresh = box.seal(plain, purpose_of(user_id))
            await session.execute(update(User).where(User.id == user_id).values(totp_secret=fresh))
            sealed += 1
    return Sealed(sealed, tuple(lost))
