"""Security events and what to do about them (S89); blocked networks; fallback admissions (S22); the profile (S02)."""

from __future__ import annotations

from sqlalchemy import func, select

from control_api.accounts.accounts import able_administrators
from control_api.accounts.models import Username
from control_api.accounts.rules import Right, Role
from control_api.accounts.tables import User
from control_api.api import Call, Routes
from control_api.directory.tables import Site
from control_api.problems import forbidden
from control_api.security.admission import WITHOUT_NETWORKS
from control_api.security.events import EventFilter, nothing_to_act_on
from control_api.security.fallbacks import disconnect_strays
from control_api.security.kinds import KINDS
from control_api.security.models import (
    Acknowledgement,
    ActionRequest,
    BlockAnswer,
    BlockRequest,
    EventAnswer,
    EventQuery,
    FallbackAnswer,
    FallbackQuery,
    FallbackRequest,
    KindAnswer,
    MeasureAnswer,
    Number,
    Reason,
    SiteId,
    block_answer,
    event_answer,
    fallback_answer,
)
from control_api.security.networks import within
from control_api.security.profile import Facts, profile
from control_api.security.tables import SecurityEvent

routes = Routes("security")


@routes.get("/security/events", right=Right.AUDIT)
async def list_security_events(call: Call, query: EventQuery) -> list[EventAnswer]:
    """Security events, the newest first."""
    wanted = EventFilter(
        kind=query.kind,
        severity=query.severity,
        text=query.q,
        conference=query.conference,
        since=None if query.since is None else query.since.timestamp(),
        until=None if query.until is None else query.until.timestamp(),
        open=query.open,
        after=query.after,
    )
    found, total = await call.services.security.find(wanted, query.offset, query.limit)
    call.headers["X-Total-Count"] = str(total)
    return [event_answer(row) for row in found]


@routes.get("/security/kinds", right=Right.AUDIT)
async def list_security_kinds(call: Call) -> list[KindAnswer]:
    """The kinds of events there are."""
    return [
        KindAnswer(kind=name, severity=int(kind.severity), vi=kind.vi, en=kind.en, actions=list(kind.actions))
        for name, kind in KINDS.items()
    ]


@routes.get("/security/events/{event}", right=Right.AUDIT)
async def get_security_event(call: Call, event: Number) -> EventAnswer:
    """One event."""
    return event_answer(await call.services.security.get(event))


@routes.put("/security/events/{event}/acknowledgement", right=Right.DECIDE)
async def acknowledge_security_event(call: Call, event: Number, body: Acknowledgement) -> EventAnswer:
    """Say that somebody has looked at an event, and what came of it."""
    return event_answer(await call.services.security.acknowledge(event, call.user.username, body.remark))


@routes.post("/security/events/{event}/actions", right=Right.DECIDE)
async def act_on_security_event(call: Call, event: Number, body: ActionRequest) -> EventAnswer:
    """Do something about an event: disconnect the site, lock the account (where the event is a site's: take its link
    away), block the address. Acknowledges it too."""
    found = await call.services.security.get(event)
    match body.action:
        case "drop":
            await _drop(call, found)
        case "lock":
            if found.username is not None:
                await _lock(call, found.username)
            else:
                await _lock_site(call, found)
        case "block":
            network = body.network or found.address
            if network is None:
                raise nothing_to_act_on("địa chỉ mạng")
            await _block(call, network, body.seconds, body.remark or found.kind)
    remark = f"[{body.action}] {body.remark}".strip()
    return event_answer(await call.services.security.acknowledge(event, call.user.username, remark[:1000]))


@routes.post("/users/{user}/lock", right=Right.DECIDE, status=204)
async def lock_user(call: Call, user: Username) -> None:
    """Lock an account at once: its sessions and what it watches end. An administrator unlocks it."""
    await _lock(call, user)


@routes.get("/security/blocks", right=Right.AUDIT)
async def list_blocks(call: Call) -> list[BlockAnswer]:
    """Networks that are blocked now, at most a thousand."""
    found = await call.services.blocks.all()
    call.headers["X-Total-Count"] = str(len(found))
    return [block_answer(row) for row in found]


@routes.post("/security/blocks", right=Right.DECIDE, status=201)
async def create_block(call: Call, body: BlockRequest) -> BlockAnswer:
    """Block an address or a network for a while; who is connected from there is disconnected."""
    return await _block(call, body.network, body.seconds, body.reason)


@routes.delete("/security/blocks/{block}", right=Right.DECIDE)
async def end_block(call: Call, block: SiteId) -> None:
    """Unblock a network."""
    network = block.replace("-", "/")
    await call.services.blocks.remove(network)
    await call.services.security.record(
        "network_unblocked", address=call.address, username=call.user.username, data={"network": network}
    )


@routes.get("/security/fallbacks", right=Right.AUDIT)
async def list_fallbacks(call: Call, query: FallbackQuery) -> list[FallbackAnswer]:
    """Sites that were let in over another network, the newest first."""
    now = call.services.now()
    found = await call.services.admission.fallbacks(only_open=query.open, offset=query.offset, limit=query.limit)
    return [fallback_answer(row, now) for row in found]


@routes.post("/security/fallbacks", right=Right.DECIDE, status=201)
async def open_fallback(call: Call, body: FallbackRequest) -> FallbackAnswer:
    """The line of a site has failed: let it in from anywhere, for a while, under the number of the incident."""
    row = await call.services.admission.open_fallback(
        body.site, body.incident, body.reason, body.minutes * 60.0, call.user.username, call.command_id
    )
    call.headers["Location"] = f"{call.request.path}/{row.id}"
    return fallback_answer(row, call.services.now())


@routes.delete("/security/fallbacks/{fallback}", right=Right.DECIDE)
async def end_fallback(call: Call, fallback: SiteId) -> None:
    """Let the site in over its own network only from now on; one that is in over another is disconnected."""
    site = await call.services.admission.end_fallback(fallback, call.user.username)
    await disconnect_strays(call.services, site, call.user.username)


@routes.get("/security/profile", right=Right.AUDIT)
async def security_profile(call: Call) -> list[MeasureAnswer]:
    """Which security measures this installation has turned on."""
    services = call.services
    required = [role.value for role in services.settings.accounts.require_totp]
    async with services.database.reading() as db:
        administrators = len((await db.scalars(able_administrators(services.now()))).all())
        bare = User.role.in_(required), User.disabled.is_(False), User.totp_since.is_(None)
        without = int(await db.scalar(select(func.count()).select_from(User).where(*bare)) or 0)
        sites = int(await db.scalar(select(func.count()).select_from(Site).where(Site.active.is_(True))) or 0)
        open_sites = int(await db.scalar(select(func.count()).select_from(Site).where(*WITHOUT_NETWORKS)) or 0)
    months = services.settings.retention.security_months
    facts = Facts(administrators, without, months, open_sites if sites else None)
    return [
        MeasureAnswer(
            id=one.id, on=one.on, level=one.level, vi=one.vi, en=one.en, source=one.source, how=one.how, now=one.now
        )
        for one in profile(services.settings, facts)
    ]


async def _drop(call: Call, event: SecurityEvent) -> None:
    if event.conference is None or event.site is None:
        raise nothing_to_act_on("điểm cầu")
    await call.services.live.drop_site(event.conference, event.site, actor=call.user.username)
    await call.services.security.record(
        "site_dropped",
        address=call.address,
        username=call.user.username,
        conference=event.conference,
        site=event.site,
        data={"event": event.id},
    )


async def _lock(call: Call, username: str) -> None:
    """Officers lock anybody's account but an administrator's."""
    user = await call.services.people.get(username)
    if user.role == Role.ADMINISTRATOR.value and Right.ADMINISTER not in call.user.role.rights:
        raise forbidden(Right.ADMINISTER.value)
    await call.services.people.lock(user.username, call.user.username)
    await call.services.live.end_monitors(user.username)
    await call.services.security.record(
        "account_locked_by", address=call.address, username=call.user.username, data={"account": user.username}
    )


async def _lock_site(call: Call, event: SecurityEvent) -> None:
    """Take a site's link away and disconnect it: nobody comes in for it until it is given another one."""
    if event.conference is None or event.site is None:
        raise nothing_to_act_on("tài khoản hay điểm cầu")
    await call.services.live.revoke_link(event.conference, event.site, actor=call.user.username)
    await call.services.live.drop_site(event.conference, event.site, actor=call.user.username)
    await call.services.security.record(
        "site_locked",
        address=call.address,
        username=call.user.username,
        conference=event.conference,
        site=event.site,
        data={"event": event.id},
    )


async def _block(call: Call, network: str, seconds: float, reason: Reason) -> BlockAnswer:
    row = await call.services.blocks.add(network, seconds, reason, call.user.username, call.address)
    dropped = await call.services.live.drop_address(
        lambda address: within(address, (row.network,)), actor=call.user.username
    )
    await call.services.security.record(
        "network_blocked",
        address=call.address,
        username=call.user.username,
        data={"network": row.network, "seconds": seconds, "reason": reason, "dropped": dropped},
    )
    return block_answer(row)
