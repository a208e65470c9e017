"""What pods need beside their volumes with data: ConfigMaps, Secrets and ServiceAccounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.kube.objects import Object, Ref

_KINDS: Mapping[str, str] = {
    "configMap": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "imagePullSecrets": "Secret",
    "secret": "Secret",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
}
"""Keys of a pod's spec that hold names, and of what."""


def named_by(pods: Iterable[Object]) -> list[Ref]:
    """Return what the specs of pods name in their own namespaces, each once."""
    found: dict[Ref, None] = {}
    for pod in pods:
        spec, namespace = pod["spec"], pod["metadata"]["namespace"]
        account = spec.get("serviceAccountName") or "default"
        for kind, name in [("ServiceAccount", account), *_names(spec)]:
            found[Ref("v1", kind, name, namespace)] = None
    return list(found)


def _names(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any part of a spec
    """Yield kind and name of what a part of a spec names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            for one in _each(inner) if key in _KINDS else ():
                if name := one.get("name") or one.get("secretName"):
                    yield _KINDS[key], name
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def _each(value: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - one of them, or a list
    return value if isinstance(value, list) else [value]
