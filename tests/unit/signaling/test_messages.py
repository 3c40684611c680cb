"""Messages: protocol.md and the models say the same, and nothing else is accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import signaling
from mcu_core.errors import EndpointError
from signaling.errors import CLOSE_CODES, told
from signaling.messages import TO_ENDPOINT, Hello, Offer, Quality, json_schema, parse

PROTOCOL = (Path(signaling.__file__).parent / "protocol.md").read_text("utf-8")


def examples(section: str) -> list[str]:
    """Every JSON object in the indented blocks of one section."""
    text = PROTOCOL.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0]
    block = "\n".join(line[4:] if line.startswith("    ") else "" for line in text.splitlines())
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := block.find("{", at)) >= 0:
        _, end = decoder.raw_decode(block, at)
        found.append(block[at:end])
        at = end
    return found


@pytest.mark.parametrize("example", examples("1. "))
def test_every_example_of_an_endpoint_is_understood(example: str) -> None:
    assert parse(example).model_dump(exclude_unset=True, mode="json") == json.loads(example)


@pytest.mark.parametrize("example", examples("2. "))
def test_every_example_of_the_mcu_is_one_of_its_messages(example: str) -> None:
    message = TO_ENDPOINT.validate_json(example)
    assert json.loads(message.model_dump_json()) == {**message.model_dump(mode="json"), **json.loads(example)}


def test_the_page_has_an_example_of_every_message() -> None:
    schema = json_schema()["$defs"]
    for section, union in (("1. ", "FromEndpoint"), ("2. ", "ToEndpoint")):
        models = {reference["$ref"].rpartition("/")[2] for reference in schema[union]["oneOf"]}
        types = {schema[model]["properties"]["type"]["const"] for model in models}
        assert types == {json.loads(example)["type"] for example in examples(section)}


def test_every_code_of_the_page_is_known_and_as_fatal_as_it_says() -> None:
    rows = [line.split("|")[1:3] for line in PROTOCOL.splitlines() if line.startswith("| `")]
    assert len(rows) == 18
    for code, fatal in rows:
        name = code.strip(" `")
        error = told(EndpointError(name, "vi", "en"))
        assert error.code == name
        assert error.fatal == (fatal.strip() == "yes")
        assert name in CLOSE_CODES or not error.fatal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"hello"',
        "{}",
        '{"type": "dance"}',
        '{"type": "leave", "why": "tea"}',
        '{"type": "state", "microphone": 1, "camera": true, "screen": false}',
        '{"type": "state", "microphone": true, "camera": true}',
        '{"type": "offer", "sdp": ""}',
        '{"type": "offer", "sdp": null}',
        '{"type": "view", "view": "balcony"}',
        '{"type": "pong", "n": -1}',
        '{"type": "raise_hand", "why": "tea"}',
        '{"type": "report_issue"}',
        '{"type": "report_issue", "category": "weather"}',
        '{"type": "report_issue", "category": "line", "text": "a\\u0000b"}',
        f'{{"type": "report_issue", "category": "line", "text": "{"x" * 1001}"}}',
        '{"type": "cue_seen", "cue": ""}',
        '{"type": "cue_seen", "cue": "../q", "ok": true}',
        '{"type": "cue_seen", "cue": "q-1", "ok": 1}',
        '{"type": "pong", "n": 99999999999999999999}',
        '{"type": "quality", "fps": NaN}',
        '{"type": "quality", "fps": "30"}',
        '{"type": "hello", "version": 1, "token": ""}',
        '{"type": "hello", "version": "1", "token": "x"}',
        '{"type": "hello", "version": 1, "token": "x", "language": "fr"}',
        "[" * 100_000,
        '{"type": "leave"}{"type": "leave"}',
        '{"type": "leave", "\\ud800": 1}',
    ],
)
def test_anything_else_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(EndpointError) as error:
        parse(text)
    assert error.value.code == "bad_message"
    assert error.value.vi
    assert len(error.value.en) < 500


def test_the_refusal_names_the_field() -> None:
    with pytest.raises(EndpointError, match="microphone"):
        parse('{"type": "state", "microphone": "on", "camera": true, "screen": false}')


@pytest.mark.parametrize("extra", ["", ', "colour": "blue"'])
def test_another_version_is_said_to_be_that_even_with_fields_we_do_not_know(extra: str) -> None:
    with pytest.raises(EndpointError) as error:
        parse(f'{{"type": "hello", "version": 2, "token": "x"{extra}}}')
    assert error.value.code == "bad_version"


def test_defaults_are_as_the_page_says() -> None:
    hello = parse('{"type": "hello", "version": 1, "token": "x"}')
    assert hello == Hello(version=1, token="x", seat=None, media=False)
    assert parse('{"type": "offer", "sdp": "v=0"}') == Offer(sdp="v=0", restart=False)
    assert parse('{"type": "quality", "fps": 30}') == Quality(fps=30.0)  # JSON has one kind of number


def test_a_browser_that_does_not_count_freezes_says_so() -> None:
    for text in ('{"type": "quality"}', '{"type": "quality", "freezes": null}'):
        message = parse(text)
        assert isinstance(message, Quality)
        assert message.freezes is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    with pytest.raises(EndpointError):
        parse(text)


def test_the_schema_names_both_directions() -> None:
    schema = json_schema()
    assert {"FromEndpoint", "ToEndpoint", "Hello", "Welcome"} <= set(schema["$defs"])
    assert schema["$defs"]["Hello"]["additionalProperties"] is False
    json.dumps(schema)
