"""What is in the cluster once an app is installed: its charts rendered, with each set of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Protocol

from conformance.linter.access import mapping, text
from conformance.linter.app import Chart, Installation, Release, RenderFailure
from conformance.linter.files import YamlFiles, in_chart
from conformance.linter.findings import Place, Problem
from conformance.linter.flux.post_renderers import post_render
from conformance.linter.helm.chart_parts import absent
from conformance.linter.helm.rendered import objects_of, template_source
from conformance.linter.helm.rendering import RenderError
from conformance.linter.helm.upgrades import changing, is_random
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document, parse

DEFAULTS = "default values"
GIVEN = "--values"
APPS_NAMESPACE = "stackspin-apps"
_CI_VALUES = re.compile(r"ci/[^/]*-values\.ya?ml")


class Renders(Protocol):
    """Renders charts."""

    def render(
        self,
        files: Mapping[str, bytes],
        *,
        values: Mapping[str, Any],
        name: str,
        namespace: str,
        upgrade: bool = False,
    ) -> dict[str, str]:
        """Return the rendered templates by path. Raises RenderError."""


def charts_of(files: YamlFiles) -> tuple[list[Chart], list[Problem]]:
    """Return the charts of a tree, and what is wrong with their Chart.yaml and values.yaml."""
    charts, problems = [], []
    for folder in files.chart_folders:
        start = "" if folder == "." else f"{folder}/"
        content = {
            path.removeprefix(start): data
            for path, data in files.tree.files.items()
            if in_chart(path, folder)
        }
        found: dict[str, Document | None] = {}
        for name in ("Chart.yaml", "values.yaml"):
            documents, wrong = files.parse(f"{start}{name}") if name in content else ([], [])
            problems += wrong
            found[name] = documents[0] if documents else None
        metadata = found["Chart.yaml"] or Document(f"{start}Chart.yaml", {})
        charts.append(Chart(folder, content, metadata, found["values.yaml"]))
    return charts, problems


class Installer:
    """Renders charts and puts what comes of it together with an app's written objects."""

    def __init__(self, renderer: Renders, limits: Limits, given: Mapping[str, Any] | None) -> None:
        self._renderer = renderer
        self._limits = limits
        self._given = given
        self.failures: list[RenderFailure] = []
        self.problems: list[Problem] = []

    def of_chart(self, chart: Chart) -> Iterator[Installation]:
        """Yield a chart that stands alone: default values, each of ``ci/``, the given ones."""
        if _is_library(chart):
            return
        sets: list[tuple[str, Mapping[str, Any]]] = [(DEFAULTS, {}), *self._ci_values(chart)]
        if self._given is not None:
            sets.append((GIVEN, self._given))
        made = [
            self._installation(chart, label, values, chart.name or "app", APPS_NAMESPACE)
            for label, values in sets
        ]
        failed = {one.label for one in self.failures if one.chart is chart}
        if any(one.label not in failed for one in made[1:]):
            # Without values it is not meant to be installed, and others show how it is.
            needed = [one for one in self.failures if one.label == DEFAULTS and one.needed]
            self.failures = [one for one in self.failures if one not in needed]
            made = made[1:] if needed else made
        yield from made

    def of_releases(
        self, releases: Sequence[Release], written: Sequence[Manifest], beyond: Iterable[str]
    ) -> Iterator[Installation]:
        """Yield each HelmRelease with its values and the written objects, and ``ci/`` values."""
        missing = tuple(beyond)
        if not releases:
            yield Installation("the package's objects", tuple(written), missing)
        for release in releases:
            label = f"HelmRelease {release.name}"
            name = text(release.manifest.get("spec", "releaseName")) or release.name
            if release.chart is None or release.values_missing:
                why = (*missing, release.values_missing or release.chart_missing)
                yield Installation(label, tuple(written), why, release.values, release)
                continue
            one = self._installation(release.chart, label, release.values, name, release.namespace)
            after = post_render(release.manifest, one.manifests)
            self.failures += [
                RenderFailure(release.chart, label, problem.message, problem.place)
                for problem in after.problems
            ]
            together = (*after.manifests, *written)
            why = (*missing, *one.missing, *after.beyond)
            yield replace(
                one,
                manifests=together,
                missing=why,
                release=release,
                beyond=tuple(after.beyond),
            )

    def _ci_values(self, chart: Chart) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in sorted(chart.files):
            if _CI_VALUES.fullmatch(path):
                documents, problems = parse(chart.text(path) or "", chart.path(path), self._limits)
                self.problems += problems
                if not problems:
                    value = documents[0].value if documents else {}
                    yield f"ci/{PurePosixPath(path).name}", mapping(value)

    def _installation(
        self, chart: Chart, label: str, values: Mapping[str, Any], name: str, namespace: str
    ) -> Installation:
        missing = absent(chart, values)
        try:
            rendered = self._renderer.render(
                chart.files, values=values, name=name, namespace=namespace
            )
        except RenderError as error:
            if missing and not error.limit:  # that is the finding: a template may be in what misses
                return Installation(label, (), tuple(missing), values)
            place = self._template_place(chart, error)
            failure = RenderFailure(chart, label, error.message, place, error.limit, error.needed)
            self.failures.append(failure)
            return Installation(label, (), (f"chart {chart.name} does not render",), values)
        manifests, problems = objects_of(rendered, chart, self._limits)
        self.failures += [RenderFailure(chart, label, one.message, one.place) for one in problems]
        if _is_library(chart):
            missing.append(f"chart {chart.name} is a library, which creates no objects")
        renewed, undecided = self._renewed(chart, values, name, namespace, manifests)
        return Installation(
            label,
            tuple(_in(namespace, manifests)),
            tuple(missing),
            values,
            renewed=renewed,
            undecided=undecided,
        )

    def _renewed(
        self,
        chart: Chart,
        values: Mapping[str, Any],
        name: str,
        namespace: str,
        installed: Sequence[Manifest],
    ) -> tuple[tuple[Place, ...], str]:
        """Return the passwords that an upgrade makes anew, or why it is not known."""
        files = is_random(chart, self._limits)
        if files is None:
            return (), ""

        def render(prepared: Mapping[str, bytes]) -> Mapping[str, str]:
            return self._renderer.render(
                prepared, values=values, name=name, namespace=namespace, upgrade=True
            )

        try:
            found = changing(files, chart, installed, render, self._limits)
        except RenderError as error:
            return (), f"as an upgrade, chart {chart.name} does not render here: {error.message}"
        return tuple(one.place(*path) for one, path in found), ""

    @staticmethod
    def _template_place(chart: Chart, error: RenderError) -> Place:
        if error.template:
            return Place(template_source(error.template, chart)[0], error.line)
        return Place(chart.path("Chart.yaml"))


def _is_library(chart: Chart) -> bool:
    return text(mapping(chart.metadata.value).get("type")) == "library"


def _in(namespace: str, manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the objects with the namespace that Helm puts them in, if they name none."""
    for manifest in manifests:
        yield manifest.in_namespace(namespace)
