"""Flux's Kustomizations in a tree: the folder each applies, and the objects that come of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from conformance.linter.access import each_text, mapping
from conformance.linter.app import FluxKustomization, SubstituteSource, VariableUse
from conformance.linter.files import (
    YamlFiles,
    for_a_cluster,
    inside,
    manifest_of,
    objects_in,
    parent,
)
from conformance.linter.findings import Problem
from conformance.linter.flux import platform
from conformance.linter.flux.clusters import Clusters, cluster_folders, together
from conformance.linter.flux.kustomize import Build, build
from conformance.linter.flux.repositories import parts_of, source_of, written_path
from conformance.linter.flux.resources import Resource
from conformance.linter.flux.roots import Roots
from conformance.linter.flux.substitution import ValueOf, substitute
from conformance.linter.flux.transforms import label
from conformance.linter.flux.variables import Sources, uses_of
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse

_GROUP = "kustomize.toolkit.fluxcd.io"
_LONGEST_CHAIN = 2
"""That many Kustomizations make the variables of the next: more are made up to cost time."""


def is_flux_kustomization(manifest: Manifest) -> bool:
    """Return whether an object is Flux's Kustomization, not kustomize's file."""
    return manifest.kind == "Kustomization" and manifest.group == _GROUP


class FluxTree:
    """What Flux would make of a tree."""

    def __init__(self, files: YamlFiles) -> None:
        self._files = files
        self.sources = Sources()
        raw = [one for path in files.candidates for one in files.objects(path)]
        self._written = raw
        for manifest in raw:
            self.sources.add(manifest)
        self._built: dict[tuple[Manifest, str], Build] = {}
        self._kustomizations = [one for one in raw if is_flux_kustomization(one)]
        for _ in range(_LONGEST_CHAIN):
            self._build_all()
            before, self._kustomizations = self._kustomizations, self._as_applied()
            if before == self._kustomizations:
                break
        else:
            self._build_all()

    def _build_all(self) -> None:
        """Find the folder of each Kustomization, and what that comes to."""
        self.roots = Roots(self._files.tree, self._kustomizations, self._written)
        exact = self.roots.folders()
        self._missing = self.roots.missing()
        self._folders = [
            self.roots.near_folder(one, exact) if missing else folder
            for one, folder, missing in zip(self._kustomizations, exact, self._missing, strict=True)
        ]
        self._builds = [
            None if folder is None else self._build(folder, one)
            for one, folder in zip(self._kustomizations, self._folders, strict=True)
        ]
        self.clusters = Clusters(
            cluster_folders(self._kustomizations, self._folders),
            self._kustomizations,
            [built.files if built else () for built in self._builds],
        )
        self.owner = self._owners()
        self._resolved: dict[int, tuple[SubstituteSource, ...]] = {}

    def _build(self, folder: str, kustomization: Manifest) -> Build:
        key = kustomization, folder
        if key not in self._built:
            self._built[key] = built = build(self._files, folder, kustomization)
            for manifest in built.generated:
                self.sources.add(manifest)
        return self._built[key]

    def _as_applied(self) -> list[Manifest]:
        """Return the Kustomizations as those that apply them leave them: patched, filled in.

        One that several leave differently stays as it is written.
        """
        made: dict[tuple[str, int], list[Manifest]] = {}
        for index, built in enumerate(self._builds):
            for one in filter(is_flux_kustomization, built.objects if built else ()):
                made.setdefault((one.file, one.line_of(())), []).append(self._filled(one, index))
        found = []
        for one in self._kustomizations:
            forms = made.get((one.file, one.line_of(())), [])
            same = bool(forms) and all(form.value == forms[0].value for form in forms)
            found.append(forms[0] if same and forms[0].value != one.value else one)
        return found

    def _filled(self, one: Manifest, by: int) -> Manifest:
        """Return a Kustomization with the variables of the one that applies it.

        In its path, a variable whose value only a cluster has stays as it is written: where such a
        path leads is not known.
        """
        if not self._kustomizations[by].get("spec", "postBuild"):
            return one
        known = {
            name: variable.value
            for source in self._sources(by)
            for name, variable in source.variables.items()
            if not variable.generated
        }

        def kept(name: str, default: str | None) -> str:
            return known.get(name) or (f"${{{name}}}" if default is None else default)

        path = substitute(written_path(one), kept)
        value = dict(
            mapping(each_text(one.value, lambda text: substitute(text, self._value_of(by))))
        )
        if path:
            value["spec"] = {**mapping(value.get("spec")), "path": path}
        return Resource(value, one).manifest()

    def kustomizations(self) -> list[FluxKustomization]:
        """Return every Kustomization with what it applies."""
        return [self._kustomization(index) for index in range(len(self._kustomizations))]

    def unowned(self) -> list[Manifest]:
        """Return the objects of files that no Kustomization applies, variables guessed.

        Those of a Component are left out: what becomes of them is up to the folders that use it.
        """
        owned = {*self.owner, *map(self._files.tree.links.real, self.owner)}
        return [
            manifest
            for path in self._files.candidates
            if path not in owned
            if not self._files.is_component(parent(path))
            for manifest in self._objects(path, platform.placeholder)
            if for_a_cluster(manifest)
        ]

    def _owners(self) -> dict[str, tuple[int, ...]]:
        """Return for each file the Kustomizations that apply it.

        If the folder of one is inside that of another, the file belongs to the inner one only.
        Otherwise it belongs to each of them, with variables of its own.
        """
        depth = {index: len(parts_of(f or "")) for index, f in enumerate(self._folders)}
        found: dict[str, list[int]] = {}
        for index in sorted(depth, key=lambda one: -depth[one]):
            built = self._builds[index]
            for file in built.files if built else ():
                owners = found.setdefault(file, [])
                if not any(self._is_within(one, index) for one in owners):
                    owners.append(index)
        return {file: tuple(owners) for file, owners in found.items()}

    def _is_within(self, one: int, other: int) -> bool:
        """Return whether the folder of a Kustomization lies in that of another of its cluster."""
        inner, outer = self._folders[one], self._folders[other]
        clusters = (self.clusters.of_kustomization(index) for index in (one, other))
        return together(*clusters) and inner != outer and inside(inner or ".", outer or ".")

    def above(self, files: Iterable[str]) -> tuple[Problem, ...]:
        """Return why folders cannot be built that lead to Kustomizations in these files."""
        reached, waiting = set(), set(files)
        builds = [one for one in (*self._builds, *self._by_hand.values()) if one is not None]
        while waiting:
            file = waiting.pop()
            for built in builds:
                if id(built) not in reached and file in built.files:
                    reached.add(id(built))
                    waiting |= self._manifests_of(built)
        found = [problem for one in builds if id(one) in reached for problem in one.problems]
        return tuple(dict.fromkeys(found))

    def nobody_applies(self, files: Collection[str]) -> bool:
        """Return whether files are applied by nothing of the tree, and the tree would say so.

        It would where it has Kustomizations, and each applies a folder of the tree, or surely one
        of another repository.
        """
        everywhere = bool(self._folders) and all(
            folder is not None or self.roots.repositories.is_another(source_of(one))
            for one, folder in zip(self._kustomizations, self._folders, strict=True)
        )
        applied = (self.owner, self._applied_by_hand)
        return everywhere and not any(file in one for one in applied for file in files)

    @cached_property
    def _applied_by_hand(self) -> frozenset[str]:
        return frozenset(file for built in self._by_hand.values() for file in built.files)

    def overlays(self) -> dict[str, Build]:
        """Return what each kustomization.yaml comes to that nothing of the tree leads to.

        They are told by their folders: somebody applies them by hand, or from another repository.
        Of those that only lead to each other it is one.
        """
        return self._by_hand

    def _manifests_of(self, built: Build) -> set[str]:
        """Return the files with the Kustomizations that apply a build."""
        return {
            one.file
            for one, other in zip(self._kustomizations, self._builds, strict=True)
            if other is built
        }

    @cached_property
    def _by_hand(self) -> dict[str, Build]:
        """What a kustomization.yaml comes to that no Kustomization applies: somebody may do so.

        Variables are guessed. Those that others lead to are a part of these.
        """
        applied = {one for built in self._builds if built for one in built.folders}
        named = self._files.named
        found = {}
        for folder in sorted(
            self._files.tree.folders, key=lambda one: (one in named, one.count("/"), one)
        ):
            if folder not in applied and self._files.is_kustomized(folder):
                built = build(self._files, folder, None, _guess)
                applied |= built.folders
                if built.files or built.beyond:
                    found[folder] = built
        return found

    def _kustomization(self, index: int) -> FluxKustomization:
        manifest, folder = self._kustomizations[index], self._folders[index]
        built = self._builds[index] or Build()
        own = {file for file in built.files if index in self.owner.get(file, ())}
        written = [one for file in own for one in self._files.objects(file)]
        written += [manifest_of(document) for document in built.documents]
        found = [
            VariableUse(use.name or use.expression, place, use.has_default)
            for one in sorted(written, key=lambda one: (one.file, one.line_of(())))
            for use, place in uses_of(one)
        ]
        substitutes = bool(manifest.get("spec", "postBuild"))
        if substitutes and folder is not None:
            built = build(self._files, folder, manifest, self._filling(index))
        path = written_path(manifest)
        return FluxKustomization(
            manifest=manifest,
            path=path,
            folder=folder,
            missing=self._missing[index],
            sources=self._sources(index),
            clusters=self.clusters.of_kustomization(index),
            substitutes=substitutes,
            members=tuple(self._members(manifest, built, own)),
            uses=tuple(found),
            problems=tuple(built.problems),
            beyond=tuple(built.beyond),
        )

    def _filling(self, index: int) -> Callable[[str], str]:
        value_of = self._value_of(index)
        return lambda content: substitute(content, value_of)

    @staticmethod
    def _members(manifest: Manifest, built: Build, own: Collection[str]) -> Iterator[Manifest]:
        """Yield what a Kustomization applies, with the labels that it gives to all of it."""
        common = mapping(manifest.get("spec", "commonMetadata"))
        labels, annotations = mapping(common.get("labels")), mapping(common.get("annotations"))
        generated = set(map(id, built.generated))
        for one in built.objects:
            if one.file in own or id(one) in generated:
                resource = Resource(one.value, one)
                label(resource, labels, annotations)
                yield resource.manifest()

    def _objects(self, file: str, value_of: ValueOf | None) -> list[Manifest]:
        content = self._files.text(file)
        if value_of is None or "${" not in content:
            return self._files.objects(file)
        filled = substitute(content, value_of)
        documents, _ = parse(filled, file, self._files.limits)
        return [one for document in documents for one in objects_in(document)]

    def _value_of(self, index: int, seen: frozenset[int] = frozenset()) -> ValueOf:
        sources = self._sources(index, seen)
        values = {
            name: variable.value
            for source in sources
            for name, variable in source.variables.items()
        }
        names = [source.name for source in sources]

        def value_of(name: str, default: str | None) -> str:
            ours = any(platform.provides_variable(one, name) for one in names)
            if name in values or ours:
                return values.get(name) or platform.placeholder(name, None if ours else default)
            # A mistyped name is one finding: the rest is judged with what was meant.
            near = difflib.get_close_matches(name, values, n=1, cutoff=0.8)
            if near and default is None:
                return values[near[0]]
            return platform.placeholder(name, default)

        return value_of

    def _sources(
        self, index: int, seen: frozenset[int] = frozenset()
    ) -> tuple[SubstituteSource, ...]:
        """Return a Kustomization's sources; their values' own variables are filled in."""
        if index in self._resolved:
            return self._resolved[index]
        resolved = []
        clusters = self.clusters.of_kustomization(index)
        end = len(seen) >= _LONGEST_CHAIN

        def near(manifest: Manifest) -> bool:
            return together(clusters, self.clusters.of_object(manifest))

        for source, manifest in self.sources.of(self._kustomizations[index], near):
            owners = () if manifest is None or end else self.owner.get(manifest.file, ())
            fill: ValueOf = platform.placeholder
            for owner in owners:
                if owner != index and owner not in seen:
                    fill = self._value_of(owner, seen | {index})
                    break
            variables = {
                name: replace(one, value=substitute(one.value, fill))
                for name, one in source.variables.items()
            }
            resolved.append(replace(source, variables=variables))
        result = tuple(resolved)
        if not seen:
            self._resolved[index] = result
        return result


def _guess(content: str) -> str:
    return substitute(content, platform.placeholder)
