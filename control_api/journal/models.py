"""Bodies of the journal's routes."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from control_api.api import Model
from control_api.conferences.models import SiteId
from control_api.journal.export import Format
from control_api.journal.notes import LONGEST_NOTE

_Seq = Annotated[int, Field(ge=0, le=2**53)]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]
Codes = Annotated[
    str,
    Field(
        max_length=1000,
        pattern="^[a-z0-9_]{1,80}(,[a-z0-9_]{1,80}){0,39}$",
        description="Codes, separated by commas.",
        examples=["podium,on_air"],
    ),
]


def _note(text: str) -> str:
    clean = unicodedata.normalize("NFC", text.strip())
    if not clean:
        raise ValueError("a note has at least one letter")
    return clean


class JournalFilter(Model):
    """Which lines; what is left out does not narrow."""

    what: Codes | None = None
    site: SiteId | None = None
    actor: Annotated[str, Field(min_length=1, max_length=80, examples=["lan"])] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(default=None, description="Not included.")


class JournalQuery(JournalFilter):
    """A part of one journal: `limit` lines behind the one numbered `after`, in this order."""

    after: _Seq | None = Field(default=None, description="`next` of the part before.")
    order: Literal["oldest", "newest"] = "newest"
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class SiteJournalQuery(JournalFilter):
    """A part of a site's lines of all conferences, newest first."""

    before: _Seq | None = Field(default=None, description="`next` of the part before.")
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ExportQuery(JournalFilter):
    format: Format = "jsonl"


class NewNote(Model):
    text: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_NOTE, examples=["Đã thay micro cầm tay tại bàn chủ tọa."]),
        AfterValidator(_note),
    ]
    site: SiteId | None = Field(default=None, description="The site it is about.")
    happened_at: AwareDatetime | None = Field(
        default=None,
        description="When it happened, if not now; at most 7 days ago.",
        examples=["2026-11-23T08:30:00+07:00"],
    )


class JournalLine(BaseModel):
    """One line.  `vi` and `en` say what it means."""

    seq: int
    conference: str
    at: AwareDatetime
    what: str
    actor: str | None = Field(description="User name; none: the MCU itself.")
    site: str | None
    site_name: str | None
    data: dict[str, Any]
    vi: str
    en: str
    hash: _Hash


class JournalPart(BaseModel):
    lines: list[JournalLine]
    next: int | None = Field(description="Ask for what is after this; none: that was all.")
    title: str | None = Field(default=None, description="Of the conference; none: of several, or not known.")


class JournalSummary(BaseModel):
    """One journal in the list: what it ends with."""

    conference: str
    title: str | None
    lines: int = Field(description="Written ever, with those deleted when their time was over.")
    pruned: int = Field(description="Deleted when their time was over.")
    changed_at: AwareDatetime
    hash: _Hash


class JournalFinding(BaseModel):
    kind: str = Field(examples=["changed", "removed", "moved", "truncated"])
    conference: str
    seq: int
    vi: str
    en: str


class JournalVerdict(BaseModel):
    """Whether a journal is what was written.  `hash` is that of its last line: write it into the minutes."""

    conference: str
    whole: bool
    lines: int
    pruned: int
    seq: int
    hash: _Hash
    findings: list[JournalFinding]
