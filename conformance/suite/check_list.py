"""All checks as documents list them: what each promises and touches, and what it is about."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from conformance.platform.features import WHAT_IT_IS
from conformance.report.level import Level
from conformance.suite.check import CAPABILITIES, Check, checks_in

_HEAD = "| Check | What it promises | Core or extended | It touches |"


def checks_of(package: ModuleType) -> list[Check]:
    """Return every check below a package of capabilities, in the order in which they run."""
    [folder] = package.__path__
    return [
        check
        for capability in CAPABILITIES
        for file in sorted(Path(folder, capability).glob("test_*.py"))
        for check in checks_in(
            importlib.import_module(f"{package.__name__}.{capability}.{file.stem}")
        ).values()
    ]


def check_list(checks: list[Check]) -> str:
    """Return a section in Markdown for each capability, with a table of its checks."""
    lines: list[str] = []
    for capability in CAPABILITIES:
        lines += [f"## {capability}", "", _HEAD, "|---|---|---|---|"]
        lines += [_row(check) for check in checks if check.capability == capability]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def feature_table() -> str:
    """Return a table in Markdown of the features that a platform may claim."""
    lines = ["| Feature | What it is |", "|---|---|"]
    lines += [f"| `{feature}` | {what} |" for feature, what in WHAT_IT_IS.items()]
    return "\n".join(lines) + "\n"


def _row(check: Check) -> str:
    name = check.id.partition(".")[2]
    touches = f"{check.touches}: {check.effect}" if check.effect else check.touches
    level = ", ".join(_levels(check))
    if check.features:
        level += f"; if claimed: {', '.join(check.features)}"
    return f"| `{name}` | {check.promise} | {level} | {touches} |"


def _levels(check: Check) -> Iterator[str]:
    """Yield its level, or each with the apps on which it has that, if it is not the same on all."""
    each = dict.fromkeys(check.apps.values()) or {check.level: None}
    for level in each:
        apps = [app for app, found in check.apps.items() if found is level]
        alone = len(each) == 1
        yield Level(level).value if alone else f"{Level(level).value} on {', '.join(apps)}"
