"""Custom resources in versions of their API that the next release does not have any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object

CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_SUFFIXES = (".yaml", ".yml")
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, if PyYAML has it: definitions are long."""


def removed_versions(kube: Kube, files: Mapping[str, bytes]) -> list[str]:
    """Return, one line each, what of a cluster the definitions in these files would break.

    The API server refuses a definition without a version in which objects may be stored, and
    whoever writes objects in a version that is not served any more fails:
    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
    """
    return [
        line
        for definition in definitions(files)
        if (found := kube.find(*CRD, definition["metadata"]["name"]))
        for line in (*_stored(found, definition), *_written(kube, found, definition))
    ]


def definitions(files: Mapping[str, bytes]) -> Iterator[Object]:
    """Yield the CustomResourceDefinitions in files; templates of charts have none."""
    for path, content in files.items():
        if not path.endswith(_SUFFIXES) or CRD[1].encode() not in content:
            continue
        try:
            documents = list(yaml.load_all(content, _LOADER))
        except yaml.YAMLError:  # a template
            continue
        for one in documents:
            if isinstance(one, dict) and (one.get("apiVersion"), one.get("kind")) == CRD:
                yield one


def _stored(found: Object, definition: Object) -> Iterator[str]:
    """Yield a line for each version in which objects may be stored, and that would be gone."""
    name, kept = definition["metadata"]["name"], {one["name"] for one in _versions(definition)}
    for version in found.get("status", {}).get("storedVersions") or ():
        if version not in kept:
            yield f"{name}: objects are stored as {version}, which the next release does not have"


def _written(kube: Kube, found: Object, definition: Object) -> Iterator[str]:
    """Yield a line for each object that somebody writes in a version that would be gone."""
    gone = _served(found) - _served(definition)
    if not gone:
        return
    group, kind = found["spec"]["group"], found["spec"]["names"]["kind"]
    for version in sorted(gone):
        for item in kube.list(f"{group}/{version}", kind):
            writers = {
                one["manager"]
                for one in item["metadata"].get("managedFields") or ()
                if one["apiVersion"] == f"{group}/{version}" and one.get("subresource") != "status"
            }
            if writers:
                where = "/".join(
                    filter(None, (item["metadata"].get("namespace"), item["metadata"]["name"]))
                )
                yield (
                    f"{kind} {where}: {', '.join(sorted(writers))} writes it as {group}/{version}, "
                    "which the next release does not serve"
                )


def _served(definition: Object) -> set[str]:
    return {one["name"] for one in _versions(definition) if one.get("served")}


def _versions(definition: Object) -> list[Object]:
    versions: list[Object] = definition["spec"]["versions"]
    return versions
