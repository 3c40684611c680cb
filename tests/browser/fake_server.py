"""A server that looks to the pages like the MCU, for developing and testing them alone.

    python -m tests.browser.fake_server --port 8088 --sites 120      # then http://127.0.0.1:8088/console
                                                                    # user "van-hanh", password "diem-cau-mcu"

It serves the built pages, the operator API of one conference in memory and the signalling protocol with a stock aiortc
peer behind it.  Tests drive it directly: `fake.tally(...)`, `fake.cut()`, `fake.refuse(...)`, and read `fake.heard`.
It knows nothing of podium rules; the real ones are in `mcu_core`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from mixer.layout import auto_layout, catalogue
from tests.browser.fake_media import Peer
from tests.browser.fake_meeting import FakeMeeting

STATIC = Path(__file__).resolve().parents[2] / "endpoint_client" / "static"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
USER = {"username": "van-hanh", "role": "operator", "name": "Nguyễn Thị Hoa"}
PASSWORD = "diem-cau-mcu"
VIEWS = ("programme", "chair", "wall")
NAMES = ("UBND tỉnh", "Sở Y tế", "Sở Giáo dục và Đào tạo", "Công an tỉnh", "UBND thành phố Bắc Ninh", "UBND xã Văn Môn",
         "UBND xã Đông Thọ", "UBND phường Kinh Bắc", "UBND xã Yên Phụ", "UBND xã Tam Giang")  # fmt: skip

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint:
    """One signalling WebSocket and the media behind it."""

    def __init__(self, socket: web.WebSocketResponse, site: Json | None) -> None:
        self.socket = socket
        self.site = site
        self.seat = ""
        self.peer: Peer | None = None
        self.heard: list[Json] = []

    async def send(self, kind: str, **fields: Any) -> None:
        with contextlib.suppress(ConnectionError):
            await self.socket.send_str(json.dumps({"type": kind, **fields}, ensure_ascii=False))

    def last(self, kind: str) -> Json | None:
        return next((message for message in reversed(self.heard) if message["type"] == kind), None)


class FakeMcu:
    """One conference with `sites` sites, the last fifth of them absent.  The join token of site k is `token-k`."""

    def __init__(self, sites: int = 12) -> None:
        self.endpoints: list[Endpoint] = []
        self.heard: list[Json] = []  # every message of every endpoint
        self.commands: list[tuple[str, str, Any]] = []  # method, path, body
        self.refusal: Json | None = None  # what the next hellos are told
        self.deaf = False  # refuse WebSockets, as a server that is away
        self.bad_offers = 0  # so many offers are refused first
        self.answer_delay = 0.0  # seconds
        self.peers: dict[str, Peer] = {}  # by seat: media outlives the WebSocket
        self._consoles: set[web.WebSocketResponse] = set()
        self._fixed: dict[str, dict[int, Json]] = {view: {} for view in VIEWS}
        self._undo: list[str | None] = []
        self._seats = 0
        self.layouts = {name: _layout(name) for name in catalogue()}
        self.role = USER["role"]
        self.conferences = [{"id": "c-1", "title": "Họp giao ban tháng 11"}]
        self.state: Json = {
            "id": "c-1", "title": "Họp giao ban tháng 11", "revision": 1, "open": True, "podium": None, "next": None,
            "auto_mute_noisy": False, "loudest": 4, "pass_through": True, "can_undo": False, "speaker": None,
            "main_site": "s-1", "sites": [], "views": {},
        }  # fmt: skip
        self.meeting = FakeMeeting(self.state)
        for number in range(1, sites + 1):
            self._add_site(NAMES[number - 1] if number <= len(NAMES) else f"UBND xã số {number}", number)
        for view in VIEWS:
            size = {"width": 1280, "height": 720, "frame_rate": 5 if view == "wall" else 30}
            self.state["views"][view] = {"layout": "auto", "pages": None, "transition": "cut", **size}
            self.state["views"][view]["podium_layout"] = {"programme": "auto", "chair": "1"}.get(view)
        self._arrange()

    # ------------------------------------------------------------------------------------------- driven by tests

    async def tally(self, **changes: Any) -> None:
        """Tell every site endpoint its tally: not on the podium, not next, not muted, visible, but for `changes`."""
        tally = {"on_podium": False, "next": False, "muted": False, "muted_by": None, "visible": True, **changes}
        for endpoint in self.sites():
            await endpoint.send("tally", **tally)

    async def tell(self, kind: str, **fields: Any) -> None:
        for endpoint in self.sites():
            await endpoint.send(kind, **fields)

    async def cut(self) -> None:
        """Break every WebSocket without a word; seats and media stay."""
        for endpoint in list(self.endpoints):
            transport = endpoint.socket._req.transport if endpoint.socket._req else None
            if transport is not None:
                transport.abort()

    async def refuse(self, code: str, vi: str, en: str, retry_after: float | None = None) -> None:
        """Refuse, fatally, whoever is there and whoever comes."""
        error = {"code": code, "vi": vi, "en": en, "fatal": True, "retry_after": retry_after}
        self.refusal = error
        for endpoint in list(self.endpoints):
            await endpoint.send("error", **error)
            await endpoint.socket.close(code=4401)

    async def alarm(self, code: str, vi: str, en: str) -> None:
        now = asyncio.get_running_loop().time()
        await self._broadcast({"type": "alarm", "code": code, "vi": vi, "en": en, "at": 1.79e9 + now})

    async def news(self, area: str) -> None:
        """Tell all consoles that something of the meeting changed: roll_call, floor, issues, cues."""
        await self._broadcast({"type": area})

    def sites(self) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints if endpoint.site is not None]

    async def changed(self) -> None:
        """Tell all consoles the state."""
        self.state["revision"] += 1
        self._arrange()
        await self._broadcast({"type": "state", "state": self.state})

    # ------------------------------------------------------------------------------------------------------ HTTP

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", _page("index.html")),
                web.get("/join/{token}", _page("site.html")),
                web.get("/console", _page("console.html")),
                web.get("/favicon.svg", _page("favicon.svg")),
                web.static("/assets", STATIC / "assets"),
                web.get("/ws/v1/endpoint", self._endpoint),
                web.get("/ws/v1/conferences/{conference}/events", self._events),
                web.route("*", "/api/v1/{path:.*}", self._api),
            ]
        )
        app.cleanup_ctx.append(self._background)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
        return response

    async def _background(self, _: web.Application) -> Any:
        task = asyncio.create_task(self._metering(), name="fake/metering")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        for endpoint in list(self.endpoints):
            await endpoint.socket.close()
        for peer in self.peers.values():
            await peer.close()

    async def _api(self, request: web.Request) -> web.Response:
        path, method = request.match_info["path"], request.method
        body = await request.json() if request.can_read_body else None
        signed_in = request.cookies.get("mcu_session") == "fake"
        if path == "session" and method == "POST":
            if body != {"username": USER["username"], "password": PASSWORD}:
                return _error(401, "bad_login", "Tên đăng nhập hoặc mật khẩu không đúng.", "Wrong name or password.")
            response = web.json_response({"user": {**USER, "role": self.role}})
            response.set_cookie("mcu_session", "fake", httponly=True, samesite="Strict")
            return response
        if path == "session/methods":
            return web.json_response({"oidc": None})
        if not signed_in:
            return _error(401, "not_signed_in", "Bạn chưa đăng nhập. Hãy đăng nhập lại.", "Sign in again.")
        if method != "GET":
            if request.headers.get("X-MCU-Request") != "1":
                return _error(403, "request_header_missing", "Yêu cầu bị từ chối.", "Request refused.")
            self.commands.append((method, path, body))
        answer = await self._route(method, path.split("/"), body)
        if isinstance(answer, web.Response):
            return answer
        response = web.json_response(answer)
        if (method, path) == ("DELETE", "session"):
            response.del_cookie("mcu_session")
        return response

    async def _route(self, method: str, path: list[str], body: Any) -> Any:
        match [method, *path]:
            case ["GET", "session"]:
                return {"user": {**USER, "role": self.role}}
            case ["DELETE", "session"]:
                return None
            case ["GET", "conferences"]:
                live = sum(site["state"] == "live" for site in self.state["sites"])
                counts = {"open": True, "present": live, "sites": len(self.state["sites"])}
                return [{**conference, **counts} for conference in self.conferences]
            case ["POST", "conferences"]:
                self.conferences.append({"id": f"c-{len(self.conferences) + 1}", "title": body["title"]})
                return self.conferences[-1]
            case ["GET", "layouts"]:
                return list(self.layouts.values())
            case ["POST", "layouts"]:
                self.layouts[body["name"]] = {**body, "custom": True}
                return self.layouts[body["name"]]
            case ["PUT", "layouts", name]:
                self.layouts[name] = {**body, "name": name, "custom": True}
                return self.layouts[name]
            case ["DELETE", "layouts", name]:
                del self.layouts[name]
                return None
            case [_, "conferences", "c-1", *rest]:
                return await self._command(method, rest, body)
        return _error(404, "unknown_conference", "Không có phiên họp này.", "There is no such conference.")

    async def _command(self, method: str, path: list[str], body: Any) -> Any:
        state = self.state
        with contextlib.suppress(KeyError):
            answer, changed = self.meeting.answer(method, path, body)
            if changed is not None:
                await self.changed()
                await self.news(changed)
            return answer
        match [method, *path]:
            case ["GET", "state"]:
                return state
            case ["POST", "monitors"]:
                return {"token": f"monitor-{body['view']}", "url": "/join/monitor"}
            case ["POST", "podium"]:
                self._undo.append(state["podium"])
                state["podium"] = body["site"]
            case ["POST", "next"]:
                state["next"] = body["site"]
            case ["POST", "undo"]:
                state["podium"] = self._undo.pop()
            case ["PATCH"]:
                state |= body
            case ["PUT", "views", view, "layout"]:
                state["views"][view] |= {"layout": body["layout"], "pages": body["pages"]}
            case ["PUT", "views", view, "podium-layout"]:
                state["views"][view]["podium_layout"] = body["layout"]
            case ["PUT", "views", view, "transition"]:
                state["views"][view]["transition"] = body["transition"]
            case ["PUT", "views", view, "cells", cell]:
                self._fixed[view].pop(int(cell), None)
                if body.get("site"):
                    self._fixed[view][int(cell)] = {**body, "filler": None}
                elif body.get("filler"):
                    self._fixed[view][int(cell)] = {"site": None, "track": "camera", "filler": body}
            case ["POST", "mute-all"]:
                for site in state["sites"]:
                    _mute(site, site["id"] not in body["except"])
            case ["POST", "unmute-all"]:
                for site in state["sites"]:
                    _mute(site, False)
            case ["POST", "sites"]:
                self._add_site(body["name"], max((site["number"] for site in state["sites"]), default=0) + 1)
            case [_, "sites", site_id, *rest]:
                found = next((site for site in state["sites"] if site["id"] == site_id), None)
                if found is None:
                    return _error(404, "unknown_site", "Không có điểm cầu này.", "There is no such site.")
                if rest == ["link"]:
                    return {"url": f"https://mcu.example.vn/join/token-{found['number']}", "token": "token"}
                if rest == ["size"]:
                    found["pinned"] = body["size"]
                    found["size"] = body["size"] or "high"
                elif rest == ["view"]:
                    own = f"site:{found['number']}"
                    self._fixed.pop(own, None)
                    state["views"].pop(own, None)
                    if method == "PUT":
                        self._fixed[own] = {}
                        programme = state["views"]["programme"]
                        state["views"][own] = {**programme, "layout": body["layout"], "podium_layout": None}
                elif rest == ["muted"]:
                    _mute(found, body["muted"])
                elif rest == ["drop"]:
                    found["state"] = "absent"
                elif method == "DELETE":
                    state["sites"].remove(found)
            case _:
                return _error(404, "not_found", "Không có chức năng này.", "There is no such command.")
        await self.changed()
        return state

    # ------------------------------------------------------------------------------------------------ WebSockets

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.deaf or request.cookies.get("mcu_session") != "fake" or request.match_info["conference"] != "c-1":
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._consoles.add(socket)
        await socket.send_json({"type": "state", "state": self.state})
        try:
            async for _ in socket:
                pass
        finally:
            self._consoles.discard(socket)
        return socket

    async def _endpoint(self, request: web.Request) -> web.StreamResponse:
        if self.deaf:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = await socket.receive_json()
        number = hello["token"].removeprefix("token-")
        site = next((site for site in self.state["sites"] if str(site["number"]) == number), None)
        endpoint = Endpoint(socket, site)
        endpoint.heard.append(hello)
        self.heard.append(hello)
        if self.refusal is not None:
            await endpoint.send("error", **self.refusal)
            await socket.close(code=4401)
            return socket
        self.endpoints.append(endpoint)
        try:
            await self._welcome(endpoint, hello)
            pings = asyncio.create_task(_ping(endpoint))
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        await self._obey(endpoint, json.loads(message.data))
            finally:
                pings.cancel()
        finally:
            self.endpoints.remove(endpoint)
        return socket

    async def _welcome(self, endpoint: Endpoint, hello: Json) -> None:
        endpoint.seat = hello.get("seat") or self._new_seat()
        endpoint.peer = self.peers.get(endpoint.seat)
        site = endpoint.site
        await endpoint.send(
            "welcome",
            version=1,
            seat=endpoint.seat,
            role=site["role"] if site else "monitor",
            site={key: site[key] for key in ("id", "name", "number")} if site else None,
            conference={"id": "c-1", "title": self.state["title"]},
            media="keep" if hello.get("media") and endpoint.peer else "offer",
            view="programme",
        )
        if site is None:
            return
        await self.tally()
        await endpoint.send("conference", title=self.state["title"], podium=None, present=9, sites=12, speaker=None)
        hint = {"width": 320, "height": 180, "frame_rate": 15, "bitrate_bps": 300_000}
        await endpoint.send("hint", track="camera", active=True, **hint)

    async def _obey(self, endpoint: Endpoint, message: Json) -> None:
        endpoint.heard.append(message)
        self.heard.append(message)
        if message["type"] == "offer" and self.bad_offers:
            self.bad_offers -= 1
            said = {"vi": "Lời mời thiếu tiếng.", "en": "The offer lacks sound."}
            await endpoint.send("error", code="bad_offer", **said, fatal=False, retry_after=None)
        elif message["type"] == "offer":
            await asyncio.sleep(self.answer_delay)
            if not message["restart"] and endpoint.peer is not None:
                await endpoint.peer.close()
                endpoint.peer = None
            if endpoint.peer is None:
                endpoint.peer = self.peers[endpoint.seat] = Peer(hue=0 if endpoint.site else 2)
            await endpoint.send("answer", sdp=await endpoint.peer.answer(message["sdp"]))
        elif message["type"] in ("raise_hand", "lower_hand") and endpoint.site is not None:
            raised = message["type"] == "raise_hand"
            if raised:
                self.meeting.raise_hand(endpoint.site["id"])
            else:
                self.meeting.floor.clear()
            await endpoint.send("hand", raised=raised, position=1 if raised else None, waiting=int(raised))
            await self.news("floor")
        elif message["type"] == "report_issue" and endpoint.site is not None:
            issue = self.meeting.report(endpoint.site["id"], message["category"], message["text"], "site")
            await endpoint.send("issue", id=issue["id"], state="open", remark="")
            await self.news("issues")
        elif message["type"] == "leave":
            peer = self.peers.pop(endpoint.seat, None)
            if peer is not None:
                await peer.close()
            await endpoint.socket.close()

    # ----------------------------------------------------------------------------------------------------- inner

    def _new_seat(self) -> str:
        self._seats += 1
        return f"s-{self._seats:04d}"

    def _add_site(self, name: str, number: int) -> None:
        absent = number > 3 and number % 5 == 0
        state = {7: "away", 9: "connecting"}.get(number, "absent" if absent else "live")
        self.state["sites"].append(
            {
                "id": f"s-{number}", "number": number, "name": name, "role": "main" if number == 1 else "member",
                "state": state, "muted": False, "muted_by": None, "microphone": number % 4 != 3, "camera": True,
                "screen": number == 2, "visible": True, "on_podium": False, "next": False, "gain_db": 0,
                "view": "programme", "size": "high" if state == "live" else None, "pinned": None,
            }
        )  # fmt: skip

    def _arrange(self) -> None:
        state = self.state
        state["can_undo"] = bool(self._undo)
        state["personal_views"] = {"used": len(state["views"]) - len(VIEWS), "most": 1}
        for site in state["sites"]:
            site["on_podium"] = site["id"] == state["podium"]
            site["next"] = site["id"] == state["next"]
        present = [site["id"] for site in state["sites"] if site["state"] == "live"]
        present.sort(key=lambda site: site != state["podium"])
        for name, view in state["views"].items():
            chosen = view["layout"]
            layout = self.layouts[auto_layout(min(25, max(1, len(present)))).name if chosen == "auto" else chosen]
            view["effective_layout"] = layout["name"]
            fixed = self._fixed[name]
            fillers = iter([site for site in present if all(what["site"] != site for what in fixed.values())])
            view["cells"] = [
                {
                    **(fixed.get(index) or {"site": next(fillers, None), "track": "camera", "filler": None}),
                    "fixed": index in fixed,
                    **{side: cell[side] for side in ("x", "y", "w", "h", "z")},
                }
                for index, cell in enumerate(layout["cells"])
            ]

    async def _metering(self) -> None:
        """Levels 5 Hz, quality 1 Hz, like the MCU; the loudest site is the speaker."""
        tick = 0
        while True:
            await asyncio.sleep(0.2)
            tick += 1
            live = [site for site in self.state["sites"] if site["state"] == "live"]
            levels = {
                site["id"]: round(-28 + 14 * math.sin(tick / 3 + site["number"]) if site["number"] % 7 == 2 else -70)
                for site in live
            }
            await self._broadcast({"type": "levels", "levels": levels})
            if tick % 5:
                continue
            figures = {}
            for site in live:
                weak = site["number"] % 11 == 6
                figures[site["id"]] = {
                    "freezes": 0, "fps": 30.0, "width": 1280, "height": 720, "lost": 0.05 if weak else 0.001,
                    "jitter_ms": 4.0, "rtt_ms": 260.0 if weak else 18.0, "kbps": random.randint(1400, 1600),
                }  # fmt: skip
            await self._broadcast({"type": "quality", "sites": figures})
            await self._broadcast({"type": "stats", **_MACHINE})

    async def _broadcast(self, message: Json) -> None:
        for socket in list(self._consoles):
            with contextlib.suppress(ConnectionError):
                await socket.send_str(json.dumps(message, ensure_ascii=False))


_MACHINE: Json = {
    "relays": {
        "0": {"cpu": 0.31, "loop_lag_ms": 1.2, "packets_in_per_s": 2100, "packets_out_per_s": 3400, "dropped": 0},
    },
    "mixer": {
        "cpu": 1.42, "loop_lag_ms": 0.8, "audio_late_ms_p99": 1.1, "encoders": 3, "decoders": 9, "dropped": 0,
        "programme_compose_ms": 3.2, "programme_encode_ms": 6.4, "shed": 2,
        "voices": [], "receiving": [], "quarantined": [],
    },
}  # fmt: skip


def _page(name: str) -> Handler:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / name)

    return serve


def _mute(site: Json, muted: bool) -> None:
    site["muted"], site["muted_by"] = muted, "operator" if muted else None


def _layout(name: str) -> Json:
    layout = catalogue()[name]
    keys = ("x", "y", "w", "h", "z", "fit")
    cells = [{key: getattr(cell, key) for key in keys} for cell in layout.cells]
    titles = {"title_vi": layout.title_vi, "title_en": layout.title_en}
    return {"name": name, **titles, "cells": cells, "custom": False}


def _error(status: int, code: str, vi: str, en: str) -> web.Response:
    return web.json_response({"error": {"code": code, "vi": vi, "en": en}}, status=status)


async def _ping(endpoint: Endpoint) -> None:
    for count in range(1 << 31):
        await asyncio.sleep(5)
        await endpoint.send("ping", n=count)


def main() -> None:
    parser = argparse.ArgumentParser(description="Máy chủ giả để phát triển trang web. / Fake server for the pages.")
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--sites", type=int, default=12)
    options = parser.parse_args()
    web.run_app(FakeMcu(options.sites).app(), host="127.0.0.1", port=options.port)


if __name__ == "__main__":
    main()
