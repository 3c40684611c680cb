"""What the account and security routes need to be there, and sample bodies for them."""

from __future__ import annotations

import time
from typing import Any

import pyotp
from sqlalchemy import update

from control_api.accounts.tables import User
from control_api.services import Services
from tests.unit.control_api.world import PASSWORD

SESSION = "0123456789abcdef"
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
}


def body(name: str) -> dict[str, Any] | None:
    """The body for a route; a code of the telephone is made now."""
    if name == "confirm_second_factor":
        return {"code": pyotp.TOTP(_SECRET).at(time.time())}
    return BODIES.get(name)


async def prepare(services: Services, name: str) -> None:
    """Everybody has a telephone, where the route is about one."""
    state = _ENROLLED.get(name)
    if state is not None:
        values = {"totp_secret": _SECRET, "totp_since": services.now() if state == "in use" else None}
        async with services.database.writing() as db:
            await db.execute(update(User).values(**values))
