"""What changed between an app as people have it and the app as it is now: for the upgrade rules."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from conformance.linter import semver
from conformance.linter.access import Path, get, mapping, text
from conformance.linter.app import AppPackage, Release
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Pod, pods_of
from conformance.linter.semver import Version

Key = tuple[str, str, str]
"""Kind, namespace and name of an object."""

_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,3})?",
    re.ASCII,
)
_FACTORS: Mapping[str, Decimal] = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("", *"kMGTPE"))},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate("mun", 1)},
}
_ITEM_NAMES = ("name", "fieldName", "mountPath", "host")


def quantity(value: object) -> Decimal | None:
    """Return what Kubernetes makes of ``1Gi``, ``500m`` or ``5``; None if it is no quantity.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    written = str(value) if isinstance(value, int | float | str) else ""
    match = _QUANTITY.fullmatch(written) if len(written) < 99 else None
    if match is None or isinstance(value, bool):
        return None
    number, unit = Decimal(match[1]), match[2] or ""
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei":
        return number.scaleb(int(unit[1:]))
    return number * _FACTORS[unit]


def version(value: object) -> Version | None:
    """Return the version that a value of a manifest is; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return semver.parse(str(value).strip().removeprefix("V"))


@dataclass(frozen=True)
class Pair:
    """Objects that people have, and those that the upgrade puts in their place."""

    before: tuple[Manifest, ...]
    now: tuple[Manifest, ...]
    missing: tuple[str, ...]
    """Why objects are unknown on one side or the other."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Namespaces that a release left -> where it went."""

    def after(self, old: Manifest) -> Manifest | None:
        """Return the object of the same kind, namespace and name as it is now."""
        return self.index().get(key_of(old))

    def index(self) -> Mapping[Key, Manifest]:
        """Return the objects that there are now."""
        return {key_of(one): one for one in reversed(self.now)}

    def both(self, *kinds: str) -> Iterator[tuple[Manifest, Manifest]]:
        """Yield each object of these kinds that was and is there, as it was and as it is."""
        index = self.index()
        for old in self.before:
            new = index.get(key_of(old)) if old.kind in kinds else None
            if new is not None:
                yield old, new

    def pods(self) -> Iterator[tuple[Pod, Pod]]:
        """Yield each pod template that was and is there."""
        templates = {key_of(pod.workload): pod for pod in pods_of(self.now)}
        for pod in pods_of(self.before):
            if key_of(pod.workload) in templates:
                yield pod, templates[key_of(pod.workload)]


def key_of(manifest: Manifest) -> Key:
    """Return what Kubernetes knows an object by."""
    return manifest.kind, manifest.namespace, manifest.name


Found = TypeVar("Found")


def against_previous(
    check: Callable[[AppPackage, AppPackage], Iterator[Found | NotRun]],
) -> Callable[[AppPackage], Iterator[Found | NotRun]]:
    """Make of a function of an app as it was, and as it is, one of the app.

    It finds nothing without ``--previous``.
    """

    @functools.wraps(check)
    def compare(app: AppPackage) -> Iterator[Found | NotRun]:
        before = app.previous
        if before is None:
            return
        if bool(before.releases) != bool(app.releases) and (before.charts or app.charts):
            yield NotRun(
                "of PATH and --previous, one is a chart and the other a Flux package: "
                "compare a chart with a chart, a package with a package"
            )
            return
        yield from check(before, app)

    return compare


@against_previous
def pairs(before: AppPackage, app: AppPackage) -> Iterator[Pair | NotRun]:
    """Yield what can be compared of the app and the one before it."""
    if app.releases:
        yield from _of_package(before, app)
    else:
        labels = {one.label: one for one in app.installations}
        for one in before.installations:
            if one.label in labels:
                new = labels[one.label]
                yield Pair(one.manifests, new.manifests, (*one.missing, *new.missing))


def _of_package(before: AppPackage, app: AppPackage) -> Iterator[Pair]:
    """Pair what is written, and the releases that stayed where they were, with all there is now."""
    now = (*app.written, *(m for one in app.installations for m in one.manifests))
    changed = {key_of(old.manifest) for old, _ in moved_releases(before, app)}
    moved = {
        old.namespace: new.namespace
        for old, new in moved_releases(before, app)
        if old.namespace != new.namespace
    }
    stayed = [
        one
        for one in before.installations
        if one.release is not None and key_of(one.release.manifest) not in changed
    ]
    objects = [*before.written, *(m for one in stayed for m in one.manifests if m.rendered)]
    missing = [reason for one in (*stayed, *app.installations) for reason in one.missing]
    yield Pair(tuple(objects), now, tuple(dict.fromkeys(missing)), moved)


def moved_releases(before: AppPackage, app: AppPackage) -> list[tuple[Release, Release]]:
    """Return the releases that Helm takes for others now, as they were and as they are."""
    found = []
    new = {one.name: one for one in app.releases}
    fresh = [one for one in app.releases if one.name not in {r.name for r in before.releases}]
    for old in before.releases:
        same = new.get(old.name) or next((o for o in fresh if chart_of(o) == chart_of(old)), None)
        if same is not None and installed_as(old) != installed_as(same):
            found.append((old, same))
    return found


def installed_as(release: Release) -> tuple[str, str, str]:
    """Return namespace and name of the HelmRelease's namespace, and the Helm release's own name.

    https://fluxcd.io/flux/components/helm/helmreleases/#release-name
    """
    target = text(release.manifest.get("spec", "targetNamespace"))
    given = text(release.manifest.get("spec", "releaseName"))
    default = f"{target}-{release.name}" if target else release.name
    storage = text(release.manifest.get("spec", "storageNamespace")) or release.manifest.namespace
    return release.namespace, given or default, storage


def chart_of(release: Release) -> str:
    """Return the name of the chart that a release installs."""
    if release.chart is not None:
        return release.chart.name
    chart = text(release.manifest.get("spec", "chart", "spec", "chart"))
    return chart.rpartition("/")[2] or text(release.manifest.get("spec", "chartRef", "name"))


def both_releases(app: AppPackage) -> Iterator[tuple[Release, Release]]:
    """Yield each release that was and is there."""
    before = {one.name: one for one in app.previous.releases} if app.previous else {}
    for one in app.releases:
        if one.name in before:
            yield before[one.name], one


def leaves(value: object) -> Iterator[tuple[tuple[Hashable, ...], Path, str]]:
    """Yield every string: a path that survives other list items coming and going, and its path."""
    stack: list[tuple[tuple[Hashable, ...], Path, Any]] = [((), (), value)]
    while stack:
        lasting, path, item = stack.pop()
        if isinstance(item, str):
            yield lasting, path, item
        elif isinstance(item, Mapping):
            stack += [((*lasting, key), (*path, key), one) for key, one in item.items()]
        elif isinstance(item, list | tuple):
            for index, one in enumerate(item):
                names = (text(get(one, name)) for name in _ITEM_NAMES)
                name = next((f"[{name}]" for name in names if name), index)
                stack.append(((*lasting, name), (*path, index), one))


def difference(before: object, now: object, path: Path = ()) -> tuple[Path, Any, Any] | None:
    """Return where two values first differ, and how; None if Kubernetes sees no difference.

    Nothing, an empty mapping and an empty list are the same; so are ``1Gi`` and ``1024Mi`` where
    storage is asked for.
    """
    inner: list[tuple[str | int, Any, Any]] = []
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        inner = [(index, *both) for index, both in enumerate(zip(before, now, strict=True))]
    elif all(isinstance(one, Mapping) or one in (None, []) for one in (before, now)):
        keys = dict.fromkeys((*mapping(before), *mapping(now)))
        inner = [(key, get(before, key), get(now, key)) for key in keys]
    elif not _same(before, now, path):
        return path, before, now
    found = (difference(old, new, (*path, key)) for key, old, new in inner)
    return next((one for one in found if one is not None), None)


def _same(before: object, now: object, path: Path) -> bool:
    if path[-1:] == ("storage",) and quantity(before) is not None:
        return quantity(before) == quantity(now)
    return before == now or (before in (None, [], {}) and now in (None, [], {}))


def once(found: Iterator[Problem | NotRun]) -> Iterator[Problem | NotRun]:
    """Yield each only once: several sets of values give the same objects."""
    yield from dict.fromkeys(found)


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return "nothing" if value is None else quoted(value)


def dotted(path: Path) -> str:
    """Return a path as people write it: ``spec.ports[0].name``."""
    parts = "".join(f"[{key}]" if isinstance(key, int) else f".{str(key)[:80]}" for key in path)
    return parts.removeprefix(".")
