"""Which objects of a tree belong together as an app, and which belong to none.

An app is what a HelmRelease or a workload belongs to: the Kustomization that applies it, and the
Kustomizations that make what its variables come from.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from conformance.linter.access import get, sequence, text
from conformance.linter.app import SOURCE_KINDS, Chart, FluxKustomization, Release
from conformance.linter.files import inside, parent
from conformance.linter.flux.clusters import together
from conformance.linter.flux.kustomizations import FluxTree, is_flux_kustomization
from conformance.linter.flux.kustomize import Build
from conformance.linter.flux.values import HELM_RELEASE
from conformance.linter.manifest import Manifest
from conformance.linter.pods import WORKLOADS

NO_APP = "no app"
"""The name of what belongs to none; no app can have it."""
_INSTALLS = frozenset({HELM_RELEASE, *WORKLOADS})
_SHARED = frozenset({*SOURCE_KINDS, "Namespace"})
"""Kinds of objects that apps share: they belong to none, and are judged once."""


@dataclass
class Group:
    """An app in the making."""

    name: str
    path: str
    cluster: frozenset[str] = frozenset()
    """The one that it is judged in; empty: the tree is for one cluster, or for any."""
    kustomizations: list[FluxKustomization] = field(default_factory=list)
    objects: list[Manifest] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    built: Build | None = None
    """What the objects are a part of, where somebody applies a kustomization.yaml by hand."""
    rest: bool = False
    """Whether this is what belongs to no app."""


class Grouping:
    """The objects of a tree, app by app."""

    def __init__(
        self,
        name: str,
        flux: FluxTree,
        kustomizations: Sequence[FluxKustomization],
        *,
        has_charts: bool,
    ) -> None:
        """``name`` is what an app without another name is called; it is that of the tree."""
        self._name = name
        self._flux = flux
        self._kustomizations = kustomizations
        self._has_charts = has_charts
        self.unowned = flux.unowned()
        """What no Kustomization applies, as it is written."""
        overlays = flux.overlays()
        self.unseen = tuple(line for built in overlays.values() for line in built.beyond)
        """What somebody's own kustomization.yaml names and is not here, a sentence each."""
        self._overlays = {
            folder: built
            for folder, built in overlays.items()
            if any(one.kind in _INSTALLS for one in built.objects)
        }
        count = Counter(file for built in self._overlays.values() for file in built.files)
        several = {file for file, number in count.items() if number > 1}
        self._variants = {
            folder: built
            for folder, built in self._overlays.items()
            if not several.isdisjoint(built.files)
        }
        """Those that are made of the same files: each is for a cluster of its own."""

    def everything(self) -> Iterator[tuple[Manifest, frozenset[str]]]:
        """Yield all objects of the tree, and the clusters that each is for."""
        for kustomization in self._kustomizations:
            for one in kustomization.members:
                yield one, kustomization.clusters
        for one in self.loose():
            yield one, self._flux.clusters.of_object(one)
        for folder, built in self._variants.items():
            for one in built.objects:
                yield one, frozenset({folder})

    def loose(self) -> list[Manifest]:
        """Return what no Kustomization applies: as a kustomization.yaml leaves it, if one does."""
        found = {file for built in self._overlays.values() for file in built.files}
        objects = [one for one in self.unowned if one.file not in found]
        for folder, built in self._overlays.items():
            objects += [] if folder in self._variants else built.objects
        return objects

    def groups(self) -> list[Group]:
        """Return the apps, in no particular order."""
        groups = self._kustomized()
        loose = [one for one in self.loose() if not is_flux_kustomization(one)]
        plain = self._plain(loose)
        for folder, built in self._variants.items():
            found = self._plain([one for one in built.objects if not is_flux_kustomization(one)])
            for one in found:
                one.cluster, one.built = frozenset({folder}), built
                one.path = folder if len(found) == 1 else one.path
            plain += found
        for one in plain:
            one.built = one.built or self._overlay_of(one)
        if not plain and not groups and loose and not self._has_charts:
            plain = [Group(self._name, ".", objects=loose)]
        return [*groups, *plain]

    def _overlay_of(self, group: Group) -> Build | None:
        files = {one.file for one in group.objects}
        return next(
            (one for one in self._overlays.values() if not files.isdisjoint(one.files)), None
        )

    def _kustomized(self) -> list[Group]:
        """Return the apps that Kustomizations apply."""
        installing = [
            one for one in self._kustomizations if any(m.kind in _INSTALLS for m in one.members)
        ]
        groups: list[Group] = []
        for one in installing:
            if any(_alike(one, group.kustomizations[0]) for group in groups):
                continue
            cluster = frozenset(sorted(one.clusters)[:1])
            group = Group(one.name, one.folder or parent(one.manifest.file), cluster, [one])
            group.kustomizations += [
                other
                for other in self._kustomizations
                if other not in installing
                and together(other.clusters, cluster)
                and self._serves(other, one)
            ]
            groups.append(group)
        for parent_one in self._kustomizations:
            children = {m.name for m in parent_one.members if is_flux_kustomization(m)}
            holders = [
                g
                for g in groups
                if together(g.cluster, parent_one.clusters)
                and children & {k.name for k in g.kustomizations}
            ]
            if len(holders) == 1 and parent_one not in holders[0].kustomizations:
                holders[0].kustomizations.append(parent_one)
        for group in groups:
            group.objects = [
                *(one for k in group.kustomizations for one in k.members),
                *(
                    k.manifest
                    for k in group.kustomizations
                    if k.manifest.file not in self._flux.owner
                ),
            ]
        return groups

    def _serves(self, other: FluxKustomization, main: FluxKustomization) -> bool:
        """Return whether ``other`` makes something that the app ``main`` refers to."""
        if any(is_flux_kustomization(one) for one in other.members) or not other.members:
            return False
        depends = {
            text(get(entry, "name")) for entry in sequence(main.manifest.get("spec", "dependsOn"))
        }
        made = {f"{_source_kind(one.kind)} {one.name}" for one in other.members}
        wanted = {source.name for source in main.sources}
        for one in main.members:
            for entry in sequence(one.get("spec", "valuesFrom")):
                wanted.add(f"{text(get(entry, 'kind'))} {text(get(entry, 'name'))}")
            if one.kind == "OAuth2Client":
                wanted.add(f"Secret {text(one.get('spec', 'secretName'))}")
        if made & wanted:
            # A source that several apps use and none depends on by name is the platform's.
            return other.name in depends or other.name.startswith(main.name)
        return other.name == f"{main.name}-secrets"

    def _plain(self, loose: Sequence[Manifest]) -> list[Group]:
        """Return the apps whose objects no Kustomization of the tree applies."""
        folders = sorted({parent(one.file) for one in loose if one.kind in _INSTALLS})
        outermost = [
            folder
            for folder in folders
            if not any(folder != other and inside(folder, other) for other in folders)
        ]
        groups = [Group("", folder) for folder in outermost]
        for one in loose:
            for group in self._homes(one, groups):
                group.objects.append(one)
        for group in groups:
            releases = [one.name for one in group.objects if one.kind == HELM_RELEASE]
            workloads = [one.name for one in group.objects if one.kind in WORKLOADS]
            folder = posixpath.basename(group.path) if group.path != "." else self._name
            group.name = (releases[0] if len(releases) == 1 else "") or folder
            if not releases and len(workloads) == 1:
                group.name = workloads[0] or folder
        return groups

    @staticmethod
    def _homes(one: Manifest, groups: Sequence[Group]) -> list[Group]:
        """Return the apps that an object no Kustomization applies belongs to."""
        homes = [group for group in groups if inside(one.file, group.path)]
        if homes or len(groups) == 1:
            return homes or list(groups)
        folder = posixpath.basename(parent(one.file))
        return [group for group in groups if folder.startswith(posixpath.basename(group.path))]

    def rest(self, groups: Sequence[Group], strays: Collection[FluxKustomization]) -> Group | None:
        """Return what belongs to none of the apps: it is judged once, and by itself.

        ``strays`` are the Kustomizations without a folder that are judged with an app.
        """
        judged = [*(one for group in groups for one in group.kustomizations), *strays]
        left: list[FluxKustomization] = []
        for one in self._kustomizations:
            if not any(one is other or _alike(one, other) for other in (*judged, *left)):
                left.append(one)
        taken = {id(one) for group in groups for one in group.objects}
        objects = [one for k in left for one in k.members if id(one) not in taken]
        there = {id(one) for one in objects} | taken
        more = [k.manifest for k in left if k.manifest.file not in self._flux.owner]
        more += [one for one in self.loose() if one.kind in _SHARED or _overrides(one)]
        objects += [one for one in more if id(one) not in there]
        return Group(NO_APP, ".", frozenset(), left, objects, rest=True) if objects else None


def _overrides(one: Manifest) -> bool:
    return one.kind in ("ConfigMap", "Secret") and one.name.endswith("-override")


def _alike(one: FluxKustomization, other: FluxKustomization) -> bool:
    """Return whether two clusters get the same of a folder, so that it is judged once."""
    return (
        (one.name, one.folder or one.path) == (other.name, other.folder or other.path)
        and not together(one.clusters, other.clusters)
        and [m.value for m in one.members] == [m.value for m in other.members]
    )


def _source_kind(kind: str) -> str:
    return "Secret" if kind in ("StringSecret", "BasicAuth") else kind
