"""Which files a folder stands for when Flux applies it, and what kustomize does to their objects.

As kustomize-controller does it: a folder without a kustomization.yaml is every YAML file in it,
recursively; a folder with one is what that names.
https://fluxcd.io/flux/components/kustomize/kustomizations/#generating-a-kustomizationyaml-file
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.files import YamlFiles, inside, is_object
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.manifest import CLUSTER_WIDE, Manifest
from conformance.linter.pods import WORKLOADS

_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "components")
_SELECTS = {
    "DaemonSet": ("selector", "matchLabels"),
    "Deployment": ("selector", "matchLabels"),
    "ReplicaSet": ("selector", "matchLabels"),
    "Service": ("selector",),
    "StatefulSet": ("selector", "matchLabels"),
}
"""Where in a ``spec`` kustomize writes labels that are for selectors, too, even if none is there.

Source: kustomize, api/internal/konfig/builtinpluginconsts/commonlabels.go.
"""


@dataclass(frozen=True)
class Transform:
    """What a kustomization.yaml does to every object."""

    namespace: str = ""
    prefix: str = ""
    suffix: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)
    pod_labels: Mapping[str, Any] = field(default_factory=dict)
    selectors: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def inside(self, outer: Transform) -> Transform:
        """Return both, one after the other."""
        return Transform(
            outer.namespace or self.namespace,
            outer.prefix + self.prefix,
            self.suffix + outer.suffix,
            {**self.labels, **outer.labels},
            {**self.pod_labels, **outer.pod_labels},
            {**self.selectors, **outer.selectors},
            {**self.annotations, **outer.annotations},
        )

    def apply(self, manifest: Manifest) -> Manifest:
        """Return an object as kustomize leaves it."""
        if self == Transform():
            return manifest
        value = dict(manifest.value)
        metadata = dict(mapping(value.get("metadata")))
        if self.namespace and manifest.kind not in CLUSTER_WIDE:
            metadata["namespace"] = self.namespace
        if manifest.name:
            metadata["name"] = f"{self.prefix}{manifest.name}{self.suffix}"
        for key, more in (("labels", self.labels), ("annotations", self.annotations)):
            if more:
                metadata[key] = {**mapping(metadata.get(key)), **more}
        value["metadata"] = metadata
        if self.pod_labels and manifest.kind in WORKLOADS and manifest.kind != "Pod":
            spec = dict(mapping(value.get("spec")))
            template = dict(mapping(spec.get("template")))
            pod = dict(mapping(template.get("metadata")))
            pod["labels"] = {**mapping(pod.get("labels")), **self.pod_labels}
            spec["template"] = {**template, "metadata": pod}
            value["spec"] = spec
        if self.selectors and manifest.kind in _SELECTS:
            value["spec"] = _with(
                mapping(value.get("spec")), _SELECTS[manifest.kind], self.selectors
            )
        return replace(manifest, value=value)


def _with(value: Mapping[str, Any], path: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping that has more at a path inside it."""
    if not path:
        return {**value, **more}
    return {**value, path[0]: _with(mapping(value.get(path[0])), path[1:], more)}


@dataclass
class Build:
    """What a folder comes to."""

    files: list[tuple[str, Transform]] = field(default_factory=list)
    generated: list[Manifest] = field(default_factory=list)
    """ConfigMaps and Secrets of generators, named without kustomize's hash."""
    problems: list[Problem] = field(default_factory=list)
    """Why kustomize, and so Flux, refuses the folder."""
    beyond: list[str] = field(default_factory=list)
    """What is not followed here: patches, remote resources; a sentence each."""
    seen: set[str] = field(default_factory=set)


def build(files: YamlFiles, folder: str) -> Build:
    """Return what Flux applies for ``folder``."""
    result = Build()
    _folder(files, folder, Transform(), result)
    return result


def _folder(files: YamlFiles, folder: str, outer: Transform, result: Build) -> None:
    if folder in result.seen:
        return
    result.seen.add(folder)
    path = files.kustomization_file(folder)
    if path is not None:
        _kustomization(files, folder, path, outer, result)
        return
    bases = sorted(
        other
        for other in files.tree.folders
        if other != folder and inside(other, folder) and files.kustomization_file(other)
    )
    outermost = [
        base for base in bases if not any(base != other and inside(base, other) for other in bases)
    ]
    for file in files.paths:
        if inside(file, folder) and not any(inside(file, base) for base in outermost):
            _file(files, file, outer, result)
    for base in outermost:
        _folder(files, base, outer, result)


def _file(files: YamlFiles, file: str, outer: Transform, result: Build) -> None:
    documents, _ = files.parse(file)  # what is no YAML is reported where files are read
    for document in documents:
        if not is_object(document):
            result.problems.append(
                Problem(
                    Place(file, document.line()),
                    "Flux applies every YAML file of this folder, and this document is not an"
                    " object of Kubernetes (no apiVersion and kind): the whole Kustomization fails",
                    "Move the file out of the folder, or list what Flux applies in a"
                    " kustomization.yaml.",
                )
            )
            return
    result.files.append((file, outer))


def _kustomization(
    files: YamlFiles, folder: str, path: str, outer: Transform, result: Build
) -> None:
    documents, _ = files.parse(path)
    if not documents:
        return
    document = documents[0]
    value = mapping(document.value)
    labels = {
        key: item
        for entry in sequence(value.get("labels"))
        for key, item in mapping(get(entry, "pairs")).items()
    }
    pod_labels = {
        key: item
        for entry in sequence(value.get("labels"))
        if get(entry, "includeTemplates") is True or get(entry, "includeSelectors") is True
        for key, item in mapping(get(entry, "pairs")).items()
    }
    selectors = {
        key: item
        for entry in sequence(value.get("labels"))
        if get(entry, "includeSelectors") is True
        for key, item in mapping(get(entry, "pairs")).items()
    }
    common = mapping(value.get("commonLabels"))
    inner = Transform(
        text(value.get("namespace")),
        text(value.get("namePrefix")),
        text(value.get("nameSuffix")),
        {**labels, **common},
        {**pod_labels, **common},
        {**selectors, **common},
        mapping(value.get("commonAnnotations")),
    ).inside(outer)
    for key in ("resources", "bases"):
        for index, entry in enumerate(sequence(value.get(key))):
            _resource(files, folder, text(entry), document.line((key, index)), path, inner, result)
    for key in _PATCHES:
        if value.get(key):
            result.beyond.append(f"{path} has {key}, which are not applied here")
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for index, entry in enumerate(sequence(value.get(key))):
            made = _generated(files, folder, kind, mapping(entry))
            line = document.line((key, index))
            result.generated.append(inner.apply(Manifest(made, path, _at(line))))


def _at(line: int) -> Callable[[Path], int]:
    return lambda _path: line


def _resource(
    files: YamlFiles,
    folder: str,
    entry: str,
    line: int,
    file: str,
    inner: Transform,
    result: Build,
) -> None:
    if "://" in entry or entry.startswith("git@") or "?ref=" in entry:
        result.beyond.append(f"{file} names {entry[:80]}, which is not in the package")
        return
    target = posixpath.normpath(posixpath.join(folder, entry))
    if target in files.tree.files:
        result.files.append((target, inner))
    elif target in files.tree.folders and entry:
        if files.kustomization_file(target) is None:
            result.problems.append(
                Problem(
                    Place(file, line),
                    f"resource {quoted(entry)} is a folder without a kustomization.yaml, which"
                    " kustomize refuses: nothing of this folder is applied",
                    "Name its files one by one, or add a kustomization.yaml to it.",
                )
            )
        else:
            _folder(files, target, inner, result)
    elif target.startswith(".."):
        result.beyond.append(f"{file} names {entry[:80]}, which is outside of PATH")
    else:
        result.problems.append(
            Problem(
                Place(file, line),
                f"resource {quoted(entry)} does not exist: kustomize fails, and nothing of this"
                " folder is applied",
                "Correct the name, or remove the line.",
            )
        )


def _generated(
    files: YamlFiles, folder: str, kind: str, entry: Mapping[str, Any]
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for literal in sequence(entry.get("literals")):
        key, _, item = text(literal).partition("=")
        data[key] = item
    for named in sequence(entry.get("files")):
        key, _, path = text(named).rpartition("=")
        path = posixpath.normpath(posixpath.join(folder, path))
        data[key or PurePosixPath(path).name] = files.text(path)
    metadata = {"name": text(entry.get("name"))}
    if text(entry.get("namespace")):
        metadata["namespace"] = text(entry.get("namespace"))
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": metadata,
        "data" if kind == "ConfigMap" else "stringData": data,
    }


def generated_manifests(result: Build, objects: list[Manifest]) -> list[Manifest]:
    """Return the objects of the files, transformed, and the generated ones."""
    transforms = dict(result.files)
    return [
        *(transforms.get(one.file, Transform()).apply(one) for one in objects),
        *result.generated,
    ]
