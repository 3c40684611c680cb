"""What was measured at a site, bounded so that nothing absurd is stored; the rules are in `verdict.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """As `control_api.api.Model`, which is made of services and so of this."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Seconds = Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)]
Decibel = Annotated[float, Field(ge=-200, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Luma = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Kbps = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=0, le=16_384)]


class CameraMeasured(Model):
    """The camera's own picture, looked at frame by frame in the browser."""

    width: Size
    height: Size
    frame_rate: Rate
    brightness: Luma = Field(description="Mean luma, 0 to 255.")
    contrast: Luma = Field(description="Standard deviation of luma.")
    frozen_s: Seconds = Field(description="The longest time without any change.")
    seconds: Seconds


class MicrophoneMeasured(Model):
    speech_dbfs: Decibel = Field(description="Level of the loudest tenth.")
    noise_dbfs: Decibel = Field(description="Level of the quietest tenth.")
    clipped: Share = 0.0
    seconds: Seconds


class LoudspeakerMeasured(Model):
    """Beeps were played; the person had to say how many."""

    heard: bool
    tries: Annotated[int, Field(ge=0, le=20)]
    device: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class SoundLoopMeasured(Model):
    """Marks sent to the MCU and found in what came back."""

    sent: Annotated[int, Field(ge=0, le=100)]
    found: Annotated[int, Field(ge=0, le=100)]
    delay_ms: Milliseconds | None = None
    level_db: Decibel | None = Field(default=None, description="Returned against sent.")


class PictureLoopMeasured(Model):
    """The own picture, found again in the picture that the MCU sends back."""

    returned: bool
    alike: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = Field(
        default=None, description="Correlation of what was sent and what came back."
    )
    delay_ms: Milliseconds | None = None
    frame_rate: Rate = 0.0
    width: Size = 0
    height: Size = 0


class LineMeasured(Model):
    seconds: Seconds
    loss_up: Share
    loss_down: Share
    jitter_ms: Milliseconds
    rtt_ms: Milliseconds
    up_kbps: Kbps
    down_kbps: Kbps
    up_room_kbps: Kbps | None = Field(default=None, description="What the browser estimates the line to carry.")


class McuMeasured(Model):
    """What the MCU itself saw of the site, for confirmation; never taken from the site."""

    received_kbps: Kbps = 0.0
    frame_rate: Rate = 0.0
    decoded: bool = False
    level_dbov: Annotated[float, Field(ge=-127, le=0, allow_inf_nan=False)] | None = None
    loss_up: Share = 0.0
    loss_down: Share = 0.0
    jitter_ms: Milliseconds = 0.0
    rtt_ms: Milliseconds | None = None


class OfficerSaw(Model):
    """A site with a hardware room: what the officer and the people there tell each other on the call (S80)."""

    we_hear_them: bool
    they_hear_us: bool
    we_see_them: bool
    they_see_us: bool


class Measured(Model):
    """All of it; what is missing was not measured."""

    camera: CameraMeasured | None = None
    microphone: MicrophoneMeasured | None = None
    loudspeaker: LoudspeakerMeasured | None = None
    sound_loop: SoundLoopMeasured | None = None
    picture_loop: PictureLoopMeasured | None = None
    line: LineMeasured | None = None
    mcu: McuMeasured | None = None
    officer: OfficerSaw | None = None
