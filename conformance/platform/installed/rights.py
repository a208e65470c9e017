"""What a kubeconfig's user must be allowed to do, asked before anything is done.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.objects import Object
from conformance.platform.description import Platform

_THREADS = 8
_LIST = ("list",)
_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "patch", "delete")
_CONNECT = ("get", "create")
"""A WebSocket begins with a GET; Kubernetes 1.35 and newer ask for ``create``, too."""
_EVERYWHERE = {
    "": (
        ("namespaces", _WRITE),
        ("pods", _WRITE),
        ("pods/log", ("get",)),
        ("pods/exec", _CONNECT),
        ("pods/portforward", _CONNECT),
        ("services", _WRITE),
        ("serviceaccounts", _WRITE),
        ("configmaps", _WRITE),
        ("secrets", (*_WRITE, "update")),  # helm updates those that hold its releases
        ("persistentvolumeclaims", _WRITE),
        ("persistentvolumes", (*_READ, "delete")),
        ("resourcequotas", _WRITE),
        ("events", _READ),
        ("nodes", _READ),
    ),
    "apps": (
        ("deployments", _WRITE),
        ("statefulsets", _WRITE),
        ("daemonsets", _READ),
        ("replicasets", _READ),
    ),
    "batch": (("jobs", _WRITE), ("cronjobs", _READ)),
    "discovery.k8s.io": (("endpointslices", _READ),),
    "coordination.k8s.io": (("leases", _WRITE),),
    "networking.k8s.io": (("ingresses", _WRITE), ("networkpolicies", _WRITE)),
    "source.toolkit.fluxcd.io": (("gitrepositories", _WRITE), ("helmcharts", _READ)),
    "kustomize.toolkit.fluxcd.io": (("kustomizations", _WRITE),),
    "helm.toolkit.fluxcd.io": (("helmreleases", _WRITE),),
    "rbac.authorization.k8s.io": (("clusterroles", _LIST), ("clusterrolebindings", _LIST)),
    "secretgenerator.mittwald.de": (("basicauths", _WRITE), ("stringsecrets", _WRITE)),
    "hydra.ory.sh": (("oauth2clients", _WRITE),),
}
"""Group -> resources in any namespace, and what a run does with them."""
_OF_VELERO = (
    ("backups", _WRITE),
    ("restores", _WRITE),
    ("schedules", _WRITE),
    ("backupstoragelocations", _WRITE),
    ("deletebackuprequests", ("create",)),
    ("podvolumebackups", _READ),
    ("podvolumerestores", _READ),
    ("backuprepositories", (*_READ, "delete")),
)


@dataclass(frozen=True)
class Right:
    """Something that one may be allowed to do."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    """Empty: in any."""

    @property
    def of_what(self) -> str:
        """The resource, as kubectl names it, and where."""
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{what}{f' in {self.namespace}' if self.namespace else ''}"


def refuse_without_rights(kube: Kube, platform: Platform | None) -> None:
    """Raise HarnessError, naming each right that the kubeconfig's user lacks for a run.

    Without a ``platform``, those in the namespace of its backups are not asked for.
    """
    wanted = [*rights_of_run(platform)]
    with ThreadPoolExecutor(_THREADS, "rights") as executor:
        allowed = [*executor.map(lambda one: _is_allowed(kube, one), wanted)]
    missing = [one for one, yes in zip(wanted, allowed, strict=True) if not yes]
    if missing:
        lines = "\n".join(
            f"  may not {', '.join(one.verb for one in rights)} {what}"
            for what, rights in groupby(missing, key=lambda one: one.of_what)
        )
        raise HarnessError(
            f"the kubeconfig's user lacks {len(missing)} rights that a run needs\n{lines}",
            "give a kubeconfig or context whose user has them, such as a cluster administrator's",
        )


def rights_of_run(platform: Platform | None) -> Iterator[Right]:
    """Yield each right that a run on a platform of others needs, as far as that is known."""
    for group, resources in _EVERYWHERE.items():
        for resource, verbs in resources:
            yield from (Right(verb, group, resource) for verb in verbs)
    if platform is None:
        return
    for resource, verbs in _OF_VELERO:
        yield from (Right(one, "velero.io", resource, platform.backup.namespace) for one in verbs)


def _is_allowed(kube: Kube, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace,
    }
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    return bool(kube.create(review)["status"]["allowed"])
