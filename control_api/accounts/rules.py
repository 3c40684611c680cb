"""Rules of accounts: roles, user names, passwords.  Pure."""

from __future__ import annotations

import re
import secrets
import unicodedata
from enum import StrEnum

from mcu_core.errors import OperatorError

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
_USERNAME = re.compile(r"[\w.@-]{2,64}")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike on paper: i l o 0 1


class Role(StrEnum):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def may_act_as(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


def clean_username(username: str) -> str:
    """NFC and case folded, so that `Lan` and `lan` are one user.  Raises OperatorError `bad_username`."""
    clean = fold_username(username)
    if not _USERNAME.fullmatch(clean):
        raise OperatorError(
            "bad_username",
            "Tên đăng nhập phải có 2 đến 64 ký tự: chữ, số, dấu chấm, gạch ngang, gạch dưới, @.",
            "A user name has 2 to 64 characters: letters, digits, dot, dash, underscore, @.",
        )
    return clean


def fold_username(username: str) -> str:
    return unicodedata.normalize("NFC", username.strip()).casefold()


def check_password(password: str) -> str:
    """NFC: the same Vietnamese word is typed in two forms.  Raises OperatorError `bad_password`."""
    clean = unicodedata.normalize("NFC", password)
    if not SHORTEST_PASSWORD <= len(clean) <= LONGEST_PASSWORD:
        raise OperatorError(
            "bad_password",
            f"Mật khẩu phải có từ {SHORTEST_PASSWORD} đến {LONGEST_PASSWORD} ký tự.",
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
        )
    return clean


def random_password() -> str:
    """About 79 bits, easy to read out over the telephone: `abcd-efgh-jkmn-pqrs`."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
