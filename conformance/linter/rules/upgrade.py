"""Between ``--previous`` and this: whether the upgrade goes through, and keeps people's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.changes import (
    against_previous,
    difference,
    dotted,
    installed_as,
    moved_releases,
    once,
    pairs,
    quantity,
    shown,
)
from conformance.linter.findings import NotRun, Place, Problem, quoted
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


@rule(
    "upgrade.immutable-field",
    "No field changes that Kubernetes does not allow to change",
    level=3,
    why="Kubernetes refuses the changed object, so the upgrade fails on every server that already "
    "has the app, although a fresh installation works.",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/",
    fix="Restore the field's value, or give the object another name and move its data.",
    example="""
spec:
  selector:
    matchLabels:           # the same in every version: no version, no chart name with version
      app.kubernetes.io/name: notes
      app.kubernetes.io/instance: notes
""",
)
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


@rule(
    "upgrade.claim-shrunk",
    "No claim gets smaller",
    level=3,
    why="A volume can grow but never shrink: Kubernetes refuses the smaller claim, and the "
    "upgrade fails on every server that already has the app.",
    source="https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
    "#expanding-persistent-volumes-claims",
    fix="Ask for at least as much storage as before.",
    example="""
spec:
  resources:
    requests:
      storage: 2Gi   # was 1Gi
""",
)
def claim_shrunk(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that asks for less than it did."""
    yield from once(_shrunk(app))


def _shrunk(app: AppPackage) -> Iterator[Problem | NotRun]:
    path = ("spec", "resources", "requests", "storage")
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        for old, new in pair.both("PersistentVolumeClaim"):
            was, now = quantity(old.get(*path)), quantity(new.get(*path))
            if was is not None and now is not None and now < was:
                yield Problem(
                    new.place(*path),
                    f"claim {new.name} asks for {quoted(new.get(*path))}, and before asked for "
                    f"{quoted(old.get(*path))}: Kubernetes refuses a smaller one",
                )


@rule(
    "upgrade.release-moved",
    "The Helm release keeps its name and namespace",
    level=3,
    why="Helm treats another name or namespace as another app: Flux uninstalls the old release, "
    "with the claims that its chart created, and installs an empty one.",
    source="https://fluxcd.io/flux/components/helm/helmreleases/",
    fix="Keep metadata.name, metadata.namespace, spec.releaseName and spec.targetNamespace.",
    example="""
metadata:
  name: notes
  namespace: stackspin-apps
""",
)
@against_previous
def release_moved(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release that is another one now."""
    for old, new in moved_releases(before, app):
        was, now = installed_as(old), installed_as(new)
        yield Problem(
            _place_of_identity(new.manifest),
            f"the Helm release was {quoted(was[1])} in namespace {quoted(was[0])}, and is "
            f"{quoted(now[1])} in {quoted(now[0])} now: the old one is uninstalled, an empty one "
            "installed",
        )


def _place_of_identity(manifest: Manifest) -> Place:
    for key in ("releaseName", "targetNamespace", "storageNamespace"):
        if manifest.get("spec", key) is not None:
            return manifest.place("spec", key)
    return manifest.place("metadata", "name")
