"""Objects on their way through kustomize: what each is now, was written as, and was called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.linter.access import get, mapping, text
from conformance.linter.manifest import Manifest

_LONGEST_PATTERN = 200
_LONGEST_SELECTOR = 2_000
_TERM = re.compile(
    r"\s*(?:(?P<without>!)\s*)?(?P<key>[\w./-]+)\s*"
    r"(?:(?P<operator>==?|!=)\s*(?P<value>[\w.-]*)\s*|(?P<set>in|notin)\s*\((?P<values>[^()]*)\)\s*)?"
    r"(?:,|$)"
)
_ANY = ("", "default")
"""Namespaces that mean the same to kustomize."""


@dataclass(eq=False)
class Resource:
    """An object, and what kustomize finds it by."""

    value: Mapping[str, Any]
    written: Manifest
    names: list[tuple[str, str]] = field(default_factory=list)
    """Namespace and name, as written and after each change of them."""
    generated: bool = False

    @property
    def kind(self) -> str:
        """As in ``Deployment``."""
        return text(self.value.get("kind"))

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return text(self.value.get("apiVersion")).rpartition("/")[0]

    @property
    def identity(self) -> tuple[str, str]:
        """Namespace and name, as they are now."""
        return text(self._metadata("namespace")), text(self._metadata("name"))

    def identities(self) -> list[tuple[str, str]]:
        """Return namespaces and names, the written ones first, those of now last."""
        return [*self.names, self.identity]

    def change(self, value: Mapping[str, Any]) -> None:
        """Make the object ``value``; it can still be found by its earlier name."""
        before = self.identity
        self.value = value
        if self.identity != before and before not in self.names:
            self.names.append(before)

    def manifest(self) -> Manifest:
        """Return the object as it is now, with the lines that it is written at."""
        if self.value is self.written.value or self.value == self.written.value:
            return self.written
        document = self.written.document
        if document is None:
            return replace(self.written, value=self.value)
        document = document.changed(self.value)
        return Manifest(self.value, document.file, document.line, document=document)

    def _metadata(self, key: str) -> Any:
        return get(self.value, "metadata", key)


@dataclass(frozen=True)
class Selector:
    """What a patch, or a replacement, is for."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    labels: str = ""
    annotations: str = ""

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Selector:
        """Return a selector as it is written."""
        keys = ("group", "version", "kind", "namespace", "name")
        group, version, kind, namespace, name = (text(value.get(key)) for key in keys)
        of_labels, of_annotations = value.get("labelSelector"), value.get("annotationSelector")
        return cls(group, version, kind, namespace, name, text(of_labels), text(of_annotations))

    @property
    def understood(self) -> bool:
        """Whether all of it can be decided here."""
        sets = (self.labels, self.annotations)
        patterns = (self.group, self.version, self.kind, self.namespace, self.name)
        return all(_terms(one) is not None for one in sets) and all(
            _compiled(one) is not None for one in patterns
        )

    def selects(self, one: Resource) -> bool:
        """Return whether an object is one of these, by a name that it has or had."""
        group, _, version = text(one.value.get("apiVersion")).rpartition("/")
        known = ((self.group, group), (self.version, version), (self.kind, one.kind))
        if not all(_matches(pattern, value) for pattern, value in known):
            return False
        metadata = mapping(one.value.get("metadata"))
        if not _has(self.labels, mapping(metadata.get("labels"))):
            return False
        if not _has(self.annotations, mapping(metadata.get("annotations"))):
            return False
        return any(
            _matches(self.namespace, namespace or "default") and _matches(self.name, name)
            for namespace, name in one.identities()
        )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    # Go's expressions take linear time, Python's may not: only what has no repeated groups.
    if len(pattern) > _LONGEST_PATTERN or re.search(r"\)[*+{]|[*+}][*+{]", pattern):
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern) if pattern else None
    return not pattern or bool(compiled and compiled.fullmatch(value[:_LONGEST_PATTERN]))


def _terms(selector: str) -> list[re.Match[str]] | None:
    """Return the requirements of a selector of labels; None: it is none, or is too long.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    if len(selector) > _LONGEST_SELECTOR:
        return None
    found: list[re.Match[str]] = []
    at = 0
    while selector[at:].strip():
        term = _TERM.match(selector, at)
        if term is None:
            return None
        found.append(term)
        at = term.end()
    return found


def _has(selector: str, values: Mapping[str, Any]) -> bool:
    return all(_fulfils(term, values) for term in _terms(selector) or ())


def _fulfils(term: re.Match[str], values: Mapping[str, Any]) -> bool:
    value = values.get(term["key"])
    if term["operator"] is None and term["set"] is None:
        return (value is None) == bool(term["without"])
    wanted = {one.strip() for one in (term["values"] or term["value"] or "").split(",")}
    return (value in wanted) == (term["operator"] in ("=", "==") or term["set"] == "in")


def named(
    resources: Iterable[Resource], api_version: str, kind: str, namespace: str, name: str
) -> Iterator[Resource]:
    """Yield the objects that a patch names by its own kind and metadata."""
    group = api_version.rpartition("/")[0]
    for one in resources:
        if (one.group, one.kind) == (group, kind) and any(
            had == name and (space == namespace or (space in _ANY and namespace in _ANY))
            for space, had in one.identities()
        ):
            yield one
