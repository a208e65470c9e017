"""The charts in charts/ have the versions that Chart.yaml asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter import semver
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.helm.chart_parts import declared, vendored
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.dependency-version", level=2, severity=Severity.WARNING)
def dependency_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each dependency that is there in another version."""
    for chart in app.charts:
        found = vendored(chart)
        for one in declared(chart):
            versions = [semver.parse(version) for version in found.get(one.name, ())]
            known = [version for version in versions if version is not None]
            allowed = [semver.satisfies(version, one.version) for version in known]
            if known and one.version and True not in allowed and None not in allowed:
                there = " and ".join(sorted(found[one.name]))
                says = f"charts/ has {one.name} {there}, Chart.yaml asks for {quoted(one.version)}"
                yield Problem(one.place, says)
