"""`mcu backup`, `mcu restore`.  Imports what a command needs when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from control_api.settings import Settings
    from control_api.upkeep.keys import Key

backups = typer.Typer(help="Sao lưu mã hóa · encrypted backups", invoke_without_command=True, rich_markup_mode="rich")

_KEY = Annotated[Path | None, typer.Option("--key", help="Tệp khóa sao lưu · key file")]
_PASSPHRASE = Annotated[bool, typer.Option("--passphrase", help="Hỏi cụm mật khẩu · ask for the passphrase")]


@backups.callback()
def backup(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Option(help="Thư mục ghi bản sao lưu · where to")] = None,
) -> None:
    """Sao lưu ngay cơ sở dữ liệu, mã hóa và đọc lại để kiểm tra · back up now, encrypted, and read it back.

    Máy chủ có thể đang chạy · the server may be running.
    """
    if context.invoked_subcommand is not None:
        return
    import asyncio

    from control_api.accounts.sealing import SecretBox
    from control_api.settings import load_settings
    from control_api.upkeep.backup import make_backup
    from control_api.upkeep.process import key_of

    settings = load_settings()
    passphrase = settings.backup.passphrase
    key = key_of(settings.backup_key, None if passphrase is None else passphrase.get_secret_value())
    into = folder or settings.backup_folder
    secrets = SecretBox(settings.secrets_key)
    made = asyncio.run(make_backup(settings.database, into, key, keep=settings.backup.keep, secrets=secrets))
    typer.echo(f"Đã sao lưu · backed up: {made.path}")
    typer.echo(f"{made.rows} dòng · rows, {made.size / 1e6:.1f} MB, {made.seconds:.1f} s; đã đọc lại · read back")
    if passphrase is None:
        typer.echo(f"Khóa · key: {settings.backup_key}  (hãy giữ một bản ở nơi khác · keep a copy elsewhere)")


@backups.command("key")
def backup_key() -> None:
    """Tạo khóa sao lưu nếu chưa có · make the backup key if there is none."""
    from control_api.settings import load_settings
    from control_api.upkeep.keys import make_key, read_key

    path = load_settings().backup_key
    made = make_key(path)
    read_key(path)
    typer.echo(f"{'Đã tạo · made' if made else 'Đã có · there already'}: {path}")
    typer.echo("Mất khóa là mất mọi bản sao lưu; hãy giữ một bản ở nơi khác.")
    typer.echo("Whoever loses the key loses all backups: keep a copy elsewhere.")


@backups.command("check")
def backup_check(file: Path, key: _KEY = None, passphrase: _PASSPHRASE = False) -> None:
    """Giải mã thử một bản sao lưu đến hết · decrypt a backup to its end, changing nothing."""
    from control_api.settings import load_settings
    from control_api.upkeep.backup import verify_backup

    rows = verify_backup(file, _key(load_settings(), key, passphrase))
    typer.echo(f"Bản sao lưu dùng được · the backup is good: {rows} dòng · rows")


def restore(
    file: Path,
    key: _KEY = None,
    passphrase: _PASSPHRASE = False,
    force: Annotated[
        bool, typer.Option("--force", help="Thay cơ sở dữ liệu đang có · replace what is in the database")
    ] = False,
) -> None:
    """Khôi phục từ bản sao lưu · restore a backup into the database of the settings.

    Máy chủ phải dừng · the server must be stopped.  Ví dụ · example: mcu restore diemcau-20261123-020000.backup
    """
    import asyncio

    from control_api.accounts.sealing import SecretBox
    from control_api.journal.export import local_time
    from control_api.settings import load_settings
    from control_api.upkeep.restore import check_stopped
    from control_api.upkeep.restore import restore as put_back

    settings = load_settings()
    check_stopped(settings.socket_dir)
    secrets = SecretBox(settings.secrets_key)
    done = asyncio.run(put_back(file, _key(settings, key, passphrase), settings.database, force=force, secrets=secrets))
    made = local_time(done.made_at).strftime("%d/%m/%Y %H:%M:%S")
    typer.echo(f"Đã khôi phục bản sao lưu lúc {made}: {done.rows} dòng · restored, rows")
    if done.kept is not None:
        typer.echo(f"Cơ sở dữ liệu cũ · the former database: {done.kept}")
    typer.echo(f"Nhật ký đã kiểm tra · journals verified: {done.journals}")
    if done.lost:
        typer.echo(
            f"! Không có khóa để đọc mã xác thực của: {', '.join(done.lost)}. Hãy chạy `mcu user reset-totp` cho từng "
            f"người. · No key reads the second factor of {', '.join(done.lost)}: run `mcu user reset-totp` for each.",
            err=True,
        )
    for finding in done.findings:
        typer.echo(f"! {finding.vi} · {finding.en}", err=True)
    if done.findings:
        raise typer.Exit(1)


def _key(settings: Settings, file: Path | None, ask: bool) -> Key:
    """As the options say, else as the settings say."""
    from control_api.upkeep.keys import Key, read_key

    if ask:
        import getpass

        return Key(passphrase=getpass.getpass("Cụm mật khẩu · passphrase: ") if sys.stdin.isatty() else _line())
    if file is None and settings.backup.passphrase is not None:
        return Key(passphrase=settings.backup.passphrase.get_secret_value())
    return read_key(file or settings.backup_key)


def _line() -> str:
    return sys.stdin.readline().rstrip("\n")
