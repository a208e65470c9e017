"""ConfigMaps and Secrets that kustomize generates, named without kustomize's hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.findings import Problem, quoted
from conformance.linter.flux.layers import Layer
from conformance.linter.flux.resources import Resource
from conformance.linter.manifest import Manifest

GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}

ReadText = Callable[[str], str | None]
"""Returns a file's text, variables filled in; None: there is no such file."""


def generate(layer: Layer, read: ReadText, resources: list[Resource]) -> list[Problem]:
    """Add what a layer generates to the objects; return why kustomize cannot."""
    problems: list[Problem] = []
    for key, kind in GENERATORS.items():
        for index, entry in layer.entries(key):
            data: dict[str, Any] = {}
            for path, item in _sources(layer, mapping(entry), read):
                if item is None:
                    problems.append(
                        Problem(
                            layer.place(key, index),
                            f"{quoted(path)} of {key} does not exist: kustomize fails, and nothing"
                            " of this folder is applied",
                            "Correct the name, or remove it.",
                        )
                    )
                else:
                    data |= item
            _add(layer, key, index, kind, data, resources)
    return problems


def _sources(
    layer: Layer, entry: Mapping[str, Any], read: ReadText
) -> list[tuple[str, dict[str, Any] | None]]:
    """Return the parts of the data, and the file that each comes of; None: it is not there."""
    found: list[tuple[str, dict[str, Any] | None]] = []
    for literal in map(text, sequence(entry.get("literals"))):
        key, _, item = literal.partition("=")
        found.append(("", {key: _unquoted(item)}))
    for named in map(text, sequence(entry.get("files"))):
        key, _, path = named.rpartition("=")
        content = read(layer.path(path))
        found.append(
            (path, None if content is None else {key or PurePosixPath(path).name: content})
        )
    for path in [text(entry.get("env")), *map(text, sequence(entry.get("envs")))]:
        content = read(layer.path(path)) if path else ""
        found.append((path, None if content is None else _lines(content)))
    return found


def _unquoted(item: str) -> str:
    if len(item) > 1 and item[0] == item[-1] and item[0] in "\"'":
        return item[1:-1]
    return item


def _lines(content: str) -> dict[str, str]:
    lines = [line.lstrip() for line in content.splitlines()]
    return {
        key: item
        for key, equals, item in (line.partition("=") for line in lines if line[:1] != "#")
        if equals
    }


def _add(
    layer: Layer,
    key: str,
    index: int,
    kind: str,
    data: Mapping[str, Any],
    resources: list[Resource],
) -> None:
    entry = mapping(sequence(layer.value.get(key))[index])
    field = "data" if kind == "ConfigMap" else "stringData"
    name, namespace = text(entry.get("name")), text(entry.get("namespace"))
    behaviour = text(entry.get("behavior"))
    if behaviour in ("merge", "replace"):
        for one in resources:
            if one.kind == kind and name in {had for _, had in one.identities()}:
                kept = mapping(one.value.get(field)) if behaviour == "merge" else {}
                one.change({**one.value, field: {**kept, **data}})
        return
    options = [mapping(layer.value.get("generatorOptions")), mapping(entry.get("options"))]
    metadata: dict[str, Any] = {"name": name}
    for part in ("labels", "annotations"):
        more = {k: v for one in options for k, v in mapping(get(one, part)).items()}
        if more:
            metadata[part] = more
    if namespace:
        metadata["namespace"] = namespace
    value = {"apiVersion": "v1", "kind": kind, "metadata": metadata, field: dict(data)}
    place = layer.place(key, index)
    written = Manifest(value, place.file, _at(place.line))
    resources.append(Resource(value, written, generated=True))


def _at(line: int) -> Callable[[Path], int]:
    return lambda _path: line
