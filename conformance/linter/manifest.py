"""One Kubernetes object of a package, and where each part of it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from conformance.linter.access import Key, Path, Value, get, mapping, text
from conformance.linter.findings import Place
from conformance.linter.reading.documents import Document

CLUSTER_WIDE = frozenset(
    {"Namespace", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding",
     "CustomResourceDefinition", "IngressClass", "PriorityClass"}
)  # fmt: skip
"""Kinds that live in no namespace."""
HOOK = "helm.sh/hook"
"""The annotation with the moments of a release's life at which Helm runs an object."""
FORCE = "kustomize.toolkit.fluxcd.io/force"
"""The annotation by which Flux makes an object anew where Kubernetes refuses to change it."""


@dataclass(frozen=True, eq=False)
class Manifest:
    """An object as its author wrote it, or as a chart renders it."""

    value: Mapping[str, Value]
    file: str
    """The file, or the template, relative to PATH."""
    line_of: Callable[[Path], int]
    """The line of what is at a path, or of the nearest thing around it; 0 if unknown."""
    rendered: bool = False
    """Whether a chart made it."""
    document: Document | None = None
    """The document it is, where it stands in a file."""
    applied_in: str = ""
    """The namespace that whoever applies it chooses, where it names none."""

    def get(self, *path: Key) -> Value:
        """Return what is at ``path``; None where there is nothing."""
        return get(self.value, *path)

    @cached_property
    def kind(self) -> str:
        """As in ``Deployment``."""
        return text(self.value.get("kind"))

    @cached_property
    def api_version(self) -> str:
        """As in ``apps/v1``."""
        return text(self.value.get("apiVersion"))

    @cached_property
    def group(self) -> str:
        """The API group, as in ``apps``; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @cached_property
    def name(self) -> str:
        """``metadata.name``; empty if there is none."""
        return text(self.get("metadata", "name"))

    @cached_property
    def namespace(self) -> str:
        """``metadata.namespace``, or the one that whoever applies it chooses; empty if unknown."""
        return text(self.get("metadata", "namespace")) or self.applied_in

    @cached_property
    def labels(self) -> Mapping[str, Value]:
        """``metadata.labels``."""
        return mapping(self.get("metadata", "labels"))

    @cached_property
    def annotations(self) -> Mapping[str, Value]:
        """``metadata.annotations``."""
        return mapping(self.get("metadata", "annotations"))

    @property
    def hook(self) -> bool:
        """Whether Helm runs it at some moment of a release's life: a test, a migration."""
        return HOOK in self.annotations

    @property
    def forced(self) -> bool:
        """Whether Flux makes it anew where Kubernetes refuses a change."""
        return text(self.annotations.get(FORCE)).lower() == "enabled"

    def in_namespace(self, namespace: str) -> Manifest:
        """Return the object as it is when whoever applies it chooses the namespace."""
        if self.namespace or self.kind in CLUSTER_WIDE:
            return self
        return replace(self, applied_in=namespace)

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"

    def place(self, *path: Key) -> Place:
        """Return where ``path`` is written."""
        return Place(self.file, self.line_of(path), str(self))
