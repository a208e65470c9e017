"""The YAML of a tree: each file parsed once, as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath
from posixpath import join, normpath

from conformance.linter.access import Value, get, mapping, sequence, text
from conformance.linter.findings import Problem
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document, parse
from conformance.linter.reading.tree import Tree

KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FLUX_FOLDER = "flux2"
"""Stackspin's own folder in a repository; inside of a chart's folder it is no part of the chart."""
KUSTOMIZE = "kustomize.config.k8s.io/"
_NAMING = (
    "resources", "bases", "components", "crds", "configurations", "generators", "transformers"
)  # fmt: skip
"""Lists of a kustomization.yaml whose entries are files and folders."""
_BUILT_IN = ("", "apps", "batch", "autoscaling", "policy")
_BUILT_IN_ENDS = (
    ".toolkit.fluxcd.io",
    "networking.k8s.io",
    "authorization.k8s.io",
    "storage.k8s.io",
)
"""API groups whose objects are never mistaken for the settings of some tool."""
_LIKE_AN_OBJECT = (re.compile(r"(?m)^apiVersion:"), re.compile(r"(?m)^kind:"))


def manifest_of(document: Document) -> Manifest:
    """Return a document as an object, whatever it is."""
    value = mapping(document.value)
    return Manifest(value, document.file, document.line, document=document)


def is_object(document: Document) -> bool:
    """Return whether a document is an object of Kubernetes; kustomize's own file is none."""
    value = mapping(document.value)
    version = text(value.get("apiVersion"))
    return bool(version and text(value.get("kind"))) and not version.startswith(KUSTOMIZE)


def for_a_cluster(manifest: Manifest) -> bool:
    """Return whether an object may be meant for a cluster: other tools' files look alike."""
    own = manifest.group in _BUILT_IN or manifest.group.endswith(_BUILT_IN_ENDS)
    return own or manifest.get("metadata") is not None


def _patches(kustomization: Value) -> list[Value]:
    return [
        one for key in ("patches", "patchesJson6902") for one in sequence(get(kustomization, key))
    ]


def _paths(folder: str, entries: Iterable[Value]) -> set[str]:
    """Return the paths that entries of a kustomization.yaml name, relative to PATH."""
    return {normpath(join(folder, one)) for one in entries if isinstance(one, str) and one}


def objects_in(document: Document) -> list[Manifest]:
    """Return the object that a document is, or those of the ``List`` that it is."""
    items = get(document.value, "items")
    if text(get(document.value, "kind")).endswith("List") and isinstance(items, list):
        parts = [document.part(("items", index)) for index in range(len(items))]
        return [manifest_of(part) for part in parts if is_object(part)]
    return [manifest_of(document)] if is_object(document) else []


def parent(path: str) -> str:
    """Return the folder of a file or folder; ``.`` for what lies at the root."""
    return path.rpartition("/")[0] or "."


def inside(path: str, folder: str) -> bool:
    """Return whether a file lies in a folder, or deeper."""
    return folder in (".", path) or path.startswith(f"{folder}/")


def in_chart(path: str, folder: str) -> bool:
    """Return whether a file is a part of the chart in a folder."""
    return inside(path, folder) and not inside(path, normpath(f"{folder}/{FLUX_FOLDER}"))


class YamlFiles:
    """The YAML files of a tree; those of charts are not among ``paths``, a chart's ``flux2`` is."""

    def __init__(self, tree: Tree, limits: Limits) -> None:
        self.tree = tree
        self.limits = limits
        self._parsed: dict[str, tuple[list[Document], list[Problem]]] = {}

    @cached_property
    def chart_folders(self) -> list[str]:
        """Folders of charts, without those that lie in another chart."""
        found = sorted(
            (
                parent(path)
                for path in self.tree.files
                if PurePosixPath(path).name == "Chart.yaml" and not self.tree.links.behind(path)
            ),
            key=lambda folder: (folder.count("/") if folder != "." else -1, folder),
        )
        outer: list[str] = []
        for folder in found:
            if not any(inside(folder, other) for other in outer):
                outer.append(folder)
        return outer

    @cached_property
    def paths(self) -> list[str]:
        """YAML files outside of charts, in the order of their names."""
        return sorted(
            path
            for path in self.tree.files
            if PurePosixPath(path).suffix in (".yaml", ".yml")
            and not any(in_chart(path, folder) for folder in self.chart_folders)
        )

    @cached_property
    def candidates(self) -> list[str]:
        """Those of ``paths`` that look like objects of Kubernetes, each once: without links."""
        found = []
        for path in sorted(set(self.paths) - self._patches):
            if self.tree.links.behind(path):
                continue
            content = self.text(path)
            if all(pattern.search(content) for pattern in _LIKE_AN_OBJECT):
                found.append(path)
        return found

    @cached_property
    def _patches(self) -> set[str]:
        """Files that a kustomization.yaml patches others with: they look like objects."""
        found = set()
        for folder, value in self._kustomizations:
            entries = [get(one, "path") for one in _patches(value)]
            entries += sequence(get(value, "patchesStrategicMerge"))
            found |= _paths(folder, entries)
        return found

    @cached_property
    def named(self) -> set[str]:
        """Files and folders that some kustomization.yaml names, whether anything applies it."""
        found = set(self._patches)
        for folder, value in self._kustomizations:
            for key in _NAMING:
                found |= _paths(folder, sequence(get(value, key)))
            for key in ("configMapGenerator", "secretGenerator"):
                for entry in sequence(get(value, key)):
                    files = [text(one).rpartition("=")[2] for one in sequence(get(entry, "files"))]
                    found |= _paths(folder, files)
        return found

    def reads(self, folder: str) -> bool:
        """Return whether a folder has a kustomization.yaml, and what it names is known."""
        return any(folder == other for other, _ in self._kustomizations)

    def is_kustomized(self, folder: str) -> bool:
        """Return whether kustomize builds a folder by itself: it has a file, of no Component."""
        path = self.kustomization_file(folder)
        documents = self.parse(path)[0] if path is not None else []
        return bool(path) and not any(get(one.value, "kind") == "Component" for one in documents)

    def is_component(self, folder: str) -> bool:
        """Return whether a folder is a Component, a part of the folders that use it."""
        return self.kustomization_file(folder) is not None and not self.is_kustomized(folder)

    @cached_property
    def _kustomizations(self) -> list[tuple[str, Value]]:
        """Each folder with a kustomization.yaml, and what is written there."""
        found = []
        for folder in sorted(self.tree.folders):
            path = self.kustomization_file(folder)
            documents = self.parse(path)[0] if path is not None else []
            found += [(folder, documents[0].value)] if documents else []
        return found

    def text(self, path: str) -> str:
        """Return a file's text; empty if it is none."""
        return self.tree.text(path) or ""

    def parse(self, path: str) -> tuple[list[Document], list[Problem]]:
        """Return the documents of a file as written, and what is wrong with the file."""
        if path not in self._parsed:
            self._parsed[path] = parse(self.text(path), path, self.limits)
        return self._parsed[path]

    def objects(self, path: str) -> list[Manifest]:
        """Return the objects in a file, as written."""
        return [one for document in self.parse(path)[0] for one in objects_in(document)]

    def kustomization_file(self, folder: str) -> str | None:
        """Return the folder's file for kustomize, if it has one."""
        for name in KUSTOMIZATION_FILES:
            path = name if folder == "." else f"{folder}/{name}"
            if path in self.tree.files:
                return path
        return None
