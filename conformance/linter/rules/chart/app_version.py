"""Chart.yaml says which version of the app it installs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.app-version", level=1, severity=Severity.WARNING)
def app_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart without it, and each that YAML reads as another one."""
    for chart, metadata in metadata_of(app):
        found = metadata.get("appVersion")
        if found is None or found == "":
            if metadata.get("type") != "library":
                yield Problem(place_of(chart), f"chart {chart.name} has no appVersion")
        elif not isinstance(found, str):
            written = re.search(
                r"(?m)^appVersion:[ \t]*([^\s#]{1,60})", chart.text("Chart.yaml") or ""
            )
            if written and written[1] != str(found):
                yield Problem(
                    place_of(chart, "appVersion"),
                    f"appVersion {written[1]} is a number without quotes: Helm reads {found}",
                    f'Write "{written[1]}".',
                )
