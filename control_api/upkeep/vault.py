"""The form of a backup file: encrypted in chunks, so that it is written and read as a stream and a torn one is noticed.

    b"diemcau backup 1\\n"    what it is
    4 bytes, big endian       length of the header
    header                    JSON: salt, key id, and what `Header` holds; readable without the key
    chunks                    65 536 bytes each (the last one 0 to 65 536), AES-256-GCM, 16 bytes of tag behind each

The key of a file is HKDF-SHA256 of the master key and the file's own random salt.  The nonce of a chunk is its number
(11 bytes, big endian) and 1 for the last chunk, 0 for the others: the STREAM construction, as age has it
(https://age-encryption.org/v1, "Payload"; https://eprint.iacr.org/2015/189).  Every chunk also vouches for the header.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from control_api.upkeep.keys import Key, wrong_key
from mcu_core.errors import OperatorError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"diemcau backup 1\n"
CHUNK = 65_536
_TAG = 16
_LONGEST_HEADER = 65_536


@dataclass(frozen=True, slots=True)
class Header:
    """What anybody may know of a backup."""

    made_at: float  # Unix seconds
    program: str  # version
    revision: str  # of the database's tables
    database: str  # sqlite | postgresql


def damaged(name: str) -> OperatorError:
    return OperatorError(
        "damaged_backup",
        f"Tệp sao lưu {name} bị hỏng hoặc chưa ghi xong. Hãy dùng bản sao lưu khác.",
        f"The backup {name} is damaged or incomplete. Use another backup.",
    )


class Sealing(io.RawIOBase):
    """Encrypts what is written to it.  A file is complete only once `finish` was called."""

    def __init__(self, out: BinaryIO, key: Key, header: Header) -> None:
        super().__init__()
        salt = os.urandom(16)
        master, how = key.for_new()
        secret = _file_key(master, salt)
        top = json.dumps({**asdict(header), **how, "salt": salt.hex(), "key_id": _key_id(secret)}).encode()
        start = MAGIC + len(top).to_bytes(4, "big") + top
        self._out, self._cipher, self._vouched = out, AESGCM(secret), hashlib.sha256(start).digest()
        self._waiting = bytearray()
        self._number = 0
        out.write(start)

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK:  # one full chunk is held back: it may be the last
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(memoryview(data))

    def finish(self) -> None:
        """Write the last chunk.  The file below stays open."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, last), chunk, self._vouched))
        self._number += 1


class Opening(io.RawIOBase):
    """Decrypts; every byte it gives was vouched for.  Raises OperatorError `damaged_backup`, `wrong_backup_key`."""

    def __init__(self, file: BinaryIO, key: Key, name: str) -> None:
        super().__init__()
        self._file, self._name = file, name
        top, self._vouched = _read_header(file, name)
        try:
            secret = _file_key(key.for_header(top), bytes.fromhex(top["salt"]))
            self.header = Header(**{field: top[field] for field in Header.__slots__})
        except (KeyError, TypeError, ValueError):
            raise damaged(name) from None
        if _key_id(secret) != top.get("key_id"):
            raise wrong_key(name)
        self._cipher = AESGCM(secret)
        self._next = file.read(CHUNK + _TAG)
        self._number = 0
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        into = memoryview(buffer)
        while not self._ready and not self._ended:
            self._open_chunk()
        count = min(len(into), len(self._ready))
        into[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _open_chunk(self) -> None:
        chunk, self._next = self._next, self._file.read(CHUNK + _TAG)
        last = not self._next
        try:
            self._ready = self._cipher.decrypt(_nonce(self._number, last), chunk, self._vouched)
        except InvalidTag:
            raise damaged(self._name) from None
        self._number += 1
        self._ended = last


def read_header(path_name: str, file: BinaryIO) -> Header:
    """What the file says of itself; nothing vouches for it without the key.  Raises OperatorError `damaged_backup`."""
    top, _ = _read_header(file, path_name)
    try:
        return Header(**{field: top[field] for field in Header.__slots__})
    except (KeyError, TypeError):
        raise damaged(path_name) from None


def _read_header(file: BinaryIO, name: str) -> tuple[dict[str, Any], bytes]:
    start = file.read(len(MAGIC) + 4)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if not start.startswith(MAGIC):
        raise OperatorError(
            "not_a_backup",
            f"Tệp {name} không phải bản sao lưu của Điểm Cầu MCU.",
            f"The file {name} is not a backup of Điểm Cầu MCU.",
        )
    if len(start) < len(MAGIC) + 4 or length > _LONGEST_HEADER:
        raise damaged(name)
    raw = file.read(length)
    try:
        top = json.loads(raw)
    except ValueError:
        top = None
    if len(raw) < length or not isinstance(top, dict):
        raise damaged(name)
    return top, hashlib.sha256(start + raw).digest()


def _file_key(master: bytes, salt: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=b"diemcau backup 1").derive(master)


def _key_id(secret: bytes) -> str:
    return hashlib.sha256(b"key id" + secret).hexdigest()[:16]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")
