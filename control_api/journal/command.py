"""`mcu journal`.  Imports what a command needs when it runs."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

journal = typer.Typer(help="Nhật ký hội nghị · journals of the conferences", no_args_is_help=True)


@journal.callback()
def _group() -> None:
    """Nhật ký hội nghị · journals of the conferences."""


@journal.command("verify")
def journal_verify(
    conference: Annotated[str | None, typer.Argument(help="Mã phiên họp; không ghi: tất cả · none: all")] = None,
    json: Annotated[bool, typer.Option("--json", help="Một đối tượng JSON · one JSON object")] = False,
) -> None:
    """Kiểm tra chuỗi mã băm: có dòng nào bị sửa, xóa, đổi chỗ, cắt bớt không · verify the chains of hashes.

    Mã thoát 1 khi có sai lệch · exit code 1 when something is not as it was written.
    """
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
