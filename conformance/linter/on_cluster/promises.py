"""What the checks on a cluster promise, read out of their source.

They are not imported: that would need pytest, and all else that a run needs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from conformance.linter.findings import Severity
from conformance.linter.rule import Requirement


@dataclass(frozen=True)
class Promise(Requirement):
    """A check on a cluster that decides on the level of an app."""

    word: ClassVar[str] = "check"

    promise: str
    """What it makes sure of, as a sentence."""
    source: str = ""
    """Where it is written: the module, as it is in the suite's repository, and its line; empty if
    a run's report tells of it."""

    @property
    def title(self) -> str:
        """Its promise."""
        return self.promise


def promises(capabilities: Path) -> Mapping[str, Promise]:
    """Return the checks of apps by id, in the order in which they are written."""
    found = (one for file in sorted(capabilities.glob("*/test_*.py")) for one in _checks(file))
    return {one.id: one for one in found}


def _checks(file: Path) -> Iterator[Promise]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        for decorator in getattr(node, "decorator_list", ()):
            match decorator:
                case ast.Call(
                    func=ast.Name(id="check"), args=[ast.Constant(value=str(name))], keywords=given
                ):
                    values = {
                        one.arg: one.value.value
                        for one in given
                        if isinstance(one.value, ast.Constant)
                    }
                    if level := values.get("app_level"):
                        where = "/".join(file.parts[-4:])
                        yield Promise(
                            name,
                            int(str(level)),
                            Severity.ERROR,
                            str(values.get("promise", "")),
                            f"{where}, line {decorator.lineno}",
                        )
