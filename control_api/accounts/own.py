"""What everybody does with their own account: password, second factor, recovery codes.

A stolen session is not enough: whatever weakens the account asks for the password again, and wrong ones count towards
the lock.  Methods are one transaction; `now` is the wall clock.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts import refusals
from control_api.accounts.accounts import Accounts, SignedIn
from control_api.accounts.rules import check_password
from control_api.accounts.sealed_rows import purpose_of
from control_api.accounts.second_factor import accepted_step, new_recovery_codes, new_secret, recovery_digest
from control_api.accounts.tables import RecoveryCode, Session, User
from control_api.store.database import Database


class OwnAccount:
    def __init__(self, accounts: Accounts, database: Database, now: Callable[[], float]) -> None:
        self._accounts = accounts
        self._database = database
        self._now = now

    async def change_password(self, who: SignedIn, present: str, wanted: str, address: str) -> None:
        """Choose another password; ends the other sessions.

        Raises Refused `wrong_password` or `same_password`, OperatorError `bad_password`.
        """
        wanted = check_password(wanted)
        await self._check_password(who, present, address)
        if unicodedata.normalize("NFC", present) == wanted:
            raise refusals.same_password()
        hashed = await self._accounts.passwords.hash(wanted)
        values = {"password_hash": hashed, "password_changed_at": self._now(), "must_change": False, "failures": 0}
        async with self._database.writing() as db:
            await db.execute(update(User).where(User.id == who.user_id).values(**values))
            others = Session.user_id == who.user_id, Session.digest != who.session
            await db.execute(delete(Session).where(*others))

    async def begin_second_factor(self, who: SignedIn) -> str:
        """A new secret for the authenticator application; of no effect until `confirm_second_factor`.

        Raises Refused `second_factor_in_use`.
        """
        secret = new_secret()
        sealed = self._accounts.secrets.seal(secret, purpose_of(who.user_id))
        fresh = update(User).where(User.id == who.user_id, User.totp_since.is_(None))
        async with self._database.writing() as db:
            changed = await db.scalar(fresh.values(totp_secret=sealed, totp_step=0).returning(User.id))
        if changed is None:
            raise refusals.second_factor_in_use()
        return secret

    async def confirm_second_factor(self, who: SignedIn, code: str, address: str) -> list[str]:
        """Take the second factor into use with a first code of it.  Returns the recovery codes, shown only now.

        Raises Refused `no_second_factor`, `second_factor_in_use`, `second_factor_unreadable` or `wrong_code`.
        """
        async with self._database.writing() as db:
            user = await db.get_one(User, who.user_id)
            if user.totp_since is not None:
                raise refusals.second_factor_in_use()
            if user.totp_secret is None:
                raise refusals.no_second_factor()
            secret = self._accounts.second_factor(user)
            if secret is None:
                raise refusals.second_factor_unreadable()
            step = accepted_step(secret, code, self._now(), user.totp_step)
            if step is not None:
                user.totp_since, user.totp_step = self._now(), step
                return await _renew_codes(db, who.user_id)
        await self._accounts.count_failure(who.user_id, address)
        raise refusals.wrong_code()

    async def end_second_factor(self, who: SignedIn, password: str, address: str) -> None:
        """Raises Refused `second_factor_required`, `no_second_factor` or `wrong_password`."""
        if who.role in self._accounts.rules.require_totp:
            raise refusals.second_factor_required()
        await self._check_password(who, password, address)
        async with self._database.writing() as db:
            await _needs_second_factor(db, who)
            cleared = {"totp_secret": None, "totp_since": None, "totp_step": 0}
            await db.execute(update(User).where(User.id == who.user_id).values(**cleared))
            await db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == who.user_id))

    async def renew_recovery_codes(self, who: SignedIn, password: str, address: str) -> list[str]:
        """New codes; the old ones stop working.  Raises Refused `no_second_factor` or `wrong_password`."""
        await self._check_password(who, password, address)
        async with self._database.writing() as db:
            await _needs_second_factor(db, who)
            return await _renew_codes(db, who.user_id)

    async def recovery_codes_left(self, who: SignedIn) -> int:
        left = RecoveryCode.user_id == who.user_id, RecoveryCode.used_at.is_(None)
        async with self._database.reading() as db:
            return int(await db.scalar(select(func.count()).select_from(RecoveryCode).where(*left)) or 0)

    async def _check_password(self, who: SignedIn, password: str, address: str) -> None:
        async with self._database.reading() as db:
            stored = (await db.get_one(User, who.user_id)).password_hash
        if not await self._accounts.passwords.verify(stored, unicodedata.normalize("NFC", password)):
            await self._accounts.count_failure(who.user_id, address)
            raise refusals.wrong_password()


async def _needs_second_factor(db: AsyncSession, who: SignedIn) -> None:
    if (await db.get_one(User, who.user_id)).totp_since is None:
        raise refusals.no_second_factor()


async def _renew_codes(db: AsyncSession, user_id: int) -> list[str]:
    codes = new_recovery_codes()
    await db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    rows = [{"user_id": user_id, "digest": recovery_digest(user_id, code), "used_at": None} for code in codes]
    await db.execute(insert(RecoveryCode), rows)
    return codes
