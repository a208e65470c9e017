"""Which apps a tree has: told by what its objects are and refer to, not by what folders are called.

A chart that no HelmRelease of the tree uses is an app of its own. What belongs to no app, such as
sources, namespaces and the Kustomizations that lead to several apps, comes last, as one entry.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.linter.access import get, text, walk
from conformance.linter.app import SOURCE_KINDS, AppPackage, Chart, FluxKustomization, Release
from conformance.linter.deadline import Budget
from conformance.linter.elsewhere import ChartsElsewhere
from conformance.linter.file_problems import FileProblems
from conformance.linter.files import YamlFiles, parent
from conformance.linter.findings import Problem
from conformance.linter.flux.clusters import together
from conformance.linter.flux.kustomizations import FluxTree, is_flux_kustomization
from conformance.linter.flux.values import HELM_RELEASE, Named, by_name, release_of
from conformance.linter.group_words import of_no_app, taken_for
from conformance.linter.grouping import NO_APP, Group, Grouping
from conformance.linter.helm.installations import Installer, Renders, charts_of
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import Tree
from conformance.linter.rules.package.nothing import NOTHING

_STRICT = "StrictPostBuildSubstitutions=true"
"""Flux' feature gate: variables that nothing defines make a Kustomization fail."""


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
) -> Iterator[AppPackage]:
    """Yield the apps of a tree, in the order of their paths; none if there is nothing to install.

    The charts of each are rendered when it is asked for, and nothing here holds on to what came of
    it. ``values`` are added to each chart's (``--values``). ``elsewhere`` has the charts that are
    not in the tree, and fetches what it has not yet.
    """
    while True:
        detector = _Detector(tree, renderer, values, limits or Limits(), elsewhere)
        groups = detector.groups()
        if elsewhere is None or not elsewhere.fetch_wanted():
            break
    yield from detector.apps(groups)


def detect_in_time(
    tree: Tree,
    renderer: Renders,
    elsewhere: ChartsElsewhere | None,
    *,
    limits: Limits,
    values: Mapping[str, Any] | None = None,
) -> Iterator[AppPackage]:
    """Yield the apps of a tree as ``detect`` does.

    Raises TooLongError if reading and rendering takes longer than the limits allow. What is done
    with one app before the next is asked for does not count.
    """
    budget = Budget(limits.reading_seconds)
    with budget.spending():
        apps = iter(detect(tree, renderer, values=values, limits=limits, elsewhere=elsewhere))
    while True:
        with budget.spending():
            app = next(apps, None)
        if app is None:
            return
        yield app
        del app  # the next one needs the memory


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
        self._charts, of_charts = charts_of(self._files)
        self._flux = FluxTree(self._files)
        self._kustomizations = self._flux.kustomizations()
        self._grouping = Grouping(
            tree.name, self._flux, self._kustomizations, has_charts=bool(self._charts)
        )
        self._unowned = self._grouping.unowned
        self._everything = list(self._grouping.everything())
        self._problems = FileProblems(
            self._files, self._flux, self._kustomizations, self._charts, of_charts, elsewhere
        )
        self._names: dict[frozenset[str], Named] = {}
        self._strict = any(_is_strict(one) for one, _ in self._everything)

    def groups(self) -> list[Group]:
        """Return the apps with all that is known of them before anything is rendered."""
        groups = self._grouping.groups()
        used: set[str] = set()
        for group in groups:
            self._add_releases(group, alone=len(groups) == 1)
            used |= {chart.folder for chart in group.charts}
        groups += [
            Group(self._chart_name(chart), chart.folder, charts=[chart])
            for chart in self._charts
            if chart.folder not in used
        ]
        return sorted(groups, key=lambda one: one.path)

    def apps(self, groups: Sequence[Group]) -> Iterator[AppPackage]:
        """Yield each of the apps, and then what belongs to none, if there is any."""
        judged: list[AppPackage] = []
        for group in groups:
            app = self._app(group, groups)
            if len(groups) == 1:
                app = replace(app, problems=[*app.problems, *self._untold([app])])
            judged.append(app.without_rendered())
            yield app
            del app  # the next one needs the memory
        if judged:
            yield from self._remainder(groups, judged)
        elif self._grouping.unseen:
            yield replace(nothing(self._tree), unseen=self._grouping.unseen)

    def _chart_name(self, chart: Chart) -> str:
        return chart.name or posixpath.basename(chart.folder.removeprefix(".")) or self._tree.name

    def _add_releases(self, group: Group, *, alone: bool) -> None:
        for one in group.objects:
            if one.kind == HELM_RELEASE:
                named = {**self._named(group.cluster), **by_name(group.objects)}
                release = release_of(one, named, self._charts, self._flux, self._given or {})
                if release.chart is None or release.broken:
                    release = self._from_elsewhere(release, group, alone=alone)
                group.releases.append(release)
                if release.chart is not None and release.chart not in group.charts:
                    group.charts.append(release.chart)

    def _named(self, cluster: frozenset[str]) -> Named:
        """Return the objects of the whole tree that may be in a cluster, by their names."""
        if cluster not in self._names:
            around = [one for one, clusters in self._everything if together(clusters, cluster)]
            self._names[cluster] = by_name(around)
        return self._names[cluster]

    def _from_elsewhere(self, release: Release, group: Group, *, alone: bool) -> Release:
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

    def _app(self, group: Group, groups: Sequence[Group]) -> AppPackage:
        installer = Installer(self._renderer, self._limits, self._given)
        files = {one.file for one in group.objects}
        problems = self._problems.of(group, files)
        broken = {one.place.file for one in problems} & set(self._files.paths)
        unread = tuple(sorted(file for file in broken if not self._files.objects(file)))
        if group.objects:
            beyond = [line for k in group.kustomizations for line in k.beyond]
            beyond += group.built.beyond if group.built else []
            beyond += [f"{file} cannot be read" for file in unread]
            found = list(installer.of_releases(group.releases, group.objects, beyond))
        else:
            found = [one for chart in group.charts for one in installer.of_chart(chart)]
        own = {id(one) for one in group.objects}
        told = {problem for k in group.kustomizations for problem in k.problems}
        above = self._flux.above(k.manifest.file for k in group.kustomizations)
        above += tuple(group.built.problems) if group.built else ()
        return AppPackage(
            name=group.name,
            path=group.path,
            detected=taken_for(group),
            charts=tuple(group.charts),
            written=tuple(group.objects),
            kustomizations=tuple(group.kustomizations),
            releases=tuple(group.releases),
            installations=tuple(found),
            strict=self._strict,
            part=self._flux.roots.part,
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

    def _rest(self, groups: Sequence[Group], apps: Sequence[AppPackage]) -> AppPackage | None:
        """Return what belongs to no app; what is wrong with it is told of no app."""
        strays = [one for app in apps for one in app.strays]
        group = self._grouping.rest(groups, strays)
        if group is None:
            return None
        files = {one.file for one in group.objects}
        own = {id(one) for one in group.objects}
        told = {problem for app in apps for problem in app.above}
        told |= {problem for app in apps for k in app.kustomizations for problem in k.problems}
        return AppPackage(
            name=group.name,
            path=group.path,
            detected=of_no_app(group),
            written=tuple(group.objects),
            kustomizations=tuple(
                replace(k, problems=tuple(one for one in k.problems if one not in told))
                for k in group.kustomizations
            ),
            texts={file: self._files.text(file) for file in sorted(files)},
            neighbours=tuple(one for one in self._around(group) if id(one) not in own),
            linked=tuple(filter(self._tree.links.behind, sorted(files))),
            idle=self._idle(group, apps),
            strict=self._strict,
            part=self._flux.roots.part,
            rest=True,
        )

    def _idle(self, group: Group, apps: Sequence[AppPackage]) -> tuple[Manifest, ...]:
        """Return what apps need, or people have set, and nothing of the tree applies.

        What stands beside a Kustomization that nothing applies is applied by hand, as that is.
        """
        by_hand = {parent(one.file) for one in self._unowned if is_flux_kustomization(one)}
        wanted = {
            (text(get(ref, "kind")), text(get(ref, "name")))
            for app in apps
            for release in app.releases
            for ref in (
                release.manifest.get("spec", "chart", "spec", "sourceRef"),
                release.manifest.get("spec", "chartRef"),
            )
        }
        return tuple(
            one
            for one in group.objects
            if not is_flux_kustomization(one)
            and (one.kind not in SOURCE_KINDS or (one.kind, one.name) in wanted)
            and parent(one.file) not in {".", *by_hand}
            and self._flux.nobody_applies({one.file})
        )

    def _around(self, group: Group) -> list[Manifest]:
        """Return the objects of the whole tree that may be in the cluster of a group."""
        return [one for one, clusters in self._everything if together(clusters, group.cluster)]

    def _strays(self, group: Group, groups: Sequence[Group]) -> tuple[FluxKustomization, ...]:
        """Return the Kustomizations without a folder that belong to a group, by their names."""
        return tuple(
            one
            for one in self._kustomizations
            if one.folder is None
            and (len(groups) == 1 or group.name in (one.name, one.name.removesuffix("-secrets")))
        )

    def _unlisted(self, group: Group, files: set[str]) -> tuple[Manifest, ...]:
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

    def _remainder(
        self, groups: Sequence[Group], apps: Sequence[AppPackage]
    ) -> Iterator[AppPackage]:
        """Yield what belongs to no app, with what is wrong with files of none."""
        rest = self._rest(groups, apps)
        if left := self._untold(apps):
            none = AppPackage(NO_APP, ".", "files that belong to no app", rest=True)
            rest = replace(rest or none, problems=left)
        if rest is not None:
            yield rest

    def _untold(self, apps: Sequence[AppPackage]) -> list[Problem]:
        """Return what is wrong with files, and is told of none of these apps."""
        told = {problem for app in apps for problem in app.problems}
        return [problem for problem in self._problems.all if problem not in told]


def _is_strict(one: Manifest) -> bool:
    """Return whether Flux is installed so that it fails at variables that nothing defines."""
    if (one.kind, one.name) != ("Deployment", "kustomize-controller"):
        return False
    return any(isinstance(value, str) and _STRICT in value for _, value in walk(one.get("spec")))
