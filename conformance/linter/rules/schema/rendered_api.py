"""The cluster has the API versions that the chart uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    unserved,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import (
    advised,
    not_rendered,
    rendered_objects,
)

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.rendered-api", level=2)
def rendered_api(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each rendered object that the cluster does not know any more."""
    yield from not_rendered(app)
    # Whether a template asks the cluster is found out line by line: only where it matters.
    old = (one for one in rendered_objects(app) if unserved(one, app.versions) is not None)
    judged = (one for one in old if not _asks_the_cluster(app, one))
    yield from advised(app, judged, unserved)


def _asks_the_cluster(app: AppPackage, manifest: Manifest) -> bool:
    """Return whether a template may take its ``apiVersion`` from what the cluster has.

    Nobody knows here what ``.Capabilities`` are there: a chart that looks takes the oldest one.
    """
    for chart in app.charts:
        file = manifest.file.removeprefix("" if chart.folder == "." else f"{chart.folder}/")
        template = chart.text(file)
        if template is None or not manifest.file.endswith(file):
            continue
        if ".Capabilities" in template:
            return True
        line = manifest.place("apiVersion").line
        written = template.split("\n")[line - 1 : line]
        helpers = (one for one in chart.files if one.endswith(".tpl"))
        return "{{" in "".join(written) and any(
            ".Capabilities" in (chart.text(one) or "") for one in helpers
        )
    return True  # packed: its source is not read
