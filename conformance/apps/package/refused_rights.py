"""Rights of a package over what other apps have in the namespace that they share."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from conformance.linter.access import get, sequence, text
from conformance.linter.manifest import Manifest
from conformance.platform.conventions import APPS_NAMESPACE

_HARMLESS = "view"
"""The cluster role of Kubernetes that changes nothing, and reads no Secrets."""
_READS = frozenset({"get", "list", "watch"})
_RUN_PODS = frozenset(
    {
        "cronjobs", "daemonsets", "deployments", "jobs", "pods", "pods/attach", "pods/exec",
        "replicasets", "statefulsets",
    }
)  # fmt: skip
"""Who makes pods may make privileged ones, and with any account of the namespace."""
_CHANGED_BY_OWNER = _RUN_PODS | {
    "helmreleases", "ingresses", "persistentvolumeclaims", "rolebindings", "roles",
    "serviceaccounts", "serviceaccounts/token", "services",
}  # fmt: skip


def rights_over_others(one: Manifest, own_roles: Collection[str]) -> Iterator[str]:
    """Yield what a role, or the binding of one, reaches; ``own_roles`` are cluster roles that the
    package brings: whether it may is asked for these.
    """
    if one.kind == "RoleBinding" and get(one.value, "roleRef", "kind") == "ClusterRole":
        role = text(get(one.value, "roleRef", "name"))
        if role != _HARMLESS and role not in own_roles:
            yield f"gives the role {role} over what other apps have in the namespace"
    elif one.kind == "Role" and one.namespace == APPS_NAMESPACE:
        for rule in sequence(one.value.get("rules")):
            if not sequence(get(rule, "resourceNames")) and (what := _reached(rule)):
                yield f"gives rights over the {what} of other apps in the namespace"
                return


def _reached(rule: object) -> str:
    resources = {text(one) for one in sequence(get(rule, "resources"))}
    verbs = {text(one) for one in sequence(get(rule, "verbs"))}
    if "*" in resources:
        return "objects"
    if verbs and "secrets" in resources:
        return "Secrets"
    changed = sorted(resources & _CHANGED_BY_OWNER) if verbs - _READS else []
    return ", ".join(changed)
