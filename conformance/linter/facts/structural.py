"""Objects against schemas, in plain words: all that is wrong, not only the first thing.

Schemas are those of Kubernetes' OpenAPI document and of custom resource definitions: a field that
is not declared is an error, and null stands for a field that is not there. So it is in the API
server, and jsonschema would have to be taught both; it would also take 0.1 s to be loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.linter.access import Path
from conformance.linter.facts.schema_types import (
    TYPE_WORDS,
    Schema,
    all_types,
    is_base64,
    is_of,
    reads_as,
    types_of,
)
from conformance.linter.facts.violations import Verdict, Violation, dotted, listed, nearest
from conformance.linter.findings import quoted
from conformance.linter.schemas.enums import ENUMS

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_MOST = 20
"""Violations of one object that are told."""
_LONGEST_TEXT = 1000
"""Characters of a text that patterns are tried on; no value of a field with one is longer."""
_DEEPEST = 100
_NEAR = 3
"""Levels below a field's surroundings in which a misplaced field is looked for."""

_PATTERNS = {
    r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$": "be a duration such as 30s, 5m or 1h30m",
    r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$": "be a duration such as 30s or 5m; hours are not allowed",
    r"[0-9]+(ns|us|ms|s|m|h)": "be a duration such as 30s, 5m or 1h",
    r"^(http|https)://.*$": "start with http:// or https://",
    r"^(http|https|ssh)://.*$": "start with https://, http:// or ssh://",
    r"^(http|https|oci)://.*$": "start with https://, http:// or oci://",
    r"^oci://.*$": "start with oci://",
    r"(^$|^https?://.*)": "start with https:// or http://",
    r"\w+:/?/?[^\s]+": "be a URL without spaces",
}
_QUANTITY_FORM = re.compile(
    r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?"
)
_LIKE_QUANTITY = re.compile(r"\s*([0-9.]+)\s*([kKmMgGtT])i?[bB]?(?:yte)?s?\s*")
_INT32 = 1 << 31


class Checker:
    """Compares values with schemas; ``definitions`` are what ``$ref`` refers to, by last part."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def check(self, value: Any, schema: Schema, *, secret: bool = False) -> Verdict:
        """Compare an object with the schema of its kind; a ``secret`` one's values are not told."""
        walk = _Walk(self, secret)
        walk.value(value, schema, ())
        return Verdict(tuple(walk.found[:_MOST]), tuple(walk.metadata))

    def resolved(self, schema: Schema) -> tuple[Schema, str]:
        """Return a schema, its reference followed, and the definition's name."""
        reference = schema.get("$ref")
        if reference is None:
            return schema, ""
        name = reference.rpartition("/")[2]
        return self._definitions.get(name, {}), name

    def fields(self, schema: Schema) -> Mapping[str, Schema]:
        """Return the fields that an object of this schema may have."""
        fields: Mapping[str, Schema] = self.resolved(schema)[0].get("properties", {})
        return fields

    def homes(self, schema: Schema, field: str) -> list[str]:
        """Return where below ``schema`` (or, as "", in it) a field is known: the nearest places."""
        level = [(schema, "")]
        for _ in range(_NEAR + 1):
            if found := [where for one, where in level if field in self.fields(one)]:
                return found
            level = [
                (member, f"{where}.{name}")
                for one, where in level
                for name, member in self.fields(one).items()
            ]
            level = [self._entry(member, where) for member, where in level]
        return []

    def _entry(self, schema: Schema, where: str) -> tuple[Schema, str]:
        items = self.resolved(schema)[0].get("items")
        return (items, f"{where}[]") if isinstance(items, Mapping) else (schema, where)


class _Walk:
    """One object's way through its schema."""

    def __init__(self, checker: Checker, secret: bool) -> None:
        self._checker = checker
        self._secret = secret
        self._around: list[tuple[Path, Schema]] = []
        self.found: list[Violation] = []
        self.metadata: list[Path] = []

    def value(self, value: Any, schema: Schema, path: Path) -> None:
        """Compare what is at ``path``."""
        resolved, name = self._checker.resolved(schema)
        if value is None or len(self.found) > _MOST or len(path) > _DEEPEST:
            return
        types = types_of(resolved)
        if types and not any(is_of(value, one) for one in types):
            self._wrong_type(value, types, path)
        elif isinstance(value, Mapping):
            if name == OBJECT_META:
                self.metadata.append(path)
            self._around.append((path, schema))
            self._mapping(value, resolved, path, ENUMS.get(_short(name), {}))
            self._around.pop()
        elif isinstance(value, list | tuple):
            self._list(value, resolved, path)
        else:
            self._scalar(value, resolved, name, path)

    def _add(
        self, path: Path, message: str, fix: str = "", value: Any = None, *, slip: bool = False
    ) -> None:
        kept = None if self._secret else value
        self.found.append(Violation(path, message, fix, kept, slip=slip))

    def _shown(self, value: Any, path: Path) -> str:
        key = next((key for key in reversed(path) if isinstance(key, str)), "")
        return quoted(value, "secret" if self._secret else key)

    def _wrong_type(self, value: Any, types: Sequence[str], path: Path) -> None:
        wanted = listed([TYPE_WORDS[one] for one in types])
        fix = ""
        if isinstance(value, Mapping | list):
            found = "a mapping" if isinstance(value, Mapping) else "a list"
            if types == ["array"]:
                fix = f'Start it with "- ", even if {dotted(path)} has only one entry.'
            elif types == ["object"]:
                fix = 'Remove the "- ": only one is allowed, with its fields as keys.'
        elif isinstance(value, str):
            found = f"the text {self._shown(value, path)}"
        elif isinstance(value, bool):
            found = "the word " + ("true" if value else "false")
        else:
            found = f"the number {self._shown(str(value), path)}"
        if "string" in types and not isinstance(value, Mapping | list | str):
            written = str(value).lower() if isinstance(value, bool) else str(value)
            fix = "Put it in quotes" + ("." if self._secret else f': "{written[:40]}".')
        elif isinstance(value, str) and any(reads_as(value, one) for one in types):
            fix = "Remove the quotes."
        message = f"{dotted(path)} is {found}, but must be {wanted}"
        kept = None if self._secret else value
        self.found.append(Violation(path, message, fix, kept, wrong_type=True))

    def _mapping(
        self,
        value: Mapping[str, Any],
        schema: Schema,
        path: Path,
        enums: Mapping[str, tuple[str, ...]],
    ) -> None:
        fields: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for key, item in value.items():
            if key in fields:
                before = len(self.found)
                self.value(item, fields[key], (*path, key))
                if key in enums and before == len(self.found):
                    self._one_of(item, enums[key], (*path, key))
            elif isinstance(others, Mapping):
                self.value(item, others, (*path, key))
            elif others is False and item is not None:
                self._unknown(str(key), fields, path)
        for key in schema.get("required", ()):
            if value.get(key) is None:
                says = f'{dotted(path)} has no "{key}"'
                self.found.append(Violation(path, says, f'Add "{key}".', absent=True))
        choice = schema.get("exactlyOne", ())
        given = [key for key in choice if value.get(key) is not None]
        if choice and len(given) != 1:
            word = "both" if given else "neither"
            joint = " and " if given else " nor "
            says = f"{dotted(path)} has {word} {joint.join(choice)}: exactly one of them is needed"
            self.found.append(Violation(path, says, f"Write {listed(choice)}.", absent=not given))

    def _unknown(self, key: str, fields: Mapping[str, Schema], path: Path) -> None:
        where = dotted(path)
        says = f"{quoted(key)} is not a field of {where}"
        if meant := nearest(key, list(fields)):
            says = f'{says}; did you mean "{meant}"?'
            self._add((*path, key), says, f'Write "{meant}" instead.', slip=True)
        elif place := self._home(key):
            self._add(
                (*path, key),
                f"{says}; it belongs in {place}",
                f"Move it to {place}; mind the indentation.",
            )
        else:
            known = f"; it has {', '.join(sorted(fields))}" if 0 < len(fields) <= 12 else ""
            self._add((*path, key), says + known, "Correct the name, or remove the field.")

    def _home(self, key: str) -> str:
        """Return where, not far from here, a field of this name belongs; empty if unclear."""
        for path, schema in reversed(self._around):
            homes = self._checker.homes(schema, key)
            if len(homes) > 1:
                homes = [one for one in homes if one.endswith(".containers[]")]
                if not homes:
                    return ""
            if homes:
                start = dotted(path) if path else ""
                return f"{start}{homes[0]}".removeprefix(".") or "the object itself"
        return ""

    def _list(self, value: Sequence[Any], schema: Schema, path: Path) -> None:
        self._within(len(value), schema, "Items", "entries", path)
        items = schema.get("items")
        if not isinstance(items, Mapping):
            return
        inner, _ = self._checker.resolved(items)
        types = types_of(inner)
        nullable = inner.get("nullable") or "null" in all_types(inner) or not types
        for index, item in enumerate(value):
            if item is not None:
                self.value(item, items, (*path, index))
            elif "object" in types or not nullable:
                where = dotted((*path, index))
                self._add(
                    (*path, index),
                    f'{where} is empty: nothing follows the "-"',
                    "Fill it in, or remove it.",
                )

    def _scalar(self, value: Any, schema: Schema, name: str, path: Path) -> None:
        if "enum" in schema:
            self._one_of(value, schema["enum"], path)
        if name == _QUANTITY and isinstance(value, str) and not _QUANTITY_FORM.fullmatch(value):
            like = _LIKE_QUANTITY.fullmatch(value[:40])
            fix = "Write a number with a unit: 500m, 128Mi, 10Gi."
            if like:
                fix = f"Write {like[1]}{like[2].upper()}i."
            self._add(
                path,
                f"{dotted(path)} is {self._shown(value, path)}, which is not a valid amount",
                fix,
                value,
                slip=True,
            )
        elif isinstance(value, str):
            self._text(value, schema, path)
        elif not isinstance(value, bool):
            low, high = schema.get("minimum"), schema.get("maximum")
            if schema.get("format") == "int32":
                low, high = max(low or -_INT32, -_INT32), min(high or _INT32, _INT32 - 1)
            if low is not None and value < low:
                self._add(path, f"{dotted(path)} is {value}, but must be {low} or more")
            elif high is not None and value > high:
                self._add(path, f"{dotted(path)} is {value}, but must be {high} or less")

    def _text(self, value: str, schema: Schema, path: Path) -> None:
        self._within(len(value), schema, "Length", "characters", path)
        pattern = schema.get("pattern")
        if pattern and (len(value) > _LONGEST_TEXT or not re.search(pattern, value)):
            must = _PATTERNS.get(pattern, f"fit the pattern {pattern[:120]}")
            shown = self._shown(value, path)
            self._add(path, f"{dotted(path)} is {shown}, but must {must}", value=value)
        if schema.get("format") == "byte" and not is_base64(value):
            self._add(
                path,
                f"{dotted(path)} is not valid base64",
                "Write the text itself under stringData; data is for text in base64.",
                value,
            )

    def _one_of(self, value: Any, allowed: Sequence[Any], path: Path) -> None:
        for index, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if one is None or one in allowed:
                continue
            where = path if index is None else (*path, index)
            words = [str(word) for word in allowed]
            meant = nearest(str(one), words)
            self._add(
                where,
                f"{dotted(where)} is {self._shown(one, where)}, but must be {listed(words)}",
                f"Write {meant}." if meant else "",
                one,
            )

    def _within(self, size: int, schema: Schema, what: str, unit: str, path: Path) -> None:
        low, high = schema.get(f"min{what}", 0), schema.get(f"max{what}", size)
        if size < low:
            self._add(path, f"{dotted(path)} has {size} {unit}, but needs at least {low}")
        elif size > high:
            self._add(path, f"{dotted(path)} has {size} {unit}, but may have at most {high}")


def _short(name: str) -> str:
    return name.removeprefix("io.k8s.api.")
