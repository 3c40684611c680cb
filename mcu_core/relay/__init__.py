"""Packets of the sites: one process per relay, started as `python -m mcu_core.relay`.  README.md beside this file.

Nothing here is for import by other rooms of the house: they speak to a relay by `mcu_core.wire`.
"""

__all__: list[str] = []
