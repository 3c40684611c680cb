"""What an operator can ask of a live conference: one frozen value per command, each one transaction.

Sites are named by their id.  Values are checked by `Conference.apply`, which raises OperatorError when one does not
fit; nothing here validates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcu_core.scene import CustomTile
from mcu_core.wire import Track, View

Role = Literal["main", "member"]


@dataclass(frozen=True, slots=True)
class SetTitle:
    title: str


@dataclass(frozen=True, slots=True)
class SetOpen:
    """Open the conference to its sites, or close it: endpoints are told `conference_closed`."""

    open: bool


@dataclass(frozen=True, slots=True)
class AddSite:
    name: str
    role: Role = "member"
    site: str | None = None  # id; made from the name when not given


@dataclass(frozen=True, slots=True)
class RemoveSite:
    site: str


@dataclass(frozen=True, slots=True)
class RenameSite:
    site: str
    name: str


@dataclass(frozen=True, slots=True)
class SetRole:
    """Making a site the main site makes the former one a member in the same step."""

    site: str
    role: Role


@dataclass(frozen=True, slots=True)
class SetGain:
    site: str
    gain_db: float  # -20..+20


@dataclass(frozen=True, slots=True)
class SetLayout:
    """`layout`: "auto", a name of the catalogue, or "custom" with `tiles`.  Placements that still fit are kept."""

    view: View
    layout: str
    tiles: tuple[CustomTile, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceSite:
    """Fix a site in a cell; `site` None gives the cell back to automatic filling."""

    view: View
    cell: int
    site: str | None
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class SetPodiumLayout:
    """Layout that `Podium` gives a view from the next time on; "auto": one large, and small ones by head count."""

    view: Literal["programme", "chair"]
    layout: str


@dataclass(frozen=True, slots=True)
class Podium:
    """Give the word: large picture, open sound, the rest muted by rule.  None restores what was before."""

    site: str | None


@dataclass(frozen=True, slots=True)
class CallNext:
    """Tell a site that it is called next (or nobody)."""

    site: str | None


@dataclass(frozen=True, slots=True)
class MuteSite:
    site: str
    muted: bool


@dataclass(frozen=True, slots=True)
class MuteAll:
    """Mute every site but those in `except_`; None spares the main site and the podium, () nobody."""

    except_: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UnmuteAll:
    """Lift every mute of the operator; the podium rule stays."""


@dataclass(frozen=True, slots=True)
class SetRendition:
    """Canvas and encoding of a view; None keeps what is set."""

    view: View
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    bitrate_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the last command that has not been taken back."""


Command = (
    SetTitle
    | SetOpen
    | AddSite
    | RemoveSite
    | RenameSite
    | SetRole
    | SetGain
    | SetLayout
    | PlaceSite
    | SetPodiumLayout
    | Podium
    | CallNext
    | MuteSite
    | MuteAll
    | UnmuteAll
    | SetRendition
    | Undo
)
