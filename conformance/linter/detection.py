"""Which apps a tree has: told by what its objects are and refer to, not by what folders are called.

An app is what a HelmRelease or a workload belongs to: the Kustomization that applies it, the
Kustomizations that make what its variables come from, its chart. A chart that no HelmRelease of
the tree uses is an app of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage, Chart, FluxKustomization, Release
from conformance.linter.deadline import at_most
from conformance.linter.elsewhere import ChartsElsewhere
from conformance.linter.files import YamlFiles, in_chart, inside, parent
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.flux.clusters import together
from conformance.linter.flux.kustomizations import FluxTree, is_flux_kustomization
from conformance.linter.flux.values import HELM_RELEASE, release_of
from conformance.linter.helm.installations import Installer, Renders, charts_of
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.pods import WORKLOADS
from conformance.linter.reading.tree import YAML_SUFFIXES, Tree, shown
from conformance.linter.rules.package import NOTHING

_INSTALLS = frozenset({HELM_RELEASE, *WORKLOADS})


@dataclass
class _Group:
    """An app in the making."""

    name: str
    path: str
    cluster: frozenset[str] = frozenset()
    """The one that it is judged in; empty: the tree is for one cluster, or for any."""
    kustomizations: list[FluxKustomization] = field(default_factory=list)
    objects: list[Manifest] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)


def nothing(tree: Tree) -> AppPackage:
    """Return what stands for the app where a tree has none."""
    return AppPackage(tree.name, ".", NOTHING, problems=tuple(tree.problems))


def detect(
    tree: Tree,
    renderer: Renders,
    *,
    values: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    elsewhere: ChartsElsewhere | None = None,
) -> list[AppPackage]:
    """Return the apps of a tree, in the order of their paths; none if there is nothing to install.

    ``values`` are added to each chart's (``--values``). ``elsewhere`` has the charts that are not
    in the tree.
    """
    return _Detector(tree, renderer, values, limits or Limits(), elsewhere).apps()


def detect_in_time(
    tree: Tree,
    renderer: Renders,
    elsewhere: ChartsElsewhere | None,
    *,
    limits: Limits,
    values: Mapping[str, Any] | None = None,
) -> list[AppPackage]:
    """Return the apps of a tree as ``detect`` does, with what has to be fetched for them.

    Raises TooLongError if reading and rendering takes longer than the limits allow.
    """
    while True:
        with at_most(limits.reading_seconds):
            found = detect(tree, renderer, values=values, limits=limits, elsewhere=elsewhere)
        if elsewhere is None or not elsewhere.fetch_wanted():
            return found


class _Detector:
    def __init__(
        self,
        tree: Tree,
        renderer: Renders,
        given: Mapping[str, Any] | None,
        limits: Limits,
        elsewhere: ChartsElsewhere | None,
    ) -> None:
        self._elsewhere = elsewhere
        self._tree = tree
        self._renderer = renderer
        self._given = given
        self._limits = limits
        self._files = YamlFiles(tree, limits)
        self._charts, self._chart_problems = charts_of(self._files)
        self._flux = FluxTree(self._files)
        self._kustomizations = self._flux.kustomizations()
        self._unowned = self._flux.unowned()
        self._everything = [
            *((one, k.clusters) for k in self._kustomizations for one in k.members),
            *((one, self._flux.clusters.of_object(one)) for one in self._unowned),
        ]

    def apps(self) -> list[AppPackage]:
        groups = self._kustomized()
        groups += self._plain(bool(groups))
        used: set[str] = set()
        for group in groups:
            self._add_releases(group, alone=len(groups) == 1)
            used |= {chart.folder for chart in group.charts}
        groups += [
            _Group(self._chart_name(chart), chart.folder, charts=[chart])
            for chart in self._charts
            if chart.folder not in used
        ]
        apps = [self._app(group, groups) for group in sorted(groups, key=lambda one: one.path)]
        return self._with_other_problems(apps)

    def _chart_name(self, chart: Chart) -> str:
        return chart.name or posixpath.basename(chart.folder.removeprefix(".")) or self._tree.name

    def _kustomized(self) -> list[_Group]:
        """Return the apps that Kustomizations apply."""
        installing = [
            one for one in self._kustomizations if any(m.kind in _INSTALLS for m in one.members)
        ]
        groups: list[_Group] = []
        for one in installing:
            if any(_alike(one, group.kustomizations[0]) for group in groups):
                continue
            cluster = frozenset(sorted(one.clusters)[:1])
            group = _Group(one.name, one.folder or parent(one.manifest.file), cluster, [one])
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

    def _plain(self, kustomized: bool) -> list[_Group]:
        """Return the apps whose objects no Kustomization of the tree applies."""
        loose = [one for one in self._unowned if not is_flux_kustomization(one)]
        folders = sorted({parent(one.file) for one in loose if one.kind in _INSTALLS})
        outermost = [
            folder
            for folder in folders
            if not any(folder != other and inside(folder, other) for other in folders)
        ]
        groups = [_Group("", folder) for folder in outermost]
        for one in loose:
            for group in self._homes(one, groups):
                group.objects.append(one)
        for group in groups:
            releases = [one.name for one in group.objects if one.kind == HELM_RELEASE]
            workloads = [one.name for one in group.objects if one.kind in WORKLOADS]
            folder = posixpath.basename(group.path) if group.path != "." else self._tree.name
            group.name = (releases[0] if len(releases) == 1 else "") or folder
            if not releases and len(workloads) == 1:
                group.name = workloads[0] or folder
        if not groups and loose and not kustomized and not self._charts:
            groups = [_Group(self._tree.name, ".", objects=loose)]
        return groups

    @staticmethod
    def _homes(one: Manifest, groups: Sequence[_Group]) -> list[_Group]:
        """Return the apps that an object no Kustomization applies belongs to."""
        homes = [group for group in groups if inside(one.file, group.path)]
        if homes or len(groups) == 1:
            return homes or list(groups)
        folder = posixpath.basename(parent(one.file))
        return [group for group in groups if folder.startswith(posixpath.basename(group.path))]

    def _add_releases(self, group: _Group, *, alone: bool) -> None:
        for one in group.objects:
            if one.kind == HELM_RELEASE:
                release = release_of(
                    one,
                    [*self._around(group), *group.objects],
                    self._charts,
                    self._flux,
                    self._given or {},
                )
                if release.chart is None or release.broken:
                    release = self._from_elsewhere(release, group, alone=alone)
                group.releases.append(release)
                if release.chart is not None and release.chart not in group.charts:
                    group.charts.append(release.chart)

    def _from_elsewhere(self, release: Release, group: _Group, *, alone: bool) -> Release:
        """Return a release with the chart that is used in the place of one from elsewhere."""
        if self._elsewhere is None:
            return release
        return self._elsewhere.used_by(
            release,
            group.name,
            [group.path, *(chart.folder for chart in group.charts)],
            [*group.objects, *self._around(group)],
            {chart.folder: chart for chart in self._charts},
            alone=alone,
        )

    def _app(self, group: _Group, groups: Sequence[_Group]) -> AppPackage:
        installer = Installer(self._renderer, self._limits, self._given)
        files = {one.file for one in group.objects}
        problems = self._problems_in(group, files)
        broken = {one.place.file for one in problems} & set(self._files.paths)
        unread = tuple(sorted(file for file in broken if not self._files.objects(file)))
        if group.objects:
            beyond = [line for k in group.kustomizations for line in k.beyond]
            beyond += [f"{file} cannot be read" for file in unread]
            found = list(installer.of_releases(group.releases, group.objects, beyond))
        else:
            found = [one for chart in group.charts for one in installer.of_chart(chart)]
        own = {id(one) for one in group.objects}
        told = {problem for k in group.kustomizations for problem in k.problems}
        above = self._flux.above(k.manifest.file for k in group.kustomizations)
        return AppPackage(
            name=group.name,
            path=group.path,
            detected=_detected(group),
            charts=tuple(group.charts),
            written=tuple(group.objects),
            kustomizations=tuple(group.kustomizations),
            releases=tuple(group.releases),
            installations=tuple(found),
            failures=tuple(installer.failures),
            texts={file: self._files.text(file) for file in sorted(files)},
            problems=[*problems, *installer.problems],
            neighbours=tuple(one for one in self._around(group) if id(one) not in own),
            above=tuple(one for one in above if one not in told),
            strays=self._strays(group, groups),
            unread=unread,
            unapplied=bool(files) and self._flux.nobody_applies(files),
            linked=tuple(filter(self._tree.links.behind, sorted(files))),
            unlisted=self._unlisted(group, files),
        )

    def _around(self, group: _Group) -> list[Manifest]:
        """Return the objects of the whole tree that may be in the cluster of a group."""
        return [one for one, clusters in self._everything if together(clusters, group.cluster)]

    def _strays(self, group: _Group, groups: Sequence[_Group]) -> tuple[FluxKustomization, ...]:
        """Return the Kustomizations without a folder that belong to a group, by their names."""
        return tuple(
            one
            for one in self._kustomizations
            if one.folder is None
            and (len(groups) == 1 or group.name in (one.name, one.name.removesuffix("-secrets")))
        )

    def _unlisted(self, group: _Group, files: set[str]) -> tuple[Manifest, ...]:
        """Return objects in a group's folders that their kustomization.yaml leaves out."""
        folders = {parent(file) for file in files} | {
            k.folder for k in group.kustomizations if k.folder is not None
        }
        return tuple(
            one
            for one in self._unowned
            if parent(one.file) in folders
            and (one.file in files or not is_flux_kustomization(one))
            and one.file not in self._files.named
            and self._files.reads(parent(one.file))
        )

    def _problems_in(self, group: _Group, files: set[str]) -> list[Problem]:
        folders = [k.folder for k in group.kustomizations if k.folder is not None]
        return [
            problem
            for problem in self._file_problems()
            if problem.place.file in files
            or any(inside(problem.place.file, folder) for folder in folders)
            or any(inside(problem.place.file, chart.folder) for chart in group.charts)
            or (not folders and group.objects and inside(problem.place.file, group.path))
        ]

    def _file_problems(self) -> list[Problem]:
        """Return what is wrong with the files that count: those of Flux's folders, and objects."""
        paths = {*self._files.candidates, *self._flux.owner}
        read = [problem for path in sorted(paths) for problem in self._files.parse(path)[1]]
        of_charts = [*self._chart_problems, *(self._elsewhere.problems if self._elsewhere else ())]
        return [*self._tree.problems, *self._link_problems(), *of_charts, *read]

    def _link_problems(self) -> list[Problem]:
        """Return the links that Helm or Flux needs and that lead nowhere."""
        scanned = [
            one.folder
            for one in self._kustomizations
            if one.folder is not None and self._files.kustomization_file(one.folder) is None
        ]
        needed = [
            path
            for path in self._tree.links.broken
            if any(in_chart(path, one.folder) and one.needs(path) for one in self._charts)
            or (path.endswith(YAML_SUFFIXES) and any(inside(path, one) for one in scanned))
        ]
        return [
            Problem(
                Place(path),
                f"{quoted(shown(path))} is a symbolic link that cannot be followed:"
                f" {self._tree.links.broken[path]}",
                "Put the file itself here.",
            )
            for path in needed
        ]

    def _with_other_problems(self, apps: list[AppPackage]) -> list[AppPackage]:
        """Add what is wrong with files of no app: to the only app, else as an entry of its own."""
        told = {problem for app in apps for problem in app.problems}
        left = [problem for problem in self._file_problems() if problem not in told]
        if not left:
            return apps
        if len(apps) == 1:
            return [replace(apps[0], problems=[*apps[0].problems, *left])]
        rest = AppPackage(self._tree.name, ".", "files that do not belong to an app", problems=left)
        return [*apps, rest]


def _alike(one: FluxKustomization, other: FluxKustomization) -> bool:
    """Return whether two clusters get the same of a folder, so that it is judged once."""
    return (
        (one.name, one.folder) == (other.name, other.folder)
        and not together(one.clusters, other.clusters)
        and [m.value for m in one.members] == [m.value for m in other.members]
    )


def _source_kind(kind: str) -> str:
    return "Secret" if kind in ("StringSecret", "BasicAuth") else kind


def _detected(group: _Group) -> str:
    """Return what a group was taken for, in words."""
    charts = ", ".join(f"chart {chart.name or chart.folder}" for chart in group.charts)
    if not group.objects:
        return f"Helm {charts}" if charts else "nothing"
    parts = []
    if group.kustomizations:
        names = ", ".join(sorted(one.name for one in group.kustomizations))
        parts.append(f"Kustomization{'s' if len(group.kustomizations) > 1 else ''} {names}")
    if group.releases:
        names = ", ".join(one.name for one in group.releases)
        parts.append(f"HelmRelease{'s' if len(group.releases) > 1 else ''} {names}")
    elif not group.kustomizations:
        number = len(group.objects)
        parts.append(f"{number} object{'s' if number > 1 else ''} without a Flux Kustomization")
    if charts:
        parts.append(charts)
    kind = "Flux package" if group.kustomizations or group.releases else "plain manifests"
    return f"{kind}: {'; '.join(parts)}"
