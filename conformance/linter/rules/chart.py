"""Whether a chart says of itself what Helm, Flux and its packagers need to know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter import semver
from conformance.linter.access import Path, mapping
from conformance.linter.findings import NotRun, Place, Problem, Severity, did_you_mean, quoted
from conformance.linter.helm.chart_parts import declared, is_used, misspelt, vendored
from conformance.linter.reading.documents import Document, parse
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart

_MANUAL = "https://helm.sh/docs/topics/charts/"
_KEYS = (
    "apiVersion", "name", "version", "kubeVersion", "description", "type", "keywords", "home",
    "sources", "dependencies", "maintainers", "icon", "appVersion", "deprecated", "annotations",
)  # fmt: skip
_HELM_2_KEYS = ("engine", "tillerVersion", "condition", "tags")


@rule(
    "chart.api-version",
    "Chart.yaml says that it is a chart of Helm 3",
    level=1,
    why="Flux's Helm refuses a chart without an apiVersion that it knows: nothing is installed.",
    source=f"{_MANUAL}#the-apiversion-field",
    fix="Write apiVersion: v2.",
    example="""
apiVersion: v2
name: notes
version: 1.0.0
""",
)
def api_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart without a known ``apiVersion``."""
    for chart, metadata in _metadata(app):
        found = metadata.get("apiVersion")
        if found not in ("v1", "v2"):
            says = "has no apiVersion" if found is None else f"has apiVersion {quoted(str(found))}"
            yield Problem(_place(chart, "apiVersion"), f"chart {chart.name} {says}")


@rule(
    "chart.helm-2",
    "The chart is not in the format of Helm 2",
    level=1,
    severity=Severity.WARNING,
    why="Helm 3 still reads it, but ignores its dependencies in Chart.yaml; Helm 2 has not been "
    "supported since 2020.",
    source=f"{_MANUAL}#the-apiversion-field",
    fix="Write apiVersion: v2, and move the content of requirements.yaml to dependencies.",
    example="""
apiVersion: v2
name: notes
version: 1.0.0
dependencies:
  - name: postgresql
    version: 16.4.1
    repository: oci://registry.example.org/charts
""",
)
def helm_2(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart of ``apiVersion: v1``."""
    for chart, metadata in _metadata(app):
        if metadata.get("apiVersion") == "v1":
            place = _place(chart, "apiVersion")
            yield Problem(place, f"chart {chart.name} has apiVersion v1, the format of Helm 2")


@rule(
    "chart.version",
    "The chart's version has three numbers",
    level=1,
    severity=Severity.WARNING,
    why="Flux upgrades an app when its chart's version rises. Registries refuse a version that is "
    "not a full semantic version, and YAML turns 1.10 without quotes into 1.1.",
    source="https://semver.org",
    fix="Write three numbers, as in 1.0.0.",
    example="""
version: 1.4.0
""",
)
def version(app: AppPackage) -> Iterator[Problem]:
    """Yield each version that Helm has to complete."""
    for chart, _ in _metadata(app):
        loose = semver.parse(chart.version)
        if loose is not None and not semver.STRICT.fullmatch(chart.version):
            whole = ".".join(map(str, loose.numbers))
            yield Problem(
                _place(chart, "version"),
                f"version {quoted(chart.version)} of chart {chart.name} is not a full version",
                f"Write {whole}." if loose.final else "",
            )


@rule(
    "chart.app-version",
    "Chart.yaml says which version of the app it installs",
    level=1,
    severity=Severity.WARNING,
    why="It is shown in the list of installed apps, and tells whether an update of the chart also "
    "updates the app.",
    source=f"{_MANUAL}#the-appversion-field",
    fix="Write appVersion, in quotes.",
    example="""
version: 1.4.0
appVersion: "27.10"
""",
)
def app_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart without it, and each that YAML reads as another one."""
    for chart, metadata in _metadata(app):
        found = metadata.get("appVersion")
        if found is None or found == "":
            if metadata.get("type") != "library":
                yield Problem(_place(chart), f"chart {chart.name} has no appVersion")
        elif not isinstance(found, str):
            written = re.search(
                r"(?m)^appVersion:[ \t]*([^\s#]{1,60})", chart.text("Chart.yaml") or ""
            )
            if written and written[1] != str(found):
                yield Problem(
                    _place(chart, "appVersion"),
                    f"appVersion {written[1]} is a number without quotes: Helm reads {found}",
                    f'Write "{written[1]}".',
                )


@rule(
    "chart.ignored-key",
    "Every field of Chart.yaml is one that Helm reads",
    level=1,
    severity=Severity.WARNING,
    why="Helm silently ignores a misspelt field: a dependency is not installed, or a version of "
    "Kubernetes is not checked.",
    source=f"{_MANUAL}#the-chartyaml-file",
    fix="Correct the name.",
    example="""
kubeVersion: ">=1.25.0-0"
dependencies: []
""",
)
def ignored_key(app: AppPackage) -> Iterator[Problem]:
    """Yield each field that is almost one of Helm's."""
    known = {key.lower() for key in (*_KEYS, *_HELM_2_KEYS)}
    for chart, metadata in _metadata(app):
        for key in metadata:
            hint = did_you_mean(str(key)[:60], _KEYS)
            if hint and str(key).lower() not in known:  # Go reads names in any case
                says = f"Helm does not know {quoted(str(key))} in Chart.yaml{hint}"
                yield Problem(_place(chart, str(key)), says)


@rule(
    "chart.deprecated",
    "The chart is not marked as deprecated",
    level=1,
    severity=Severity.WARNING,
    why="Its authors say that nobody should install it any more: there will be no updates.",
    source=f"{_MANUAL}#deprecating-charts",
    fix="Use the chart that replaced it, or remove the mark.",
    example="""
deprecated: false
""",
)
def is_deprecated(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart that is."""
    for chart, metadata in _metadata(app):
        if metadata.get("deprecated") is True:
            yield Problem(_place(chart, "deprecated"), f"chart {chart.name} is deprecated")


@rule(
    "chart.kube-version",
    "The chart allows the version of Kubernetes that Stackspin runs on",
    level=1,
    why="Helm refuses a chart whose kubeVersion does not allow the cluster's: it is not installed.",
    source=f"{_MANUAL}#the-kubeversion-field",
    fix="Correct the constraint; without an upper bound it need not be changed for each release.",
    example="""
kubeVersion: ">=1.25.0-0"
""",
)
def kube_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each constraint that does not allow the cluster's version."""
    pinned = app.versions.kubernetes_release
    cluster = semver.parse(pinned)
    for chart, metadata in _metadata(app):
        wanted = str(metadata.get("kubeVersion") or "")
        if not wanted or cluster is None:
            continue
        allowed = semver.satisfies(cluster, wanted)
        if allowed is None:
            says = f"kubeVersion {quoted(wanted)} of chart {chart.name} is not a valid constraint"
            yield Problem(_place(chart, "kubeVersion"), says)
        elif not allowed:
            says = f"kubeVersion {quoted(wanted)} of chart {chart.name} does not allow {pinned}"
            yield Problem(_place(chart, "kubeVersion"), says)


@rule(
    "chart.library",
    "A HelmRelease installs an application, not a library",
    level=1,
    why="A library chart only has templates for other charts; Helm refuses to install it.",
    source="https://helm.sh/docs/topics/library_charts/",
    fix="Write type: application into Chart.yaml, or name the chart that uses the library.",
    example="""
type: application
""",
)
def library(app: AppPackage) -> Iterator[Problem]:
    """Yield each release of a library."""
    for release in app.releases:
        chart = release.chart
        if chart is not None and mapping(chart.metadata.value).get("type") == "library":
            says = f"HelmRelease {release.name} installs chart {chart.name}, which is a library"
            yield Problem(_place(chart, "type"), says)


@rule(
    "chart.dependencies",
    "The charts that the chart depends on are in its folder charts/",
    level=2,
    why="Helm refuses a chart whose dependencies are missing. Flux fetches them at each change, "
    "as long as their repository exists; the objects they create cannot be checked here.",
    source=f"{_MANUAL}#chart-dependencies",
    fix="Run `helm dependency build` in the chart's folder.",
    example="""
charts/
  postgresql-16.4.1.tgz
""",
)
def dependencies(app: AppPackage) -> Iterator[Problem]:
    """Yield each dependency that is not there, and that some set of values switches on."""
    for chart in app.charts:
        found = vendored(chart)
        sets = [one.values for one in app.releases if one.chart is chart]
        if not app.releases:
            sets = [one.values for one in app.installations] or [{}]
        folder = "" if chart.folder == "." else f" {chart.folder}"
        for one in declared(chart):
            used = any(is_used(one, chart, values) for values in sets)
            if one.name and one.name not in found and used:
                yield Problem(
                    one.place,
                    f"chart {chart.name} depends on {one.name} {one.version}".rstrip()
                    + ", which is not in charts/",
                    f"Run `helm dependency build{folder}`.",
                )


@rule(
    "chart.dependency-version",
    "The charts in charts/ have the versions that Chart.yaml asks for",
    level=2,
    severity=Severity.WARNING,
    why="The version tested here differs from the one that `helm dependency build` will fetch.",
    source=f"{_MANUAL}#chart-dependencies",
    fix="Run `helm dependency update` in the chart's folder.",
    example="""
dependencies:
  - name: postgresql
    version: 16.4.1   # charts/postgresql-16.4.1.tgz
    repository: oci://registry.example.org/charts
""",
)
def dependency_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each dependency that is there in another version."""
    for chart in app.charts:
        found = vendored(chart)
        for one in declared(chart):
            versions = [semver.parse(version) for version in found.get(one.name, ())]
            known = [version for version in versions if version is not None]
            allowed = [semver.satisfies(version, one.version) for version in known]
            if known and one.version and True not in allowed and None not in allowed:
                there = " and ".join(sorted(found[one.name]))
                says = f"charts/ has {one.name} {there}, Chart.yaml asks for {quoted(one.version)}"
                yield Problem(one.place, says)


@rule(
    "chart.schema",
    "The chart has a schema for its values",
    level=1,
    severity=Severity.NOTE,
    why="Without it Helm silently ignores a misspelt value: the app runs with the default, and "
    "the mistake is hard to find.",
    source=f"{_MANUAL}#schema-files",
    fix="Add values.schema.json; additionalProperties: false makes Helm refuse unknown values.",
    example="""
{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "hostname": {"type": "string", "minLength": 1}
  }
}
""",
)
def schema(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart that has values and no schema."""
    for chart, metadata in _metadata(app):
        values = chart.values is not None and mapping(chart.values.value)
        if metadata.get("type") == "library" or not values:
            continue
        if "values.schema.json" not in chart.files:
            others = [file for file in chart.files if file.startswith("values.schema.")]
            says = f"chart {chart.name} has no values.schema.json"
            if others:
                says += f"; Helm does not read {others[0]}"
            yield Problem(Place(chart.path("values.yaml")), says)


@rule(
    "chart.unknown-value",
    "The chart reads every value that is set",
    level=2,
    severity=Severity.WARNING,
    why="Helm silently ignores a value that no template reads: the app runs with the default.",
    source="https://helm.sh/docs/chart_best_practices/values/",
    fix="Write the name as it is in the chart's values.yaml.",
    example="""
# values.yaml of the chart has persistence.existingClaim
persistence:
  existingClaim: notes-data
""",
)
def unknown_value(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that is almost one of the chart's."""
    for release in app.releases:
        if release.chart is None:
            yield NotRun(release.chart_missing)
            continue
        for path, meant in misspelt(release.chart, release.values):
            yield _unknown(release.chart, path, meant, release.place(*path))
    if not app.releases:
        for installation in app.installations:
            for chart in app.charts:
                document = _ci_document(chart, installation.label)
                for path, meant in misspelt(chart, installation.values):
                    line = 0 if document is None else document.line(path)
                    file = chart.path(installation.label) if document else ""
                    yield _unknown(chart, path, meant, Place(file, line))


def _unknown(chart: Chart, path: Path, meant: str, place: Place) -> Problem:
    name = ".".join(map(str, path))
    says = f"chart {chart.name} has no value {quoted(name)}; did you mean {meant}?"
    return Problem(place, says, f"Write {meant} instead of {quoted(str(path[-1]))}.")


def _ci_document(chart: Chart, label: str) -> Document | None:
    written = chart.text(label)
    documents = parse(written, chart.path(label))[0] if written is not None else []
    return documents[0] if documents else None


def _metadata(app: AppPackage) -> Iterator[tuple[Chart, Mapping[str, Any]]]:
    """Yield the charts whose ``Chart.yaml`` Helm can read, and what is in it."""
    for chart in app.charts:
        value = chart.metadata.value
        if isinstance(value, Mapping) and value:
            yield chart, value


def _place(chart: Chart, key: str = "") -> Place:
    line = chart.metadata.line((key,) if key else ())
    return Place(chart.path("Chart.yaml"), line)
