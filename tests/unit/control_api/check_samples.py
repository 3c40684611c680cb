"""A finished check, a self-test and a join link with known ids, and bodies that pages send."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from control_api.checks.measured import Measured
from control_api.checks.stills import read_still
from control_api.checks.store import NewCheck, Sheet
from control_api.checks.tables import SelfTestRow
from control_api.checks.verdict import judge
from control_api.conferences.tables import JoinTokenRow
from control_api.directory.tables import Organisation, Site
from control_api.services import Services

CHECK, SELF_TEST = "k-0000000000000001", "st-0000000000000001"
DIRECTORY_SITE = "xa-yen-trung"  # the only one that the directory knows
TOKEN = "sample-token-of-the-site-1234567"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x01\x68\x02\x80\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9"
)
STILL = base64.b64encode(JPEG).decode()

GOOD: dict[str, Any] = {
    "camera": {
        "width": 1280,
        "height": 720,
        "frame_rate": 29.5,
        "brightness": 118.0,
        "contrast": 52.0,
        "frozen_s": 0.1,
        "seconds": 4.0,
    },
    "microphone": {"speech_dbfs": -22.0, "noise_dbfs": -61.0, "clipped": 0.0, "seconds": 5.0},
    "loudspeaker": {"heard": True, "tries": 1, "device": "Loa phòng họp"},
    "sound_loop": {"sent": 5, "found": 5, "delay_ms": 180.0, "level_db": -1.5},
    "picture_loop": {
        "returned": True,
        "alike": 0.98,
        "delay_ms": 210.0,
        "frame_rate": 15.0,
        "width": 1280,
        "height": 720,
    },
    "line": {
        "seconds": 9.0,
        "loss_up": 0.0,
        "loss_down": 0.001,
        "jitter_ms": 3.0,
        "rtt_ms": 12.0,
        "up_kbps": 900.0,
        "down_kbps": 1100.0,
        "up_room_kbps": 2500.0,
    },
}
SHEET: dict[str, Any] = {
    "leader": "Phó Chủ tịch UBND xã",
    "operator_name": "Cán bộ kỹ thuật xã Văn Môn",
    "operator_position": "Công chức",
    "operator_phone": "0912 345 678",
    "device_ready": True,
}


def sent(token: str = TOKEN, attempt: str = "0123456789abcdef", **changed: Any) -> dict[str, Any]:
    """What a site's page sends; `changed` parts of what it measured, None: not measured."""
    measured = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return {"token": token, "attempt": attempt, "sheet": SHEET, "measured": measured, "client": "Chromium"}


async def add_samples(services: Services, conference: str, site: str) -> None:
    measured = Measured.model_validate(GOOD)
    new = NewCheck(
        CHECK,
        conference,
        site,
        "Sở Y tế",
        "browser",
        "technical",
        Sheet(operator_name="Cán bộ kỹ thuật", operator_phone="0912345678", device_ready=True),
        measured,
        judge(measured, device_ready=True),
        still=read_still(STILL),
    )
    await services.checks.store.add(new)
    stamp: dict[str, Any] = {"created_at": 1.0, "changed_at": 1.0, "changed_by": "an", "folded": ""}
    async with services.database.writing() as session:
        session.add(Organisation(id=DIRECTORY_SITE, name="UBND xã Yên Trung", kind="commune", **stamp))
        await session.flush()
        session.add(Site(id=DIRECTORY_SITE, organisation_id=DIRECTORY_SITE, name="UBND xã Yên Trung", **stamp))
        session.add(
            SelfTestRow(
                id=SELF_TEST,
                state="done",
                asked_at=1.0,
                asked_by=None,
                started_at=2.0,
                done_at=3.0,
                good=True,
                report={},
            )
        )
        session.add(
            JoinTokenRow(
                id="t-sample",
                digest=hashlib.sha256(TOKEN.encode()).hexdigest(),
                conference_id=conference,
                site=site,
                view="programme",
                expires_at=None,
                created_at=1.0,
            )
        )
