"""Server-side apply: manifests in the order in which the API server can take them."""

from __future__ import annotations

import string
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.kube.client import Kube
from conformance.kube.conditions import condition_true
from conformance.kube.errors import ApiError
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import wait

_CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")

Manifest = Mapping[str, Any]


def apply(
    kube: Kube, *manifests: Manifest, force: bool = True, namespace: str | None = None
) -> Objects:
    """Apply on the server side, Namespaces and CRDs first, and return what came of each.

    ``namespace`` is for manifests of namespaced kinds that name none. Custom resources follow
    once the CRDs of the same call are Established. Raises ``Conflict`` (only without
    ``force``), ``Invalid`` with the API's explanation, ``UnknownKind``.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/
    """
    ordered = in_order(manifests)
    results = [_apply(kube, item, force, namespace) for item in ordered.first]
    new_kinds = wait_established(kube, ordered.first)
    for item in ordered.rest:
        deadline = time.monotonic() + kube.timeouts.kind_served
        while True:
            try:
                results.append(_apply(kube, item, force, namespace))
                break
            except ApiError as error:
                kind = (item["apiVersion"], item["kind"])
                served_late = kind in new_kinds and error.status in (404, 500, 503)
                if not served_late or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)  # Established precedes serving; nothing tells when
    return results


def apply_file(kube: Kube, path: Path, **variables: str) -> Objects:
    """Apply the YAML documents of a file.

    With variables, ``$name`` and ``${name}`` are replaced first (``$$`` is a dollar sign); the
    variable ``namespace`` is also the namespace of manifests that name none. Raises
    ``KeyError`` for a placeholder without a variable.
    """
    text = path.read_text(encoding="utf-8")
    if variables:
        text = string.Template(text).substitute(variables)
    manifests = [item for item in yaml.safe_load_all(text) if item]
    return apply(kube, *manifests, namespace=variables.get("namespace"))


@dataclass
class Ordered:
    """Namespaces and CRDs, then everything else in the order given."""

    first: list[Manifest] = field(default_factory=list)
    rest: list[Manifest] = field(default_factory=list)


def in_order(manifests: Iterable[Manifest]) -> Ordered:
    """Sort manifests; a ``List`` counts as its items."""
    ordered = Ordered()
    for item in manifests:
        if item["kind"] == "List":
            inner = in_order(item["items"])
            ordered.first += inner.first
            ordered.rest += inner.rest
        elif item["kind"] in ("Namespace", "CustomResourceDefinition"):
            ordered.first.append(item)
        else:
            ordered.rest.append(item)
    ordered.first.sort(key=lambda item: item["kind"] != "Namespace")
    return ordered


def wait_established(kube: Kube, manifests: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Wait until the CRDs among ``manifests`` are Established; return (apiVersion, kind) of each.

    Raises ``WaitTimeout``, for example where another CRD has taken the name.
    """
    kinds: set[tuple[str, str]] = set()
    for item in manifests:
        if item["kind"] != "CustomResourceDefinition":
            continue
        name = item["metadata"]["name"]
        wait(kube, Ref(*_CRD, name), condition_true("Established"), timeout=kube.timeouts.crd)
        group = item["spec"]["group"]
        for version in item["spec"]["versions"]:
            kinds.add((f"{group}/{version['name']}", item["spec"]["names"]["kind"]))
    return kinds


def _apply(kube: Kube, manifest: Manifest, force: bool, namespace: str | None) -> Object:
    metadata = manifest["metadata"]
    return kube.patch(
        manifest["apiVersion"],
        manifest["kind"],
        metadata["name"],
        metadata.get("namespace", namespace),
        manifest,
        "application/apply-patch+yaml",
        force=force,
    )
