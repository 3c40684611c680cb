"""The client end of DTLS-SRTP (RFC 5764) without sockets or tasks: datagrams in, datagrams out, keys at the end.

Lean on purpose: a load generator opens hundreds.  One certificate and one context serve all legs of a process.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from mcu_core.relay.aiortc_shim import Keys

_PROFILES = {  # OpenSSL's name: libsrtp's profile, key and salt length
    b"SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


class Identity:
    """A self-signed certificate and the context made of it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loadgen")])
        now = datetime.datetime.now(tz=datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = _fingerprint(certificate)
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(b":".join(_PROFILES))


class DtlsClient:
    """One handshake.  `fingerprint` is the server's, `sha-256`, upper case with colons."""

    def __init__(self, identity: Identity, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._ssl = SSL.Connection(identity.context)
        self._ssl.set_connect_state()
        self.flight: list[bytes] = []  # what was sent last, to send again when nothing comes
        self.keys: Keys | None = None

    def begin(self) -> list[bytes]:
        """The first datagrams."""
        return self._advance()

    def feed(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; what to send back.  Sets `keys` when done.  Raises ValueError on a wrong certificate."""
        self._ssl.bio_write(datagram)
        if self.keys is not None:
            return []
        return self._advance()

    def closing(self) -> list[bytes]:
        """close_notify."""
        if self.keys is None:
            return []
        self._ssl.shutdown()
        return self._written()

    def _advance(self) -> list[bytes]:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            raise ValueError(f"DTLS handshake failed: {error}") from error
        else:
            self._derive()
        out = self._written()
        if out:
            self.flight = out
        return out

    def _written(self) -> list[bytes]:
        out = []
        while True:
            try:
                out.append(self._ssl.bio_read(1500))
            except SSL.WantReadError:
                return out

    def _derive(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None or _fingerprint(certificate) != self._fingerprint:
            raise ValueError("the server's certificate is not the one in its answer")
        profile, key, salt = _PROFILES[self._ssl.get_selected_srtp_profile()]
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        self.keys = Keys(
            _session(server, profile, Policy.SSRC_ANY_INBOUND), _session(client, profile, Policy.SSRC_ANY_OUTBOUND)
        )


def _session(key: bytes, profile: int, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
