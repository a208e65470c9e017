"""A kustomization.yaml, with what a Flux Kustomization adds to it, and what it does to objects."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from conformance.linter.access import get, mapping, sequence, text, walk
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.flux.patches import (
    NotFollowedError,
    PatchError,
    json_patch,
    strategic_merge,
)
from conformance.linter.flux.replacements import replace_values
from conformance.linter.flux.resources import Resource, Selector, named
from conformance.linter.flux.transforms import late_transform, transform
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document

Load = Callable[[str], "list[Document] | None"]
"""Returns the documents of a file, variables filled in; None: there is no such file."""
_OF_FLUX = ("patches", "patchesStrategicMerge", "patchesJson6902", "components")
"""Lists of a Flux Kustomization's spec that are added to those of the kustomization.yaml."""
_NAMES_OF_FLUX = {
    "targetNamespace": "namespace",
    "namePrefix": "namePrefix",
    "nameSuffix": "nameSuffix",
}
_MOST_WORK = 5_000_000
"""Values that all patches and labels may write into objects: a package is hostile input."""
_NOT_FOLLOWED = (
    "crds", "generators", "helmChartInflationGenerator", "helmCharts", "openapi", "transformers",
    "vars",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Layer:
    """What one kustomization.yaml says, together with a Flux Kustomization if there is one."""

    folder: str
    file: str
    """Empty: the folder has no kustomization.yaml."""
    document: Document
    flux: Manifest | None = None

    @cached_property
    def value(self) -> Mapping[str, Any]:
        """All of it, as kustomize-controller writes it for kustomize."""
        own = mapping(self.document.value)
        if self.flux is None:
            return own
        spec = mapping(self.flux.get("spec"))
        result = dict(own)
        for key in _OF_FLUX:
            if sequence(spec.get(key)):
                result[key] = [*sequence(own.get(key)), *sequence(spec.get(key))]
        if sequence(spec.get("images")):
            names = {get(one, "name") for one in sequence(spec.get("images"))}
            kept = [one for one in sequence(own.get("images")) if get(one, "name") not in names]
            result["images"] = [*kept, *sequence(spec.get("images"))]
        for key, into in _NAMES_OF_FLUX.items():
            if text(spec.get(key)):
                result[into] = spec[key]
        return result

    def entries(self, key: str) -> Iterator[tuple[int, Any]]:
        """Yield the entries of a list with their numbers."""
        return iter(enumerate(sequence(self.value.get(key))))

    def of_flux(self, key: str, index: int) -> bool:
        """Return whether an entry of a list is the Flux Kustomization's."""
        return index >= len(sequence(get(self.document.value, key)))

    def place(self, key: str, index: int = 0) -> Place:
        """Return where an entry of a list is written."""
        if self.flux is not None and self.of_flux(key, index):
            own = len(sequence(get(self.document.value, key)))
            return self.flux.place("spec", key, index - own)
        return Place(self.file, self.document.line((key, index)))

    def path(self, entry: str) -> str:
        """Return a path that the layer names, relative to PATH."""
        return posixpath.normpath(posixpath.join(self.folder, entry))

    def source(self, key: str, index: int) -> str:
        """Return what a sentence calls the origin of an entry."""
        if self.flux is not None and self.of_flux(key, index):
            return str(self.flux)
        return self.file


@dataclass
class Outcome:
    """What came of applying layers, beside the objects."""

    problems: list[Problem]
    """Why kustomize, and so Flux, refuses the folder."""
    beyond: list[str]
    """What is not followed here, a sentence each."""
    documents: list[Document]
    """Patches, and the kustomization.yaml files: variables may stand in them, too."""
    unseen: bool = False
    """Whether objects are missing here: a patch without an object to change is no problem then."""
    work: int = 0
    """Values written into objects so far, at most."""

    def affords(self, values: Any, times: int) -> bool:
        """Count what it costs to write values into objects; return whether it may be done."""
        self.work += sum(1 for _ in islice(walk(values), _MOST_WORK)) * times
        return self.work <= _MOST_WORK


def apply(layer: Layer, resources: list[Resource], load: Load, outcome: Outcome) -> None:
    """Do what a layer says to the objects, in kustomize's order."""
    for key in _NOT_FOLLOWED:
        if layer.value.get(key):
            outcome.beyond.append(f"{layer.file} has {key}, which are not applied here")
    if not outcome.affords({**layer.value, "resources": None}, len(resources)):
        outcome.beyond.append(f"{layer.file or layer.folder} changes more than is followed here")
        return
    patches = _Patches(layer, resources, load, outcome)
    patches.apply("patchesStrategicMerge")
    patches.apply("patches")
    transform(resources, layer.value)
    patches.apply("patchesJson6902")
    late_transform(resources, layer.value)
    for index, entry in layer.entries("replacements"):
        path = text(get(entry, "path"))
        documents = load(layer.path(path)) if path else None
        if path and documents is None:
            outcome.problems.append(_no_file(layer, "replacements", index, path))
        for one in [document.value for document in documents or ()] or [entry]:
            for item in one if isinstance(one, list) else [one]:
                with _Judged(layer, "replacements", index, outcome):
                    replace_values(resources, mapping(item))


def _no_file(layer: Layer, key: str, index: int, path: str) -> Problem:
    return Problem(
        layer.place(key, index),
        f"{quoted(path)} of {key} does not exist: kustomize fails, and nothing of this folder is"
        " applied",
        "Correct the name, or remove the entry.",
    )


class _Judged:
    """Turns what cannot be applied into a problem, and what is not understood into a sentence."""

    def __init__(self, layer: Layer, key: str, index: int, outcome: Outcome) -> None:
        self._at = (layer, key, index)
        self._outcome = outcome

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        layer, key, index = self._at
        if isinstance(error, PatchError):
            message = f"an entry of {key} cannot be applied: {error}. kustomize fails, and nothing"
            where = layer.place(key, index)
            fix = "Correct the entry, or remove it."
            if not self._outcome.unseen:
                problem = Problem(where, f"{message} of this folder is applied", fix)
                self._outcome.problems.append(problem)
        elif isinstance(error, NotFollowedError):
            source = layer.source(key, index)
            self._outcome.beyond.append(f"{source} has {key} that are not followed here: {error}")
        else:
            return False
        return True


class _Patches:
    def __init__(
        self, layer: Layer, resources: list[Resource], load: Load, outcome: Outcome
    ) -> None:
        self._layer = layer
        self._resources = resources
        self._load = load
        self._outcome = outcome

    def apply(self, key: str) -> None:
        for index, entry in self._layer.entries(key):
            with _Judged(self._layer, key, index, self._outcome):
                self._apply(key, index, entry)

    def _apply(self, key: str, index: int, entry: Any) -> None:
        values = self._values(key, index, entry)
        operations = [one for value in values if isinstance(value, list) for one in value]
        target = get(entry, "target") if key != "patchesStrategicMerge" else None
        if operations:
            if target is None:
                raise PatchError("a JSON patch needs a target")
            for one in self._selected(mapping(target)):
                one.change(json_patch(one.value, operations))
            return
        for patch in map(mapping, values):
            found = self._patched(patch) if target is None else self._selected(mapping(target))
            options = mapping(get(entry, "options"))
            for one in found:
                self._merge(one, patch, keep=target is not None, options=options)

    def _values(self, key: str, index: int, entry: Any) -> list[Any]:
        """Return the patches that an entry is, or names."""
        written = get(entry, "patch") if key != "patchesStrategicMerge" else entry
        if isinstance(written, Mapping | list):
            return [written]
        path = text(get(entry, "path"))
        if key == "patchesStrategicMerge" and isinstance(entry, str) and "\n" not in entry.strip():
            path = entry
        if path:
            documents = self._load(self._layer.path(path))
            if documents is None:
                self._outcome.problems.append(_no_file(self._layer, key, index, path))
                return []
        else:
            documents = self._inline(key, index)
        self._outcome.documents += documents
        values = [one.value for one in documents]
        if not self._outcome.affords(values, len(self._resources)):
            raise NotFollowedError("more than is followed here")
        return values

    def _inline(self, key: str, index: int) -> list[Document]:
        tail = () if key == "patchesStrategicMerge" else ("patch",)
        layer = self._layer
        if layer.flux is not None and layer.of_flux(key, index):
            at = ("spec", key, index - len(sequence(get(layer.document.value, key))), *tail)
            document = layer.flux.document or Document(layer.flux.file, layer.flux.value)
        else:
            at, document = (key, index, *tail), layer.document
        found, problems = document.inner(at)
        if problems:
            raise PatchError(problems[0].message)
        return found

    def _selected(self, target: Mapping[str, Any]) -> list[Resource]:
        selector = Selector.read(target)
        if not selector.understood:
            raise NotFollowedError("a target")
        return [one for one in self._resources if selector.selects(one)]

    def _patched(self, patch: Mapping[str, Any]) -> list[Resource]:
        """Return the object that a patch without target is for: without one, kustomize fails."""
        kind, version = text(patch.get("kind")), text(patch.get("apiVersion"))
        namespace = text(get(patch, "metadata", "namespace"))
        name = text(get(patch, "metadata", "name"))
        found = list(named(self._resources, version, kind, namespace, name))
        if len(found) != 1:
            which = f"{kind} {namespace}{'/' if namespace else ''}{name}"
            raise PatchError(f"there {'is no' if not found else 'are several'} {which} to patch")
        return found

    def _merge(
        self, one: Resource, patch: Mapping[str, Any], *, keep: bool, options: Mapping[str, Any]
    ) -> None:
        merged = strategic_merge(one.value, patch)
        if merged is None:
            self._resources.remove(one)
            return
        if keep and options.get("allowNameChange") is not True:
            metadata = {**mapping(merged.get("metadata")), "name": one.identity[1]}
            if one.identity[0]:
                metadata["namespace"] = one.identity[0]
            merged["metadata"] = metadata
        if options.get("allowKindChange") is not True:
            merged |= {key: one.value[key] for key in ("apiVersion", "kind") if key in one.value}
        one.change(merged)


def configurations(layer: Layer) -> Sequence[str]:
    """Return the files that a layer names under ``configurations``."""
    return [layer.path(text(one)) for _, one in layer.entries("configurations")]
