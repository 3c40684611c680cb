"""The second factor: codes of a telephone (TOTP, RFC 6238) and the recovery codes that stand in for it.  Pure.

Six digits, SHA-1, 30 s: what every authenticator application knows.  A code counts in its own step and in the one
before and after, and only once (RFC 6238, section 5.2): the step of the last one is kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets

import pyotp
import segno

ISSUER = "Điểm Cầu MCU"
STEP = 30  # seconds
RECOVERY_CODES = 10
_DRIFT = 1  # steps
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """160 random bits, base32."""
    return pyotp.random_base32(32)


def accepted_step(secret: str, code: str, now: float, last_step: int) -> int | None:
    """The step that `code` belongs to, when it is right and newer than the last accepted one; else None."""
    digits = code.replace(" ", "")
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    current = int(now // STEP)
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if step > last_step and hmac.compare_digest(totp.at(step * STEP), digits):
            return step
    return None


def enrolment_uri(secret: str, username: str) -> str:
    """What the QR code says: `otpauth://totp/…`."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def qr_picture(uri: str) -> str:
    """The QR code as an SVG in a `data:` address, which the pages' policy allows as a picture."""
    out = io.BytesIO()
    segno.make(uri, error="m").save(out, kind="svg", scale=4, border=4, light="#fff", xmldecl=False)
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def new_recovery_codes() -> list[str]:
    """About 49 bits each; shown once, kept as digests: `abcde-fghjk`."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]


def recovery_digest(user_id: int, code: str) -> str:
    """SHA-256 of a recovery code as typed: case, spaces and the dash do not matter."""
    clean = "".join(letter for letter in code.casefold() if letter.isalnum())
    return hashlib.sha256(f"{user_id}/{clean}".encode("utf-8", "replace")).hexdigest()
