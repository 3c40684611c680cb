"""Settings of a relay process, from its environment (`MCU_*`)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcu_core.errors import OperatorError

DEFAULT_PORT = 40000
DEFAULT_MBIT_PER_S = 900  # a port of 1 Gbit/s, less headers and sound
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`port` is this relay's own; relay k of a machine uses the base port + k.  Port 0 takes any free one."""

    name: str
    run_dir: Path
    port: int = DEFAULT_PORT
    bind: tuple[str, ...] = EVERYWHERE
    announce: tuple[str, ...] = ()
    mbit_per_s: int = DEFAULT_MBIT_PER_S  # of pictures on the way out

    @property
    def socket(self) -> str:
        """Path of its RPC socket."""
        return str(self.run_dir / f"relay-{self.name}.sock")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RelaySettings:
        """Raises OperatorError `bad_setting`."""
        name = environment.get("MCU_WORKER_NAME", "0")
        base = _integer(environment, "MCU_RELAY_PORT", DEFAULT_PORT)
        port = base + int(name) if base and name.isdecimal() else base
        return cls(
            name=name,
            run_dir=Path(environment.get("MCU_RUN_DIR", ".")),
            port=port,
            bind=_addresses(environment, "MCU_RELAY_BIND") or EVERYWHERE,
            announce=_addresses(environment, "MCU_RELAY_ANNOUNCE"),
            mbit_per_s=_integer(environment, "MCU_RELAY_MBIT_PER_S", DEFAULT_MBIT_PER_S, least=1, most=400_000),
        )


def _integer(environment: Mapping[str, str], name: str, default: int, least: int = 0, most: int = 65535) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise _wrong(name, text)
    return int(text)


def _addresses(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = []
    for text in environment.get(name, "").split(","):
        if text.strip():
            try:
                found.append(str(ipaddress.ip_address(text.strip())))
            except ValueError:
                raise _wrong(name, text.strip()) from None
    return tuple(found)


def _wrong(name: str, text: str) -> OperatorError:
    return OperatorError("bad_setting", f"{name}: giá trị “{text}” không hợp lệ.", f"{name}: “{text}” is not valid.")
