"""When the pages are built anew, and when not."""

from __future__ import annotations

from pathlib import Path

from endpoint_client.build import digest, is_current, sources


def _tree(root: Path) -> str:
    return digest(sources(root), root)


def test_a_changed_added_or_renamed_source_asks_for_a_build(tmp_path: Path) -> None:
    page = tmp_path / "src" / "page.ts"
    page.parent.mkdir()
    page.write_text("one")
    seen = {_tree(tmp_path)}
    page.write_text("two")
    seen.add(_tree(tmp_path))
    page.rename(page.with_name("other.ts"))
    seen.add(_tree(tmp_path))
    (tmp_path / "empty.ts").touch()
    seen.add(_tree(tmp_path))
    assert len(seen) == 4


def test_installed_packages_are_no_sources(tmp_path: Path) -> None:
    before = _tree(tmp_path)
    module = tmp_path / "node_modules" / "svelte" / "index.js"
    module.parent.mkdir(parents=True)
    module.touch()
    assert _tree(tmp_path) == before


def test_without_a_stamp_nothing_is_current(tmp_path: Path) -> None:
    stamp = tmp_path / ".built-from"
    assert not is_current(stamp, "abc")
    stamp.write_text("abc\n")
    assert is_current(stamp, "abc")
    assert not is_current(stamp, "abd")
