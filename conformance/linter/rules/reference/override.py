"""Overrides have the names that their HelmRelease expects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage, Release
from conformance.linter.facts.cluster import similar
from conformance.linter.findings import NotRun, Problem, did_you_mean
from conformance.linter.rule import rule

_OVERRIDE = "-override"


@rule("reference.override", level=2)
def override(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield overrides that are not the app's, and objects that no HelmRelease takes."""
    for release in app.releases:
        expected = _override_names(release)
        for source in release.sources:
            name = source.name.partition(" ")[2]
            meant = "override" in name or did_you_mean(name, expected)
            if source.optional and source.manifest is None and name not in expected and meant:
                yield Problem(
                    source.place,
                    f"HelmRelease {release.name} takes optional values from {source.name}, where"
                    f" people put theirs into {sorted(expected)[0]}",
                    f"Name it {sorted(expected)[0]}.",
                )
    yield from _misnamed_overrides(app) if app.rest else _lost_overrides(app)


def _misnamed_overrides(app: AppPackage) -> Iterator[Problem]:
    """Yield overrides of no app whose names are nearly what a HelmRelease expects."""
    wanted = {
        text(get(entry, "name"))
        for one in app.everything()
        if one.kind == "HelmRelease"
        for entry in sequence(one.get("spec", "valuesFrom"))
    }
    stems = {_stem(one): one for one in wanted if one.endswith(_OVERRIDE)}
    for one in app.written:
        if one.kind not in ("ConfigMap", "Secret") or not one.name.endswith(_OVERRIDE):
            continue
        near = similar(_stem(one.name), stems)
        if one.name not in wanted and near:
            yield Problem(
                one.place("metadata", "name"),
                f"no HelmRelease takes values from {one.kind} {one.name}; did you mean"
                f" {stems[near]}?",
            )


def _stem(name: str) -> str:
    return name.removeprefix("stackspin-").removesuffix(_OVERRIDE)


def _override_names(release: Release) -> set[str]:
    """Return the names that a release's overrides may have."""
    apps = {release.name, text(release.manifest.get("spec", "releaseName")) or release.name}
    for source in release.sources:
        found = re.fullmatch(r"ConfigMap stackspin-(.+)-values", source.name)
        if found and not source.optional:
            apps.add(found[1])
    return {f"stackspin-{one}-override" for one in apps}


def _lost_overrides(app: AppPackage) -> Iterator[Problem]:
    wanted: Mapping[tuple[str, str], str] = {
        (source.name, release.manifest.namespace): release.name
        for release in app.releases
        for source in release.sources
    }
    names = {name for name, _ in wanted}
    for one in app.everything():
        if one.kind not in ("ConfigMap", "Secret") or not one.name.endswith("override"):
            continue
        name = f"{one.kind} {one.name}"
        if (name, one.namespace) in wanted:
            continue
        if name in names:
            homes = ", ".join(sorted(space for other, space in wanted if other == name))
            yield Problem(
                one.place("metadata", "namespace"),
                f"{name} is in namespace {one.namespace or '(none)'}, where no HelmRelease uses"
                f" it: its HelmRelease is in {homes}",
            )
        elif one in app.written and app.releases:
            yield Problem(
                one.place("metadata", "name"),
                f"no HelmRelease of the app takes values from {name}{did_you_mean(name, names)}",
            )
