"""A meeting half prepared, with known ids, and bodies that the office sends."""

from __future__ import annotations

from typing import Any

from control_api.preparation.duty import Shift
from control_api.preparation.plans import PlanStore, Template
from control_api.preparation.rooms import SHIPPED
from control_api.preparation.store import PreparationStore
from control_api.services import Services

DUTY, TEMPLATE = "d-0000000000000001", "mau-cua-so"
PARTS = {"duty": DUTY, "template": TEMPLATE, "item": "room"}
MODEL: dict[str, Any] = {
    "views": [{"view": "programme", "layout": "1+5", "width": 1280, "height": 720}],
    "auto_mute_noisy": True,
}
PEOPLE: dict[str, Any] = {
    "leader": "Phó Chủ tịch UBND xã",
    "operator_name": "Cán bộ kỹ thuật",
    "operator_position": "Công chức Văn hóa – Xã hội",
    "operator_phone": "0912 345 678",
}
LINE: dict[str, Any] = {
    "site": "so-y-te",
    "carrier": "Viễn thông tỉnh",
    "contact_name": "Trực kỹ thuật nhà mạng",
    "contact_phone": "0204 3555 992",
    "good": True,
    "loss_percent": 0.0,
    "rtt_ms": 4.5,
}
CARRIER_DUTY: dict[str, Any] = {
    "party": "carrier",
    "name": "Trực kỹ thuật nhà mạng",
    "position": "Kỹ thuật viên",
    "phone": "0204 3555 992",
    "starts_at": "2026-12-01T07:00:00+07:00",
    "ends_at": "2026-12-01T11:30:00+07:00",
}
BODIES: dict[str, dict[str, Any]] = {
    "save_room_template": {"title_vi": "Mẫu của Sở", "title_en": "The Sở's", "model": MODEL},
    "save_room_plan": {"revision": 1, "template": "hoi-nghi"},
    "assign_duty": CARRIER_DUTY,
    "mark_item": {"state": "done"},
    "save_site_people": PEOPLE,
    "add_line_check": LINE,
    "close_out": {},
}


async def add_preparation(services: Services, conference: str) -> None:
    """A room plan, a template of the Sở, a shift of the carrier."""
    now, plans = services.now(), PlanStore(services.database)
    model = SHIPPED["giao-ban"][2]
    await plans.save_template(Template(TEMPLATE, "Mẫu của Sở", "The Sở's", model), "lan", now)
    await plans.replace(conference, 0, "giao-ban", model, by="lan", now=now, command_id=None)
    shift = Shift(DUTY, "carrier", None, None, "Trực", "", "02043555992", now, now + 3600, "", "lan", now)
    await PreparationStore(services.database).assign(conference, shift)
