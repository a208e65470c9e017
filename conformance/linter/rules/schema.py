"""Whether the API server takes the objects: their kinds, fields, values and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.linter.access import Path, sequence
from conformance.linter.facts.kubernetes_schema import (
    Advice,
    Violation,
    deprecated,
    invalid_names,
    unserved,
    validate,
)
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.versions import Versions

_API = "https://kubernetes.io/docs/reference/kubernetes-api/"
_DEPRECATION = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
_NAMES = "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"
_PLACEHOLDER = "example-"
"""What stands for a variable that nobody knows the type of begins like this."""


@rule(
    "schema.valid",
    "Objects have only fields and values that their kinds allow",
    level=1,
    why="Flux applies a Kustomization as a whole: because of one misspelt field, or a number "
    "instead of text, nothing of it is installed or updated.",
    source=_API,
    fix="Correct the field that the finding names.",
    example="""
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: notes-data
spec:
  accessModes: [ReadWriteOnce]   # a list
  resources:
    requests:
      storage: 1Gi
""",
)
def valid(app: AppPackage) -> Iterator[Problem]:
    """Yield what is wrong with the written objects."""
    patched = {member.file for one in app.kustomizations if one.beyond for member in one.members}
    for manifest in _written(app):
        for violation in validate(manifest):
            if not violation.absent or manifest.file not in patched:  # a patch may add it
                yield from _unless_guessed(app, manifest, violation)


@rule(
    "schema.rendered",
    "The rendered chart has only fields, values and names that its kinds allow",
    level=2,
    why="Helm sends the objects to the API server one by one: it refuses the first one with a "
    "misspelt field or a number instead of text, and the release fails.",
    source=_API,
    fix="Correct the template, or the value that it uses.",
    example="""
env:
  - name: NOTES_PORT
    value: {{ .Values.port | quote }}   # text, even if it is a number
""",
)
def rendered(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is wrong with the rendered objects."""
    yield from _not_rendered(app)
    for manifest in _rendered(app):
        for violation in (*validate(manifest), *invalid_names(manifest)):
            yield _problem(manifest, violation)
        if (
            manifest.api_version
            and not manifest.name
            and not manifest.get("metadata", "generateName")
        ):
            yield Problem(manifest.place("metadata"), f"{_what(manifest)} has no metadata.name")


@rule(
    "schema.complete",
    "Every object has a name",
    level=1,
    why="If one object has no name, kustomize refuses the whole folder.",
    source=_NAMES,
    fix="Add metadata.name.",
    example="""
apiVersion: v1
kind: ConfigMap
metadata:
  name: stackspin-notes-values
""",
)
def complete(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object without a name."""
    for manifest in _written(app):
        if not manifest.name:
            yield Problem(manifest.place("metadata"), f"{_what(manifest)} has no metadata.name")


@rule(
    "schema.names",
    "Names and labels have only the characters that Kubernetes allows",
    level=1,
    why="The API server refuses an object whose name or label has a capital letter, a space, an "
    "underscore or too many characters in the wrong place; Flux then applies nothing.",
    source=_NAMES,
    fix='Use lower-case letters, digits and "-"; labels have 63 characters at most.',
    example="""
metadata:
  name: notes-data
  labels:
    stackspin.net/backupSet: notes
""",
)
def names(app: AppPackage) -> Iterator[Problem]:
    """Yield what is wrong with the names and labels of written objects."""
    for manifest in _written(app):
        for violation in invalid_names(manifest):
            yield from _unless_guessed(app, manifest, violation)


@rule(
    "schema.removed-api",
    "The cluster has the API versions that the objects use",
    level=1,
    why="Kubernetes or Flux does not accept an object whose apiVersion it has removed: the "
    "Kustomization fails, and nothing of it is installed or updated.",
    source=_DEPRECATION,
    fix="Write the apiVersion that the finding names.",
    example="""
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
""",
)
def removed_api(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object that the cluster does not know any more."""
    yield from _advised(app, _written(app), unserved)


@rule(
    "schema.rendered-api",
    "The cluster has the API versions that the chart uses",
    level=2,
    why="Helm stops at an object whose apiVersion Kubernetes has removed: the app is not "
    "installed, or never updated again.",
    source=_DEPRECATION,
    fix="Write the apiVersion that the finding names into the template.",
    example="""
apiVersion: networking.k8s.io/v1
kind: Ingress
""",
)
def rendered_api(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each rendered object that the cluster does not know any more."""
    yield from _not_rendered(app)
    # Whether a template asks the cluster is found out line by line: only where it matters.
    old = (one for one in _rendered(app) if unserved(one, app.versions) is not None)
    judged = (one for one in old if not _asks_the_cluster(app, one))
    yield from _advised(app, judged, unserved)


@rule(
    "schema.deprecated-api",
    "No object uses an API version that will be removed",
    level=1,
    severity=Severity.WARNING,
    why="The next Flux may not know it; then the app can be neither updated nor removed.",
    source="https://fluxcd.io/flux/installation/upgrade/",
    fix="Write the apiVersion that the finding names.",
    example="""
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
""",
)
def deprecated_api(app: AppPackage) -> Iterator[Problem]:
    """Yield each object of such a version."""
    yield from _advised(app, (*_written(app), *_rendered(app)), deprecated)


@rule(
    "schema.duplicate",
    "Flux applies each object once",
    level=1,
    why="kustomize refuses a folder that has the same object twice: nothing of it is installed. "
    "Two Kustomizations with the same object overwrite each other forever.",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/resources/",
    fix="Remove one of them, or give it another name.",
    example="""
# kustomization.yaml: each file once
resources:
  - notes-release.yaml
  - notes-values-configmap.yaml
""",
)
def duplicate(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object that is there twice."""
    groups = [(one.name, one.members) for one in app.kustomizations]
    owned = {id(member) for _, members in groups for member in members}
    loose = [one for one in app.written if id(one) not in owned and not app.rest]
    seen: dict[_Identity, tuple[str, Manifest]] = {}
    for owner, members in (*groups, ("", loose)):
        for manifest in _unfolded(members):
            identity = _identity(manifest)
            if identity is None:
                continue
            before = seen.setdefault(identity, (owner, manifest))
            if before[1] is manifest:
                continue
            same_place = manifest.place() == before[1].place()
            if before[0] != owner and (same_place or before[1].value == manifest.value):
                continue
            yield Problem(manifest.place(), _twice(manifest, before[1].place(), same_place))


@rule(
    "schema.made-once",
    "Helm creates each object once, and none that Flux creates",
    level=2,
    why="Helm refuses to create an object that already exists: the release fails, at the first "
    "installation or at the next one.",
    source="https://helm.sh/docs/chart_best_practices/templates/",
    fix="Remove one of them, or give it another name.",
    example="""
metadata:
  name: {{ include "notes.fullname" . }}-worker
""",
)
def made_once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each rendered object that is there twice."""
    yield from _not_rendered(app)
    for installation in app.installations:
        seen: dict[_Identity, Manifest] = {}
        for manifest in sorted(_unfolded(installation.manifests), key=lambda one: one.rendered):
            identity = _identity(manifest)
            if identity is None or manifest.hook:
                continue
            before = seen.setdefault(identity, manifest)
            if before is not manifest and manifest.rendered:
                yield Problem(manifest.place(), _twice(manifest, before.place(), False))


_Identity = tuple[str, str, str, str]


def _identity(manifest: Manifest) -> _Identity | None:
    """Return what makes an object the same as another; None where something of it is missing."""
    if not (manifest.kind and manifest.name and manifest.api_version):
        return None
    return manifest.group, manifest.kind, manifest.namespace, manifest.name


def _twice(manifest: Manifest, before: Place, same_place: bool) -> str:
    if same_place:
        return f"{manifest} is applied twice: its file is named twice"
    where = f"{before.file}, line {before.line}" if before.line else before.file
    return f"{manifest} is created twice: here and in {where}"


def _written(app: AppPackage) -> list[Manifest]:
    return list(_unfolded(app.written))


def _rendered(app: AppPackage) -> list[Manifest]:
    found = (one for i in app.installations for one in _unfolded(i.manifests) if one.rendered)
    return list({id(one): one for one in found}.values())


def _unfolded(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the objects, those of a List one by one."""
    for manifest in manifests:
        items = sequence(manifest.get("items"))
        if not manifest.kind.endswith("List") or not items:
            yield manifest
            continue
        for index, item in enumerate(items):
            if isinstance(item, Mapping):
                yield replace(manifest, value=item, line_of=_Inside(manifest, index))


class _Inside:
    """Lines of an object inside a List."""

    def __init__(self, outer: Manifest, index: int) -> None:
        self._outer = outer
        self._index = index

    def __call__(self, path: Path) -> int:
        return self._outer.line_of(("items", self._index, *path))


def _not_rendered(app: AppPackage) -> Iterator[NotRun]:
    for installation in app.installations:
        yield from map(NotRun, installation.missing)


def _problem(manifest: Manifest, violation: Violation) -> Problem:
    return Problem(
        manifest.place(*violation.path),
        f"{_what(manifest)}: {violation.message}",
        violation.fix,
    )


def _advised(
    app: AppPackage,
    manifests: Iterable[Manifest],
    advice_for: Callable[[Manifest, Versions], Advice | None],
) -> Iterator[Problem]:
    for manifest in manifests:
        advice = advice_for(manifest, app.versions)
        if advice is not None:
            yield Problem(manifest.place("apiVersion"), advice.message, advice.fix)


def _asks_the_cluster(app: AppPackage, manifest: Manifest) -> bool:
    """Return whether a template may take its ``apiVersion`` from what the cluster has.

    Nobody knows here what ``.Capabilities`` are there: a chart that looks takes the oldest one.
    """
    for chart in app.charts:
        file = manifest.file.removeprefix("" if chart.folder == "." else f"{chart.folder}/")
        template = chart.text(file)
        if template is None or not manifest.file.endswith(file):
            continue
        if ".Capabilities" in template:
            return True
        line = manifest.place("apiVersion").line
        written = template.split("\n")[line - 1 : line]
        helpers = (one for one in chart.files if one.endswith(".tpl"))
        return "{{" in "".join(written) and any(
            ".Capabilities" in (chart.text(one) or "") for one in helpers
        )
    return True  # packed: its source is not read


def _what(manifest: Manifest) -> str:
    name = f" {quoted(manifest.name)[1:-1]}" if manifest.name else ""
    return f"{manifest.kind or 'an object'}{name}"


def _unless_guessed(app: AppPackage, manifest: Manifest, violation: Violation) -> Iterator[Problem]:
    """Yield the problem, unless the value is our guess at a variable that only a cluster has."""
    problem = _problem(manifest, violation)
    if isinstance(violation.value, str) and _PLACEHOLDER in violation.value:
        lines = app.texts.get(manifest.file, "").split("\n")
        line = problem.place.line
        if 0 < line <= len(lines) and "${" in lines[line - 1]:
            return
    yield problem
