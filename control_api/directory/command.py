"""`mcu directory`: seed, import, export.  Imports what a command needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from control_api.store.database import Database

T = TypeVar("T")

directory = typer.Typer(help="Danh bạ cơ quan, điểm cầu · directory of organisations and sites", no_args_is_help=True)


@directory.command("seed")
def directory_seed() -> None:
    """Nạp danh bạ mẫu của tỉnh; không sửa gì đã có · add the province's sample directory, change nothing there is."""
    import time

    from control_api.directory.seed import seed

    added = _with_database(lambda database: seed(database, time.time()))
    typer.echo(f"Đã thêm · added: {added.organisations} cơ quan · organisations, {added.sites} điểm cầu · sites")


@directory.command("export")
def directory_export(
    file: Annotated[Path, typer.Argument(help="Tệp .xlsx · file")],
    organisation: Annotated[str | None, typer.Option(help="Chỉ cơ quan này (mã) · only this one, by id")] = None,
) -> None:
    """Xuất danh bạ ra Excel; nhập lại được · write the directory as XLSX, which can be imported again."""
    import time

    from control_api.directory.exchange import Exchange

    raw = _with_database(lambda database: Exchange(database, time.time).export(organisation))
    file.write_bytes(raw)
    typer.echo(f"Đã xuất · exported: {file} ({len(raw) / 1024:.0f} KiB)")


@directory.command("import")
def directory_import(
    file: Annotated[Path, typer.Argument(help="Tệp .xlsx · file")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Ghi vào danh bạ; mặc định chỉ kiểm tra · write; else only check")
    ] = False,
) -> None:
    """Kiểm tra tệp Excel và nhập toàn bộ hoặc không nhập gì · check an XLSX file; import all of it or nothing."""
    import time

    from control_api.accounts.accounts import SignedIn
    from control_api.accounts.rules import Role
    from control_api.directory.exchange import Exchange

    who = SignedIn(0, "mcu", "mcu directory import", Role.ADMINISTRATOR, "")
    raw = file.read_bytes()
    lines, applied = _with_database(lambda database: Exchange(database, time.time).import_(raw, who, apply=apply))
    count = {name: sum(line.action == name for line in lines) for name in ("create", "change", "same", "error")}
    for line in lines:
        for one in line.troubles:
            where = f"{line.sheet}, dòng {line.row}" + (f", {one.column}" if one.column else "")
            typer.echo(f"✗ {where}: {one.vi} · {one.en}", err=True)
    typer.echo(
        f"{count['create']} mới · new, {count['change']} đổi · changed, {count['same']} như cũ · the same, "
        f"{count['error']} lỗi · wrong"
    )
    if count["error"]:
        typer.echo(
            "Chưa nhập gì. Hãy sửa tệp rồi chạy lại · nothing was imported: correct the file, run again", err=True
        )
        sys.exit(1)
    if not applied:
        typer.echo("Mới chỉ kiểm tra; thêm --apply để nhập · only checked; add --apply to import")


def _with_database(do: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Open the database of the settings, upgraded, and run `do`."""
    import asyncio

    from control_api.settings import load_settings
    from control_api.store.database import Database
    from control_api.store.upgrade import upgrade

    async def run() -> T:
        settings = load_settings()
        await upgrade(settings.database)
        database = Database(settings.database)
        try:
            return await do(database)
        finally:
            await database.close()

    return asyncio.run(run())
