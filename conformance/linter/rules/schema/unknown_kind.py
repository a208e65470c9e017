"""The cluster has the kinds that the app uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.kubernetes_schema import kinds
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.flux.platform import CERT_MANAGER, KUSTOMIZATIONS
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import named_object, not_rendered, unfolded

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart

_GROUP = re.compile(rb"""(?m)^ {0,8}group: *["']?([a-z0-9.-]+)["']?\s*$""")
"""Where a CustomResourceDefinition says which group its kind is in."""
_INSTEAD = {
    "gateway.networking.k8s.io": "Write an Ingress: Stackspin has an ingress controller.",
}
_OF_FLUX = ".toolkit.fluxcd.io"
"""Of its controllers, the linter has schemas of some only."""
_OPTIONAL = frozenset({"monitoring"})
"""Kustomizations of Stackspin that an administrator may leave out, and that bring kinds."""
_VALUES = "ci/"
"""Of a chart's own sets of values, each for one way to install it, the label begins like this."""


@rule("schema.unknown-kind", level=2, severity=Severity.WARNING)
def unknown_kind(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield a chart's first object of each API group that neither Stackspin nor the package brings.

    Whoever writes an object into a tree knows what its cluster has. Nor is it said of an app that
    waits for another Kustomization or release: that may bring it. Of a group without a dot,
    ``schema.valid`` has said that there is none.
    """
    yield from not_rendered(app)
    if any(one.missing for one in app.installations) or _waits_for_others(app):
        return
    known = {*kinds(), *CERT_MANAGER, *_brought(app)}
    packed = [file for chart in app.charts for file in chart.files if file.endswith(".tgz")]
    for installation in app.installations:
        if installation.label.startswith(_VALUES):
            continue
        for one in unfolded(one for one in installation.manifests if one.rendered):
            if one.group in known or one.group.endswith(_OF_FLUX) or "." not in one.group:
                continue
            known.add(one.group)
            if packed:
                yield NotRun(f"{packed[0]} is packed: which kinds it brings is not known")
                continue
            yield Problem(
                one.place("apiVersion"),
                f"{named_object(one)}: Stackspin has no kinds of {quoted(one.group)}, and the "
                "package brings none",
                _INSTEAD.get(one.group, ""),
            )


def _brought(app: AppPackage) -> Iterator[str]:
    """Yield the groups whose kinds the tree or a chart of the app brings."""
    rendered = (one for installation in app.installations for one in installation.manifests)
    for manifest in (*app.everything(), *rendered):
        if manifest.kind == "CustomResourceDefinition":
            yield text(manifest.get("spec", "group"))
    for chart in app.charts:
        yield from _in_folder(chart)


def _in_folder(chart: Chart) -> Iterator[str]:
    """Yield the groups in the folder ``crds`` of a chart and of those inside, which Helm installs.

    https://helm.sh/docs/chart_best_practices/custom_resource_definitions/
    """
    for file, content in chart.files.items():
        if "/crds/" in f"/{file}":
            yield from (one.decode("ascii") for one in _GROUP.findall(content))


def _waits_for_others(app: AppPackage) -> bool:
    """Return whether something is installed before the app that is not always there."""
    waiting = [one.manifest for one in app.kustomizations]
    waiting += [one.manifest for one in app.releases]
    names = {
        text(get(entry, "name"))
        for one in waiting
        for entry in sequence(one.get("spec", "dependsOn"))
    }
    return bool(names - {one.name for one in waiting} - (KUSTOMIZATIONS - _OPTIONAL))
