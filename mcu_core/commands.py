"""What an operator can ask of a live conference: one frozen value per command, each one transaction.

Sites are named by their id.  Values are checked by `Conference.apply`, which raises OperatorError when one does not
fit; nothing here validates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mcu_core.adaptation import Size
from mcu_core.scene import AudioRule, CustomTile, Filler, Filling, Pages, Transition
from mcu_core.wire import Track, View

Role = Literal["main", "member"]
Json = dict[str, Any]


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
    """`layout`: "auto", a name of the catalogue, or any other name with the `tiles` it stands for.

    What the operator filled and still fits is kept.  `transition` None keeps the view's own.
    """

    view: View
    layout: str
    tiles: tuple[CustomTile, ...] = ()
    pages: Pages | None = None
    transition: Transition | None = None


@dataclass(frozen=True, slots=True)
class SetTransition:
    """How a view changes from now on."""

    view: View
    transition: Transition


@dataclass(frozen=True, slots=True)
class PlaceSite:
    """Fix a site in a cell; `site` None gives the cell back to automatic filling."""

    view: View
    cell: int
    site: str | None
    track: Track = "camera"


@dataclass(frozen=True, slots=True)
class FillCell:
    """Fill a cell by a rule; None gives it back to automatic filling."""

    view: View
    cell: int
    filler: Filler | None


@dataclass(frozen=True, slots=True)
class SetPersonalView:
    """Give a site a view of its own.  It costs an encoder, so a conference has a limited number of them."""

    site: str
    layout: str = "auto"
    cells: tuple[tuple[int, Filling], ...] = ()
    tiles: tuple[CustomTile, ...] = ()
    pages: Pages | None = None


@dataclass(frozen=True, slots=True)
class DropPersonalView:
    """The site watches what its role watches again."""

    site: str


@dataclass(frozen=True, slots=True)
class PinSize:
    """Send a site this size of its view whatever its line says; None leaves it to the line."""

    site: str
    size: Size | None


@dataclass(frozen=True, slots=True)
class SetOptions:
    """None keeps what is set.  Switching `auto_mute_noisy` off lifts the mutes it made.

    `echo` makes a test room: its sites hear themselves, through decoder, mix and encoder.  `loudest`: how many are
    heard at once besides the main site and the podium.
    """

    auto_mute_noisy: bool | None = None
    pass_through: bool | None = None
    echo: bool | None = None
    loudest: int | None = None  # 1..8


@dataclass(frozen=True, slots=True)
class MuteNoisy:
    """The MCU heard noise of a site; it is muted if the operator wants so and nobody called or opened it.

    Never undone by `Undo`.
    """

    site: str
    level_dbov: float


@dataclass(frozen=True, slots=True)
class SetPodiumLayout:
    """Layout that `Podium` gives a view from the next time on; "auto": one large, and small ones by head count."""

    view: Literal["programme", "chair"]
    layout: str
    tiles: tuple[CustomTile, ...] = ()


@dataclass(frozen=True, slots=True)
class RedrawLayout:
    """A layout of the office's own was drawn anew: these tiles wherever the conference has it, on air or for later."""

    layout: str
    tiles: tuple[CustomTile, ...]


@dataclass(frozen=True, slots=True)
class Podium:
    """Give the word: large picture, open sound, the rest muted by rule.  None restores what was before.

    `transition` None keeps the views' own.
    """

    site: str | None
    transition: Transition | None = None


@dataclass(frozen=True, slots=True)
class BringBack:
    """Restore what the room saw and heard at a moment (`mcu_core.moments`), as one step that can be undone.

    `why` names the sequence that ends, for the journal.
    """

    moment: Json
    why: str = "roll_call"


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """What a scene of a script makes of one shared view; `transition` None keeps the view's own."""

    view: View
    layout: str = "auto"
    tiles: tuple[CustomTile, ...] = ()
    pages: Pages | None = None
    cells: tuple[tuple[int, Filling], ...] = ()
    transition: Transition | None = None


@dataclass(frozen=True, slots=True)
class PlayScene:
    """Put a scene of the meeting's script on: views, podium and who is heard, as one step that can be undone.

    A view without a plan is as the podium arranges it, or as it was before the podium.  Sites that are not in the
    conference are left out, and named in the event.
    """

    scene: str  # its id in the script
    title: str = ""
    podium: str | None = None
    views: tuple[ViewPlan, ...] = ()
    audio: AudioRule = "open"
    heard: tuple[str, ...] = ()  # open besides the podium and the main site, also if the operator had muted them
    next_site: str | None = None  # told that it is called next


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Begin a rehearsal, or end it: then scene, mutes and place in the script are as before it.

    While it lasts every line of the journal is marked, so that it is not taken for the meeting.
    """

    on: bool


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
    | SetTransition
    | PlaceSite
    | FillCell
    | SetPersonalView
    | DropPersonalView
    | PinSize
    | SetOptions
    | MuteNoisy
    | SetPodiumLayout
    | RedrawLayout
    | Podium
    | BringBack
    | PlayScene
    | Rehearse
    | CallNext
    | MuteSite
    | MuteAll
    | UnmuteAll
    | SetRendition
    | Undo
)
