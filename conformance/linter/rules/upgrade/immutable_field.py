"""No field changes that Kubernetes does not allow to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.changes import (
    difference,
    dotted,
    once,
    pairs,
    shown,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_CLASS = ("spec", "storageClassName")
_TEMPLATES = ("spec", "volumeClaimTemplates")
_FIXED: Mapping[str, tuple[Path, ...]] = {
    "Deployment": (("spec", "selector"),),
    "ReplicaSet": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "StatefulSet": (
        ("spec", "selector"),
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
        _TEMPLATES,
    ),
    "Job": (("spec", "selector"), ("spec", "template"), ("spec", "completionMode")),
    "PersistentVolumeClaim": (
        _CLASS,
        ("spec", "accessModes"),
        ("spec", "volumeName"),
        ("spec", "volumeMode"),
        ("spec", "selector"),
        ("spec", "dataSource"),
    ),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "Secret": (("type",),),
    "Service": (("spec", "clusterIP"),),
}
_DEFAULTS: Mapping[str, str] = {
    "podManagementPolicy": "OrderedReady",
    "completionMode": "NonIndexed",
    "volumeMode": "Filesystem",
    "type": "Opaque",
}
"""What Kubernetes writes into a field that is left out."""
_SECRET = ("Secret", "ConfigMap", "Job")
"""Kinds of which no message shows a value: it may be a password."""
_DEFAULT_CLASS = "local-path"
_KEEPING_PODS = (
    "Leave the templates as they were. If they have to change, whoever has the app deletes the "
    "StatefulSet before the upgrade with kubectl delete statefulset {} --cascade=orphan: the new "
    "one takes over its pods and claims, whose labels kubectl label changes."
)
"""https://kubernetes.io/docs/tasks/run-application/delete-stateful-set/"""


@rule("upgrade.immutable-field", level=3)
def immutable_field(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield the first such change of each field."""
    yield from once(_immutable(app))


def _immutable(app: AppPackage) -> Iterator[Problem | NotRun]:
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        for old, new in pair.both(*_FIXED, "ConfigMap"):
            if _made_anew(new):
                continue
            for path in (*_FIXED.get(old.kind, ()), *_frozen(old)):
                found = _change(old, new, path)
                if found is not None:
                    where, was, now = found
                    how = f"was {shown(was)}, is now {shown(now)}"
                    yield Problem(
                        new.place(*path, *where),
                        f"{dotted((*path, *where))} {'has changed' if old.kind in _SECRET else how}"
                        f": Kubernetes refuses this for a {old.kind} that is there already, and "
                        "the upgrade fails",
                        _KEEPING_PODS.format(new.name) if path == _TEMPLATES else "",
                    )


def _made_anew(new: Manifest) -> bool:
    """Return whether the object is deleted and created again; never a claim with its data."""
    return (new.hook or new.forced) and new.kind != "PersistentVolumeClaim"


def _frozen(old: Manifest) -> Iterable[Path]:
    """Return what is fixed because the object says so."""
    if old.kind in ("Secret", "ConfigMap") and old.get("immutable") is True:
        return (("data",), ("stringData",), ("binaryData",), ("immutable",))
    return ()


def _change(old: Manifest, new: Manifest, path: Path) -> tuple[Path, Any, Any] | None:
    was, now = old.get(*path), new.get(*path)
    default = _DEFAULTS.get(str(path[-1]))
    was, now = (default if was is None else was), (default if now is None else now)
    if path == _CLASS and was is None and now == _DEFAULT_CLASS:
        return None
    if path[-1] == "clusterIP" and (not now or new.get("spec", "type") == "ExternalName"):
        return None
    if path == _TEMPLATES:
        was, now = _templates(was), _templates(now)
    return difference(was, now)


def _templates(value: object) -> list[dict[str, Any]]:
    """Return claim templates without what makes no difference."""
    return [
        {
            "metadata": {
                key: get(one, "metadata", key) for key in ("name", "labels", "annotations")
            },
            "spec": {**mapping(get(one, "spec")), "volumeMode": _mode(one)},
        }
        for one in sequence(value)
    ]


def _mode(template: object) -> str:
    return text(get(template, "spec", "volumeMode")) or _DEFAULTS["volumeMode"]
