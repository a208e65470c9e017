"""Patches of kustomize on an object: strategic merge patches, and JSON patches (RFC 6902).

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from conformance.linter.access import Path, mapping, sequence, text, walk

_DIRECTIVE = "$patch"
_MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "resourceClaims": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
    "webhooks": "name",
}
"""Lists of Kubernetes' own kinds that are merged member by member -> what a member is known by.

Source: x-kubernetes-patch-merge-key in Kubernetes' OpenAPI document. Every other list, and each
list of a custom resource, is replaced as a whole.
"""
_MOST_COPIED = 50_000
"""Values that one JSON patch may copy: each copy of a whole object would double it."""
_UNKNOWN_DIRECTIVES = ("$deleteFromPrimitiveList/", "$retainKeys")


class PatchError(Exception):
    """A patch that cannot be applied: kustomize refuses the whole folder."""


class NotFollowedError(Exception):
    """A patch that kustomize may well apply, and this module does not know how."""


def strategic_merge(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an object with a strategic merge patch applied; None: the patch deletes it.

    Raises NotFollowedError for a directive that is not known here.
    """
    own = _of_kubernetes(text(value.get("apiVersion")))
    merged = _merged(value, patch, (), own)
    return merged if isinstance(merged, dict) else None


def _of_kubernetes(api_version: str) -> bool:
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


_GONE = object()
"""What stands for a value that a patch deletes."""


def _merged(value: Any, patch: Any, path: Path, own: bool) -> Any:
    if isinstance(patch, Mapping):
        return _merged_mapping(value, patch, path, own)
    if isinstance(patch, list):
        return _merged_list(value, patch, path, own)
    return patch


def _merged_mapping(value: Any, patch: Mapping[str, Any], path: Path, own: bool) -> Any:
    directive = patch.get(_DIRECTIVE)
    if directive == "delete":
        return _GONE
    if any(str(key).startswith(_UNKNOWN_DIRECTIVES) for key in patch):
        raise NotFollowedError(f"a directive of {'.'.join(map(str, path))}")
    result = {} if directive == "replace" else dict(mapping(value))
    for key, item in patch.items():
        if key == _DIRECTIVE or str(key).startswith("$setElementOrder/"):
            continue
        if item is None:
            result.pop(key, None)
            continue
        found = _merged(result.get(key), item, (*path, key), own)
        if found is _GONE:
            result.pop(key, None)
        else:
            result[key] = found
    return result


def _merged_list(value: Any, patch: Sequence[Any], path: Path, own: bool) -> Any:
    if any(mapping(one).get(_DIRECTIVE) == "replace" for one in patch):
        kept = [one for one in patch if mapping(one).get(_DIRECTIVE) != "replace"]
        return _plain(kept, path, own)
    key = _merge_key(path) if own else ""
    if path == ("metadata", "finalizers"):
        return [*sequence(value), *(one for one in patch if one not in sequence(value))]
    if not key or not isinstance(value, list):
        return _plain(patch, path, own)
    rest: list[Any] = list(value)
    first: list[Any] = []
    for item in patch:
        at = next((n for n, old in enumerate(rest) if _same(old, item, key)), None)
        old = {} if at is None else rest.pop(at)
        found = _merged(old, item, (*path, 0), own)
        if found is not _GONE:
            first.append(found)
    return [*first, *rest]


def _plain(items: Sequence[Any], path: Path, own: bool) -> list[Any]:
    """Return the members of a list that there was not, without the directives in them."""
    found = [_merged(None, item, (*path, 0), own) for item in items]
    return [one for one in found if one is not _GONE]


def _merge_key(path: Path) -> str:
    name = str(path[-1])
    if name == "ports":
        service = path == ("spec", "ports")
        return "port" if service else "containerPort" if "containers" in map(str, path) else ""
    return _MERGE_KEYS.get(name, "")


def _same(one: Any, other: Any, key: str) -> bool:
    known, wanted = mapping(one).get(key), mapping(other).get(key)
    if known is None or known != wanted:
        return False
    protocols = {mapping(one).get("protocol"), mapping(other).get("protocol")} - {None}
    return key not in ("port", "containerPort") or len(protocols) < 2


def json_patch(value: Mapping[str, Any], operations: Sequence[Any]) -> dict[str, Any]:
    """Return an object with the operations of a JSON patch applied.

    Raises PatchError where one of them is impossible, NotFollowedError where they copy too much.
    """
    result: Any = copy.deepcopy(dict(value))
    copied = 0
    for one in map(mapping, operations):
        if one.get("op") == "copy":
            source = text(one.get("from"))
            found = _taken(result, _pointer(source), source, keep=True)
            copied += sum(1 for _ in islice(walk(found), _MOST_COPIED))
            if copied >= _MOST_COPIED:
                raise NotFollowedError("it copies more than is followed here")
        result = _operated(result, one)
    if not isinstance(result, dict):
        raise PatchError("it replaces the object by something else")
    return result


def _operated(document: Any, operation: Mapping[str, Any]) -> Any:
    name, path = text(operation.get("op")), text(operation.get("path"))
    keys = _pointer(path)
    if name == "add":
        return _added(document, keys, copy.deepcopy(operation.get("value")), path)
    if name == "remove":
        _taken(document, keys, path)
        return document
    if name == "replace":
        if keys:
            _taken(document, keys, path, keep=True)
        return _added(document, keys, copy.deepcopy(operation.get("value")), path, replace=True)
    if name in ("move", "copy"):
        source = text(operation.get("from"))
        found = _taken(document, _pointer(source), source, keep=name == "copy")
        return _added(document, keys, copy.deepcopy(found), path)
    if name == "test":
        if _taken(document, keys, path, keep=True) != operation.get("value"):
            raise PatchError(f"its test of {path} fails")
        return document
    raise PatchError(f'there is no operation "{name[:40]}"')


def _pointer(path: str) -> list[str]:
    """Return the keys of a JSON pointer (RFC 6901)."""
    if path and not path.startswith("/"):
        raise PatchError(f'the path "{path[:80]}" does not begin with /')
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _parent(document: Any, keys: Sequence[str], path: str) -> Any:
    for key in keys[:-1]:
        document = _member(document, key, path)
    return document


def _member(document: Any, key: str, path: str) -> Any:
    if isinstance(document, dict) and key in document:
        return document[key]
    if isinstance(document, list) and key.lstrip("-").isdigit():
        number = int(key)
        if -len(document) <= number < len(document):
            return document[number]
    raise PatchError(f"there is nothing at {path[:200]}")


def _taken(document: Any, keys: Sequence[str], path: str, *, keep: bool = False) -> Any:
    """Return what is at a path, and take it away unless ``keep``."""
    if not keys:
        return document
    holder = _parent(document, keys, path)
    found = _member(holder, keys[-1], path)
    if not keep:
        del holder[int(keys[-1]) if isinstance(holder, list) else keys[-1]]
    return found


def _added(
    document: Any, keys: Sequence[str], value: Any, path: str, *, replace: bool = False
) -> Any:
    if not keys:
        return value
    holder, last = _parent(document, keys, path), keys[-1]
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list) and replace:
        holder[int(last)] = value
    elif isinstance(holder, list) and last == "-":
        holder.append(value)
    elif isinstance(holder, list) and last.isdigit() and int(last) <= len(holder):
        holder.insert(int(last), value)
    else:
        raise PatchError(f"there is nothing around {path[:200]}")
    return document
