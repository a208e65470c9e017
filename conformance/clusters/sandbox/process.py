"""What a sandbox's plan says of one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Process:
    """One process of a sandbox. ``needs`` are names of processes that must be ready before it."""

    name: str
    argv: Sequence[str]
    needs: Sequence[str] = ()
    ready: Mapping[str, str] = field(default_factory=dict)
    """How it shows it is up: ``{"unix": path}``, ``{"tcp": "host:port"}`` accepts a connection or
    ``{"https": "host:port/path"}`` answers 200; nothing: up once started."""
    env: Mapping[str, str] = field(default_factory=dict)
