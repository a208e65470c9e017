"""What ``lint`` is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.linter.elsewhere import Fetch
    from conformance.linter.limits import Limits
    from conformance.linter.rule import Rule
    from conformance.linter.versions import Versions
    from conformance.linter.waivers import Waiver


@dataclass(frozen=True)
class Request:
    """As ``lint`` says; of one PATH."""

    path: Path
    rules: tuple[Rule, ...]
    complete: bool
    """Whether these are all rules, so that a level can be claimed."""
    waivers: Mapping[str, Waiver]
    values: Mapping[str, Any] | None
    previous: Path | None
    description: Path | None
    fetch: Fetch | None
    changed: frozenset[str] | None
    versions: Versions
    limits: Limits
