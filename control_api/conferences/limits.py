"""What a conference may ask of the MCU at most, said before it is live."""

from __future__ import annotations

from control_api.problems import Refused


def check_personal_views(asked: int, most: int) -> None:
    """`most`: [conference] personal_views.  Raises Refused `too_many_views`."""
    if asked > most:
        raise Refused(
            "too_many_views",
            f"Máy chủ cho mỗi phiên họp tối đa {most} khung hình riêng, ở đây cần {asked}. Hãy bớt đi, hoặc đề nghị "
            "quản trị viên tăng mục [conference] personal_views trong tệp cấu hình.",
            f"The MCU gives a conference {most} personal views at most, this asks for {asked}. Ask for fewer, or have "
            "an administrator raise [conference] personal_views in the settings.",
        )
