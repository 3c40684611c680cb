from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcu_core.validation import in_vietnamese


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid")

    port: Annotated[int, Field(ge=1, le=65535)] = 1
    level: Annotated[float, Field(gt=0, lt=1)] = 0.5
    name: Annotated[str, Field(min_length=2, max_length=5)] = "abc"
    kind: Literal["main", "member"] = "main"
    colour: Colour = Colour.RED
    open: bool = True
    tiles: Annotated[list[int], Field(max_length=2)] = []


class Needy(BaseModel):
    title: str


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"port": "many"}, "phải là số nguyên"),
        ({"port": 0}, "không được nhỏ hơn 1"),
        ({"port": 65536}, "không được lớn hơn 65535"),
        ({"level": 0}, "phải lớn hơn 0.0"),
        ({"level": 1}, "phải nhỏ hơn 1.0"),
        ({"level": "x"}, "phải là số"),
        ({"name": "a"}, "phải có ít nhất 2 ký tự"),
        ({"name": "abcdef"}, "chỉ được có tối đa 5 ký tự"),
        ({"kind": "guest"}, "phải là 'main' hoặc 'member'"),
        ({"colour": "green"}, "phải là 'red' hoặc 'blue'"),
        ({"open": "maybe"}, "phải là true hoặc false"),
        ({"tiles": [1, 2, 3]}, "chỉ được có tối đa 2 mục"),
        ({"other": 1}, "không có trường nào tên này"),
    ],
)
def test_limits_are_said_in_vietnamese(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Example.model_validate(values)
    assert in_vietnamese(dict(refused.value.errors()[0])) == said


def test_missing_broken_and_unknown() -> None:
    with pytest.raises(ValidationError) as refused:
        Needy.model_validate({})
    assert in_vietnamese(dict(refused.value.errors()[0])) == "thiếu trường bắt buộc"
    with pytest.raises(ValidationError) as refused:
        Needy.model_validate_json("{")
    assert in_vietnamese(dict(refused.value.errors()[0])) == "không phải JSON đúng cú pháp"
    assert in_vietnamese({"type": "value_error", "ctx": {"error": ValueError("x")}}) == "giá trị không hợp lệ"
    assert in_vietnamese({"type": "less_than_equal"}) == "giá trị không hợp lệ"
