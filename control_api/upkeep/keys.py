"""The key of backups: a file with 256 random bits (0600), or a passphrase.

Whoever has lost it has lost the backups; a copy belongs away from the machine.  The file is text, so that it can be
printed and typed: a first line that says what it is, and 64 hexadecimal digits.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mcu_core.errors import OperatorError

_FIRST_LINE = "diemcau-backup-key-1"
_SCRYPT = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB, about a tenth of a second
_MOST_COSTLY = 2**20  # of a header that somebody else wrote


@dataclass(frozen=True, slots=True)
class Key:
    """One of the two."""

    secret: bytes | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)

    def for_new(self) -> tuple[bytes, dict[str, Any]]:
        """The master key of a new file, and what its header must say to find it again."""
        if self.secret is not None:
            return self.secret, {"key": "file"}
        salt = os.urandom(16)
        how = {"key": "passphrase", "scrypt": {**_SCRYPT, "salt": salt.hex()}}
        return self._derived(salt, **_SCRYPT), how

    def for_header(self, header: dict[str, Any]) -> bytes:
        """The master key for a file with this header.

        Raises OperatorError `wrong_backup_key` when it was made with the other kind, ValueError for a bad header.
        """
        if header["key"] == "file":
            if self.secret is None:
                raise _other_kind("tệp khóa (--key)", "a key file (--key)")
            return self.secret
        if self.passphrase is None:
            raise _other_kind("cụm mật khẩu (--passphrase)", "a passphrase (--passphrase)")
        how = header["scrypt"]
        n, r, p = int(how["n"]), int(how["r"]), int(how["p"])
        if not (2 <= n <= _MOST_COSTLY and 1 <= r <= 32 and 1 <= p <= 16):
            raise ValueError("scrypt parameters out of range")
        return self._derived(bytes.fromhex(how["salt"]), n, r, p)

    def _derived(self, salt: bytes, n: int, r: int, p: int) -> bytes:
        assert self.passphrase is not None
        return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(self.passphrase.encode())


def make_key(path: Path) -> bool:
    """Write a new key file, readable by its owner only; False if there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{_FIRST_LINE}\n{secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def read_key(path: Path) -> Key:
    """Raises OperatorError `no_backup_key` or `bad_backup_key`."""
    try:
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        raise OperatorError(
            "no_backup_key",
            f"Không thấy tệp khóa sao lưu {path}. Hãy chạy `mcu backup key` hoặc chỉ ra tệp bằng --key.",
            f"There is no backup key at {path}. Run `mcu backup key`, or name the file with --key.",
        ) from None
    except (OSError, UnicodeDecodeError):
        lines = []
    try:
        if lines[0] == _FIRST_LINE and len(secret := bytes.fromhex(lines[1])) == 32:
            return Key(secret=secret)
    except (IndexError, ValueError):
        pass
    raise OperatorError(
        "bad_backup_key",
        f"Tệp {path} không phải khóa sao lưu, hoặc không đọc được.",
        f"The file {path} is not a backup key, or cannot be read.",
    )


def wrong_key(name: str) -> OperatorError:
    return OperatorError(
        "wrong_backup_key",
        f"Khóa không đúng với tệp sao lưu {name}. Hãy dùng khóa của hệ thống đã tạo ra nó.",
        f"This is not the key of the backup {name}. Use the key of the system that made it.",
    )


def _other_kind(vi: str, en: str) -> OperatorError:
    return OperatorError(
        "wrong_backup_key", f"Bản sao lưu này được mã hóa bằng {vi}.", f"This backup was encrypted with {en}."
    )
