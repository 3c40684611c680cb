from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from control_api import tls
from control_api.settings import Settings, Tls
from mcu_core.errors import OperatorError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = ("localhost", "127.0.0.1", "::1", "mcu.example.vn", "họp.example.vn")


def handshake(certificates: tls.Certificates, host: str, root: Path) -> None:
    """A whole TLS handshake in memory; raises what a browser would."""
    client_context = ssl.create_default_context(cafile=str(root))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = certificates.context().wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


def made(folder: Path, names: tuple[str, ...] = NAMES, now: datetime | None = None) -> tls.Certificates:
    return tls.ensure_local(folder, names, now or datetime.now(UTC))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "mcu.example.vn"])
def test_leaf_is_trusted_through_the_root(tmp_path: Path, host: str) -> None:
    certificates = made(tmp_path)
    assert certificates.root is not None
    handshake(certificates, host, certificates.root)


def test_other_names_and_other_roots_are_not_trusted(tmp_path: Path) -> None:
    mine, other = made(tmp_path / "a"), made(tmp_path / "b")
    assert mine.root is not None
    assert other.root is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(mine, "evil.example", mine.root)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(mine, "localhost", other.root)


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    made(tmp_path)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "ca.key": 0o600,
        "ca.pem": 0o644,
        "server.key": 0o600,
        "server.pem": 0o644,
    }


def test_leaf_is_renewed_in_time_or_for_new_names_and_the_root_stays(tmp_path: Path) -> None:
    def serial(names: tuple[str, ...] = NAMES, days: int = 0) -> tuple[int, int]:
        certificates = made(tmp_path, names, NOW + timedelta(days=days))
        assert certificates.root is not None
        leaf = x509.load_pem_x509_certificates(certificates.certificate.read_bytes())[0]
        return leaf.serial_number, x509.load_pem_x509_certificate(certificates.root.read_bytes()).serial_number

    leaf, root = serial()
    assert serial(days=365) == (leaf, root)
    assert serial(tuple(reversed(NAMES)), days=365) == (leaf, root)
    renewed, same_root = serial(days=368)  # 29 days are left
    assert renewed != leaf
    assert same_root == root
    assert serial((*NAMES, "10.0.0.5"), days=368)[0] != renewed


def test_lives_are_what_browsers_accept(tmp_path: Path) -> None:
    certificates = made(tmp_path, now=NOW)
    leaf = x509.load_pem_x509_certificates(certificates.certificate.read_bytes())[0]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=397)


def test_damaged_files_are_replaced(tmp_path: Path) -> None:
    certificates = made(tmp_path)
    certificates.certificate.write_text("not a certificate")
    assert made(tmp_path).context() is not None
    (tmp_path / "ca.pem").unlink()
    again = made(tmp_path)
    assert again.root is not None
    handshake(again, "localhost", again.root)


def test_fingerprint_is_of_the_der_form(tmp_path: Path) -> None:
    certificates = made(tmp_path)
    assert certificates.root is not None
    parts = tls.fingerprint(certificates.root).split(":")
    assert len(parts) == 32
    assert tls.der(certificates.root)[0] == 0x30


def test_own_files_are_checked_at_start(tmp_path: Path) -> None:
    settings = Settings(tls=Tls(mode="files"))
    with pytest.raises(OperatorError, match="bad_tls"):
        tls.certificates(settings)
    settings = Settings(tls=Tls(mode="files", certificate=tmp_path / "no.pem", key=tmp_path / "no.key"))
    with pytest.raises(OperatorError, match="bad_tls"):
        tls.certificates(settings)
    assert tls.certificates(Settings(tls=Tls(mode="off"))) is None
