"""The override ConfigMap of a release, and the values that the release has been given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import yaml

from conformance.apps.package.helm_records import deployed_values
from conformance.kube.apply import apply
from conformance.linter.access import get, mapping, sequence, text

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Ref
    from conformance.linter.app import Release
    from conformance.services.flux import Flux

_ALLOWED = "global"
"""A key that helm itself gives every chart, so that one with a schema allows it, too."""


def takes_overrides(release: Release) -> bool:
    """Whether a release takes values from what a package does not bring."""
    return any(
        get(entry, "optional") is True
        for entry in sequence(release.manifest.get("spec", "valuesFrom"))
    )


def refuses_unknown(release: Release) -> str:
    """Return which chart's schema refuses any value that does not change the app; else nothing."""
    schema = release.chart.text("values.schema.json") if release.chart is not None else None
    if release.chart is None or schema is None:
        return ""
    content = json.loads(schema)
    if get(content, "additionalProperties") is not False:
        return ""
    if _ALLOWED in mapping(get(content, "properties")):
        return ""
    return (
        f"values.schema.json of chart {release.chart.name} refuses {_ALLOWED}, the value that the "
        f"check overrides, as Helm passes it to every chart: add {_ALLOWED} to its properties"
    )


@contextmanager
def overridden(kube: Kube, flux: Flux, release: Ref, name: str, value: str) -> Iterator[None]:
    """Within the body, the ConfigMap ``name`` overrides a value that changes nothing of the app.

    Flux has reconciled the release at its beginning, and after its end.
    """
    namespace = str(release.namespace)
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    made["data"] = {"values.yaml": yaml.safe_dump({_ALLOWED: {"stackspinConformance": value}})}
    apply(kube, made, namespace=namespace)
    try:
        _reconcile(flux, release)
        yield
    finally:
        kube.delete("v1", "ConfigMap", name, namespace)
        _reconcile(flux, release)


def override_in(kube: Kube, release: Ref) -> str:
    """Return the value that ``overridden`` has given a release; empty if it has none."""
    values = mapping(deployed_values(kube, release).get(_ALLOWED))
    return text(values.get("stackspinConformance"))


def _reconcile(flux: Flux, release: Ref) -> None:
    token = flux.reconcile("HelmRelease", release.name, str(release.namespace))
    flux.wait_ready("HelmRelease", release.name, str(release.namespace), token=token)
