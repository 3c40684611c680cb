"""`mcu journal`.  Imports what a command needs when it runs."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from mcu_core.errors import OperatorError

journal = typer.Typer(help="Nhật ký hội nghị · journals of the conferences", no_args_is_help=True)


@journal.callback()
def _group() -> None:
    """Nhật ký hội nghị · journals of the conferences."""


@journal.command("verify")
def journal_verify(
    what: Annotated[
        str | None,
        typer.Argument(
            help="Mã phiên họp, hoặc tệp đã xuất; không ghi: tất cả · conference or exported file; none: all"
        ),
    ] = None,
    signature: Annotated[Path | None, typer.Option(help="Chữ ký của tệp; không ghi: FILE.sig · of the file")] = None,
    key: Annotated[Path | None, typer.Option(help="Khóa công khai; không ghi: của máy này · none: ours")] = None,
    json: Annotated[bool, typer.Option("--json", help="Một đối tượng JSON · one JSON object")] = False,
) -> None:
    """Kiểm tra chuỗi mã băm: có dòng nào bị sửa, xóa, đổi chỗ, cắt bớt không · verify the chains of hashes.

    Của tệp đã xuất (jsonl, zip): cả chữ ký, chạy được trên máy khác · of an exported file the signature too, on any
    machine.  Mã thoát 1 khi có sai lệch · exit code 1 when something is not as it was written.
    """
    if what is not None and (Path(what).is_file() or Path(what).suffix in (".jsonl", ".zip")):
        _verify_file(Path(what), signature, key)
        return
    conference = what
    import asyncio

    from control_api.journal.journals import Journals
    from control_api.journal.verify import Verdict
    from control_api.settings import load_settings
    from control_api.store.database import Database

    async def verify() -> list[Verdict]:
        database = Database(load_settings().database)
        try:
            journals = Journals(database)
            wanted = await journals.conference_ids() if conference is None else [conference]
            return [await journals.verify(conference_id) for conference_id in wanted]
        finally:
            await database.close()

    verdicts = asyncio.run(verify())
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    if json:
        found = [
            {"conference": f.conference_id, "kind": f.kind, "seq": f.seq, "vi": f.vi, "en": f.en} for f in findings
        ]
        heads = {verdict.conference_id: verdict.hash for verdict in verdicts}
        lines = sum(verdict.lines for verdict in verdicts)
        print(json_module.dumps({"lines": lines, "heads": heads, "findings": found}, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(f"! {finding.vi} · {finding.en}", err=True)
        lines = sum(verdict.lines for verdict in verdicts)
        typer.echo(f"{len(verdicts)} nhật ký · journals, {lines} dòng · lines, {len(findings)} sai lệch · findings")
    if findings:
        raise typer.Exit(1)


def _verify_file(file: Path, signature: Path | None, key: Path | None) -> None:
    from control_api.journal.exported import check_export
    from control_api.journal.signing import is_signed, read_public, signing_key, unpacked
    from control_api.settings import load_settings

    export, beside = _read(file), signature or file.with_name(f"{file.name}.sig")
    signed: bytes | None = None
    if export.startswith(b"PK"):
        export, signed = unpacked(export)
    elif signature is not None or beside.exists():
        signed = _read(beside)
    verdict = check_export(export)
    for finding in verdict.findings:
        typer.echo(f"! {finding.vi} · {finding.en}", err=True)
    typer.echo(f"{verdict.lines} dòng · lines, {len(verdict.findings)} sai lệch · findings")
    if signed is None:
        typer.echo("Không có tệp chữ ký nên chỉ kiểm tra mã băm · no signature file: the hashes only.")
    else:
        public = read_public(key) if key is not None else signing_key(load_settings().journal_key).public_key()
        if not is_signed(export, signed, public):
            typer.echo("! CHỮ KÝ SAI · THE SIGNATURE IS WRONG", err=True)
            raise typer.Exit(1)
        typer.echo("Chữ ký đúng · the signature is right")
    if not verdict.whole:
        raise typer.Exit(1)


def _read(path: Path) -> bytes:
    """Raises OperatorError `no_such_file`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(
            "no_such_file", f"Không đọc được tệp {path}: {error.strerror}.", f"Cannot read {path}: {error.strerror}."
        ) from None
