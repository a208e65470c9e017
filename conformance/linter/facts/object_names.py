"""Names and labels that Kubernetes accepts.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.linter.access import Path, get, mapping
from conformance.linter.facts.violations import Violation, dotted
from conformance.linter.findings import quoted
from conformance.linter.manifest import Manifest

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_WORDS = 'lower-case letters, digits and "-"'
_ENDS = "begins and ends with a letter or digit"

_SHORT, _LONG = 63, 253
_LABEL_KINDS = frozenset({"Namespace", "Service"})
_FREE_GROUPS = frozenset({"rbac.authorization.k8s.io"})
"""Names of their objects may have any character but ``/`` and ``%``."""
_LONGEST = {"CronJob": 52, "Job": _SHORT}
"""Kubernetes adds to these names, or puts them into labels."""


def invalid(manifest: Manifest, metadata: Iterable[Path]) -> Iterator[Violation]:
    """Yield what is wrong with an object's names and labels; ``metadata`` is where they are."""
    yield from _object_name(manifest)
    for path in metadata:
        for field in ("labels", "annotations"):
            for key, value in mapping(get(manifest.value, *path, field)).items():
                where = (*path, field, key)
                yield from _key(str(key), where)
                if field == "labels":
                    yield from _label_value(value, where)
    for path in (("spec", "selector", "matchLabels"), ("spec", "selector")):
        for key, value in _selector(manifest, path).items():
            yield from _label_value(value, (*path, key))


def _selector(manifest: Manifest, path: Path) -> Mapping[str, Any]:
    if len(path) == 2 and manifest.kind != "Service":
        return {}
    return mapping(manifest.get(*path))


def _object_name(manifest: Manifest) -> Iterator[Violation]:
    name, namespace = manifest.name, manifest.get("metadata", "namespace")
    path: Path = ("metadata", "name")
    if manifest.group in _FREE_GROUPS:
        if "/" in name or "%" in name:
            yield Violation(
                path, f'metadata.name is {quoted(name)}: it must not contain "/" or "%"'
            )
    elif manifest.kind in _LABEL_KINDS:
        yield from _name(name, path, _LABEL, _WORDS, _SHORT)
    elif name:
        longest = _LONGEST.get(manifest.kind, _LONG)
        yield from _name(name, path, _SUBDOMAIN, f'{_WORDS[:-8]}, "-" and "."', longest)
    if isinstance(namespace, str) and namespace:
        yield from _name(namespace, ("metadata", "namespace"), _LABEL, _WORDS, _SHORT)


def _name(
    name: str, path: Path, form: re.Pattern[str], words: str, longest: int
) -> Iterator[Violation]:
    where = dotted(path)
    if not name:
        return
    if len(name) > longest:
        says = f"{where} {quoted(name)} has {len(name)} characters; {longest} are allowed"
        yield Violation(path, says, "Write a shorter name.", name)
    elif not form.fullmatch(name):
        says = f"{where} is {quoted(name)}: a name has {words} only, and {_ENDS}"
        better = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
        fix = f"Write {better}." if form.fullmatch(better) else ""
        yield Violation(path, says, fix, name)


def _key(key: str, path: Path) -> Iterator[Violation]:
    prefix, slash, name = key.rpartition("/")
    if len(key) > _LONG + _SHORT + 1 or len(name) > _SHORT:
        says = f"{dotted(path)}: {quoted(key)} is too long; {_SHORT} characters are allowed"
        yield Violation(path, says, "Write a shorter one.", key)
    elif (
        not name
        or not _LABEL_VALUE.fullmatch(name)
        or (slash and not _SUBDOMAIN.fullmatch(prefix.lower()))
    ):
        says = f"{dotted(path)}: {quoted(key)} is not a valid name of a label or annotation"
        fix = 'It is a word, or a domain, "/" and a word: example.org/word.'
        yield Violation(path, says, fix, key)


def _label_value(value: Any, path: Path) -> Iterator[Violation]:
    if not isinstance(value, str):
        return  # said where the schema is checked
    where = dotted(path)
    if len(value) > _SHORT:
        says = f"{where} has {len(value)} characters; a label has {_SHORT} at most"
        yield Violation(path, says, "Write it in an annotation, or shorten it.", value)
    elif not _LABEL_VALUE.fullmatch(value):
        says = (
            f"{where} is {quoted(value)}: the value of a label has letters, digits,"
            f' "-", "_" and "." only, and {_ENDS}'
        )
        yield Violation(
            path, says, "Write it in an annotation, or remove the other characters.", value
        )
