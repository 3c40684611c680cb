from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from control_api.logs import AccessLog, configure_logs, hide_secrets


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_secrets_are_blanked() -> None:
    event = hide_secrets(
        None, "info", {"join_token": "kX3", "password": "p", "url": "postgresql://mcu:geheim@db/mcu", "site": "a"}
    )
    assert event == {"join_token": "•••", "password": "•••", "url": "postgresql://mcu:•••@db/mcu", "site": "a"}


def test_lines_are_json_and_tracebacks_show_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")

    def fails(password: str) -> None:
        raise RuntimeError("broken")

    try:
        fails("".join(("ge", "heim")))
    except RuntimeError:
        structlog.get_logger("test").exception("failed", token="kX3", site="sở-y-tế")
    logging.getLogger("other").warning("from the standard library")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert first["event"] == "failed"
    assert first["site"] == "sở-y-tế"
    assert first["token"] == "•••"
    assert "geheim" not in json.dumps(first)
    assert second["level"] == "warning"


def test_console_tracebacks_show_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")

    def fails(password: str) -> None:
        raise RuntimeError("broken")

    try:
        fails("".join(("ge", "heim")))
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
    said = capsys.readouterr().err
    assert "RuntimeError: broken" in said
    assert "geheim" not in said


async def test_access_log_writes_templates_not_tokens(caplog: pytest.LogCaptureFixture) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/join/{token}", page)
    server = TestServer(app)
    with caplog.at_level(logging.INFO, "aiohttp.access"):
        await server.start_server(access_log_class=AccessLog, access_log=logging.getLogger("aiohttp.access"))
        async with TestClient(server) as client:
            await client.get("/join/kX3secret?also=secret")
    assert "/join/{token} 200" in caplog.text
    assert "secret" not in caplog.text
