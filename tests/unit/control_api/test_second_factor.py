"""TOTP and recovery codes."""

from __future__ import annotations

import base64

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.accounts.second_factor import (
    STEP,
    accepted_step,
    enrolment_uri,
    new_recovery_codes,
    new_secret,
    qr_picture,
    recovery_digest,
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B, the last six of eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert accepted_step(secret, code, at, 0) == at // STEP


@given(now=st.integers(10_000, 4_000_000_000), off=st.integers(-5, 5))
def test_a_code_counts_in_its_own_step_and_its_neighbours(now: int, off: int) -> None:
    step = now // STEP + off
    accepted = accepted_step(SECRET, pyotp.TOTP(SECRET).at(step * STEP), now, 0)
    if abs(off) <= 1:
        assert accepted is not None
    else:  # six digits repeat by chance, but not outside the window
        assert accepted is None or abs(accepted - now // STEP) <= 1


def test_a_code_is_not_taken_twice_nor_after_a_newer_one() -> None:
    now = 1_700_000_000.0
    step = accepted_step(SECRET, pyotp.TOTP(SECRET).at(now), now, 0)
    assert step is not None
    assert accepted_step(SECRET, pyotp.TOTP(SECRET).at(now), now, step) is None
    assert accepted_step(SECRET, pyotp.TOTP(SECRET).at(now - STEP), now, step) is None
    assert accepted_step(SECRET, pyotp.TOTP(SECRET).at(now + STEP), now, step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34"])
def test_what_is_not_six_digits_is_no_code(code: str) -> None:
    assert accepted_step(SECRET, code, 1_700_000_000.0, 0) is None


def test_recovery_codes_differ_and_are_read_as_people_type_them() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert recovery_digest(7, codes[0]) == recovery_digest(7, f" {codes[0].upper().replace('-', ' ')} ")
    assert recovery_digest(7, codes[0]) != recovery_digest(8, codes[0])


def test_enrolment_is_a_picture_that_a_page_may_show() -> None:
    uri = enrolment_uri(new_secret(), "trần.minh")
    assert uri.startswith("otpauth://totp/")
    assert "issuer=" in uri
    picture = qr_picture(uri)
    head, _, data = picture.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).startswith(b"<svg")
