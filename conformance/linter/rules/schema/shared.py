"""What several rules of the family schema share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.linter.access import Path, sequence
from conformance.linter.facts.kubernetes_schema import (
    Advice,
    Violation,
)
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.manifest import Manifest

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.versions import Versions


PLACEHOLDER = "example-"
"""What stands for a variable that nobody knows the type of begins like this."""
Identity = tuple[str, str, str, str]


def identity_of(manifest: Manifest) -> Identity | None:
    """Return what makes an object the same as another; None where something of it is missing."""
    if not (manifest.kind and manifest.name and manifest.api_version):
        return None
    return manifest.group, manifest.kind, manifest.namespace, manifest.name


def said_twice(manifest: Manifest, before: Place, same_place: bool) -> str:
    """Return what is said of an object that is there twice."""
    if same_place:
        return f"{manifest} is applied twice: its file is named twice"
    where = f"{before.file}, line {before.line}" if before.line else before.file
    return f"{manifest} is created twice: here and in {where}"


def written_objects(app: AppPackage) -> list[Manifest]:
    """Return the objects that stand in files."""
    return list(unfolded(app.written))


def rendered_objects(app: AppPackage) -> list[Manifest]:
    """Return the objects that charts make, each once."""
    found = (one for i in app.installations for one in unfolded(i.manifests) if one.rendered)
    return list({id(one): one for one in found}.values())


def unfolded(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the objects, those of a List one by one."""
    for manifest in manifests:
        items = sequence(manifest.get("items"))
        if not manifest.kind.endswith("List") or not items:
            yield manifest
            continue
        for index, item in enumerate(items):
            if isinstance(item, Mapping):
                yield replace(manifest, value=item, line_of=Inside(manifest, index))


class Inside:
    """Lines of an object inside a List."""

    def __init__(self, outer: Manifest, index: int) -> None:
        self._outer = outer
        self._index = index

    def __call__(self, path: Path) -> int:
        """Return the line of what is at a path inside of the item."""
        return self._outer.line_of(("items", self._index, *path))


def not_rendered(app: AppPackage) -> Iterator[NotRun]:
    """Yield why objects of charts are not known."""
    for installation in app.installations:
        yield from map(NotRun, installation.missing)


def problem_of(manifest: Manifest, violation: Violation) -> Problem:
    """Return a violation of a schema as a problem of the object."""
    return Problem(
        manifest.place(*violation.path),
        f"{named_object(manifest)}: {violation.message}",
        violation.fix,
    )


def advised(
    app: AppPackage,
    manifests: Iterable[Manifest],
    advice_for: Callable[[Manifest, Versions], Advice | None],
) -> Iterator[Problem]:
    """Yield each object that there is advice for."""
    for manifest in manifests:
        advice = advice_for(manifest, app.versions)
        if advice is not None:
            yield Problem(manifest.place("apiVersion"), advice.message, advice.fix)


def named_object(manifest: Manifest) -> str:
    """Return what a message calls an object: its kind, and its name if it has one."""
    name = f" {quoted(manifest.name)[1:-1]}" if manifest.name else ""
    return f"{manifest.kind or 'an object'}{name}"


def unless_guessed(app: AppPackage, manifest: Manifest, violation: Violation) -> Iterator[Problem]:
    """Yield the problem, unless the value is our guess at a variable that only a cluster has."""
    problem = problem_of(manifest, violation)
    if isinstance(violation.value, str) and PLACEHOLDER in violation.value:
        lines = app.texts.get(manifest.file, "").split("\n")
        line = problem.place.line
        if 0 < line <= len(lines) and "${" in lines[line - 1]:
            return
    yield problem
