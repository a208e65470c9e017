"""A chart from a Helm repository has one exact version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.linter.access import get, mapping, text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")


@rule("release.version", level=3)
def version(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release whose chart may change by itself."""
    for release in app.releases:
        spec = mapping(release.manifest.get("spec", "chart", "spec"))
        if text(get(spec, "sourceRef", "kind")) != "HelmRepository":
            continue
        found = spec.get("version")
        if found is None:
            yield Problem(
                release.manifest.place("spec", "chart", "spec"),
                f"HelmRelease {release.name} uses whatever version of chart"
                f" {text(spec.get('chart'))} is the newest",
            )
        elif not _EXACT.fullmatch(str(found)):
            yield Problem(
                release.manifest.place("spec", "chart", "spec", "version"),
                f"version {quoted(found)} of chart {text(spec.get('chart'))} is a range, so the"
                " chart changes without a commit",
            )
