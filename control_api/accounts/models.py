"""Bodies of the account routes."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

from control_api.accounts.accounts import Method, Pending
from control_api.accounts.rules import LONGEST_PASSWORD, Right, Role
from control_api.api import Model

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[0-9 .()-]{3,40}")


def plain(text: str) -> str:
    """NFC, without what databases and terminals trip over."""
    if any(ord(letter) < 32 for letter in text):
        raise PydanticCustomError("control_characters", "must not contain control characters")
    return unicodedata.normalize("NFC", text)


def _email(text: str) -> str:
    clean = plain(text.strip()).lower()
    if not _EMAIL.fullmatch(clean):
        raise PydanticCustomError("not_an_email", "must look like ten@tinh.gov.vn")
    return clean


def _phone(text: str) -> str:
    clean = text.strip()
    if clean and not _PHONE.fullmatch(clean):
        raise PydanticCustomError("not_a_phone", "must be a telephone number")
    return clean


Username = Annotated[str, Field(min_length=1, max_length=64, examples=["tran.minh"]), AfterValidator(plain)]
FullName = Annotated[str, Field(min_length=1, max_length=200, examples=["Trần Văn Minh"]), AfterValidator(plain)]
Password = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_PASSWORD, json_schema_extra={"format": "password"}),
    AfterValidator(plain),
]
Code = Annotated[str, Field(min_length=6, max_length=20, examples=["123456"]), AfterValidator(plain)]
OrganisationId = Annotated[str, Field(min_length=1, max_length=80, examples=["so-y-te"]), AfterValidator(plain)]
Email = Annotated[str, Field(max_length=254, examples=["minh@bacninh.gov.vn"]), AfterValidator(_email)]
Phone = Annotated[str, Field(max_length=40, examples=["0204.3555.992"]), AfterValidator(_phone)]
SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", examples=["0f3a51c2b7d9e864"])]


class Login(Model):
    username: Username
    password: Password
    code: Annotated[str, Field(max_length=20, examples=["123456"])] = Field(
        default="", description="Of the telephone, or a recovery code, where the account has a second factor."
    )


class Me(Model):
    username: str
    role: Role
    name: str
    organisation: str | None = None
    rights: list[Right] = Field(description="What the pages may offer.")
    pending: Pending | None = Field(
        default=None, description="What must be done before any other request: change the password, set up a telephone."
    )


class SessionAnswer(Model):
    user: Me


class OidcButton(Model):
    title: str
    url: str = Field(description="Where the browser goes to sign in.")


class LoginMethods(Model):
    """Besides user name and password."""

    oidc: OidcButton | None = None


class NewUser(Model):
    """One account for one person."""

    username: Username
    name: FullName
    role: Role
    organisation: OrganisationId | None = Field(default=None, description="Left out: the Sở's.")
    email: Email | None = None
    phone: Phone = ""
    expires_at: AwareDatetime | None = None
    password: Password | None = Field(default=None, description="Left out: a random one, told in the answer.")


class UserChange(Model):
    """Only what is given is changed."""

    name: FullName | None = None
    role: Role | None = None
    organisation: OrganisationId | None = Field(default=None, description="null: the Sở's.")
    email: Email | None = Field(default=None, description="null: none.")
    phone: Phone | None = None
    expires_at: AwareDatetime | None = Field(default=None, description="null: never.")
    disabled: bool | None = None


class UserQuery(Model):
    q: Annotated[str, Field(max_length=100), AfterValidator(plain)] = ""
    role: Role | None = None
    organisation: OrganisationId | None = None
    usable: bool | None = Field(default=None, description="Neither disabled nor locked.")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class UserAnswer(Model):
    username: str
    name: str
    role: Role
    organisation: str | None
    email: str | None
    phone: str
    disabled: bool
    locked_at: float | None = Field(description="By too many wrong attempts, or by an officer.")
    failures: int
    must_change: bool = Field(description="A new password must be chosen at the next sign-in.")
    second_factor: bool
    expires_at: float | None
    created_at: float
    password_changed_at: float


class NewUserAnswer(UserAnswer):
    password: str | None = Field(default=None, description="Shown only now, if it was made here.")


class PasswordReset(Model):
    password: Password | None = Field(default=None, description="Left out: a random one, told in the answer.")


class PasswordAnswer(Model):
    password: str | None = Field(description="Shown only now, if it was made here.")


class PasswordChange(Model):
    present: Password
    wanted: Password


class PasswordProof(Model):
    password: Password


class CodeProof(Model):
    code: Code


class SecondFactorState(Model):
    in_use: bool
    required: bool = Field(description="By the role.")
    recovery_codes_left: int


class Enrolment(Model):
    """What an authenticator application needs; typed in, or scanned."""

    secret: str
    uri: str
    qr: str = Field(description="A picture of the QR code: `data:image/svg+xml;base64,…`.")


class RecoveryCodes(Model):
    codes: list[str] = Field(description="Each is good once, in the place of a code. Shown only now.")


class SessionInfo(Model):
    id: str
    created_at: float
    seen_at: float
    address: str
    agent: str
    method: Method
    present: bool = Field(description="The session that asks.")
