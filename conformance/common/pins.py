"""The versions of the parts that come from elsewhere: ``pins.json``, written by ``update``."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "pins.json"


@dataclass(frozen=True)
class Pin:
    """One part's version; for wheels also the sha256 of each architecture's."""

    version: str
    sha256: tuple[str, ...] = ()


@functools.cache
def _pins() -> dict[str, Pin]:
    return {name: _pin(**value) for name, value in json.loads(FILE.read_text()).items()}


def _pin(version: str, sha256: list[str] | None = None) -> Pin:
    return Pin(version, tuple(sha256 or ()))


def pin(name: str) -> Pin:
    """Return what ``name`` is pinned at."""
    return _pins()[name]


def write(name: str, new: Pin) -> None:
    """Change one pin in the file; this process keeps the old one."""
    pins = json.loads(FILE.read_text())
    pins[name] = {"version": new.version, **({"sha256": list(new.sha256)} if new.sha256 else {})}
    FILE.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")
