"""Whether there is an app, its files can be read, and its charts render."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import NotRun, Place, Problem, Severity
from conformance.linter.helm.installations import DEFAULTS
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

NOTHING = "nothing"
"""What a folder without any app is detected as."""
_FIX_OF_VALUES = (
    "Give the linter the values that the chart needs: --values FILE, or ci/NAME-values.yaml in the "
    "chart, which is tried each time."
)
_FIX_OF_LIMIT = "Look in the templates for an endless loop, or one that creates more and more text."


@rule(
    "package.nothing",
    "The package has an app",
    level=1,
    why="Stackspin installs an app from a Helm chart, or from objects that Flux applies. A folder "
    "without either installs nothing, and nobody gets a message about it.",
    source="Stackspin",
    fix="Name the folder that holds the app: its Chart.yaml, or its Kustomization and HelmRelease.",
    example="""
# apps/notes/notes-release.yaml
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: notes
  namespace: flux-system
""",
)
def nothing(app: AppPackage) -> Iterator[Problem]:
    """Yield one problem for what holds no app at all."""
    if app.detected == NOTHING and not app.problems:
        yield Problem(
            Place(),
            "no app found here: neither a chart (Chart.yaml), nor a HelmRelease, a Deployment or "
            "another object that installs something",
        )


@rule(
    "package.readable",
    "Every file can be read",
    level=1,
    why="Flux and Helm stop at the first file that they cannot read: because of one missing "
    "space, nothing of the app is installed or updated.",
    source="https://yaml.org/spec/1.2.2/",
    fix="Correct the file at the given line; an editor with YAML support shows the same error.",
    example="""
metadata:
  name: notes           # two spaces deeper than "metadata", a space after each colon
  labels:
    title: "a: quoted"  # text with a colon in quotes
""",
)
def readable(app: AppPackage) -> Iterator[Problem]:
    """Yield what was wrong with the files."""
    yield from app.problems


@rule(
    "package.links",
    "What Flux applies are files, not symbolic links",
    level=1,
    severity=Severity.NOTE,
    why="What a link leads to is judged here as if it were the file. Flux's source-controller "
    "leaves links out of what it hands on: a folder that needs one may not build in the cluster.",
    source="https://github.com/fluxcd/pkg/blob/main/artifact/storage/archive.go",
    fix="Name the file itself in the kustomization.yaml, or put a copy in the place of the link.",
    example="""
resources:
  - ../shared/release.yaml # not a link to it
""",
)
def links(app: AppPackage) -> Iterator[Problem]:
    """Yield each link among the files of the app's objects."""
    for file in app.linked if app.kustomizations else ():
        yield Problem(Place(file), "this file is a symbolic link, or lies behind one")


@rule(
    "package.renders",
    "The chart renders with every set of values",
    level=2,
    why="helm-controller renders the chart in the cluster. If that fails, the release stays at "
    "its old version or is never installed, and the reason is only in its status.",
    source="https://helm.sh/docs/chart_template_guide/debugging/",
    fix="Correct the template at the given line, or set the value that it needs.",
    example="""
# templates/deployment.yaml: a default for what may be missing
replicas: {{ .Values.replicas | default 1 }}
""",
)
def renders(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each failure, and each chart that is not here to be rendered."""
    for failure in app.failures:
        fix = _FIX_OF_LIMIT if failure.limit else ""
        if failure.needed and failure.label == DEFAULTS:
            fix = _FIX_OF_VALUES
        yield Problem(failure.place, f"with {failure.label}: {failure.message}", fix)
    failed = {failure.label for failure in app.failures}
    for installation in app.installations:
        if installation.label not in failed:
            yield from map(NotRun, installation.missing)
