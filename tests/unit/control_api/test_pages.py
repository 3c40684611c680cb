from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from control_api import tls
from control_api.pages.files import STATIC, read_files
from tests.unit.control_api.world import World, open_world


@pytest.mark.parametrize(
    ("path", "title"), [("/", "home"), ("/join/kX3abc", "site"), ("/console", "console"), ("/office", "office")]
)
async def test_pages_are_open_and_never_cached(world: World, path: str, title: str) -> None:
    answer = await world.client().get(path)
    assert f"<title>{title}</title>" in await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_every_answer_carries_the_guards(world: World) -> None:
    for path in ("/", "/nowhere", "/api/v1/session", "/healthz"):
        headers = (await world.client().get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert f"connect-src 'self' ws://127.0.0.1:{world.server.port}" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self), microphone=(self), display-capture=(self)" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers  # this server speaks plain HTTP


async def test_a_strange_host_header_does_not_reach_the_policy(world: World) -> None:
    """S04: nothing of a page comes from, or goes to, another server than ours."""
    answer = await world.client().get("/", headers={"Host": "evil; script-src *"})
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "evil" not in policy


async def test_assets_are_kept_for_ever_and_compressed(world: World) -> None:
    answer = await world.client().get("/assets/a-1234.js", headers={"Accept-Encoding": "identity"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert await answer.read() == b"export {};"
    packed = await world.client().get("/assets/a-1234.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert await packed.read() == b"export {};"


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/../site.html", "/assets/%2e%2e/%2e%2e/mcu.toml", "/.built-from", "/join/"]
)
async def test_nothing_else_is_reached(world: World, path: str) -> None:
    answer = await world.client().get(path)
    text = await answer.text()
    assert answer.status == 404
    assert "Không có trang này" in text
    assert "There is no such page" in text


async def test_missing_front_end_says_how_to_build_it(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path, files={}) as world:
        answer = await world.client().get("/console")
        assert answer.status == 503
        assert "make setup" in await answer.text()


async def test_root_certificate_is_offered_with_its_fingerprint(database_url: str, tmp_path: Path) -> None:
    certificates = tls.ensure_local(tmp_path / "tls", ("localhost",), datetime.now(UTC))
    assert certificates.root is not None
    async with open_world(database_url, tmp_path, root_certificate=certificates.root) as world:
        client = world.client()
        assert tls.fingerprint(certificates.root) in await (await client.get("/ca")).text()
        assert await (await client.get("/ca/root.pem")).read() == certificates.root.read_bytes()
        crt = await client.get("/ca/root.crt")
        assert await crt.read() == tls.der(certificates.root)
        assert crt.content_type == "application/x-x509-ca-cert"


async def test_without_a_local_ca_there_is_nothing_to_install(world: World) -> None:
    assert (await world.client().get("/ca")).status == 404
    assert (await world.client().get("/ca/root.pem")).status == 404


def test_files_in_memory_leave_out_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a-1.js").write_text("x" * 5000)
    (tmp_path / ".built-from").write_text("hash")
    files = read_files(tmp_path)
    assert list(files) == ["assets/a-1.js"]
    file = files["assets/a-1.js"]
    assert file.content_type == "text/javascript"
    assert file.gzipped is not None
    assert len(file.gzipped) < 200
    assert read_files(tmp_path / "none") == {}


@pytest.mark.skipif(not STATIC.is_dir(), reason="the pages are not built")
def test_built_pages_keep_to_the_policy() -> None:
    """Nothing inline: no script or style text, no event handlers, no style attributes."""
    for path, file in read_files().items():
        if file.content_type == "text/html":
            text = file.body.decode()
            assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
            assert not re.search(r"<style|\son\w+=|\sstyle=", text), path
            assert not re.search(r'(?:src|href)="https?://', text), path


def test_own_pages_keep_to_the_policy() -> None:
    folder = Path(__file__).resolve().parents[3] / "control_api" / "pages"
    for path in folder.glob("*.html"):
        assert not re.search(r"<style|<script|\son\w+=|\sstyle=", path.read_text("utf-8")), path
