"""Every field of Chart.yaml is one that Helm reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem, Severity, did_you_mean, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_KEYS = (
    "apiVersion", "name", "version", "kubeVersion", "description", "type", "keywords", "home",
    "sources", "dependencies", "maintainers", "icon", "appVersion", "deprecated", "annotations",
)  # fmt: skip
_HELM_2_KEYS = ("engine", "tillerVersion", "condition", "tags")


@rule("chart.ignored-key", level=1, severity=Severity.WARNING)
def ignored_key(app: AppPackage) -> Iterator[Problem]:
    """Yield each field that is almost one of Helm's."""
    known = {key.lower() for key in (*_KEYS, *_HELM_2_KEYS)}
    for chart, metadata in metadata_of(app):
        for key in metadata:
            hint = did_you_mean(str(key)[:60], _KEYS)
            if hint and str(key).lower() not in known:  # Go reads names in any case
                says = f"Helm does not know {quoted(str(key))} in Chart.yaml{hint}"
                yield Problem(place_of(chart, str(key)), says)
