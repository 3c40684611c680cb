"""The page where whoever got a notice confirms it (S70).  Its address is the key: no session is needed.

Opening it confirms nothing, because mail programs open links by themselves; pressing the button does.
"""

from __future__ import annotations

import unicodedata
from html import escape
from importlib import resources
from string import Template

from aiohttp import web

from control_api.bookings.notices import confirm
from control_api.bookings.tables import BookingNotice
from control_api.pages.routes import page_not_found
from control_api.proxies import client_address
from control_api.services import SERVICES

_HERE = resources.files("control_api.bookings")
_PAGE = Template((_HERE / "confirm.html").read_text("utf-8"))
_CSS = (_HERE / "notice.css").read_text("utf-8")
_LONGEST_NAME = 100


def mount(app: web.Application) -> None:
    app.router.add_get("/notice.css", _css)
    app.router.add_get("/notice/{token}", _show)
    app.router.add_post("/notice/{token}", _confirm)


async def _css(request: web.Request) -> web.Response:
    return web.Response(text=_CSS, content_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


async def _show(request: web.Request) -> web.Response:
    notice = await _notice(request)
    return page_not_found() if notice is None else _page(notice, "", "Bạn chưa xác nhận.")


async def _confirm(request: web.Request) -> web.Response:
    notice = await _notice(request)
    if notice is None:
        return page_not_found()
    given = (await request.post()).get("name", "")
    name = clean_name(given if isinstance(given, str) else "")
    if len(name) < 2:
        return _page(notice, "", "Hãy ghi họ và tên người nhận (2 đến 100 ký tự).", status=422)
    services = request.app[SERVICES]
    async with services.database.writing() as session:
        await confirm(session, notice.id, name, client_address(request, services.settings), services.now())
    return _page(notice, name, f"Đã ghi nhận: {name} đã nhận thông báo. Xin cảm ơn.")


async def _notice(request: web.Request) -> BookingNotice | None:
    services = request.app[SERVICES]
    notice_id = services.booking_desk.receipts.notice(request.match_info["token"][:200])
    if notice_id is None:
        return None
    async with services.database.reading() as session:
        return await session.get(BookingNotice, notice_id)


def clean_name(name: str) -> str:
    """NFC, single spaces, no control characters."""
    kept = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in name[:1000])
    return " ".join(unicodedata.normalize("NFC", kept).split())[:_LONGEST_NAME]


def _page(notice: BookingNotice, name: str, state: str, status: int = 200) -> web.Response:
    text = _PAGE.substitute(subject=escape(notice.subject), name=escape(name), state=escape(state))
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status, headers=headers)
