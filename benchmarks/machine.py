"""What a figure was measured on: processor, cores, memory, kernel and the versions that matter."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("aiortc", "av", "numpy", "opencv-python-headless", "aiohttp", "pylibsrtp", "diemcau")


def machine() -> dict[str, Any]:
    """JSON values; never fails, an unknown value is None."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "cores_allowed": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "mhz": _cpu_mhz(),
        "memory_gb": _memory_gb(),
        "kernel": platform.release(),
        "system": _system(),
        "python": platform.python_version(),
        "load_1min": _load(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def one_line(info: dict[str, Any]) -> str:
    """For the foot of a table."""
    return (
        f"{info['cpu'] or 'unknown processor'}, {info['cores_allowed']} of {info['cores']} cores, "
        f"{info['memory_gb']} GB, Python {info['python']}, kernel {info['kernel']}"
    )


def _cpu_model() -> str | None:
    return _field("/proc/cpuinfo", "model name") or platform.processor() or None


def _cpu_mhz() -> float | None:
    value = _field("/proc/cpuinfo", "cpu MHz")
    return round(float(value)) if value else None


def _memory_gb() -> float | None:
    value = _field("/proc/meminfo", "MemTotal")
    return round(int(value.split()[0]) / 1024 / 1024, 1) if value else None


def _system() -> str | None:
    name = _field("/etc/os-release", "PRETTY_NAME", separator="=")
    return name.strip('"') if name else None


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _field(path: str, name: str, separator: str = ":") -> str | None:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
