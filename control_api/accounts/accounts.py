"""Users and their sessions.

A session is a random cookie value, of which the database keeps only the SHA-256; it ends when
idle, when too old, at sign-out, when the password changes and when the user is disabled, each at once.  Somebody who
must first change a password or enrol a second factor has a session that is good for that alone (`SignedIn.pending`).
Too many wrong attempts in a row lock an account until an administrator unlocks it (S24, article 6.2a), never the last
administrator's.  Methods are one transaction.  `now` is the wall clock.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts import refusals
from control_api.accounts.passwords import Passwords
from control_api.accounts.rules import Role, check_password, clean_username, fold_username
from control_api.accounts.sealed_rows import purpose_of
from control_api.accounts.sealing import SecretBox, UnreadableSecret
from control_api.accounts.second_factor import accepted_step, recovery_digest
from control_api.accounts.tables import RecoveryCode, Session, User
from control_api.accounts.throttle import LoginThrottle
from control_api.directory.tables import Organisation
from control_api.settings import Accounts as Rules
from control_api.settings import Session as Lifetimes
from control_api.store.database import Database
from mcu_core.errors import OperatorError

MOST_SESSIONS = 20  # per user; the longest unused goes
_SEEN_STEP = 60.0  # `seen_at` is written at most this often

log = structlog.get_logger("accounts")

Method = Literal["password", "oidc"]
Pending = Literal["password", "second_factor"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    user_id: int
    username: str
    name: str
    role: Role
    session: str  # digest
    organisation: str | None = None  # narrows what the account reaches (`scope.py`)
    pending: Pending | None = None  # what must be done before anything else


class Accounts:
    def __init__(
        self,
        database: Database,
        lifetimes: Lifetimes,
        now: Callable[[], float],
        *,
        rules: Rules | None = None,
        passwords: Passwords | None = None,
        throttle: LoginThrottle | None = None,
        secrets: SecretBox | None = None,  # without: no second factor can be read
    ) -> None:
        self.rules = rules or Rules()
        self.passwords = passwords or Passwords()
        self.secrets = secrets or SecretBox(None)
        self.on_lock: Callable[[str, str], None] = lambda username, address: None
        self._database = database
        self._lifetimes = lifetimes
        self._now = now
        self._throttle = throttle or LoginThrottle()

    # -- sessions

    async def sign_in(
        self, username: str, password: str, address: str, agent: str, code: str = ""
    ) -> tuple[SignedIn, str]:
        """A new session and its secret cookie value.  `code` is of the telephone, or a recovery code.

        Raises Refused `bad_login` - the same after the same time for an unknown user, a wrong password and a disabled
        user - or `too_many_attempts`; to whom knows the password also `account_locked`, `account_expired`,
        `code_needed`, `bad_code` or `second_factor_unreadable`.
        """
        username = fold_username(username)[:64]
        await self._throttle.attempt(username, address)
        async with self._database.reading() as db:
            user = await db.scalar(select(User).where(User.username == username))
        password = unicodedata.normalize("NFC", password)
        may = user is not None and not user.disabled
        matches = await self.passwords.verify(user.password_hash if user is not None and may else None, password)
        if user is None or not matches:
            if user is not None and may:
                await self.count_failure(user.id, address)
            raise refusals.bad_login()
        self._check_usable(user)
        if user.totp_since is not None:
            await self._check_code(user, code, address)
        await self._throttle.succeeded(username, address)
        renewed = await self.passwords.hash(password) if self.passwords.outdated(user.password_hash) else None
        return await self._open_session(user, address, agent, "password", renewed)

    async def sign_in_trusted(self, username: str, address: str, agent: str) -> tuple[SignedIn, str]:
        """A session for whom another office's server vouches (`oidc.py`).  Raises Refused as `sign_in` does."""
        async with self._database.reading() as db:
            user = await db.scalar(select(User).where(User.username == username))
        if user is None or user.disabled:
            raise refusals.bad_login()
        self._check_usable(user)
        return await self._open_session(user, address, agent, "oidc", None)

    def _check_usable(self, user: User) -> None:
        if user.locked_at is not None:
            raise refusals.account_locked()
        if user.expires_at is not None and user.expires_at <= self._now():
            raise refusals.account_expired()

    async def _check_code(self, user: User, code: str, address: str) -> None:
        if not code:
            raise refusals.code_needed()
        if not await self.spend_code(user.id, code):
            await self.count_failure(user.id, address)
            raise refusals.bad_code() if self.second_factor(user) is not None else refusals.second_factor_unreadable()

    async def spend_code(self, user_id: int, code: str) -> bool:
        """Whether a code of the telephone or a recovery code is right; it is never right again."""
        now = self._now()
        async with self._database.writing() as db:
            user = await db.get_one(User, user_id)
            secret = self.second_factor(user)
            step = None if secret is None else accepted_step(secret, code, now, user.totp_step)
            if step is not None:
                newer = update(User).where(User.id == user_id, User.totp_step < step).values(totp_step=step)
                return await db.scalar(newer.returning(User.id)) is not None
            unused = update(RecoveryCode).where(
                RecoveryCode.user_id == user_id,
                RecoveryCode.digest == recovery_digest(user_id, code),
                RecoveryCode.used_at.is_(None),
            )
            return await db.scalar(unused.values(used_at=now).returning(RecoveryCode.user_id)) is not None

    def second_factor(self, user: User) -> str | None:
        """The secret that its telephone shares with us; None: there is none, or its key is lost."""
        try:
            return None if user.totp_secret is None else self.secrets.open(user.totp_secret, purpose_of(user.id))
        except UnreadableSecret:
            log.error("a second factor cannot be read: its key is lost", username=user.username)
            return None

    async def count_failure(self, user_id: int, address: str) -> None:
        """One more wrong attempt; the last one too many locks the account and ends its sessions."""
        async with self._database.writing() as db:
            counted = update(User).where(User.id == user_id).values(failures=User.failures + 1)
            user = (await db.scalars(counted.returning(User))).one()
            if not 0 < self.rules.lock_after <= user.failures or user.locked_at is not None:
                return
            if await is_last_administrator(db, user.username, self._now()):
                return
            await db.execute(update(User).where(User.id == user_id).values(locked_at=self._now()))
            await db.execute(delete(Session).where(Session.user_id == user_id))
        self.on_lock(user.username, address)

    async def _open_session(
        self, user: User, address: str, agent: str, method: Method, renewed_hash: str | None
    ) -> tuple[SignedIn, str]:
        now, token = self._now(), secrets.token_urlsafe(32)
        async with self._database.writing() as db:
            changes: dict[str, object] = {"failures": 0}
            if renewed_hash is not None:
                changes["password_hash"] = renewed_hash
            await db.execute(update(User).where(User.id == user.id).values(**changes))
            newest = (
                select(Session.digest)
                .where(Session.user_id == user.id)
                .order_by(Session.seen_at.desc())
                .limit(MOST_SESSIONS - 1)
            )
            kept = (await db.scalars(newest)).all()
            await db.execute(delete(Session).where(Session.user_id == user.id, Session.digest.not_in(kept)))
            session = Session(
                digest=_digest(token),
                user_id=user.id,
                created_at=now,
                seen_at=now,
                address=address[:64],
                agent=agent[:200],
                method=method,
            )
            db.add(session)
        return self._signed_in(user, session), token

    async def session(self, token: str) -> SignedIn | None:
        """Who a cookie value belongs to, or None when it is unknown, has ended, or its user is disabled."""
        now = self._now()
        async with self._database.reading() as db:
            row = (
                await db.execute(
                    select(Session, User).join(User, User.id == Session.user_id).where(Session.digest == _digest(token))
                )
            ).first()
        if row is None:
            return None
        session, user = row
        if (
            user.disabled
            or user.locked_at is not None
            or (user.expires_at is not None and user.expires_at <= now)
            or not self.is_alive(session)
        ):
            return None
        if now - session.seen_at >= _SEEN_STEP:
            async with self._database.writing() as db:
                await db.execute(update(Session).where(Session.digest == session.digest).values(seen_at=now))
        return self._signed_in(user, session)

    def is_alive(self, session: Session) -> bool:
        """Whether a session has neither idled too long nor grown too old."""
        now = self._now()
        return now - session.seen_at < self._lifetimes.idle and now - session.created_at < self._lifetimes.absolute

    async def sign_out(self, who: SignedIn) -> None:
        async with self._database.writing() as db:
            await db.execute(delete(Session).where(Session.digest == who.session))

    async def prune(self) -> None:
        """Forget sessions that have ended; once a day."""
        now = self._now()
        async with self._database.writing() as db:
            await db.execute(
                delete(Session).where(
                    (Session.seen_at < now - self._lifetimes.idle)
                    | (Session.created_at < now - self._lifetimes.absolute)
                )
            )

    # -- users

    async def add_user(
        self,
        username: str,
        name: str,
        role: Role,
        password: str,
        *,
        organisation: str | None = None,
        email: str | None = None,
        phone: str = "",
        expires_at: float | None = None,
        must_change: bool = False,
        made_by: str | None = None,
    ) -> None:
        """Raises OperatorError `user_exists`, `bad_username`, `bad_password`, `unknown_organisation` (also one that is
        no longer active)."""
        username, name = clean_username(username), unicodedata.normalize("NFC", name.strip())[:200]
        hashed = await self.passwords.hash(check_password(password))
        now = self._now()
        try:
            async with self._database.writing() as db:
                await check_organisation(db, organisation)
                db.add(
                    User(
                        username=username,
                        name=name or username,
                        role=role.value,
                        password_hash=hashed,
                        disabled=False,
                        created_at=now,
                        password_changed_at=now,
                        organisation_id=organisation,
                        email=email,
                        phone=phone,
                        expires_at=expires_at,
                        must_change=must_change,
                        made_by=made_by,
                    )
                )
        except IntegrityError:
            raise OperatorError(
                "user_exists",
                f"Đã có người dùng {username}. Hãy chọn tên khác, hoặc đổi mật khẩu bằng `mcu user passwd {username}`.",
                f"The user {username} exists. Choose another name, or change it: `mcu user passwd {username}`.",
            ) from None

    async def set_password(self, username: str, password: str, *, must_change: bool = False) -> None:
        """Change the password and end all sessions.  Raises OperatorError `unknown_user` or `bad_password`."""
        username = fold_username(username)
        hashed = await self.passwords.hash(check_password(password))
        now = self._now()
        await self._change(
            username, {"password_hash": hashed, "password_changed_at": now, "must_change": must_change, "failures": 0}
        )

    async def unlock(self, username: str) -> None:
        """Let a locked account sign in again.  Raises OperatorError `unknown_user`."""
        await self._change(fold_username(username), {"locked_at": None, "failures": 0})

    async def drop_second_factor(self, username: str) -> None:
        """Forget a lost telephone and its recovery codes; ends all sessions.  Raises OperatorError `unknown_user`."""
        username = fold_username(username)
        await self._change(username, {"totp_secret": None, "totp_since": None, "totp_step": 0})
        async with self._database.writing() as db:
            ids = select(User.id).where(User.username == username)
            await db.execute(delete(RecoveryCode).where(RecoveryCode.user_id.in_(ids)))

    async def set_disabled(self, username: str, disabled: bool) -> None:
        """Disabling ends all sessions at once.  Raises OperatorError `unknown_user`."""
        await self._change(fold_username(username), {"disabled": disabled})

    async def users(self) -> Sequence[User]:
        async with self._database.reading() as db:
            return (await db.scalars(select(User).order_by(User.username))).all()

    async def count(self) -> int:
        async with self._database.reading() as db:
            return int(await db.scalar(select(func.count()).select_from(User)) or 0)

    def close(self) -> None:
        self.passwords.close()

    async def _change(self, username: str, values: dict[str, object]) -> None:
        async with self._database.writing() as db:
            changed = update(User).where(User.username == username).values(**values).returning(User.id)
            user_id = await db.scalar(changed)
            if user_id is None:
                raise refusals.unknown_user(username)
            await db.execute(delete(Session).where(Session.user_id == user_id))

    def _signed_in(self, user: User, session: Session) -> SignedIn:
        role = Role(user.role)
        pending: Pending | None = None
        if session.method == "password":  # a trusted server has asked for what it holds necessary
            if user.must_change:
                pending = "password"
            elif role in self.rules.require_totp and user.totp_since is None:
                pending = "second_factor"
        return SignedIn(user.id, user.username, user.name, role, session.digest, user.organisation_id, pending)


def able_administrators(now: float) -> Select[Any]:
    """User names of the administrators who can sign in."""
    return select(User.username).where(
        User.role == Role.ADMINISTRATOR.value,
        User.disabled.is_(False),
        User.locked_at.is_(None),
        User.expires_at.is_(None) | (User.expires_at > now),
    )


async def check_organisation(db: AsyncSession, organisation: str | None) -> None:
    """An account's organisation is one of the directory's, and active.  Raises OperatorError `unknown_organisation`."""
    if organisation is None:
        return
    there = select(Organisation.id).where(Organisation.id == organisation, Organisation.active.is_(True))
    if await db.scalar(there) is None:
        raise refusals.unknown_organisation(organisation)


async def is_last_administrator(db: AsyncSession, username: str, now: float) -> bool:
    """Whether nobody else could administer the MCU without this account."""
    able = (await db.scalars(able_administrators(now).limit(2))).all()
    return [str(one) for one in able] == [username]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
