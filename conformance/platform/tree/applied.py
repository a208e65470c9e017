"""Which objects of a tree Flux would apply, from the folder that it begins at."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from conformance.linter.access import text
from conformance.linter.files import YamlFiles
from conformance.linter.flux.kustomizations import is_flux_kustomization
from conformance.linter.flux.kustomize import build
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import Tree


def applied(files: Mapping[str, bytes], path: str, source: str) -> list[Manifest]:
    """Return the objects in the order in which they are met, as they are written.

    ``source`` is the GitRepository that the tree is served as: a Kustomization of another source
    applies what is not in the tree. What patches of kustomize change is not followed.
    """
    yaml_files = YamlFiles(_tree(files), Limits())
    found: list[Manifest] = []
    seen: set[str] = set()
    waiting = [folder_of(path)]
    while waiting:
        folder = waiting.pop(0)
        for file in build(yaml_files, folder).files:
            if file in seen:
                continue
            seen.add(file)
            objects = yaml_files.objects(file)
            found += objects
            waiting += _paths(objects, source)
    return found


def folder_of(path: str) -> str:
    """Return the folder that a Kustomization's path means, relative to the repository."""
    return posixpath.normpath(path.lstrip("/") or ".")


def _paths(objects: list[Manifest], source: str) -> Iterator[str]:
    for one in objects:
        if is_flux_kustomization(one) and text(one.get("spec", "sourceRef", "name")) == source:
            yield folder_of(text(one.get("spec", "path")))


def _tree(files: Mapping[str, bytes]) -> Tree:
    folders = {str(one) for path in files for one in PurePosixPath(path).parents}
    return Tree("repository", (), files, frozenset({".", *folders}), [])
