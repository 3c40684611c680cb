"""Pages for people: home, site page, console, office, certificate, and notices in two languages.  Open to everybody.

A page holds no secret: what it shows comes through the API, with a session, or through the endpoint's WebSocket, with a
join token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from aiohttp import hdrs, web

from control_api import tls
from control_api.pages.files import CONSOLE, HOME, OFFICE, SITE, File

FILES = web.AppKey("files", Mapping[str, File])
ROOT_CERTIFICATE = web.AppKey("root_certificate", Path)

_FOREVER = "public, max-age=31536000, immutable"
_A_WHILE = "public, max-age=3600"
_HERE = resources.files("control_api.pages")
_NOTICE = Template((_HERE / "notice.html").read_text("utf-8"))
_CA = Template((_HERE / "ca.html").read_text("utf-8"))
_CSS = (_HERE / "page.css").read_text("utf-8")


def mount_pages(app: web.Application, files: Mapping[str, File], root_certificate: Path | None) -> None:
    app[FILES] = files
    if root_certificate is not None:
        app[ROOT_CERTIFICATE] = root_certificate
    add = app.router.add_get
    add("/", _page(HOME))
    add("/join/{token}", _page(SITE))
    add("/console", _page(CONSOLE))
    add("/office", _page(OFFICE))
    add("/page.css", _page_css)
    add("/ca", _ca_page)
    add("/ca/root.pem", _ca_pem)
    add("/ca/root.crt", _ca_der)
    for path in files:
        if path not in (HOME, SITE, CONSOLE, OFFICE):
            add(f"/{path}", _page(path))


def _page(path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        file = request.app[FILES].get(path)
        return _not_built() if file is None else _file(request, file)

    return serve


def _file(request: web.Request, file: File) -> web.Response:
    page = file.content_type == "text/html"
    headers = {
        hdrs.CONTENT_TYPE: file.content_type + ("; charset=utf-8" if file.content_type.startswith("text/") else ""),
        hdrs.CACHE_CONTROL: _FOREVER if file.immutable else "no-store" if page else _A_WHILE,
    }
    if file.gzipped is None:
        return web.Response(body=file.body, headers=headers)
    headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(body=file.body, headers=headers)
    headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=file.gzipped, headers=headers)


async def _page_css(request: web.Request) -> web.Response:
    return web.Response(text=_CSS, content_type="text/css", headers={hdrs.CACHE_CONTROL: _A_WHILE})


async def _ca_page(request: web.Request) -> web.Response:
    root = request.app.get(ROOT_CERTIFICATE)
    if root is None:
        return notice(
            404,
            "Máy chủ không dùng chứng thư riêng",
            "Không cần cài chứng thư nào. Nếu trình duyệt vẫn cảnh báo, hãy hỏi quản trị viên.",
            "This server has no certificate of its own",
            "There is nothing to install. If your browser still warns you, ask the administrator.",
        )
    fingerprint = await asyncio.to_thread(tls.fingerprint, root)
    return _html(_CA.substitute(fingerprint=fingerprint), 200)


async def _ca_pem(request: web.Request) -> web.Response:
    root = _root(request)
    pem = await asyncio.to_thread(root.read_bytes)
    return web.Response(body=pem, content_type="application/x-pem-file", headers=_download("diemcau-ca.pem"))


async def _ca_der(request: web.Request) -> web.Response:
    root = _root(request)
    der = await asyncio.to_thread(tls.der, root)
    return web.Response(body=der, content_type="application/x-x509-ca-cert", headers=_download("diemcau-ca.crt"))


def _root(request: web.Request) -> Path:
    root = request.app.get(ROOT_CERTIFICATE)
    if root is None:
        raise web.HTTPNotFound
    return root


def _download(name: str) -> dict[str, str]:
    return {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"', hdrs.CACHE_CONTROL: "no-store"}


# ----------------------------------------------------------------------------------------------------- notices


def page_not_found() -> web.Response:
    return notice(
        404,
        "Không có trang này",
        "Có thể đường dẫn bị gõ thiếu. Để vào phiên họp, hãy mở nguyên vẹn đường dẫn mà người vận hành đã gửi.",
        "There is no such page",
        "The address may be incomplete. To join a meeting, open the whole link that the operator sent you.",
    )


def failed(status: int) -> web.Response:
    return notice(
        status,
        "Máy chủ gặp lỗi",
        "Hãy tải lại trang sau ít phút. Nếu vẫn không được, hãy báo người vận hành.",
        "The server could not answer",
        "Reload the page in a few minutes. If it still fails, tell the operator.",
    )


def _not_built() -> web.Response:
    return notice(
        503,
        "Giao diện chưa được dựng",
        "Người quản trị cần chạy “make setup” trong thư mục mã nguồn rồi khởi động lại máy chủ.",
        "The pages have not been built",
        "The administrator must run “make setup” in the source folder and start the server again.",
    )


def notice(status: int, title_vi: str, text_vi: str, title_en: str, text_en: str) -> web.Response:
    words = {"title_vi": title_vi, "text_vi": text_vi, "title_en": title_en, "text_en": text_en}
    return _html(_NOTICE.substitute({name: escape(word) for name, word in words.items()}), status)


def _html(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers={hdrs.CACHE_CONTROL: "no-store"})
