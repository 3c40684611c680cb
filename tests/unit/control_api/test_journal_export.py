"""Exported journals are checked without the server: hashes, signature, `mcu journal verify FILE` (S25, S102)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from control_api import cli
from control_api.accounts.rules import Role
from control_api.journal.chain import GENESIS, linked
from control_api.journal.export import export
from control_api.journal.exported import check_export
from control_api.journal.journals import Wanted
from control_api.journal.signing import is_signed, public_pem, read_public, sign, signed, signing_key, unpacked
from control_api.journal.verify import Head
from mcu_core.errors import OperatorError
from tests.unit.control_api.world import World

LINES = linked("c-1", 0, GENESIS, [(1.5e9 + n, "note", "lan", "so-y-te", {"text": f"Dòng {n}"}) for n in range(9)])
HEAD = Head(9, LINES[-1].hash)
NAMES = {"so-y-te": "Sở Y tế"}


def exported(first: int = 0, last: int = 9, wanted: Wanted | None = None) -> bytes:
    return export("jsonl", "c-1", HEAD, LINES[first:last], NAMES, wanted or Wanted())


def changed(raw: bytes, line: int, **values: Any) -> bytes:
    parts = [json.loads(part) for part in raw.decode().splitlines()]
    parts[line].update(values)
    return "\n".join(json.dumps(part, ensure_ascii=False) for part in parts).encode()


def without(raw: bytes, *lines: int) -> bytes:
    return b"\n".join(part for number, part in enumerate(raw.splitlines()) if number not in lines)


def test_s102_a_whole_export_is_found_whole() -> None:
    verdict = check_export(exported())
    assert (verdict.whole, verdict.lines, verdict.hash) == (True, 9, HEAD.hash)
    assert check_export(exported(2, 7, Wanted(since=1.0))).whole, "a part of it"
    assert check_export(exported(0, 0, Wanted(since=1.0))).whole
    assert check_export(
        b"\n".join(exported().splitlines()[i] for i in (0, 2, 5)).replace(b'"selection": false', b'"selection": true')
    ).whole


@pytest.mark.parametrize(
    ("tampered", "kind"),
    [
        (changed(exported(), 4, data={"text": "Khác"}), "changed"),
        (changed(exported(), 4, actor="hoa"), "changed"),
        (without(exported(), 4), "removed"),
        (without(exported(), 9), "truncated"),
        (without(exported(2, 7, Wanted(since=1.0)), 3), "removed"),
        (changed(exported(0, 9, Wanted(site="so-y-te")), 4, site="khac"), "changed"),
    ],
)
def test_s102_whatever_was_changed_is_found(tampered: bytes, kind: str) -> None:
    assert kind in [finding.kind for finding in check_export(tampered).findings]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"not json", b'{"conference": 1}\n[1]', b"\xff\xfe"])
def test_what_is_no_export_is_refused(raw: bytes) -> None:
    with pytest.raises(OperatorError, match="not_an_export"):
        check_export(raw)


def test_s25_a_signature_is_of_one_file_and_one_key(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "data" / "journal.key")
    assert (tmp_path / "data" / "journal.key").stat().st_mode & 0o777 == 0o600
    assert public_pem(signing_key(tmp_path / "data" / "journal.key")) == public_pem(key), "made once"
    raw = exported()
    signature = sign(raw, key)
    assert is_signed(raw, signature, key.public_key())
    assert not is_signed(raw + b" ", signature, key.public_key())
    assert not is_signed(raw, signature, Ed25519PrivateKey.generate().public_key())
    for wrong in (b"", b"x", signature[:-5], b"diemcau-signature-1\n!!!\n", signature.replace(b"-1\n", b"-2\n")):
        assert not is_signed(raw, wrong, key.public_key())
    (tmp_path / "public.pem").write_bytes(public_pem(key))
    assert is_signed(raw, signature, read_public(tmp_path / "public.pem"))
    (tmp_path / "data" / "journal.key").write_text("rác", encoding="utf-8")
    for read in (lambda: signing_key(tmp_path / "data" / "journal.key"), lambda: read_public(tmp_path / "none")):
        with pytest.raises(OperatorError, match="bad_signing_key"):
            read()
    assert signed(raw, "a.jsonl", key) == signed(raw, "a.jsonl", key)
    assert unpacked(signed(raw, "a.jsonl", key)) == (raw, signature)
    with pytest.raises(OperatorError, match="not_an_export"):
        unpacked(b"PK\x05\x06" + b"\0" * 18)


async def test_s25_s102_the_server_signs_and_anybody_checks(world: World, tmp_path: Path) -> None:
    operator, viewer = await world.sign_in(Role.OPERATOR), await world.sign_in(Role.VIEWER)
    path = f"/api/v1/conferences/{await world.conference()}"
    await operator.post(f"{path}/sites", json={"name": "Sở Y tế", "id": "so-y-te"})
    answer = await viewer.get(f"{path}/journal/export", params={"format": "zip"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    packed = await answer.read()
    pem = await (await viewer.get("/api/v1/journal/key")).read()
    assert zipfile.ZipFile(io.BytesIO(packed)).read("nhat-ky.pem") == pem
    (tmp_path / "public.pem").write_bytes(pem)
    raw, signature = unpacked(packed)
    assert is_signed(raw, signature, read_public(tmp_path / "public.pem"))
    assert check_export(raw).whole


def test_mcu_journal_verify_reads_exported_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCU_CONFIG", str(tmp_path / "mcu.toml"))

    def verify(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli.app, ["journal", "verify", *words])
        return result.exit_code, result.output

    assert CliRunner().invoke(cli.app, ["init", "--data-dir", "data"]).exit_code == 0
    key = signing_key(tmp_path / "data" / "journal.key")
    raw = exported()
    (tmp_path / "a.jsonl").write_bytes(raw)
    code, said = verify("a.jsonl")
    assert (code, "9 dòng" in said, "no signature" in said) == (0, True, True)
    (tmp_path / "a.jsonl.sig").write_bytes(sign(raw, key))
    (tmp_path / "a.zip").write_bytes(signed(raw, "a.jsonl", key))
    (tmp_path / "public.pem").write_bytes(public_pem(key))
    other = Ed25519PrivateKey.generate()
    (tmp_path / "other.pem").write_bytes(public_pem(other))
    for words in (("a.jsonl",), ("a.zip",), ("a.zip", "--key", "public.pem")):
        code, said = verify(*words)
        assert (code, "Chữ ký đúng" in said) == (0, True), said
    code, said = verify("a.zip", "--key", "other.pem")
    assert (code, "CHỮ KÝ SAI" in said) == (1, True)
    (tmp_path / "a.jsonl").write_bytes(changed(raw, 4, actor="hoa"))
    code, said = verify("a.jsonl")
    assert (code, "CHỮ KÝ SAI" in said, "dòng 4" in said) == (1, True, True)
    assert verify("none.jsonl")[0] != 0
