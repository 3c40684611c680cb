"""The messages of `protocol.md`, both ways, as strict models: unknown fields, types and values are refused.

`parse` turns what came from an endpoint into one of them or raises EndpointError; `json_schema` is what the web
client's types are generated from.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema

from mcu_core.errors import EndpointError
from mcu_core.hints import HintedTrack
from mcu_core.wire import VIEW_PATTERN, View

VERSION: Literal[1] = 1
MAX_MESSAGE = 64 * 1024  # bytes of one message, both ways

Language = Literal["vi", "en"]
EndpointRole = Literal["main", "member", "monitor"]
MediaAdvice = Literal["keep", "offer"]

_Counter = Annotated[int, Field(ge=0, le=2**31)]
_Pixels = Annotated[int, Field(ge=0, le=16384)]
_ViewName = Annotated[View, Field(pattern=VIEW_PATTERN)]
_Figure = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


def _readable(text: str) -> str:
    if "\0" in text:
        raise ValueError("NUL is no text")
    return unicodedata.normalize("NFC", text.strip())


_Text = Annotated[str, Field(max_length=1000), AfterValidator(_readable)]
IssueCategory = Literal["picture", "sound", "echo", "content", "line", "power", "room", "other"]
IssueState = Literal["open", "taken", "solved"]


class Message(BaseModel):
    """One JSON text message."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


# ----------------------------------------------------------------------------------------------- endpoint -> MCU


class Hello(Message):
    type: Literal["hello"] = "hello"
    version: int
    token: Annotated[str, Field(min_length=1, max_length=256)]
    client: Annotated[str, Field(max_length=128)] = ""
    language: Language = "vi"
    seat: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    media: bool = False
    draws_names: bool = False


class Offer(Message):
    type: Literal["offer"] = "offer"
    sdp: Annotated[str, Field(min_length=1)]
    restart: bool = False


class State(Message):
    type: Literal["state"] = "state"
    microphone: bool
    camera: bool
    screen: bool


class Quality(Message):
    type: Literal["quality"] = "quality"
    freezes: _Counter | None = None
    fps: _Figure = 0.0
    width: _Pixels = 0
    height: _Pixels = 0
    lost: _Figure = 0.0
    jitter_ms: _Figure | None = None
    rtt_ms: _Figure | None = None
    kbps: _Figure = 0.0


class ChooseView(Message):
    type: Literal["view"] = "view"
    view: _ViewName


class RaiseHand(Message):
    """The site asks for the floor (S08)."""

    type: Literal["raise_hand"] = "raise_hand"


class LowerHand(Message):
    type: Literal["lower_hand"] = "lower_hand"


class ReportIssue(Message):
    """The site's contact tells what is wrong (S98); the MCU adds what it measures of the line."""

    type: Literal["report_issue"] = "report_issue"
    category: IssueCategory
    text: _Text = ""


class CueSeen(Message):
    """Somebody at the site has done what a cue asked; `ok` false: it does not work there."""

    type: Literal["cue_seen"] = "cue_seen"
    cue: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
    ok: bool = True


class Leave(Message):
    type: Literal["leave"] = "leave"


class Pong(Message):
    type: Literal["pong"] = "pong"
    n: _Counter


Request = RaiseHand | LowerHand | ReportIssue | CueSeen  # what needs the database; refused with an `error`
FromEndpoint = Hello | Offer | State | Quality | ChooseView | Leave | Pong | Request
_FROM_ENDPOINT: TypeAdapter[FromEndpoint] = TypeAdapter(Annotated[FromEndpoint, Field(discriminator="type")])

# ----------------------------------------------------------------------------------------------- MCU -> endpoint


class SiteName(Message):
    id: str
    name: str


class SeatSite(SiteName):
    number: int


class SeatConference(Message):
    id: str
    title: str


class Welcome(Message):
    type: Literal["welcome"] = "welcome"
    version: Literal[1] = VERSION
    seat: str
    role: EndpointRole
    site: SeatSite | None
    conference: SeatConference
    media: MediaAdvice
    view: View


class Answer(Message):
    type: Literal["answer"] = "answer"
    sdp: str


class Tally(Message):
    type: Literal["tally"] = "tally"
    on_podium: bool
    next: bool
    muted: bool
    muted_by: Literal["rule", "operator", "noise"] | None
    visible: bool


class Hint(Message):
    type: Literal["hint"] = "hint"
    track: HintedTrack
    active: bool
    width: int
    height: int
    frame_rate: int
    bitrate_bps: int


class ConferenceInfo(Message):
    type: Literal["conference"] = "conference"
    title: str
    podium: SiteName | None
    present: int
    sites: int
    speaker: str | None


class Picture(Message):
    """Whether the picture is a site's own, passed through: then the page draws the site's name itself."""

    type: Literal["picture"] = "picture"
    passed: bool
    name: str | None = None


class Hand(Message):
    """Whether the site waits for the floor, and as which of how many."""

    type: Literal["hand"] = "hand"
    raised: bool
    position: int | None = None  # from 1
    waiting: int = 0


class Cue(Message):
    """A word of the operator to the site; shown for `seconds`, 0: until answered or replaced.  `kind` is open."""

    type: Literal["cue"] = "cue"
    id: str
    kind: str  # check, prepare, message, roll_call …; a page that does not know it shows the text
    vi: str
    en: str
    confirm: bool = False  # `cue_seen` is expected
    seconds: float = 0.0


class Issue(Message):
    """How far the site's newest report is."""

    type: Literal["issue"] = "issue"
    id: str
    state: IssueState
    remark: str = ""


class Media(Message):
    type: Literal["media"] = "media"
    action: Literal["rejoin", "ice_restart"]
    spread_ms: int = 0


class Ping(Message):
    type: Literal["ping"] = "ping"
    n: int


class Error(Message):
    type: Literal["error"] = "error"
    code: str
    vi: str
    en: str
    fatal: bool
    retry_after: float | None = None


ToEndpoint = Welcome | Answer | Tally | Hint | ConferenceInfo | Picture | Hand | Cue | Issue | Media | Ping | Error
TO_ENDPOINT: TypeAdapter[ToEndpoint] = TypeAdapter(Annotated[ToEndpoint, Field(discriminator="type")])


def parse(text: str) -> FromEndpoint:
    """Read one message of an endpoint.  Raises EndpointError `bad_message` or `bad_version`, saying which field."""
    try:
        message = _FROM_ENDPOINT.validate_json(text)
    except ValidationError as error:
        if _other_version(error, text):
            raise _bad_version() from None
        where, what = _first(error)
        raise EndpointError(
            "bad_message",
            f"Thông điệp không hợp lệ{f' ở “{where}”' if where else ''}: {what}.",
            f"The message is not valid{f' at “{where}”' if where else ''}: {what}.",
        ) from None
    if isinstance(message, Hello) and message.version != VERSION:
        raise _bad_version()
    return message


def _first(error: ValidationError) -> tuple[str, str]:
    detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in detail["loc"])[:100], detail["msg"].rstrip(".")[:200]


def _other_version(error: ValidationError, text: str) -> bool:
    """A hello of another version may have fields we do not know: the version is what to say."""
    if not any(detail["loc"][:1] == ("hello",) for detail in error.errors(include_url=False, include_input=False)):
        return False
    try:
        return _Versioned.model_validate_json(text).version != VERSION
    except ValidationError:
        return False


class _Versioned(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    version: int


def _bad_version() -> EndpointError:
    return EndpointError(
        "bad_version",
        f"Máy chủ dùng giao thức phiên bản {VERSION}. Hãy tải lại trang để dùng phiên bản mới.",
        f"The server speaks protocol version {VERSION}. Reload the page.",
    )


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of all messages: `FromEndpoint` and `ToEndpoint` are their unions."""
    incoming = (Hello, Offer, State, Quality, ChooseView, RaiseHand, LowerHand, ReportIssue, CueSeen, Leave, Pong)
    outgoing = (Welcome, Answer, Tally, Hint, ConferenceInfo, Picture, Hand, Cue, Issue, Media, Ping, Error)
    _, schema = models_json_schema(
        [*((model, "validation") for model in incoming), *((model, "serialization") for model in outgoing)],
        title="Signalling protocol, version 1",
    )
    for name, models in (("FromEndpoint", incoming), ("ToEndpoint", outgoing)):
        references = [{"$ref": f"#/$defs/{model.__name__}"} for model in models]
        schema["$defs"][name] = {"oneOf": references, "discriminator": {"propertyName": "type"}}
    return schema
