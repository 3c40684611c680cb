from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mixer import labels
from tests.unit.mixer.pictures import flat, same

NAME = "UBND xã Văn Môn"


def label(text: str, size: int = 16, widest: int = 400, *, muted: bool = False, podium: bool = False) -> labels.Stamp:
    made = labels.label(text, size, widest, muted, False, podium)
    assert made is not None
    return made


def test_decomposed_name_looks_like_the_composed_one() -> None:
    decomposed = unicodedata.normalize("NFD", NAME)
    assert decomposed != NAME
    assert same(label(NAME).ink, label(decomposed).ink)


@pytest.mark.parametrize("letter", ["Ặ", "Ễ", "ữ", "ợ", "ỹ", "đ", "Đ", "ơ", "ằ"])
def test_vietnamese_letters_are_in_the_font(letter: str) -> None:
    """A letter the font lacks is drawn as a question mark."""
    assert not np.array_equal(label(letter, 24).ink.y, label("?", 24).ink.y)
    plain = unicodedata.normalize("NFD", letter)[0]
    if plain != letter:
        drawn, bare = label(letter, 24).ink.y, label(plain, 24).ink.y
        assert drawn.shape != bare.shape or not np.array_equal(drawn, bare)


def test_long_name_is_shortened_to_fit() -> None:
    long = "Trung tâm Phục vụ hành chính công tỉnh Bắc Ninh"
    full, short = label(long, widest=1000), label(long, widest=160)
    assert short.width <= 160 < full.width


def test_label_box_is_dark_and_letters_are_light() -> None:
    target = flat(label(NAME).width, label(NAME).height, 200)
    label(NAME).blend(target)
    assert target.y.min() < 70
    assert target.y.max() > 225


def test_label_blends_without_colour_of_its_own_where_it_is_not() -> None:
    stamp = label(NAME)
    target = flat(stamp.width, stamp.height, 180, 90, 160)
    stamp.blend(target)
    assert target.y[0, 0] == 180  # the rounded corner
    assert target.u[target.height // 4, target.width // 4] != 90


def test_marks_make_room_for_themselves() -> None:
    assert label(NAME, muted=True).width > label(NAME).width
    assert not same(label(NAME).ink, label(NAME, podium=True).ink) or label(NAME, podium=True).width > label(NAME).width


def test_nothing_to_say_is_no_label() -> None:
    assert labels.label("", 16, 300, False, False, False) is None
    assert labels.label("   ", 16, 300, False, False, False) is None
    assert labels.label("", 16, 300, True, False, False) is not None


def test_labels_are_made_once() -> None:
    assert label(NAME) is label(NAME)


@pytest.mark.parametrize("size", [(320, 180), (106, 72), (40, 22), (2, 2), (1280, 720), (80, 46)])
@pytest.mark.parametrize("notice", ["camera_off", "absent", "waiting"])
def test_card_has_the_size_of_its_tile(size: tuple[int, int], notice: labels.Notice) -> None:
    picture = labels.card(*size, NAME, notice)
    assert (picture.width, picture.height) == size
    assert picture.u.shape == (size[1] // 2, size[0] // 2)


def test_card_says_the_name_and_why() -> None:
    empty, named = labels.card(320, 180, "", "absent"), labels.card(320, 180, NAME, "absent")
    assert (named.y > 200).sum() > (empty.y > 200).sum() + 100
    assert not same(named, labels.card(320, 180, NAME, "camera_off"))
    assert not same(named, labels.card(320, 180, NAME, "absent", "en"))


def test_card_is_not_black() -> None:
    assert labels.card(320, 180, NAME, "waiting").y[20, 20] > 25


def test_control_characters_and_line_breaks_are_not_drawn() -> None:
    assert labels.normal(" Sở\tY\n tế\x00 ") == "Sở Y tế"


@pytest.mark.parametrize(
    ("rgb", "yuv"), [(0x000000, (16, 128, 128)), (0xFFFFFF, (235, 128, 128)), (0xFF0000, (82, 90, 240))]
)
def test_colours_are_video_range(rgb: int, yuv: tuple[int, int, int]) -> None:
    assert labels.yuv(rgb) == pytest.approx(yuv, abs=1)


def test_threads_may_draw_at_once() -> None:
    labels.label.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: label(f"Điểm cầu {number % 20}"), range(200)))
    again = [label(f"Điểm cầu {number % 20}") for number in range(200)]
    assert all(same(a.ink, b.ink) for a, b in zip(made, again, strict=True))
