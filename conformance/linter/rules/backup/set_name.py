"""All of an app is in one backup set, named after the app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_SET,
)
from conformance.linter.facts.backed_up import (
    Component,
    claim_labels,
    components,
    mounts,
    pods_by_claim,
    unknown,
)
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Installation


@rule("backup.set-name", level=3)
def set_name(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each label that has another value than the rest, or the name of another app."""
    own = {app.name, *(one.name for one in app.releases), *(one.name for one in app.charts)}
    for installation in app.installations:
        labels = list(_set_labels(app, installation))
        if not labels:
            continue
        values = [value for value, _, _ in labels]
        usual = max(values, key=lambda value: (value in own, values.count(value), value != ""))
        for value, place, what in labels:
            if value != usual or not value:
                other = (
                    f"the rest of the app is in {quoted(usual)}" if usual else "the name is empty"
                )
                yield Problem(place(), f"{what} is in the backup set {quoted(value)}, but {other}")
            elif not _fits(usual, own) and usual in _other_apps(app):
                yield Problem(
                    place(),
                    f"{what} is in the backup set {quoted(value)}, which belongs to another app",
                )
    yield from unknown(app, "which backup set its pods are in")


_Where = Callable[[], Place]
"""Finds out where something is written, which takes time where a template rendered to it."""


def _set_labels(app: AppPackage, installation: Installation) -> Iterator[tuple[str, _Where, str]]:
    """Yield each backup set of an installation's data: the value, its place, who carries it."""
    users = pods_by_claim(installation)
    parts = list(components(app, installation))
    used = {*users, *(part.claim for part in parts)}
    for pod in installation.pods:
        value = pod.labels.get(BACKUP_SET)
        if mounts(pod) and isinstance(value, str):
            yield value, partial(pod.place, "metadata", "labels", BACKUP_SET), "the pod"
    for claim in claim_labels(installation):
        value = claim.labels.get(BACKUP_SET)
        if isinstance(value, str) and (claim.name in used or len(app.releases) < 2):
            yield value, claim.label_place, f"claim {claim.name}"
    for place, value in Component.labels_of(installation) if parts else ():
        yield value, place, "what the chart creates"


def _fits(value: str, own: set[str]) -> bool:
    return any(value in name or name in value for name in own if name)


def _other_apps(app: AppPackage) -> set[str]:
    found = {one.name for one in app.neighbours if one.kind == "HelmRelease"}
    return found | NAMES_OF_APPS
