"""Secrets that the platform's secret generator has made, told apart without showing a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.kube.client import Kube

GROUP = "secretgenerator.mittwald.de"
KINDS = ("StringSecret", "BasicAuth")
"""Kinds of ``GROUP`` of which a Secret is made that they own."""


def generated_secrets(kube: Kube, namespaces: Iterable[str]) -> frozenset[str]:
    """Return ``NAMESPACE/NAME`` of each Secret that the secret generator has made there."""
    return frozenset(
        f"{namespace}/{secret['metadata']['name']}"
        for namespace in namespaces
        for secret in kube.list("v1", "Secret", namespace)
        if any(one["kind"] in KINDS for one in secret["metadata"].get("ownerReferences") or ())
    )


def digests(kube: Kube, secrets: Iterable[str]) -> dict[str, str]:
    """Return SHA-256 of the data of each of these Secrets that is there, by ``NAMESPACE/NAME``."""
    found = {}
    for name in secrets:
        namespace, _, secret = name.partition("/")
        if item := kube.find("v1", "Secret", secret, namespace):
            data = json.dumps(item.get("data") or {}, sort_keys=True)
            found[name] = hashlib.sha256(data.encode()).hexdigest()
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str], namespace: str) -> list[str]:
    """Return the Secrets that have another digest ``after``, or are gone from a namespace.

    From other namespaces they may also go with an app that is being removed.
    """
    return sorted(
        name
        for name, digest in before.items()
        if after.get(name, digest) != digest
        or (name not in after and name.startswith(f"{namespace}/"))
    )
