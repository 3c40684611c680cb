"""Secrets that the database keeps but cannot read: sealed with a key that lies in a file beside it (S24, article 6.2a).

Whoever gets a copy of the database has no second factor with it.  AES-256-GCM; what a secret is for (`totp/7`) is
authenticated with it, so that one cannot be put in another's place.  The file is text, as the key of backups: a first
line that says what it is, then keys of 64 hexadecimal digits.  The first key seals; the older ones still open, until
the next rotation.  The keys travel inside the encrypted backups, and are read again each time.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mcu_core.errors import OperatorError

SEALED = "s1:"
_FIRST_LINE = "diemcau-secrets-key-1"
_NONCE = 12  # bytes
_KEY = 32  # bytes
_MOST_KEYS = 16


class UnreadableSecret(Exception):
    """The key that sealed it is lost, or the text was changed."""


class SecretBox:
    """`path` is the key file; it is made with the first secret.  Safe to use from several processes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def seal(self, plain: str, purpose: str) -> str:
        """The text to store: `s1:<key>:<nonce and ciphertext>`.  Raises OperatorError `bad_secrets_key`."""
        key = self._keys(make=True)[0]
        nonce = os.urandom(_NONCE)
        body = nonce + AESGCM(key).encrypt(nonce, plain.encode(), purpose.encode())
        return f"{SEALED}{_name(key)}:{base64.urlsafe_b64encode(body).decode('ascii')}"

    def open(self, stored: str, purpose: str) -> str:
        """What was sealed.  A text from before there was sealing is returned as it is.

        Raises UnreadableSecret when its key is lost, OperatorError `bad_secrets_key` when the file is damaged.
        """
        if not is_sealed(stored):
            return stored
        name, _, body = stored.removeprefix(SEALED).partition(":")
        for key in self._keys(make=False):
            if _name(key) == name:
                try:
                    raw = base64.urlsafe_b64decode(body)
                    return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
                except (InvalidTag, ValueError):
                    raise UnreadableSecret from None
        raise UnreadableSecret

    def is_current(self, stored: str) -> bool:
        """Whether a text is sealed with the newest key."""
        keys = self._keys(make=True)
        return stored.startswith(f"{SEALED}{_name(keys[0])}:")

    def rotate(self) -> None:
        """A new key seals from now on; of the older ones the last is kept, for what is being written meanwhile."""
        keys = self._keys(make=False)
        _write(self._file, [secrets.token_bytes(_KEY), *keys[:1]])

    def exported(self) -> list[str]:
        """The keys in hexadecimal, newest first; for the inside of an encrypted backup."""
        return [key.hex() for key in self._keys(make=False)]

    def take_in(self, keys: list[str]) -> int:
        """Add keys of a backup behind those that are here; returns how many were new.  Raises ValueError."""
        here = self._keys(make=False)
        given = [bytes.fromhex(key) for key in keys[:_MOST_KEYS]]
        if any(len(key) != _KEY for key in given):
            raise ValueError("not a key")
        new = [key for key in given if key not in here]
        if new:
            _write(self._file, [*here, *new][:_MOST_KEYS])
        return len(new)

    @property
    def _file(self) -> Path:
        if self._path is None:
            raise RuntimeError("this process was not given the key of secrets")
        return self._path

    def _keys(self, *, make: bool) -> list[bytes]:
        """Newest first; none only without `make`."""
        try:
            return _read(self._file)
        except FileNotFoundError:
            if not make:
                return []
        _write(self._file, [secrets.token_bytes(_KEY)], only_new=True)
        return _read(self._file)


def is_sealed(stored: str) -> bool:
    return stored.startswith(SEALED)


def _name(key: bytes) -> str:
    return hashlib.sha256(b"diemcau secrets key" + key).hexdigest()[:8]


def _read(path: Path) -> list[bytes]:
    """Raises FileNotFoundError, OperatorError `bad_secrets_key`."""
    try:
        first, *lines = path.read_text(encoding="ascii").split()
        keys = [bytes.fromhex(line) for line in lines]
        if first == _FIRST_LINE and keys and all(len(key) == _KEY for key in keys):
            return keys
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        pass
    raise OperatorError(
        "bad_secrets_key",
        f"Tệp {path} không phải khóa của mã xác thực, hoặc không đọc được. Hãy đặt lại tệp từ bản cất giữ; nếu không "
        "còn, hãy xóa tệp này rồi đặt lại mã xác thực cho từng người bằng `mcu user reset-totp`.",
        f"The file {path} is not a key of secrets, or cannot be read. Put it back from where a copy is kept; if there "
        "is none, remove it and reset each second factor with `mcu user reset-totp`.",
    )


def _write(path: Path, keys: list[bytes], *, only_new: bool = False) -> None:
    """Whole or not at all, readable by its owner only; with `only_new` whoever was first keeps theirs."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("\n".join([_FIRST_LINE, *(key.hex() for key in keys)]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if only_new:
            try:
                os.link(name, path)
            except FileExistsError:
                return
        else:
            os.replace(name, path)
            name = ""
    finally:
        if name:
            os.unlink(name)
