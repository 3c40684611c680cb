"""Detached signatures of exported journals (S25, S102): they prove that this server gave out a file as it is.

Ed25519.  The private key lies in the data folder (0600) and is made with the first signature; the public one is for
everybody.  A signature is a small text file beside the export: `<name>.sig`; both travel in one ZIP.
"""

from __future__ import annotations

import base64
import io
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcu_core.errors import OperatorError

_PURPOSE = b"diemcau-journal-1\n"  # a signature of ours for anything else is none of a journal
_FIRST_LINE = "diemcau-signature-1"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_LARGEST = 500 * 1024 * 1024  # bytes unpacked


def sign(export: bytes, key: Ed25519PrivateKey) -> bytes:
    """The text of the signature file."""
    raw = base64.b64encode(key.sign(_PURPOSE + export)).decode("ascii")
    return f"{_FIRST_LINE}\n{raw}\n".encode("ascii")


def signed(export: bytes, name: str, key: Ed25519PrivateKey) -> bytes:
    """A ZIP of the file, its signature and our public key.  Same file, same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in ((name, export), (f"{name}.sig", sign(export, key)), ("nhat-ky.pem", public_pem(key))):
            info = zipfile.ZipInfo(one, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return made.getvalue()


def unpacked(archive: bytes) -> tuple[bytes, bytes]:
    """The file of a ZIP and its signature.  Raises OperatorError `not_an_export`."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            (name,) = (one for one in opened.namelist() if one.endswith(".jsonl"))
            if sum(opened.getinfo(one).file_size for one in (name, f"{name}.sig")) > _LARGEST:
                raise ValueError
            return opened.read(name), opened.read(f"{name}.sig")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, RuntimeError):
        raise OperatorError(
            "not_an_export",
            "Tệp ZIP này không phải nhật ký do hệ thống xuất, hoặc đã hỏng.",
            "This ZIP is not a journal that the system exported, or it is damaged.",
        ) from None


def is_signed(export: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Whether this is the signature of this file by this key."""
    try:
        first, raw = signature.decode("ascii").split()
        if first != _FIRST_LINE:
            return False
        key.verify(base64.b64decode(raw, validate=True), _PURPOSE + export)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The server's key, made when there is none.  Raises OperatorError `bad_signing_key`."""
    if not path.exists():
        _make(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise bad_key(path) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise bad_key(path)
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """What everybody may have."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_public(path: Path) -> Ed25519PublicKey:
    """Raises OperatorError `bad_signing_key`."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        raise bad_key(path) from None
    if not isinstance(key, Ed25519PublicKey):
        raise bad_key(path)
    return key


def bad_key(path: Path) -> OperatorError:
    return OperatorError(
        "bad_signing_key",
        f"Tệp {path} không phải khóa ký nhật ký (Ed25519), hoặc không đọc được. Hãy đặt lại tệp từ bản cất giữ.",
        f"The file {path} is not a key that signs journals (Ed25519), or cannot be read. Put it back from a copy.",
    )


def _make(path: Path) -> None:
    """Whole or not at all; whoever was first keeps theirs."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        os.unlink(name)
