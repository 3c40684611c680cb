"""Users and their sessions.

A session is a random cookie value, of which the database keeps only the SHA-256; it ends when
idle, when too old, at sign-out, when the password changes and when the user is disabled, each at once.  Methods are one
transaction.  `now` is the wall clock.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from control_api.accounts.passwords import Passwords
from control_api.accounts.rules import Role, check_password, clean_username, fold_username
from control_api.accounts.tables import Session, User
from control_api.accounts.throttle import LoginThrottle
from control_api.problems import Refused
from control_api.settings import Session as Lifetimes
from control_api.store.database import Database
from mcu_core.errors import OperatorError

MOST_SESSIONS = 20  # per user; the longest unused goes
_SEEN_STEP = 60.0  # `seen_at` is written at most this often


@dataclass(frozen=True, slots=True)
class SignedIn:
    user_id: int
    username: str
    name: str
    role: Role
    session: str  # digest
    organisation: str | None = None  # narrows what the account reaches (`scope.py`)


class Accounts:
    def __init__(
        self,
        database: Database,
        lifetimes: Lifetimes,
        now: Callable[[], float],
        *,
        passwords: Passwords | None = None,
        throttle: LoginThrottle | None = None,
    ) -> None:
        self._database = database
        self._lifetimes = lifetimes
        self._now = now
        self._passwords = passwords or Passwords()
        self._throttle = throttle or LoginThrottle()

    # -- sessions

    async def sign_in(self, username: str, password: str, address: str, agent: str) -> tuple[SignedIn, str]:
        """A new session and its secret cookie value.

        Raises Refused `bad_login` - the same after the same time for an unknown user, a wrong password and a disabled
        user - or `too_many_attempts`.
        """
        now = self._now()
        username = fold_username(username)[:64]
        await self._throttle.attempt(username, address)
        async with self._database.reading() as db:
            user = await db.scalar(select(User).where(User.username == username))
        password = unicodedata.normalize("NFC", password)
        may = user is not None and not user.disabled
        matches = await self._passwords.verify(user.password_hash if user is not None and may else None, password)
        if user is None or not matches:
            raise Refused(
                "bad_login",
                "Tên đăng nhập hoặc mật khẩu không đúng.",
                "The user name or the password is wrong.",
            )
        await self._throttle.succeeded(username, address)
        renewed = await self._passwords.hash(password) if self._passwords.outdated(user.password_hash) else None
        token = secrets.token_urlsafe(32)
        async with self._database.writing() as db:
            if renewed is not None:
                await db.execute(update(User).where(User.id == user.id).values(password_hash=renewed))
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
            )
            db.add(session)
        return _signed_in(user, session), token

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
            or now - session.seen_at >= self._lifetimes.idle
            or now - session.created_at >= self._lifetimes.absolute
        ):
            return None
        if now - session.seen_at >= _SEEN_STEP:
            async with self._database.writing() as db:
                await db.execute(update(Session).where(Session.digest == session.digest).values(seen_at=now))
        return _signed_in(user, session)

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

    async def add_user(self, username: str, name: str, role: Role, password: str) -> None:
        """Raises OperatorError `user_exists`, `bad_username` or `bad_password`."""
        username, name = clean_username(username), unicodedata.normalize("NFC", name.strip())[:200]
        hashed = await self._passwords.hash(check_password(password))
        now = self._now()
        try:
            async with self._database.writing() as db:
                db.add(
                    User(
                        username=username,
                        name=name or username,
                        role=role.value,
                        password_hash=hashed,
                        disabled=False,
                        created_at=now,
                        password_changed_at=now,
                    )
                )
        except IntegrityError:
            raise OperatorError(
                "user_exists",
                f"Đã có người dùng {username}. Hãy chọn tên khác, hoặc đổi mật khẩu bằng `mcu user passwd {username}`.",
                f"The user {username} exists. Choose another name, or change it: `mcu user passwd {username}`.",
            ) from None

    async def set_password(self, username: str, password: str) -> None:
        """Change the password and end all sessions.  Raises OperatorError `unknown_user` or `bad_password`."""
        username = fold_username(username)
        hashed = await self._passwords.hash(check_password(password))
        await self._change(username, {"password_hash": hashed, "password_changed_at": self._now()})

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
        self._passwords.close()

    async def _change(self, username: str, values: dict[str, object]) -> None:
        async with self._database.writing() as db:
            changed = update(User).where(User.username == username).values(**values).returning(User.id)
            user_id = await db.scalar(changed)
            if user_id is None:
                raise OperatorError(
                    "unknown_user",
                    f"Không có người dùng {username}. Xem danh sách: `mcu user list`.",
                    f"There is no user {username}. See `mcu user list`.",
                )
            await db.execute(delete(Session).where(Session.user_id == user_id))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _signed_in(user: User, session: Session) -> SignedIn:
    return SignedIn(user.id, user.username, user.name, Role(user.role), session.digest, user.organisation_id)
