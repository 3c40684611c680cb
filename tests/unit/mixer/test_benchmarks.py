"""The media benchmarks run and give every figure they promise; their speed is nobody's concern here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks import audio, compose, encode, gstreamer
from mixer.layout import Rect
from tests.unit.mixer.pictures import gradient, noise


def printed(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return out.getvalue()


def as_json(result: dict[str, Any]) -> dict[str, Any]:
    """What a reader of `--json` gets: no NaN, no infinity."""
    read: dict[str, Any] = json.loads(json.dumps(result, allow_nan=False))
    return read


def test_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = (
        compose.Case("2x2", "fit", labels=True),
        compose.Case("2x2", "320x180"),
        compose.Case("3x3", "fit", changed=3),
        compose.Case("1", "320x180"),
    )
    monkeypatch.setattr(compose, "CASES", cases)
    monkeypatch.setattr(compose, "WIDTH", 320)
    monkeypatch.setattr(compose, "HEIGHT", 180)
    monkeypatch.setattr(gstreamer, "tool", lambda: None)
    seen: list[float] = []
    result = as_json(compose.run(seen.append, seconds=0.1))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    fit, scaled, few, _ = result["cases"]
    for case in result["cases"]:
        assert case["ms_p99"] >= case["ms_p50"] > 0
        assert case["copy_ratio"] > 0
        assert case["xstack_ms"] > 0
        assert case["gst_ms"] is case["gst_psnr_db"] is None
    assert fit["xstack_psnr_db"] == 100
    assert few["psnr_db"] == 100
    assert (few["changed"], few["tiles"]) == (3, 9)
    assert 35 < scaled["psnr_db"] < 100
    assert 35 < scaled["xstack_psnr_db"] < 100
    assert "2x2" in printed(compose.table(result))
    assert "is not installed" in printed(compose.table(result))


@pytest.mark.skipif(gstreamer.tool() is None, reason="gst-launch-1.0 is not installed")
def test_compose_beside_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "CASES", (compose.Case("2x2", "fit"), compose.Case("2x2", "640x360")))
    monkeypatch.setattr(compose, "WIDTH", 320)
    monkeypatch.setattr(compose, "HEIGHT", 180)
    result = as_json(compose.run(seconds=2.0))
    assert result["gstreamer"].startswith("GStreamer 1.")
    fit, scaled = result["cases"]
    assert fit["gst_psnr_db"] == 100  # it composed these pictures, at these places
    assert 25 < scaled["gst_psnr_db"] < 100
    for case in (fit, scaled):
        assert case["gst_ms"] > 0
        assert case["gst_threads"] > 4  # one for every source
    assert "GStreamer 1." in printed(compose.table(result))


def test_pictures_reach_gstreamer_with_rows_of_whole_words() -> None:
    picture = noise(6, 4)
    raw = gstreamer.raw(picture)
    assert len(raw) == 8 * 4 + 2 * (4 * 2)
    assert raw[8:14] == picture.y[1].tobytes()
    assert raw[32:35] == picture.u[0].tobytes()


def test_a_peer_that_stumbles_at_its_start_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    peer, canvas = tmp_path / "gst-launch-1.0", bytes(32 * 18 * 3 // 2)
    peer.write_text(
        "#!/bin/sh\n"
        f"echo >>{tmp_path}/starts\n"
        f"[ $(wc -l <{tmp_path}/starts) = 2 ] && exit 1\n"
        f'for word; do case $word in location=*canvas.yuv) cp {tmp_path}/canvas "${{word#location=}}";; esac; done\n'
        "echo Execution ended after 0:00:00.5\n"
    )
    peer.chmod(0o755)
    (tmp_path / "canvas").write_bytes(canvas)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    figures = gstreamer.measure([gradient(32, 18)], [Rect(0, 0, 32, 18)], 32, 18, 0.1)
    assert figures is not None
    assert figures.canvas.shape == (18, 32)
    assert (tmp_path / "starts").read_text().count("\n") == 4  # one picture, a short run twice, a long run


def test_a_peer_that_refuses_gives_no_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "gst-launch-1.0"
    refusing.write_text("#!/bin/sh\necho 'WARNING: erroneous pipeline: no element \"compositor\"'\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gstreamer.tool() == str(refusing)
    assert gstreamer.measure([gradient(32, 18)], [Rect(0, 0, 32, 18)], 32, 18, 0.1) is None


def test_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "SIZES", ((160, 90, 100_000),))
    result = as_json(encode.run(seconds=0.1, quick=True))
    assert [case["codec"] for case in result["cases"]] == ["H264", "VP8"]
    for case in result["cases"]:
        assert case["psnr_db"] > 25
        assert case["kbps"] > 0
        assert case["decode_ms_p50"] > 0
    assert "160x90" in printed(encode.table(result))


def test_audio() -> None:
    result = as_json(audio.run(seconds=0.2, quick=True))
    assert [bus["voices"] for bus in result["bus"]] == [4, 8, 16]
    assert result["opus"]["encode_us_p50"] > 0
    assert result["tick"]["mixes"] == 5
    assert "whole tick" in printed(audio.table(result))
