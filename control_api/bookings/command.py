"""What `mcu check` does with its figures.  Imports what it needs when it runs."""

from __future__ import annotations

import json as json_module
import sys
from typing import Any


def show_check(measured: dict[str, Any] | None, machine: str, *, json: bool) -> None:
    """Keep what was measured (None: only look), and print what this machine carries."""
    import asyncio
    import time

    from rich.console import Console

    from control_api.bookings.measuring import carries, current, keep
    from control_api.settings import load_settings
    from control_api.store.upgrade import upgrade

    settings = load_settings()
    asyncio.run(upgrade(settings.database))
    if measured is None:
        capacity = asyncio.run(current(settings))
    else:
        capacity = asyncio.run(keep(settings, measured, machine, time.time()))
    kinds = {name: getattr(capacity, name) for name in ("decode", "encode", "compose", "packets", "relay_packets")}
    result = {**kinds, "measured": capacity.measured, **carries(capacity)}
    if json:
        print(json_module.dumps(result, ensure_ascii=False, allow_nan=False))
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if not capacity.measured:
        console.print(
            "[b]Máy này chưa được đo; đang dùng số liệu dè dặt. Hãy chạy mcu check.[/b]\n"
            "This machine was never measured; a cautious guess is used. Run mcu check."
        )
    for sites, share in result["shares"].items():
        fits = "" if share <= result["full"] else "  (không đủ · too much)"
        console.print(f"{sites:>4} điểm cầu · sites: {share:6.1%} năng lực · of the machine{fits}")
    console.print(
        f"Một cuộc họp lớn nhất · the largest single meeting: [b]{result['largest']}[/b] điểm cầu · sites "
        f"(cấp đến {result['full']:.0%} · given away up to)"
    )
