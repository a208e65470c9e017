"""Files of the tracked repository that are the platform's: no package replaces or applies them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

import yaml

from conformance.linter.files import inside, parent
from conformance.linter.reading.tree import decode
from conformance.platform.reference.content import INFRASTRUCTURE, PLATFORM_CHARTS

_WHOLE_TREE = (".", "flux2")
_FOLDERS = (INFRASTRUCTURE, *(f"charts/{name}" for name in PLATFORM_CHARTS))


def is_of_the_platform(path: str) -> bool:
    """Whether a file or a folder is the platform's, or is all of its tree."""
    return path in _WHOLE_TREE or any(inside(path, one) for one in _FOLDERS)


def named_of_the_platform(path: str, content: bytes) -> list[str]:
    """Return what a kustomization.yaml names that is the platform's, as it is written there."""
    try:
        documents = list(yaml.safe_load_all(decode(content) or ""))
    except (yaml.YAMLError, RecursionError):  # Flux does not apply it either
        return []
    return [
        text
        for text in _texts(documents)
        if is_of_the_platform(posixpath.normpath(posixpath.join(parent(path), text)))
    ]


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any YAML
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
