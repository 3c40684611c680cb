"""The MCU's parameters of a meeting, set by the Sở beforehand, fixed before the start (S35, articles 9.1a, 9.2a)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.settings import MOST_PERSONAL_VIEWS
from mcu_core.scene import layout_exists


def _known_layout(name: str) -> str:
    if name != "auto" and not layout_exists(name):
        raise PydanticCustomError("unknown_layout", "must be “auto” or a layout of the catalogue")
    return name


Layout = Annotated[
    str, Field(min_length=1, max_length=40, examples=["auto", "1+5", "4x4"]), AfterValidator(_known_layout)
]


class Parameters(Model):
    """A template for the room; what is left out is as the MCU does by itself."""

    height: Literal[360, 540, 720, 1080] = Field(default=720, description="Lines of the composed picture, 16:9.")
    frame_rate: Literal[15, 25, 30] = 30
    bitrate_bps: Annotated[int, Field(ge=200_000, le=8_000_000)] = 1_500_000
    personal_views: Annotated[int, Field(ge=0, le=MOST_PERSONAL_VIEWS)] = Field(
        default=0, description="Sites with a view of their own; at most what the settings allow."
    )
    programme_layout: Layout = "auto"
    chair_layout: Layout = "auto"
    auto_mute_noisy: bool = False
    pass_through: bool = True

    @property
    def width(self) -> int:
        return self.height * 16 // 9

    def as_json(self) -> dict[str, Any]:
        """As it is stored with the booking; `live_rooms.commands_of` brings a room there."""
        return {**self.model_dump(), "width": self.width, "frame_rate": float(self.frame_rate)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Parameters:
        kept = {name: value for name, value in stored.items() if name in cls.model_fields}
        if "frame_rate" in kept:
            kept["frame_rate"] = int(kept["frame_rate"])
        return cls(**kept)
