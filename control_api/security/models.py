"""Bodies of the security routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from control_api.accounts.models import plain
from control_api.api import Model
from control_api.security.kinds import KINDS, Action
from control_api.security.tables import BlockedNetwork, Fallback, SecurityEvent

Text = Annotated[str, Field(max_length=500), AfterValidator(plain)]
Reason = Annotated[str, Field(min_length=3, max_length=500, examples=["Dò mật khẩu nhiều lần"]), AfterValidator(plain)]
Number = Annotated[int, Field(ge=1, le=2**62, examples=[17])]
SiteId = Annotated[str, Field(min_length=1, max_length=80, examples=["xa-van-mon"]), AfterValidator(plain)]
Kind = Annotated[str, Field(max_length=40, examples=["login_failed"]), AfterValidator(plain)]
BlockSeconds = Annotated[int, Field(ge=60, le=30 * 86400, examples=[3600])]


class EventQuery(Model):
    kind: Kind | None = None
    severity: Annotated[int, Field(ge=0, le=3)] = Field(
        default=0, description="At least: 0 for the record, 1 notice, 2 warning, 3 alarm."
    )
    q: Annotated[str, Field(max_length=100), AfterValidator(plain)] = Field(
        default="", description="Part of an address, a user name or a site."
    )
    conference: SiteId | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    open: bool | None = Field(default=None, description="true: not acknowledged yet.")
    after: Annotated[int, Field(ge=0, le=2**62)] | None = Field(default=None, description="Only ids above.")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class EventAnswer(Model):
    id: int
    at: float
    kind: str
    severity: int
    vi: str = Field(description="What happened, in Vietnamese.")
    en: str
    address: str | None
    username: str | None
    conference: str | None
    site: str | None
    times: int = Field(description="So often within a minute.")
    data: dict[str, Any]
    actions: list[Action] = Field(description="What one can do about it.")
    acknowledged_at: float | None
    acknowledged_by: str | None
    remark: str


class Acknowledgement(Model):
    remark: Annotated[
        str, Field(max_length=1000, examples=["Cán bộ nhập nhầm, đã gọi điện xác nhận."]), AfterValidator(plain)
    ] = ""


class ActionRequest(Model):
    """`drop`: disconnect the site; `lock`: lock the account; `block`: block the address."""

    action: Action
    seconds: BlockSeconds = Field(default=3600, description="Of a block.")
    network: Annotated[str, Field(max_length=64, examples=["203.0.113.0/24"])] | None = Field(
        default=None, description="Of a block; left out: the address of the event."
    )
    remark: Annotated[str, Field(max_length=1000), AfterValidator(plain)] = ""


class KindAnswer(Model):
    kind: str
    severity: int
    vi: str
    en: str
    actions: list[Action]


class BlockRequest(Model):
    network: Annotated[str, Field(min_length=1, max_length=64, examples=["203.0.113.7"])]
    seconds: BlockSeconds
    reason: Reason


class BlockAnswer(Model):
    id: str = Field(description="For DELETE.")
    network: str
    until: float
    reason: str
    by: str
    at: float


class FallbackRequest(Model):
    """Let a site in over another network because its line has failed (article 5.7b)."""

    site: SiteId
    incident: Annotated[
        str,
        Field(min_length=1, max_length=80, examples=["SC-2026-118"], description="Its number, as the Sở keeps it."),
        AfterValidator(plain),
    ]
    reason: Reason
    minutes: Annotated[int, Field(ge=5, le=24 * 60, examples=[180])]


class FallbackAnswer(Model):
    id: str
    site: str
    incident: str
    reason: str
    at: float
    until: float
    by: str
    ended_at: float | None
    ended_by: str | None
    open: bool


class FallbackQuery(Model):
    open: bool = Field(default=False, description="true: only those that still let a site in.")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class MeasureAnswer(Model):
    """One measure of the security profile."""

    id: str
    on: bool
    level: Literal["required", "recommended"]
    vi: str
    en: str
    source: str = Field(description="Which obligation it answers.")
    how: str = Field(description="The setting that turns it on, or what to do.")
    now: str = Field(description="As it is set.")


def block_id(network: str) -> str:
    return network.replace("/", "-")


def block_answer(row: BlockedNetwork) -> BlockAnswer:
    return BlockAnswer(
        id=block_id(row.network), network=row.network, until=row.until, reason=row.reason, by=row.by, at=row.at
    )


def fallback_answer(row: Fallback, now: float) -> FallbackAnswer:
    return FallbackAnswer(
        id=row.id,
        site=row.site,
        incident=row.incident,
        reason=row.reason,
        at=row.at,
        until=row.until,
        by=row.by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        open=row.ended_at is None and row.until > now,
    )


def event_answer(row: SecurityEvent) -> EventAnswer:
    kind = KINDS.get(row.kind)
    acts_on = {"drop": row.site, "lock": row.username or (row.conference and row.site), "block": row.address}
    return EventAnswer(
        id=row.id,
        at=row.at,
        kind=row.kind,
        severity=row.severity,
        vi=row.kind if kind is None else kind.vi,
        en=row.kind if kind is None else kind.en,
        address=row.address,
        username=row.username,
        conference=row.conference,
        site=row.site,
        times=row.times,
        data=row.data,
        actions=[] if kind is None else [action for action in kind.actions if acts_on[action]],
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        remark=row.remark,
    )
