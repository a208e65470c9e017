"""A StringSecret says what to generate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared_generated import LENGTH

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


_ENCODINGS = ("base64", "base64url", "base32", "hex", "raw")


@rule("secrets.generator", level=3)
def generator(app: AppPackage) -> Iterator[Problem]:
    """Yield each StringSecret and BasicAuth that does not make what it seems to."""
    for one in app.objects("StringSecret", "BasicAuth"):
        if one.get("spec") is None:
            if one.kind == "StringSecret":
                yield Problem(
                    one.place(), f"{one.kind} {one.name} has no spec: it generates nothing"
                )
            continue
        if one.kind == "BasicAuth":
            yield from _wrong_value(one, ("spec",))
            continue
        fields = sequence(one.get("spec", "fields"))
        if one.get("spec", "fields") == [] and not mapping(one.get("spec", "data")):
            yield Problem(
                one.place("spec", "fields"),
                f"{one.kind} {one.name} has no fields: it generates nothing",
            )
        seen: set[str] = set()
        for index, field in enumerate(fields):
            yield from _wrong_field(app, one, index, mapping(field), seen)


def _wrong_field(
    app: AppPackage, one: Manifest, index: int, field: object, seen: set[str]
) -> Iterator[Problem]:
    place = one.place("spec", "fields", index, "fieldName")
    name = text(get(field, "fieldName"))
    if get(field, "fieldName") == "":
        yield Problem(place, "the field has an empty name")
    elif name in seen:
        yield Problem(place, f"there are two fields {quoted(name)}")
    elif name and name in mapping(one.get("spec", "data")):
        yield Problem(
            place,
            f"field {quoted(name)} is also under spec.data: that value is used, and nothing "
            "is generated",
        )
    seen.add(name)
    if get(field, "encoding") == "raw" and name in _used(app):
        yield Problem(
            one.place("spec", "fields", index, "encoding"),
            f"field {quoted(name)} is raw: its bytes can break the YAML that uses it",
        )
    yield from _wrong_value(one, ("spec", "fields", index))


def _used(app: AppPackage) -> set[str]:
    return {use.name for one in app.kustomizations for use in one.uses}


def _wrong_value(one: Manifest, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with a length and encoding."""
    length, encoding = one.get(*path, "length"), one.get(*path, "encoding")
    if isinstance(length, str) and length and not LENGTH.fullmatch(length):
        yield Problem(
            one.place(*path, "length"),
            f"length {quoted(length)} is neither a number of characters nor of bytes (32B): "
            "nothing is generated",
        )
    if isinstance(encoding, str) and encoding and encoding not in _ENCODINGS:
        yield Problem(
            one.place(*path, "encoding"),
            f"encoding {quoted(encoding)} is none of {', '.join(_ENCODINGS)}",
        )
