"""What a chart renders to as objects, each with its place in the chart's templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.app import Chart
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.helm.template_lines import TemplateLines
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document, parse

_DEFAULT = Limits()


def objects_of(
    rendered: Mapping[str, str], chart: Chart, limits: Limits = _DEFAULT
) -> tuple[list[Manifest], list[Problem]]:
    """Return the objects in what templates rendered to, and what of it is no object."""
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for template, content in rendered.items():
        file, source = template_source(template, chart)
        lines = TemplateLines(source, content)
        documents, broken = parse(content, file, limits)
        for problem in broken:
            problems.append(_translated(problem, content, lines))
        for document in documents:
            if isinstance(document.value, Mapping):
                manifests.extend(_objects(document, lines))
            else:
                message = f"renders to {quoted(document.value)}, which is not a Kubernetes object"
                problems.append(Problem(Place(file, lines.line(document.line())), message))
    return manifests, problems


def template_source(template: str, chart: Chart) -> tuple[str, str | None]:
    """Return the file, relative to PATH, that a template of Helm's stands in, and its text.

    ``template`` is as Helm names it: ``notes/charts/db/templates/service.yaml``. The text is None
    where it is not among the chart's files: of a packed subchart the file is its archive.
    """
    inside = template.partition("/")[2]
    content = chart.text(inside)
    if content is not None:
        return chart.path(inside), content
    parts = inside.split("/")
    if parts[0] != "charts" or len(parts) < 3:
        return chart.path(inside), None
    name = _unaliased(parts[1], chart)
    renamed = "/".join(("charts", name, *parts[2:]))
    content = chart.text(renamed)
    if content is None:
        for file in chart.files:
            if file.startswith(f"charts/{name}-") and file.endswith(".tgz"):
                return chart.path(file), None
    return chart.path(renamed), content


def _unaliased(name: str, chart: Chart) -> str:
    """Return the name of the subchart that ``Chart.yaml`` gives the alias ``name``."""
    for dependency in sequence(mapping(chart.metadata.value).get("dependencies")):
        if get(dependency, "alias") == name:
            return text(get(dependency, "name")) or name
    return name


def _objects(document: Document, lines: TemplateLines) -> Iterator[Manifest]:
    """Yield the object that a document is, or those of the ``List`` that it is."""

    def line_of(prefix: Path) -> Callable[[Path], int]:
        return lambda path: lines.line(document.line((*prefix, *path)))

    value: Mapping[str, Any] = document.value
    items = value.get("items")
    if text(value.get("kind")).endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            if isinstance(item, Mapping):
                prefix = ("items", index)
                yield Manifest(item, document.file, line_of(prefix), rendered=True)
    else:
        yield Manifest(value, document.file, line_of(()), rendered=True)


def _translated(problem: Problem, content: str, lines: TemplateLines) -> Problem:
    """Return a problem of a rendered text at its place in the template."""
    number = problem.place.line
    written = content.split("\n")
    at = written[number - 1].strip() if 0 < number <= len(written) else ""
    shown = quoted(at, at)
    message = f"renders to text that is {problem.message} (rendered line {number}: {shown})"
    if not problem.message.startswith("not valid YAML"):
        message = f"renders to YAML where {problem.message} (rendered line {number}: {shown})"
    return Problem(Place(problem.place.file, lines.line(number)), message)
