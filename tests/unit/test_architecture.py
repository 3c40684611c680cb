"""Imports point one way: control_api -> signaling -> mcu_core -> mixer; relay and mixing do not know each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("mixer", "mcu_core", "signaling", "control_api", "endpoint_client", "benchmarks", "tests")
MAY_IMPORT = {
    "mixer": {"mixer", "mcu_core.errors"},
    "mcu_core": {"mcu_core", "mixer"},
    "signaling": {"signaling", "mcu_core", "mixer"},
    "control_api": {"control_api", "signaling", "mcu_core", "mixer"},
    "endpoint_client": {"endpoint_client"},  # a peer we did not shape to our own server
}
LAZY = {"control_api/cli.py": {"endpoint_client", "benchmarks"}}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] in HOUSE}


def allowed(name: str, prefixes: set[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_one_way(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        place = path.relative_to(ROOT).as_posix()
        may = MAY_IMPORT[room] | LAZY.get(place, set())
        wrong = {name for name in imports(path) if not allowed(name, may)}
        assert not wrong, f"{place} imports {sorted(wrong)}"


@pytest.mark.parametrize(("room", "other"), [("relay", "mixing"), ("mixing", "relay"), ("node", "relay")])
def test_relay_and_mixing_know_only_the_wire(room: str, other: str) -> None:
    for path in (ROOT / "mcu_core" / room).rglob("*.py"):
        assert not {name for name in imports(path) if name.startswith(f"mcu_core.{other}")}, path


def test_relay_never_touches_a_codec() -> None:
    for path in (ROOT / "mcu_core" / "relay").rglob("*.py"):
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not names & {"av", "cv2", "numpy"}, path


def test_top_level_folders_are_the_agreed_ones() -> None:
    agreed = {
        "mcu_core",
        "mixer",
        "signaling",
        "endpoint_client",
        "control_api",
        "benchmarks",
        "tests",
        "docs",
        "deploy",
    }
    made_here = {"var", "artefacts", "build", "dist", "node_modules"}
    found = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))}
    assert found - made_here <= agreed
