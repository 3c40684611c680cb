"""From what was measured to a verdict with its reasons (S80, S81).  Pure; the limits are in `thresholds.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from control_api.checks import thresholds as limits
from control_api.checks.measured import (
    CameraMeasured,
    LineMeasured,
    Measured,
    MicrophoneMeasured,
    OfficerSaw,
    PictureLoopMeasured,
    SoundLoopMeasured,
)
from control_api.checks.thresholds import Limit

Item = Literal["sound_out", "sound_in", "picture_out", "picture_in", "line", "device"]
ITEMS: tuple[Item, ...] = ("sound_out", "sound_in", "picture_out", "picture_in", "line", "device")


class Verdict(StrEnum):
    PASS = "pass"
    REMARKS = "remarks"
    FAIL = "fail"


_ORDER = {Verdict.PASS: 0, Verdict.REMARKS: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is not simply passed.  `value` is what was measured, in the unit of the limit."""

    item: Item
    code: str  # stable
    verdict: Verdict
    vi: str
    en: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    verdict: Verdict
    items: dict[Item, Verdict]
    reasons: tuple[Reason, ...]


def judge(measured: Measured, *, device_ready: bool, video: bool = True) -> Judged:
    """The verdict is that of the worst item; what was not measured fails, because nobody knows that it works.

    `video` False: the site takes part by sound only, so its own picture is not judged.
    """
    reasons = tuple(one for one in _reasons(measured, device_ready) if video or one.item != "picture_out")
    items = {item: worst(reason.verdict for reason in reasons if reason.item == item) for item in ITEMS}
    return Judged(worst(items.values()), items, reasons)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=_ORDER.__getitem__, default=Verdict.PASS)


def _reasons(measured: Measured, device_ready: bool) -> Iterator[Reason]:
    if measured.officer is not None:
        yield from _officer(measured.officer)
    else:
        yield from _camera(measured.camera)
        yield from _microphone(measured.microphone)
        yield from _loudspeaker(measured)
        yield from _sound_loop(measured.sound_loop)
        yield from _picture_loop(measured.picture_loop)
    yield from _mcu(measured)
    yield from _line(measured.line)
    if not device_ready:
        yield Reason(
            "device",
            "device_not_ready",
            Verdict.FAIL,
            "Chưa xác nhận thiết bị đã sẵn sàng (nguồn điện, màn hình, loa, micro).",
            "Nobody confirmed that the equipment is ready (power, screen, loudspeaker, microphone).",
        )


def _limited(item: Item, code: str, limit: Limit, value: float, vi: str, en: str) -> Iterator[Reason]:
    level = limit.judged(value)
    if level != "pass":
        yield Reason(item, code, Verdict(level), vi, en, round(value, 4))


def _missing(item: Item, code: str, vi: str, en: str) -> Reason:
    return Reason(item, code, Verdict.FAIL, vi, en)


# ------------------------------------------------------------------------------------------------------- picture


def _camera(camera: CameraMeasured | None) -> Iterator[Reason]:
    if camera is None or not camera.width or not camera.height:
        yield _missing(
            "picture_out",
            "camera_missing",
            "Không có hình từ camera. Kiểm tra dây nối, công tắc và quyền dùng camera của trình duyệt.",
            "There is no picture from the camera. Check the cable, its switch and the browser's permission.",
        )
        return
    if camera.brightness < limits.DARK.fail and camera.contrast < limits.BLACK_CONTRAST:
        yield Reason(
            "picture_out",
            "camera_black",
            Verdict.FAIL,
            "Camera cho hình đen. Mở nắp che ống kính, bật đèn phòng họp, chọn đúng camera.",
            "The camera's picture is black. Open the lens cover, switch on the lights, choose the right camera.",
            camera.brightness,
        )
        return
    yield from _limited(
        "picture_out",
        "camera_dark",
        limits.DARK,
        camera.brightness,
        "Hình quá tối. Hãy bật thêm đèn hoặc tăng độ sáng của camera.",
        "The picture is too dark. Switch on more light or raise the camera's brightness.",
    )
    yield from _limited(
        "picture_out",
        "camera_bright",
        limits.BRIGHT,
        camera.brightness,
        "Hình quá sáng. Tránh để camera hướng ra cửa sổ, giảm độ sáng.",
        "The picture is too bright. Turn the camera away from the window or lower its brightness.",
    )
    yield from _limited(
        "picture_out",
        "camera_frozen",
        limits.FROZEN,
        camera.frozen_s,
        "Hình camera bị đứng. Rút và cắm lại camera rồi kiểm tra lại.",
        "The camera's picture stands still. Plug the camera in again and repeat the check.",
    )
    yield from _limited(
        "picture_out",
        "camera_small",
        limits.WIDTH,
        camera.width,
        f"Hình camera nhỏ ({camera.width}×{camera.height}). Hãy chọn độ phân giải cao hơn.",
        f"The camera's picture is small ({camera.width}x{camera.height}). Choose a higher resolution.",
    )
    yield from _limited(
        "picture_out",
        "camera_slow",
        limits.FRAME_RATE,
        camera.frame_rate,
        f"Camera chỉ cho {camera.frame_rate:.0f} hình/giây. Thường do thiếu sáng hoặc máy tính quá tải.",
        f"The camera gives only {camera.frame_rate:.0f} frames a second; mostly too little light, or a busy computer.",
    )


def _picture_loop(loop: PictureLoopMeasured | None) -> Iterator[Reason]:
    if loop is None or not loop.returned:
        yield _missing(
            "picture_in",
            "picture_not_returned",
            "Không nhận được hình của điểm cầu gửi vòng qua MCU.",
            "The site's own picture did not come back from the MCU.",
        )
        return
    yield from _limited(
        "picture_in",
        "picture_in_slow",
        limits.RETURNED_RATE,
        loop.frame_rate,
        f"Hình từ MCU chỉ đạt {loop.frame_rate:.0f} hình/giây.",
        f"The picture from the MCU has only {loop.frame_rate:.0f} frames a second.",
    )
    if loop.delay_ms is not None:
        yield from _limited(
            "picture_in",
            "picture_late",
            limits.PICTURE_TRIP,
            loop.delay_ms,
            f"Hình gửi vòng qua MCU trễ {loop.delay_ms:.0f} ms.",
            f"The picture takes {loop.delay_ms:.0f} ms to the MCU and back.",
        )


# --------------------------------------------------------------------------------------------------------- sound


def _microphone(microphone: MicrophoneMeasured | None) -> Iterator[Reason]:
    if microphone is None:
        yield _missing(
            "sound_out",
            "microphone_missing",
            "Không có tiếng từ micro. Kiểm tra dây nối, pin, công tắc và quyền dùng micro của trình duyệt.",
            "There is no sound from the microphone. Check cable, battery, switch and the browser's permission.",
        )
        return
    if microphone.speech_dbfs < limits.SPEECH.fail:
        yield Reason(
            "sound_out",
            "microphone_silent",
            Verdict.FAIL,
            "Micro không thu được tiếng nói. Bật công tắc micro, kiểm tra pin, chọn đúng micro.",
            "The microphone hears nobody. Switch it on, check its battery, choose the right one.",
            microphone.speech_dbfs,
        )
        return
    yield from _limited(
        "sound_out",
        "microphone_quiet",
        limits.SPEECH,
        microphone.speech_dbfs,
        f"Tiếng nói nhỏ ({microphone.speech_dbfs:.0f} dBFS). Nói gần micro hơn hoặc tăng mức thu.",
        f"Speech is quiet ({microphone.speech_dbfs:.0f} dBFS). Speak closer, or raise the level.",
    )
    yield from _limited(
        "sound_out",
        "microphone_noise",
        limits.NOISE,
        microphone.noise_dbfs,
        f"Tạp âm lớn ({microphone.noise_dbfs:.0f} dBFS). Tắt quạt, điều hòa gần micro; kiểm tra dây, nối đất.",
        f"There is much noise ({microphone.noise_dbfs:.0f} dBFS). Fans near the microphone? Check cable and earth.",
    )
    yield from _limited(
        "sound_out",
        "microphone_clips",
        limits.CLIPPED,
        microphone.clipped,
        "Tiếng bị vỡ do mức thu quá lớn. Hãy giảm mức thu của micro hoặc bàn trộn.",
        "The sound is distorted: the level is too high. Lower it at the microphone or the mixing desk.",
    )
    yield from _limited(
        "sound_out",
        "speech_near_noise",
        limits.SPEECH_OVER_NOISE,
        microphone.speech_dbfs - microphone.noise_dbfs,
        "Tiếng nói không nổi rõ so với tiếng ồn trong phòng.",
        "Speech hardly stands out from the noise in the room.",
    )


def _loudspeaker(measured: Measured) -> Iterator[Reason]:
    speaker = measured.loudspeaker
    if speaker is None or not speaker.heard:
        yield _missing(
            "sound_in",
            "loudspeaker_not_heard",
            "Người kiểm tra không nghe đúng số tiếng bíp ở loa. Kiểm tra loa, âm lượng và thiết bị phát đã chọn.",
            "The number of beeps was not heard right. Check loudspeaker, volume and the chosen output.",
        )
        return
    yield from _limited(
        "sound_in",
        "loudspeaker_unsure",
        limits.TRIES,
        speaker.tries,
        f"Phải nghe {speaker.tries} lần mới đúng số tiếng bíp.",
        f"It took {speaker.tries} tries to hear the right number of beeps.",
    )


def _sound_loop(loop: SoundLoopMeasured | None) -> Iterator[Reason]:
    if loop is None or not loop.sent or not loop.found:
        yield _missing(
            "sound_in",
            "sound_not_returned",
            "Tiếng thử gửi lên MCU không quay về điểm cầu.",
            "The test sound sent to the MCU did not come back.",
        )
        return
    yield from _limited(
        "sound_in",
        "sound_broken",
        limits.SOUND_FOUND,
        min(1.0, loop.found / loop.sent),
        f"Chỉ {loop.found}/{loop.sent} tiếng thử quay về từ MCU.",
        f"Only {loop.found} of {loop.sent} test sounds came back from the MCU.",
    )
    if loop.delay_ms is not None:
        yield from _limited(
            "sound_in",
            "sound_late",
            limits.SOUND_TRIP,
            loop.delay_ms,
            f"Tiếng gửi vòng qua MCU trễ {loop.delay_ms:.0f} ms.",
            f"Sound takes {loop.delay_ms:.0f} ms to the MCU and back.",
        )
    if loop.level_db is not None:
        yield from _limited(
            "sound_in",
            "sound_weak",
            limits.SOUND_LOSS,
            loop.level_db,
            f"Tiếng quay về nhỏ đi {-loop.level_db:.0f} dB.",
            f"The returned sound is {-loop.level_db:.0f} dB weaker.",
        )


# ----------------------------------------------------------------------------------------- the MCU, the officer


def _mcu(measured: Measured) -> Iterator[Reason]:
    """What the MCU got must agree with what the site says it sent."""
    mcu = measured.mcu
    if mcu is None:
        return
    sends_picture = measured.camera is not None or measured.officer is not None
    if sends_picture and mcu.frame_rate < 1:
        yield _missing(
            "picture_out",
            "mcu_got_no_picture",
            "MCU không nhận được hình của điểm cầu. Kiểm tra đường truyền lên và tường lửa.",
            "The MCU got no picture from the site. Check the line upwards and the firewall.",
        )
    elif sends_picture and not mcu.decoded:
        yield Reason(
            "picture_out",
            "mcu_did_not_decode",
            Verdict.REMARKS,
            "MCU nhận được gói hình nhưng chưa xác nhận giải mã.",
            "The MCU got the picture's packets but has not confirmed that it decodes them.",
        )
    if measured.officer is not None and mcu.level_dbov is not None and mcu.level_dbov < limits.SPEECH.fail:
        yield Reason(
            "sound_out",
            "mcu_got_no_sound",
            Verdict.REMARKS,
            "MCU gần như không nhận được tiếng của điểm cầu trong lúc đo.",
            "The MCU got hardly any sound from the site while it measured.",
            mcu.level_dbov,
        )


def _officer(saw: OfficerSaw) -> Iterator[Reason]:
    told: tuple[tuple[Item, bool, str, str, str], ...] = (
        ("sound_out", saw.we_hear_them, "not_heard", "Không nghe được điểm cầu.", "The site is not heard."),
        ("sound_in", saw.they_hear_us, "does_not_hear", "Điểm cầu không nghe được.", "The site does not hear us."),
        ("picture_out", saw.we_see_them, "not_seen", "Không thấy hình điểm cầu.", "The site is not seen."),
        ("picture_in", saw.they_see_us, "does_not_see", "Điểm cầu không thấy hình.", "The site does not see us."),
    )
    for item, good, code, vi, en in told:
        if not good:
            yield _missing(item, code, vi, en)


# ---------------------------------------------------------------------------------------------------------- line


def _line(line: LineMeasured | None) -> Iterator[Reason]:
    if line is None or line.seconds < limits.SHORTEST_LINE_TEST:
        yield _missing(
            "line",
            "line_not_measured",
            f"Chưa đo đủ {limits.SHORTEST_LINE_TEST:.0f} giây đường truyền. Hãy kiểm tra lại.",
            f"The line was not measured for {limits.SHORTEST_LINE_TEST:.0f} s. Repeat the check.",
        )
        return
    for code, loss, way_vi, way_en in (
        ("loss_up", line.loss_up, "lên", "upwards"),
        ("loss_down", line.loss_down, "xuống", "downwards"),
    ):
        yield from _limited(
            "line",
            code,
            limits.LOSS,
            loss,
            f"Mất gói chiều {way_vi} {loss:.1%}. Dùng mạng dây, báo nhà mạng kiểm tra đường truyền.",
            f"{loss:.1%} of the packets are lost {way_en}. Use a cable, ask the carrier to check the line.",
        )
    yield from _limited(
        "line",
        "jitter",
        limits.JITTER,
        line.jitter_ms,
        f"Biến thiên trễ {line.jitter_ms:.0f} ms.",
        f"The jitter is {line.jitter_ms:.0f} ms.",
    )
    yield from _limited(
        "line",
        "round_trip",
        limits.ROUND_TRIP,
        line.rtt_ms,
        f"Trễ khứ hồi {line.rtt_ms:.0f} ms.",
        f"The round trip takes {line.rtt_ms:.0f} ms.",
    )
    if line.up_room_kbps is not None:
        yield from _limited(
            "line",
            "slow_up",
            limits.UP_ROOM,
            line.up_room_kbps,
            f"Đường lên chỉ tải được khoảng {line.up_room_kbps:.0f} kbit/s.",
            f"The line carries only about {line.up_room_kbps:.0f} kbit/s upwards.",
        )
    yield from _limited(
        "line",
        "slow_down",
        limits.DOWN_RATE,
        line.down_kbps,
        f"Chỉ nhận được {line.down_kbps:.0f} kbit/s từ MCU.",
        f"Only {line.down_kbps:.0f} kbit/s arrive from the MCU.",
    )
