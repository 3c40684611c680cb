"""Accounts for administrators: list, make, change, unlock, reset; their sessions."""

from __future__ import annotations

from typing import Any

from control_api.accounts.models import (
    NewUser,
    NewUserAnswer,
    PasswordAnswer,
    PasswordReset,
    SessionId,
    SessionInfo,
    UserAnswer,
    UserChange,
    Username,
    UserQuery,
)
from control_api.accounts.people import Filter
from control_api.accounts.routes import session_info
from control_api.accounts.rules import Right, Role
from control_api.accounts.tables import User
from control_api.api import Call, Routes

routes = Routes("users")


@routes.get("/users", right=Right.ADMINISTER)
async def list_users(call: Call, query: UserQuery) -> list[UserAnswer]:
    """Accounts by user name."""
    wanted = Filter(query.q, query.role, query.organisation, query.usable)
    found, total = await call.services.people.find(wanted, query.offset, query.limit)
    call.headers["X-Total-Count"] = str(total)
    return [_answer(user) for user in found]


@routes.post("/users", right=Right.ADMINISTER, status=201)
async def create_user(call: Call, body: NewUser) -> NewUserAnswer:
    """Make an account for one person; whoever it is must change the password at the first sign-in."""
    details = {
        "organisation": body.organisation,
        "email": body.email,
        "phone": body.phone,
        "expires_at": None if body.expires_at is None else body.expires_at.timestamp(),
    }
    user, password = await call.services.people.make(
        body.username, body.name, body.role, details, body.password, call.command_id
    )
    await _note(call, "user_created", user, {"role": user.role, "organisation": user.organisation_id})
    call.headers["Location"] = f"{call.request.path}/{user.username}"
    return NewUserAnswer(**_answer(user).model_dump(), password=password)


@routes.get("/users/{user}", right=Right.ADMINISTER)
async def get_user(call: Call, user: Username) -> UserAnswer:
    """One account."""
    return _answer(await call.services.people.get(user))


@routes.patch("/users/{user}", right=Right.ADMINISTER)
async def change_user(call: Call, user: Username, body: UserChange) -> UserAnswer:
    """Change an account. Disabling it, or changing role or organisation, ends its sessions and what it watches."""
    values = _columns(body)
    if not values:
        return _answer(await call.services.people.get(user))
    changed, ended = await call.services.people.change(user, values, call.user.username)
    if ended:
        await call.services.live.end_monitors(changed.username)
    await _note(call, "user_changed", changed, {key: value for key, value in values.items() if key != "phone"})
    return _answer(changed)


@routes.put("/users/{user}/password", right=Right.ADMINISTER)
async def reset_password(call: Call, user: Username, body: PasswordReset) -> PasswordAnswer:
    """Set a password that must be changed at the next sign-in; ends the account's sessions."""
    password = await call.services.people.reset_password(user, body.password)
    found = await call.services.people.get(user)
    await call.services.live.end_monitors(found.username)
    await _note(call, "password_reset", found)
    return PasswordAnswer(password=password)


@routes.post("/users/{user}/unlock", right=Right.ADMINISTER)
async def unlock_user(call: Call, user: Username) -> UserAnswer:
    """Let a locked account sign in again."""
    found = await call.services.people.get(user)
    await call.services.accounts.unlock(found.username)
    await _note(call, "account_unlocked", found)
    return _answer(await call.services.people.get(user))


@routes.delete("/users/{user}/second-factor", right=Right.ADMINISTER)
async def reset_second_factor(call: Call, user: Username) -> None:
    """Forget a lost telephone; its person sets up another one."""
    found = await call.services.people.get(user)
    await call.services.accounts.drop_second_factor(found.username)
    await _note(call, "second_factor_reset", found)


@routes.get("/users/{user}/sessions", right=Right.ADMINISTER)
async def list_user_sessions(call: Call, user: Username) -> list[SessionInfo]:
    """Where somebody is signed in."""
    return [session_info(one, call.user) for one in await call.services.people.sessions(user)]


@routes.delete("/users/{user}/sessions", right=Right.ADMINISTER)
async def end_user_sessions(call: Call, user: Username) -> None:
    """End all sessions of somebody, and what they watch."""
    found = await call.services.people.get(user)
    await call.services.people.end_sessions(found.username)
    await call.services.live.end_monitors(found.username)
    await _note(call, "sessions_ended", found)


@routes.delete("/users/{user}/sessions/{session}", right=Right.ADMINISTER)
async def end_user_session(call: Call, user: Username, session: SessionId) -> None:
    """End one session of somebody; one that has ended already is no error."""
    await call.services.people.end_sessions(user, session)


async def _note(call: Call, kind: str, user: User, data: dict[str, Any] | None = None) -> None:
    """Changes of accounts are security events (S89)."""
    await call.services.security.record(
        kind, address=call.address, username=call.user.username, data={"account": user.username, **(data or {})}
    )


def _columns(body: UserChange) -> dict[str, Any]:
    """What was given, by column.  null clears organisation, e-mail and expiry; elsewhere it changes nothing."""
    given = body.model_fields_set
    values: dict[str, Any] = {}
    if "organisation" in given:
        values["organisation_id"] = body.organisation
    if "email" in given:
        values["email"] = body.email
    if "expires_at" in given:
        values["expires_at"] = None if body.expires_at is None else body.expires_at.timestamp()
    for name in ("name", "phone", "disabled"):
        if (value := getattr(body, name)) is not None:
            values[name] = value
    if body.role is not None:
        values["role"] = body.role.value
    return values


def _answer(user: User) -> UserAnswer:
    return UserAnswer(
        username=user.username,
        name=user.name,
        role=Role(user.role),
        organisation=user.organisation_id,
        email=user.email,
        phone=user.phone,
        disabled=user.disabled,
        locked_at=user.locked_at,
        failures=user.failures,
        must_change=user.must_change,
        second_factor=user.totp_since is not None,
        expires_at=user.expires_at,
        created_at=user.created_at,
        password_changed_at=user.password_changed_at,
    )
