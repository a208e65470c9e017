"""Parts of objects of Kubernetes that stand in the values of charts, under their usual names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.linter.access import mapping
from conformance.linter.facts.kubernetes_schema import checked_as
from conformance.linter.facts.resources import wrong_resources
from conformance.linter.facts.violations import Violation

_CORE = "io.k8s.api.core.v1"
_ONE: Mapping[str, str] = {
    "affinity": f"{_CORE}.Affinity",
    "containerSecurityContext": f"{_CORE}.SecurityContext",
    "livenessProbe": f"{_CORE}.Probe",
    "podSecurityContext": f"{_CORE}.PodSecurityContext",
    "readinessProbe": f"{_CORE}.Probe",
    "resources": f"{_CORE}.ResourceRequirements",
    "startupProbe": f"{_CORE}.Probe",
}
_MANY: Mapping[str, str] = {
    "extraEnv": f"{_CORE}.EnvVar",
    "extraEnvVars": f"{_CORE}.EnvVar",
    "extraVolumeMounts": f"{_CORE}.VolumeMount",
    "extraVolumes": f"{_CORE}.Volume",
    "tolerations": f"{_CORE}.Toleration",
    "topologySpreadConstraints": f"{_CORE}.TopologySpreadConstraint",
}
"""Key of values -> what charts copy it into: one of a kind, or a list of them."""


def misspelt(key: object, value: Any) -> Iterator[Violation]:
    """Yield what of a value under ``key`` is a slip in writing a field, a resource or an amount.

    Charts add keys of their own, such as ``enabled``: only what is nearly a field is told.
    """
    name = str(key)
    parts: list[tuple[tuple[int, ...], Any, str]] = []
    if name in _ONE:
        parts = [((), value, _ONE[name])]
    elif name in _MANY and isinstance(value, list):
        parts = [((index,), one, _MANY[name]) for index, one in enumerate(value)]
    for path, part, kind in parts:
        if not isinstance(part, Mapping):
            continue
        found = [one for one in checked_as(part, kind) if one.slip]
        amounts = [mapping(part.get(one)) for one in ("requests", "limits")]
        if name == "resources" and any(amounts) and not any("storage" in one for one in amounts):
            found += wrong_resources(part)  # with storage, they are a claim's
        for one in found:
            yield Violation((*path, *one.path), one.message, one.fix, one.value)
