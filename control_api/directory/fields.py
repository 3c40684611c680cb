"""Kinds of fields in the directory's bodies: cleaned, bounded, and refused with a reason in both languages."""

from __future__ import annotations

import ipaddress
import unicodedata
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from control_api.directory.phones import clean_phone

LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # without summer time since 1975
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def _one_line(text: str) -> str:
    clean = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(letter) in _UNSEEN for letter in clean):
        raise PydanticCustomError("control_characters", "must not contain control characters")
    return clean


def _lines(text: str) -> str:
    return "\n".join(_one_line(line) for line in text.strip().splitlines())


def _named(text: str) -> str:
    if not (clean := _one_line(text)):
        raise PydanticCustomError("string_too_short", "must have at least 1 character", {"min_length": 1})
    return clean


def _phone(text: str) -> str:
    if not text.strip():
        return ""
    if (clean := clean_phone(text)) is None:
        raise PydanticCustomError("not_a_phone", "must be a telephone number of Vietnam, such as 0912 345 678")
    return clean


def _needed_phone(text: str) -> str:
    if not (clean := _phone(text)):
        raise PydanticCustomError("not_a_phone", "must be a telephone number of Vietnam, such as 0912 345 678")
    return clean


def _email(text: str) -> str:
    clean = _one_line(text).lower()
    if clean and (clean.count("@") != 1 or " " in clean or "." not in clean.partition("@")[2] or clean[0] == "@"):
        raise PydanticCustomError("not_an_email", "must be an e-mail address such as ten@bacninh.gov.vn")
    return clean


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise PydanticCustomError("not_a_network", "must be an IP address or a network such as 10.0.0.0/8") from None


def _day(day: date) -> date:
    if not 1990 <= day.year <= 2100:
        raise PydanticCustomError("bad_day", "must be a day between 1990 and 2100")
    return day


def _moment(value: Any) -> Any:
    return local(value) if isinstance(value, float | int) else value


Slug = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", examples=["so-y-te"])]
NewSlug = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", examples=["xa-van-mon"])
]
OwnId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z]{1,4}-[0-9a-z-]{1,36}$", examples=["d-1f3a"])]
SiteName = Annotated[str, Field(max_length=100, examples=["UBND xã Văn Môn"]), AfterValidator(_named)]
Title = Annotated[str, Field(max_length=200), AfterValidator(_named)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Short = Annotated[str, Field(max_length=60), AfterValidator(_one_line)]
Code = Annotated[str, Field(max_length=80), AfterValidator(_one_line)]
Address = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
Remark = Annotated[str, Field(max_length=1000), AfterValidator(_lines)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(_lines)]
LongText = Annotated[str, Field(max_length=4000), AfterValidator(_lines)]
Words = Annotated[str, Field(max_length=200, description="Searched without diacritics."), AfterValidator(_one_line)]
Phone = Annotated[str, Field(max_length=40, examples=["0222 3822 123"]), AfterValidator(_phone)]
NeededPhone = Annotated[str, Field(max_length=40, examples=["0912 345 678"]), AfterValidator(_needed_phone)]
Email = Annotated[str, Field(max_length=254, examples=["vanphong@bacninh.gov.vn"]), AfterValidator(_email)]
Network = Annotated[str, Field(max_length=64, examples=["10.27.4.0/24"]), AfterValidator(_network)]
Day = Annotated[date, Field(examples=["2026-11-30"]), AfterValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]  # of an answer; kept as Unix seconds
Year = Annotated[int, Field(ge=2020, le=2100, examples=[2026])]
Count = Annotated[int, Field(ge=0, le=100_000)]
Dong = Annotated[int, Field(ge=0, le=10**13, description="In đồng.")]
Revision = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="Of the entry as you read it; another one is refused (409).")
]

OrganisationKind = Literal["department", "commune", "carrier", "other"]
EndpointType = Literal["browser", "hardware", "software", "other"]
NetworkKind = Literal["tslcd", "internet", "other"]
ContactRole = Literal["leader", "technical", "team", "carrier"]
Active = Literal["true", "false", "all"]


def active_of(asked: Active) -> bool | None:
    return None if asked == "all" else asked == "true"


def local(at: float) -> datetime:
    """Unix seconds as a time with the offset of Vietnam."""
    return datetime.fromtimestamp(at, LOCAL)


def today(now: float) -> date:
    """The day in Vietnam."""
    return local(now).date()
