"""``replacements`` of kustomize: a value of one object that is written into others.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from conformance.linter.access import get, mapping, sequence, text, walk
from conformance.linter.flux.patches import NotFollowedError, PatchError
from conformance.linter.flux.resources import Resource, Selector

_NAME = "metadata.name"
_PART = re.compile(r"\[([^\]]*)\]|((?:\\.|[^.\[\]\\])+)")
_MISSING = object()
_MOST_VALUES = 1_000
"""A source is one value, or a small list: each one that is a whole object would double it."""


def replace_values(resources: Sequence[Resource], entry: Mapping[str, Any]) -> None:
    """Apply one entry of ``replacements``.

    Raises PatchError where kustomize would fail, NotFollowedError for what is not followed here.
    """
    value = _source(resources, entry)
    for target in map(mapping, sequence(entry.get("targets"))):
        chosen = Selector.read(mapping(target.get("select")))
        rejected = [Selector.read(mapping(one)) for one in sequence(target.get("reject"))]
        if not all(one.understood for one in (chosen, *rejected)):
            raise NotFollowedError("a selector")
        paths = [text(one) for one in sequence(target.get("fieldPaths"))] or [_NAME]
        options = mapping(target.get("options"))
        for one in resources:
            if chosen.selects(one) and not any(other.selects(one) for other in rejected):
                for path in paths:
                    one.change(_with(one.value, _parts(path), path, value, options))


def _source(resources: Sequence[Resource], entry: Mapping[str, Any]) -> Any:
    if entry.get("sourceValue") is not None:
        return entry["sourceValue"]
    source = mapping(entry.get("source"))
    wanted = {key: re.escape(text(source.get(key))) for key in ("group", "version", "kind")}
    wanted |= {key: re.escape(text(source.get(key))) for key in ("namespace", "name")}
    found = [one for one in resources if Selector(**wanted).selects(one)]
    if len(found) != 1:
        what = " ".join(filter(None, (text(source.get("kind")), text(source.get("name")))))
        number = "none" if not found else "several"
        raise PatchError(f"its source is {what or 'any object'}, and there are {number}")
    path = text(source.get("fieldPath")) or _NAME
    value: Any = found[0].value
    for part in _parts(path):
        value = _member(value, part)
    if value is _MISSING or value in (None, ""):
        raise PatchError(f"its source has nothing at {path}")
    if sum(1 for _ in islice(walk(value), _MOST_VALUES)) >= _MOST_VALUES:
        raise NotFollowedError("a source of that size")
    return _piece(value, mapping(source.get("options")))


def _piece(value: Any, options: Mapping[str, Any]) -> Any:
    delimiter = text(options.get("delimiter"))
    if not delimiter:
        return value
    parts = str(value).split(delimiter)
    index = options.get("index", 0)
    if not isinstance(index, int) or not 0 <= index < len(parts):
        raise PatchError(f"its source has no part {index}")
    return parts[index]


def _parts(path: str) -> list[str]:
    """Return the parts of a path: ``spec.containers.[name=app].env.0.value``."""
    parts = []
    for match in _PART.finditer(path):
        bracket, plain = match[1], match[2]
        if bracket is not None:
            parts.append(f"[{bracket}]" if "=" in bracket else bracket)
        else:
            parts.append(re.sub(r"\\(.)", r"\1", plain))
    return parts


def _member(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list):
        for index in _indexes(value, part):
            return value[index]
    return _MISSING


def _indexes(items: Sequence[Any], part: str) -> list[int]:
    if part == "*":
        return list(range(len(items)))
    if part.startswith("["):
        key, _, wanted = part[1:-1].partition("=")
        return [n for n, one in enumerate(items) if str(get(one, key)) == wanted]
    return [int(part)] if part.isdigit() and int(part) < len(items) else []


def _with(value: Any, parts: Sequence[str], path: str, new: Any, options: Mapping[str, Any]) -> Any:
    """Return a value with another one at a path inside it."""
    if not parts:
        return _joined(value, new, options)
    part = parts[0]
    create = options.get("create") is True
    if isinstance(value, list):
        indexes = _indexes(value, part)
        if not indexes:
            if create:
                raise NotFollowedError(f"the path {path}")
            raise PatchError(f"there is nothing at {path} of its target")
        return [
            _with(one, parts[1:], path, new, options) if n in indexes else one
            for n, one in enumerate(value)
        ]
    if isinstance(value, Mapping):
        if part == "*":
            return {key: _with(one, parts[1:], path, new, options) for key, one in value.items()}
        if part not in value and not create:
            raise PatchError(f"there is nothing at {path} of its target")
        below = value.get(part, None if len(parts) == 1 else {})
        return {**value, part: _with(below, parts[1:], path, new, options)}
    # kustomize looks into JSON and YAML that is written as text, too.
    raise NotFollowedError(f"the path {path}")


def _joined(old: Any, new: Any, options: Mapping[str, Any]) -> Any:
    delimiter, index = text(options.get("delimiter")), options.get("index", 0)
    if not delimiter or not isinstance(index, int):
        return str(new) if isinstance(old, str) and isinstance(new, int | float) else new
    parts = str(old if old is not None else "").split(delimiter)
    if index < 0:
        parts.insert(0, str(new))
    elif index >= len(parts):
        parts.append(str(new))
    else:
        parts[index] = str(new)
    return delimiter.join(parts)
