"""An organisation with a site, its people and equipment, all with known ids, and bodies that pages send."""

from __future__ import annotations

import base64
import time
from typing import Any

from sqlalchemy import update

from control_api.accounts.accounts import SignedIn
from control_api.accounts.rules import Role
from control_api.accounts.tables import User
from control_api.api import Route
from control_api.directory.exchange import _written
from control_api.directory.tables import (
    Asset,
    ChangeRequest,
    Contact,
    Course,
    Difficulty,
    DirectoryNotice,
    Fault,
    Organisation,
    Site,
    Trainee,
)
from control_api.mail.letters import Addressee, write
from control_api.mail.tables import Letter
from control_api.services import Services

SO, AGENCY, CARRIER, SITE = "so-khoa-hoc-va-cong-nghe", "so-y-te", "vien-thong", "so-y-te"
CONTACT, ASSET, FAULT, TRAINEE, COURSE = "d-1", "ts-1", "sc-1", "vh-1", "lh-1"
REQUEST, MOVED, DIFFICULTY, NOTICE = "yc-1", "yc-2", "pa-1", "n-1"
OFFICER = SignedIn(1, "officer", "Trực MCU", Role.OFFICER, "")
EMPTY_BOOK = base64.b64encode(_written(((), (), ()))).decode()

PARTS = {
    "organisation": AGENCY,
    "contact": CONTACT,
    "asset": ASSET,
    "fault": FAULT,
    "trainee": TRAINEE,
    "course": COURSE,
    "change_request": REQUEST,
    "difficulty": DIFFICULTY,
    "directory_notice": NOTICE,
}
ASKS: dict[str, dict[str, Any]] = {
    "add_organisation": {"name": "Sở Công Thương", "kind": "department"},
    "change_organisation": {"revision": 1, "phone": "0222 3822 123"},
    "add_directory_site": {"organisation_id": AGENCY, "name": "Sở Y tế, phòng họp 2", "seats": 30},
    "change_directory_site": {"revision": 1, "seats": 50},
    "add_contact": {
        "organisation_id": AGENCY,
        "name": "Cán bộ kỹ thuật",
        "position": "Chuyên viên",
        "phone": "0912 345 678",
    },
    "change_contact": {"revision": 1, "phone": "0912 345 679"},
    "add_trained_operator": {"organisation_id": AGENCY, "name": "Cán bộ kỹ thuật"},
    "change_trained_operator": {"revision": 1, "position": "Chuyên viên"},
    "add_course": {"year": 2026, "title": "Tập huấn vận hành"},
    "change_course": {"revision": 1, "place": "Hội trường Sở"},
    "add_asset": {"organisation_id": AGENCY, "name": "Camera hội nghị", "kind": "camera"},
    "change_asset": {"revision": 1, "every_months": 6},
    "add_maintenance": {"done_on": "2026-11-02", "outcome": "Vệ sinh, kiểm tra"},
    "report_fault": {"organisation_id": AGENCY, "title": "Mất tiếng", "figures": {"loss": 0.02}},
    "confirm_line_fault": {"revision": 1, "state": "in_progress"},
    "change_fault": {"revision": 1, "state": "in_progress"},
    "ask_change": {"site_id": SITE, "kind": "configuration", "reason": "Thay camera", "wanted": {"line_code": "BN-2"}},
    "decide_change": {"revision": 1, "approve": True},
    "acknowledge_relocation": {"revision": 1, "by": "Trực nhà mạng"},
    "complete_change": {"revision": 1},
    "withdraw_change": {"revision": 1},
    "tell_difficulty": {"organisation_id": AGENCY, "title": "Thiếu kinh phí", "text": "Chưa có đường dự phòng."},
    "answer_difficulty": {"revision": 1, "state": "answered", "answer": "Đã bổ sung."},
    "import_directory": {"file": EMPTY_BOOK},
}
QUERIES = {
    "remove_contact": "?revision=1",
    "get_maintenance_plan": "?year=2026",
    "export_maintenance_plan": "?year=2026",
    "export_training_plan": "?year=2026",
}
OTHER_PARTS = {  # where a route needs an entry in another state
    "complete_change": {"change_request": MOVED},
    "acknowledge_relocation": {"change_request": MOVED},
    "get_change_request": {"change_request": MOVED},
}


async def add_samples(services: Services) -> None:
    """Entries with known ids, each at revision 1; written past the rules that would choose other ids."""
    now = time.time()
    stamp: dict[str, Any] = {"revision": 1, "created_at": now, "changed_at": now, "changed_by": "officer"}
    async with services.database.writing() as session:
        for one, name, kind in (
            (SO, "Sở Khoa học và Công nghệ", "department"),
            (AGENCY, "Sở Y tế", "department"),
            (CARRIER, "Đơn vị viễn thông", "carrier"),
        ):
            session.add(Organisation(id=one, name=name, kind=kind, is_manager=one == SO, folded=one, **stamp))
        await session.flush()
        session.add(Course(id=COURSE, year=2026, title="Tập huấn", starts_on=None, ends_on=None, **stamp))
        session.add(
            Site(
                id=SITE,
                organisation_id=AGENCY,
                name="Sở Y tế",
                seats=40,
                carrier_id=CARRIER,
                line_mbps=None,
                folded="so y te",
                **stamp,
            )
        )
        await session.flush()
        session.add(
            Contact(
                id=CONTACT,
                organisation_id=AGENCY,
                site_id=SITE,
                role="technical",
                name="Cán bộ kỹ thuật",
                position="Chuyên viên",
                phone="0912345678",
                folded="can bo ky thuat",
                **stamp,
            )
        )
        session.add(
            Asset(
                id=ASSET,
                organisation_id=AGENCY,
                site_id=SITE,
                name="Ti vi",
                kind="display",
                folded="ti vi",
                cost_category="small",
                **stamp,
            )
        )
        session.add(
            Trainee(id=TRAINEE, organisation_id=AGENCY, name="Cán bộ kỹ thuật", folded="can bo ky thuat", **stamp)
        )
        session.add(
            Fault(
                id=FAULT,
                organisation_id=AGENCY,
                site_id=SITE,
                kind="line",
                title="Đường truyền chập chờn",
                reported_at=now,
                reported_by="Sở Y tế",
                **stamp,
            )
        )
        asked: dict[str, Any] = {
            "site_id": SITE,
            "organisation_id": AGENCY,
            "reason": "Thay thiết bị",
            "asked_at": now,
            "asked_by": "host",
            **stamp,
        }
        session.add(ChangeRequest(id=REQUEST, kind="configuration", wanted={"line_code": "BN-1"}, **asked))
        session.add(
            ChangeRequest(
                id=MOVED,
                kind="relocation",
                wanted={"room": "Tầng 2"},
                state="approved",
                manager_id=SO,
                carrier_id=CARRIER,
                manager_at=now,
                carrier_at=now,
                carrier_by="Trực",
                **asked,
            )
        )
        session.add(
            Difficulty(
                id=DIFFICULTY,
                organisation_id=AGENCY,
                title="Thiếu kinh phí",
                text="Chưa có đường dự phòng.",
                asked_at=now,
                asked_by="host",
                **stamp,
            )
        )
        session.add(
            DirectoryNotice(
                id=NOTICE, at=now, kind="relocation_asked", to_id=CARRIER, vi="Di chuyển.", en="Relocation.", data={}
            )
        )


async def set_organisation(services: Services, organisation: str | None, *roles: Role) -> None:
    """Let the accounts of those roles belong to an organisation."""
    async with services.database.writing() as session:
        mine = update(User).where(User.role.in_([role.value for role in roles]))
        await session.execute(mine.values(organisation_id=organisation))


async def prepared(services: Services, route: Route) -> str:
    """The samples, accounts that may touch them, and the route's path."""
    await add_samples(services)
    await set_organisation(services, AGENCY, Role.VIEWER, Role.HOST, Role.TECHNICIAN)
    await set_organisation(services, CARRIER, Role.CARRIER)
    name = route.handler.__name__
    if name == "send_directory_notice_again":
        async with services.database.writing() as session:
            await session.execute(update(DirectoryNotice).values(to_id=AGENCY))
            whom = [Addressee("van-phong@so-y-te.vn", "Sở Y tế")]
            await write(session, NOTICE, "due", about=f"notice/{NOTICE}", whom=whom, subject="", vi="", en="", now=0)
            await session.execute(update(Letter).values(state="failed"))
    parts = {"site": SITE, **PARTS, **OTHER_PARTS.get(name, {})}
    return route.path.format(**parts) + QUERIES.get(name, "")
