"""References between objects, which kustomize keeps right when it gives an object another name.

The table is kustomize's own (api/internal/konfig/builtinpluginconsts/namereference.go). What is not
in it keeps the old name, such as ``valuesFrom`` of a HelmRelease: a ``configurations`` file with
``nameReference`` adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.linter.access import mapping, sequence, text
from conformance.linter.flux.field_paths import Field, change, fields
from conformance.linter.flux.resources import Resource
from conformance.linter.pods import WORKLOADS, template_path

_CONTAINERS = ("containers", "initContainers")
_IN_PODS = {
    "ConfigMap": [
        "volumes/configMap/name",
        "volumes/projected/sources/configMap/name",
        *(f"{one}/env/valueFrom/configMapKeyRef/name" for one in _CONTAINERS),
        *(f"{one}/envFrom/configMapRef/name" for one in _CONTAINERS),
    ],
    "Secret": [
        "volumes/secret/secretName",
        "volumes/projected/sources/secret/name",
        "imagePullSecrets/name",
        *(f"{one}/env/valueFrom/secretKeyRef/name" for one in _CONTAINERS),
        *(f"{one}/envFrom/secretRef/name" for one in _CONTAINERS),
    ],
    "PersistentVolumeClaim": ["volumes/persistentVolumeClaim/claimName"],
    "PriorityClass": ["priorityClassName"],
    "ServiceAccount": ["serviceAccountName"],
}
"""Kind of what is referred to -> the fields of a pod's spec."""
_ELSEWHERE = {
    "ConfigMap": fields(["rules/resourceNames"], ["Role", "ClusterRole"]),
    "Secret": [
        *fields(["spec/tls/secretName"], ["Ingress"]),
        *(
            Field(("metadata", "annotations", key), frozenset({"Ingress"}))
            for key in (
                "ingress.kubernetes.io/auth-secret",
                "nginx.ingress.kubernetes.io/auth-secret",
                "nginx.ingress.kubernetes.io/auth-tls-secret",
            )
        ),
        *fields(["imagePullSecrets/name"], ["ServiceAccount"]),
        *fields(["rules/resourceNames"], ["Role", "ClusterRole"]),
    ],
    "Service": [
        *fields(["spec/serviceName"], ["StatefulSet"]),
        *fields(
            ["spec/rules/http/paths/backend/service/name", "spec/defaultBackend/service/name"],
            ["Ingress"],
        ),
    ],
    "Role": fields(["roleRef/name"], ["RoleBinding"]),
    "ClusterRole": fields(["roleRef/name"], ["RoleBinding", "ClusterRoleBinding"]),
    "PersistentVolume": fields(["spec/volumeName"], ["PersistentVolumeClaim"]),
    "StorageClass": [
        *fields(["spec/storageClassName"], ["PersistentVolume", "PersistentVolumeClaim"]),
        *fields(["spec/volumeClaimTemplates/spec/storageClassName"], ["StatefulSet"]),
    ],
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"),
        fields(["spec/scaleTargetRef/name"], ["HorizontalPodAutoscaler"]),
    ),
}


def configured(configuration: Mapping[str, Any]) -> Iterator[tuple[str, Field]]:
    """Yield what ``nameReference`` of a configuration adds: a kind, and a field that names it."""
    for entry in map(mapping, sequence(configuration.get("nameReference"))):
        for spec in map(mapping, sequence(entry.get("fieldSpecs"))):
            kinds = frozenset({text(spec["kind"])} if spec.get("kind") else ())
            path = tuple(text(spec.get("path")).replace("[]", "").split("/"))
            yield text(entry.get("kind")), Field(path, kinds)


def keep_references(resources: Sequence[Resource], more: Iterable[tuple[str, Field]] = ()) -> None:
    """Let references follow the objects that have another name than they were written with."""
    renamed: dict[str, list[Resource]] = {}
    for one in resources:
        if any(name != one.identity for name in one.names):
            renamed.setdefault(one.kind, []).append(one)
    if not renamed:
        return
    added: dict[str, list[Field]] = {}
    for kind, field in more:
        added.setdefault(kind, []).append(field)
    for referrer in resources:
        for kind, targets in renamed.items():
            for field in (*_fields(kind, referrer.kind), *added.get(kind, ())):
                follow = _follower(referrer, targets)
                referrer.change(change(referrer.value, referrer.kind, field, follow))
        _follow_subjects(referrer, renamed.get("ServiceAccount", []))


def _fields(kind: str, referrer: str) -> Iterator[Field]:
    yield from _ELSEWHERE.get(kind, ())
    if referrer in WORKLOADS:
        for path in _IN_PODS.get(kind, ()):
            start = map(str, template_path(referrer))
            yield Field((*start, "spec", *path.split("/")))


def _follower(referrer: Resource, targets: Sequence[Resource]) -> Callable[[Any], Any]:
    def follow(name: Any) -> Any:
        found = _target(referrer, targets, name)
        return name if found is None else found.identity[1]

    return follow


def _target(referrer: Resource, targets: Sequence[Resource], name: Any) -> Resource | None:
    had = [one for one in targets if any(old == name for _, old in one.names)]
    spaces = {space for space, _ in referrer.identities()}
    near = [one for one in had if spaces & {space for space, _ in one.identities()}]
    return next(iter(near or had), None)


def _follow_subjects(binding: Resource, accounts: Sequence[Resource]) -> None:
    if binding.kind not in ("RoleBinding", "ClusterRoleBinding") or not accounts:
        return
    subjects = []
    for entry in map(mapping, sequence(binding.value.get("subjects"))):
        had = (text(entry.get("namespace")), text(entry.get("name")))
        found = next((one for one in accounts if had in one.names), None)
        if entry.get("kind") == "ServiceAccount" and found is not None:
            entry = {**entry, "namespace": found.identity[0], "name": found.identity[1]}  # noqa: PLW2901 - as it is now
        subjects.append(entry)
    binding.change({**binding.value, "subjects": subjects})
