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


class Right(StrEnum):
    """What a route may ask for.  A role is a set of them (`Role.rights`)."""

    SIGNED_IN = "signed_in"  # whoever
    READ = "read"  # conferences, bookings, directory
    WATCH = "watch"  # the pictures and the sound of a meeting
    OPERATE = "operate"  # commands to a live conference, within `scope.py`
    BOOK = "book"  # register meetings in the name of one's organisation, change and cancel them
    DECIDE = "decide"  # what only the Sở does: allocate, refuse, urgent meetings, override a verdict
    MAINTAIN = "maintain"  # directory, assets, maintenance, faults, training of one's organisation
    CHECK = "check"  # technical checks, checklists and notes of one's sites
    LINES = "lines"  # figures of the lines and the duty roster
    AUDIT = "audit"  # journals of all, security events, verification
    ADMINISTER = "administer"  # accounts, settings, retention, backup


class Role(StrEnum):
    """One account, one person, one role.  An account may belong to an organisation, which narrows it (`scope.py`)."""

    VIEWER = "viewer"
    CARRIER = "carrier"  # the line provider: never sound or picture (S62)
    AUDITOR = "auditor"
    HOST = "host"  # the host agency: books, follows and closes its own meetings
    TECHNICIAN = "technician"  # of a site
    OPERATOR = "operator"  # of the main site
    OFFICER = "officer"  # duty officer of the MCU, at the Sở
    ADMINISTRATOR = "administrator"

    @property
    def rights(self) -> frozenset[Right]:
        return _RIGHTS[self] | {Right.SIGNED_IN}


_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ, Right.WATCH}),
    Role.CARRIER: frozenset({Right.LINES}),
    Role.AUDITOR: frozenset({Right.READ, Right.LINES, Right.AUDIT}),
    Role.HOST: frozenset({Right.READ, Right.WATCH, Right.BOOK, Right.MAINTAIN}),
    Role.TECHNICIAN: frozenset({Right.READ, Right.WATCH, Right.CHECK, Right.MAINTAIN}),
    Role.OPERATOR: frozenset({Right.READ, Right.WATCH, Right.OPERATE, Right.BOOK, Right.CHECK, Right.MAINTAIN}),
    Role.OFFICER: frozenset(Right) - {Right.ADMINISTER},
    Role.ADMINISTRATOR: frozenset(Right),
}


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
