"""The app is upgraded by one major version at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.changes import version
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_values import both_charts

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.app-major", level=3, severity=Severity.NOTE)
def app_major(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each chart whose app skips one."""
    for both in both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = (mapping(chart.metadata.value).get("appVersion") for chart in both)
        was, now = version(old), version(new)
        # Above are years: who counts those has no major versions.
        if was and now and was.numbers[0] + 1 < now.numbers[0] < _YEARS:
            metadata = both[1].metadata
            yield Problem(
                Place(metadata.file, metadata.line(("appVersion",))),
                f"appVersion is {quoted(new)}, and was {quoted(old)}: the versions between may "
                "have to be installed first",
            )


_YEARS = 1000
