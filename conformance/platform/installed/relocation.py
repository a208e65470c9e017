"""Packages moved to where a run may put things on a platform of others.

A package is written for Flux's namespace and that of apps. Neither is the run's to write to, so
what the suite commits is changed on its way into its own repository.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from conformance.platform import conventions
from conformance.platform.description import Platform

TREE = "flux2/"
"""What is moved; charts know nothing of where they are installed."""
_SUFFIXES = (".yaml", ".yml")
_WORDS = re.compile(
    rf"(?<![\w-])({conventions.FLUX_NAMESPACE}|{conventions.APPS_NAMESPACE})(?![\w-])"
)
_CLASS = ("ingress", "className")

Changes = Mapping[str, str | bytes | None]
"""Path in the repository -> its new content; None deletes it."""


@dataclass(frozen=True)
class Relocation:
    """From where packages are written for to a run's own namespaces."""

    own: Platform
    """The platform as the run's apps see it: ``flux`` and ``apps`` are the run's own."""
    there: str
    """Flux's namespace on the platform."""
    waited_for: Collection[str]
    """Kustomizations there, which packages may wait for."""

    def moved(self, changes: Changes, before: Mapping[str, str]) -> Changes:
        """Return changes with their objects moved.

        ``before`` is what the repository has of its tree and of the values of its charts.
        """
        texts = {path: _text(content) for path, content in changes.items()}
        known = {**before, **{path: text for path, text in texts.items() if text is not None}}
        mine = {one["metadata"]["name"] for one in _kustomizations(known)}
        return {
            path: content
            if (text := texts[path]) is None or not _is_written(path)
            else self._file(text, mine, known)
            for path, content in changes.items()
        }

    def _file(self, text: str, mine: Collection[str], known: Mapping[str, str]) -> str:
        try:
            documents = [one for one in yaml.safe_load_all(text) if one is not None]
        except yaml.YAMLError:  # a check commits what nobody can read
            return text
        moved = [self._document(one, mine, known) for one in documents]
        if moved == documents:
            return text
        return yaml.safe_dump_all(moved, sort_keys=False, allow_unicode=True)

    def _document(
        self,
        document: Any,  # noqa: ANN401 - YAML
        mine: Collection[str],
        known: Mapping[str, str],
    ) -> Any:  # noqa: ANN401 - YAML
        if not isinstance(document, dict):
            return document
        kind, spec = document.get("kind"), document.get("spec")
        if isinstance(spec, dict):
            if kind == "Kustomization" and spec.get("dependsOn"):
                spec = {**spec, "dependsOn": [*self._waits(spec["dependsOn"], mine)]}
            elif kind == "PersistentVolumeClaim":
                spec = self._with_class(spec)
            elif kind == "HelmRelease":
                spec = self._with_ingress(spec, known)
            document = {**document, "spec": spec}
        return self._words(document)

    def _waits(self, entries: list[Any], mine: Collection[str]) -> Iterator[Any]:
        """Yield what a Kustomization waits for: the run's own, and what the platform has."""
        for entry in entries:
            if entry.get("name") in mine:
                yield entry
            elif entry.get("name") in self.waited_for:
                yield {**entry, "namespace": _There(self.there)}

    def _with_class(self, spec: dict[str, Any]) -> dict[str, Any]:
        if spec.get("storageClassName") != conventions.STORAGE_CLASS:
            return spec
        return {**spec, "storageClassName": self.own.storage.storage_class}

    def _with_ingress(self, spec: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
        """Give a chart that has a value for it the platform's IngressClass."""
        chart = str(_get(spec, "chart", "spec", "chart") or "").removeprefix("./")
        try:
            values = yaml.safe_load(known.get(f"{chart}/values.yaml", ""))
        except yaml.YAMLError:
            return spec
        wanted = self.own.ingress.ingress_class
        given = spec.get("values") or {}
        if _get(values, *_CLASS) in (None, wanted) or _get(given, *_CLASS):
            return spec
        first, last = _CLASS
        ingress = {**(given.get(first) or {}), last: wanted}
        return {**spec, "values": {**given, first: ingress}}

    def _words(self, value: Any) -> Any:  # noqa: ANN401 - YAML
        """Return a value in whose texts the namespaces are the run's own."""
        if isinstance(value, _There):
            return str(value)
        if isinstance(value, str):
            return _WORDS.sub(self._own, value)
        if isinstance(value, dict):
            return {key: self._words(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._words(item) for item in value]
        return value

    def _own(self, found: re.Match[str]) -> str:
        is_flux = found[0] == conventions.FLUX_NAMESPACE
        return self.own.flux.namespace if is_flux else self.own.apps


class _There(str):
    """The name of a namespace that is not the run's, and so stays."""

    __slots__ = ()


def _is_written(path: str) -> bool:
    return path.startswith(TREE) and path.endswith(_SUFFIXES)


def _text(content: str | bytes | None) -> str | None:
    if isinstance(content, bytes):
        try:
            return content.decode()
        except UnicodeDecodeError:
            return None
    return content


def _kustomizations(files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield Flux's Kustomizations in the files of a tree."""
    for path, text in files.items():
        if not _is_written(path) or "kustomize.toolkit.fluxcd.io" not in text:
            continue
        try:
            documents = list(yaml.safe_load_all(text))
        except yaml.YAMLError:
            continue
        for one in documents:
            if isinstance(one, dict) and one.get("kind") == "Kustomization" and "spec" in one:
                yield one


def _get(value: Any, *keys: str) -> Any:  # noqa: ANN401 - YAML
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
