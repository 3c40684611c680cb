"""A local certificate authority and the server certificate it signs.

Browsers give camera and microphone only on HTTPS, so a first run in a data centre needs a certificate before anybody
has asked the province for one.  The CA lives 10 years in `data_dir/tls` with a key only its owner can read; the leaf
lives 397 days (the longest that browsers accept) and is made anew when fewer than 30 days are left or when the
host names change.
Formats: RFC 5280.  Blocking; called at start and once a day from a thread.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from control_api.settings import Settings
from mcu_core.errors import OperatorError

CA_LIFE = timedelta(days=3652)
LEAF_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
_BACKDATE = timedelta(hours=1)  # a commune's clock may be slow


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files.  `certificate` holds the leaf and the chain; `root` only with a local CA."""

    certificate: Path
    key: Path
    root: Path | None

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


def certificates(settings: Settings, now: datetime | None = None) -> Certificates | None:
    """What the settings ask for, made or renewed where needed; None with TLS off.  Raises OperatorError `bad_tls`."""
    if settings.tls.mode == "off":
        return None
    if settings.tls.mode == "local":
        return ensure_local(settings.data_dir / "tls", settings.certificate_names(), now or datetime.now(UTC))
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None or key is None:
        raise OperatorError(
            "bad_tls",
            'Với tls.mode = "files" phải đặt cả tls.certificate và tls.key.',
            'tls.mode = "files" needs both tls.certificate and tls.key.',
        )
    found = Certificates(certificate, key, None)
    try:
        found.context()
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(
            "bad_tls",
            f"Không dùng được chứng thư {certificate} với khóa {key}: {error}.",
            f"The certificate {certificate} with the key {key} cannot be used: {error}.",
        ) from None
    return found


def ensure_local(folder: Path, names: Iterable[str], now: datetime) -> Certificates:
    """Make or renew the CA and the leaf in `folder` as needed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_path, root_key_path = folder / "ca.pem", folder / "ca.key"
    leaf_path, leaf_key_path = folder / "server.pem", folder / "server.key"
    root, root_key = _read(root_path, root_key_path)
    if root is None or root_key is None or root.not_valid_after_utc < now + RENEW_BEFORE:
        root, root_key = _make_root(now)
        _write(root_key_path, _key_pem(root_key), 0o600)
        _write(root_path, root.public_bytes(serialization.Encoding.PEM), 0o644)
    names = tuple(sorted(set(names)))
    leaf, leaf_key = _read(leaf_path, leaf_key_path)
    if leaf is None or leaf_key is None or not _still_good(leaf, root, names, now):
        leaf, leaf_key = _make_leaf(root, root_key, names, now)
        _write(leaf_key_path, _key_pem(leaf_key), 0o600)
        pem = leaf.public_bytes(serialization.Encoding.PEM) + root.public_bytes(serialization.Encoding.PEM)
        _write(leaf_path, pem, 0o644)
    return Certificates(leaf_path, leaf_key_path, root_path)


def fingerprint(root: Path) -> str:
    """SHA-256 of the DER form, as browsers show it: `AB:CD:…`."""
    digest = hashlib.sha256(der(root)).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def der(root: Path) -> bytes:
    return x509.load_pem_x509_certificate(root.read_bytes()).public_bytes(serialization.Encoding.DER)


def _make_root(now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # The serial number is in the name, so that two installations' roots are told apart in a browser's list.
    serial = x509.random_serial_number()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Điểm Cầu MCU"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Điểm Cầu MCU local CA {serial & 0xFFFFFFFF:08x}"),
        ]
    )
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _make_leaf(
    root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Điểm Cầu MCU")]))
        .issuer_name(root.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(min(now + LEAF_LIFE - _BACKDATE, root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return certificate, key


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))


def _still_good(leaf: x509.Certificate, root: x509.Certificate, names: tuple[str, ...], now: datetime) -> bool:
    if leaf.not_valid_after_utc < now + RENEW_BEFORE:
        return False
    try:
        leaf.verify_directly_issued_by(root)
    except Exception:  # any failure, of type or signature, means: make a new one
        return False
    carried = set(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    return carried == {_general_name(name) for name in names}


def _read(path: Path, key_path: Path) -> tuple[x509.Certificate | None, ec.EllipticCurvePrivateKey | None]:
    """Both or neither; a damaged pair counts as none and is replaced."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None, None
    return (certificate, key) if isinstance(key, ec.EllipticCurvePrivateKey) else (None, None)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file in one step; it never exists with wider rights or half its content."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
