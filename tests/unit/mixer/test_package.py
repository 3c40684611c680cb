"""What a process pays for importing only part of the mixer."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mixer


def test_levels_load_no_numpy_and_no_codec() -> None:
    """A relay imports them; it must start quickly and never touch a codec."""
    program = "import sys, mixer.levels; print(sorted({'numpy', 'cv2', 'av'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", mixer.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(mixer, name).__module__.startswith("mixer.")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = mixer.no_such_thing
