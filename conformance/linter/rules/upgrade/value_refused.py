"""The schema accepts the values that people may have set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import dotted
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_values import (
    both_charts,
    defaults_of,
    missing,
    refused_by,
    values_place,
)

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.value-refused", level=3)
def value_refused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value of before that the schema refuses now."""
    for both in both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = both
        for path in missing(defaults_of(old), defaults_of(new)):
            if refused_by(new, path):
                yield Problem(
                    values_place(new, path),
                    f"value {quoted(dotted(path))} no longer exists, and values.schema.json of "
                    f"chart {new.name} refuses it: people who have set it cannot upgrade",
                )
