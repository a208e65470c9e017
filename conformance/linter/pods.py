"""The pods that an object makes, whichever kind it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.linter.access import Key, Path, Value, get, mapping, sequence, text
from conformance.linter.findings import Place
from conformance.linter.manifest import Manifest

_TEMPLATES: Mapping[str, Path] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template"),
    ),
}
WORKLOADS = frozenset(_TEMPLATES)
"""Kinds that make pods."""


def template_path(kind: str) -> Path:
    """Return where an object of a kind of ``WORKLOADS`` has its pod template."""
    return _TEMPLATES[kind]


@dataclass(frozen=True, eq=False)
class Container:
    """A container of a pod template."""

    pod: Pod
    path: Path
    """From the pod template: ``("spec", "containers", 0)``."""
    value: Mapping[str, Value]

    @property
    def name(self) -> str:
        """The container's name."""
        return text(self.value.get("name"))

    @property
    def init(self) -> bool:
        """Whether it runs to its end before the others start."""
        return self.path[1] == "initContainers" and self.value.get("restartPolicy") != "Always"

    def place(self, *path: Key) -> Place:
        """Return where ``path`` inside the container is written."""
        return self.pod.place(*self.path, *path)


@dataclass(frozen=True, eq=False)
class Pod:
    """What a workload makes its pods of."""

    workload: Manifest
    path: Path
    """Of the pod template inside the workload."""

    def get(self, *path: Key) -> Value:
        """Return what is at ``path`` inside the template; None where there is nothing."""
        return get(self.workload.value, *self.path, *path)

    def place(self, *path: Key) -> Place:
        """Return where ``path`` inside the template is written."""
        return self.workload.place(*self.path, *path)

    @property
    def labels(self) -> Mapping[str, Value]:
        """Labels of the pods."""
        return mapping(self.get("metadata", "labels"))

    @property
    def annotations(self) -> Mapping[str, Value]:
        """Annotations of the pods."""
        return mapping(self.get("metadata", "annotations"))

    @property
    def lasting(self) -> bool:
        """Whether the pods are meant to run on; those of a Job or CronJob end."""
        return self.workload.kind not in ("Job", "CronJob")

    @property
    def hook(self) -> bool:
        """Whether Helm runs it at some moment of a release's life: a test, a migration."""
        return self.workload.hook

    @property
    def containers(self) -> list[Container]:
        """The containers, init containers first."""
        return [
            Container(self, ("spec", key, index), mapping(value))
            for key in ("initContainers", "containers")
            for index, value in enumerate(sequence(self.get("spec", key)))
        ]

    @property
    def claims(self) -> Mapping[str, str]:
        """The pod's volumes that are claims: the volume's name -> the claim's name.

        Those of a StatefulSet's ``volumeClaimTemplates`` have the claim name ``<template>-*``:
        Kubernetes makes one for each replica.
        """
        found = {
            text(get(volume, "name")): text(get(volume, "persistentVolumeClaim", "claimName"))
            for volume in sequence(self.get("spec", "volumes"))
            if get(volume, "persistentVolumeClaim") is not None
        }
        for template in sequence(self.workload.get("spec", "volumeClaimTemplates")):
            name = text(get(template, "metadata", "name"))
            found[name] = f"{name}-*"
        return found


def pods_of(manifests: Iterable[Manifest]) -> Iterator[Pod]:
    """Yield the pod template of each object that has one."""
    for manifest in manifests:
        if manifest.kind in _TEMPLATES:
            yield Pod(manifest, _TEMPLATES[manifest.kind])
