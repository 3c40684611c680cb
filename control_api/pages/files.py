"""The built pages in memory: read once at start, so that no request can reach any other file or wait for a disk."""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "endpoint_client" / "static"
SITE, CONSOLE, OFFICE, HOME = "site.html", "console.html", "office.html", "index.html"

_SMALL = 1024  # not worth compressing below
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}
_COMPRESSED = frozenset({".woff2", ".png", ".jpg", ".webp", ".avif"})


@dataclass(frozen=True, slots=True)
class File:
    content_type: str
    body: bytes
    gzipped: bytes | None
    immutable: bool  # its name carries a hash of its content


def read_files(folder: Path = STATIC) -> Mapping[str, File]:
    """Files of the built front end by their path below `folder`; empty when it has not been built."""
    if not folder.is_dir():
        return {}
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): _read(path, folder) for path in paths}


def _read(path: Path, folder: Path) -> File:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    gzipped = gzip.compress(body, 9) if len(body) >= _SMALL and path.suffix not in _COMPRESSED else None
    return File(kind, body, gzipped, immutable=path.relative_to(folder).parts[0] == "assets")
