"""Making a backup: one moment of the database, compressed and encrypted, written beside, read back, then renamed.

A file with the right name is whole: it was flushed to disk, decrypted again to its end and its rows were counted.  A
process that is killed leaves at most a `.part` file, which the next backup removes.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TextIO, cast
from zoneinfo import ZoneInfo

from control_api.accounts.sealing import SecretBox
from control_api.store.database import Database
from control_api.upkeep import rows
from control_api.upkeep.keys import Key
from control_api.upkeep.vault import Header, Opening, Sealing, damaged
from mcu_core.errors import OperatorError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SUFFIX = ".backup"
_PREFIX = "diemcau-"
_PART = ".part"
_LEVEL = 3  # of compression: a quarter of the time of the usual 9, a tenth larger


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written and read back."""

    path: Path
    made_at: float  # Unix seconds
    size: int  # bytes
    rows: int
    seconds: float


async def make_backup(
    url: str,
    folder: Path,
    key: Key,
    *,
    keep: int,
    now: Callable[[], float] = time.time,
    secrets: SecretBox | None = None,
) -> Made:
    """Write a backup, verify it, and delete all but the newest `keep`.  The keys of `secrets` travel inside.

    Raises OperatorError `backup_failed` (disk full, folder not writable), PeerLost when the database is away.
    """
    started, made_at = time.monotonic(), now()
    path = folder / f"{_PREFIX}{datetime.fromtimestamp(made_at, ZONE):%Y%m%d-%H%M%S}{SUFFIX}"
    part = path.with_name(path.name + _PART)
    try:
        _prepare(folder)
        await _write(url, part, key, made_at, () if secrets is None else secrets.exported())
        count = verify_backup(part, key)
        size = _publish(part, path, keep)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise OperatorError(
            "backup_failed",
            f"Không ghi được bản sao lưu vào {folder}: {error.strerror}. Hãy kiểm tra dung lượng và quyền ghi.",
            f"The backup could not be written to {folder}: {error.strerror}. Check the free space and the permissions.",
        ) from None
    return Made(path, made_at, size, count, time.monotonic() - started)


def backups(folder: Path) -> list[Path]:
    """The newest first; their names tell when."""
    return sorted(folder.glob(f"{_PREFIX}*{SUFFIX}"), reverse=True)


def verify_backup(path: Path, key: Key) -> int:
    """Decrypt a backup to its end and count its rows.

    Raises OperatorError `not_a_backup`, `wrong_backup_key`, `damaged_backup`.
    """
    with opened(path, key) as (_, lines):
        return sum(len(part) for _, _, part in rows.read(lines))


@contextlib.contextmanager
def opened(path: Path, key: Key) -> Iterator[tuple[Header, Iterator[str]]]:
    """The header and the lines of a backup.  Raises as `verify_backup`, also while the lines are read."""
    try:
        with path.open("rb") as file:
            opening = Opening(file, key, path.name)
            plain = gzip.GzipFile(fileobj=io.BufferedReader(opening), mode="rb")
            yield opening.header, io.TextIOWrapper(cast("io.BufferedReader", plain), encoding="utf-8", newline="\n")
    except FileNotFoundError:
        raise OperatorError("unknown_backup", f"Không thấy tệp {path}.", f"There is no file {path}.") from None
    except (rows.Torn, EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise damaged(path.name) from error


async def _write(url: str, part: Path, key: Key, made_at: float, secrets: Sequence[str]) -> None:
    database = Database(url)
    try:
        async with database.snapshot() as connection:
            lines = rows.dump(connection, secrets)
            first = await anext(lines)
            kind = "sqlite" if database.is_sqlite else "postgresql"
            header = Header(made_at, metadata.version("diemcau"), rows.revision_of(first), kind)
            with _sealed(part, key, header) as out:
                out.write(first + "\n")
                async for line in lines:
                    out.write(line + "\n")
    finally:
        await database.close()


@contextlib.contextmanager
def _sealed(part: Path, key: Key, header: Header) -> Iterator[TextIO]:
    """A new file to write lines to; whole and on the disk when the block ends without an error."""
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        sealing = Sealing(file, key, header)
        packed = gzip.GzipFile(fileobj=sealing, mode="wb", compresslevel=_LEVEL, mtime=0)
        out = io.TextIOWrapper(cast("io.BufferedWriter", packed), encoding="utf-8", newline="\n")
        yield out
        out.close()  # ends the packed stream, not the file below
        sealing.finish()
        file.flush()
        os.fsync(file.fileno())


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(f"{_PREFIX}*{_PART}"):
        left.unlink()


def _publish(part: Path, path: Path, keep: int) -> int:
    """Give the file its name, safe from power loss, and delete the oldest ones; returns its size."""
    part.replace(path)
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    for old in backups(path.parent)[keep:]:
        old.unlink()
    return path.stat().st_size
