"""What the account and security routes need to be there, and sample bodies for them."""

from __future__ import annotations

import time
from typing import Any

import pyotp
from sqlalchemy import update

from control_api.accounts.tables import User
from control_api.directory.tables import Organisation
from control_api.security.tables import BlockedNetwork, Fallback, SecurityEvent
from control_api.services import Services
from tests.unit.control_api.world import PASSWORD

SESSION = "0123456789abcdef"
EVENT, BLOCK, FALLBACK = 900_001, "203.0.113.0-24", "f-sample"
PARTS = {"user": "viewer", "session": SESSION, "event": str(EVENT), "block": BLOCK, "fallback": FALLBACK}
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_ENROLLED = {
    "end_second_factor": "in use",
    "renew_recovery_codes": "in use",
    "confirm_second_factor": "begun",
}
BODIES: dict[str, dict[str, Any]] = {
    "change_own_password": {"present": PASSWORD, "wanted": "một mật khẩu khác hẳn"},
    "end_second_factor": {"password": PASSWORD},
    "renew_recovery_codes": {"password": PASSWORD},
    "create_user": {"username": "tran.minh", "name": "Trần Văn Minh", "role": "host", "organisation": "so-y-te"},
    "change_user": {"name": "Lê Thị Hoa", "phone": "0204.3555.992", "email": "hoa@bacninh.gov.vn"},
    "reset_password": {},
    "acknowledge_security_event": {"remark": "Cán bộ nhập nhầm, đã gọi điện xác nhận."},
    "act_on_security_event": {"action": "lock", "remark": "Khóa đến khi xác minh xong."},
    "create_block": {"network": "198.51.100.7", "seconds": 3600, "reason": "Dò mật khẩu nhiều lần"},
    "open_fallback": {"site": "so-y-te", "incident": "SC-2026-118", "reason": "Đứt cáp TSLCD", "minutes": 180},
}


def body(name: str) -> dict[str, Any] | None:
    """The body for a route; a code of the telephone is made now."""
    if name == "confirm_second_factor":
        return {"code": pyotp.TOTP(_SECRET).at(time.time())}
    return BODIES.get(name)


async def prepare(services: Services, name: str) -> None:
    """Everybody has a telephone, where the route is about one."""
    async with services.database.writing() as db:
        now = services.now()
        if name == "create_user" and await db.get(Organisation, "so-y-te") is None:
            made = {"created_at": now, "changed_at": now, "changed_by": "test"}
            db.add(Organisation(id="so-y-te", name="Sở Y tế", kind="department", folded="so y te", **made))
        await db.merge(
            SecurityEvent(
                id=EVENT, at=now, kind="login_failed", severity=2, username="technician", times=1, data={}, remark=""
            )
        )
        await db.merge(
            BlockedNetwork(network=BLOCK.replace("-", "/"), until=now + 600, reason="Thử", by="officer", at=now)
        )
        await db.merge(
            Fallback(
                id=FALLBACK, site="so-y-te", incident="SC-1", reason="Đứt cáp", at=now, until=now + 600, by="officer"
            )
        )
    state = _ENROLLED.get(name)
    if state is not None:
        values = {"totp_secret": _SECRET, "totp_since": services.now() if state == "in use" else None}
        async with services.database.writing() as db:
            await db.execute(update(User).values(**values))
