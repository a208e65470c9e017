"""Every volume of the app still exists and is still mounted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.linter.access import Path, get, sequence, text, walk
from conformance.linter.facts.changes import Pair, both_releases, dotted, pairs, shown
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_volumes import TEMPLATES, Mounts, mounts_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_CLAIM = "PersistentVolumeClaim"
_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_KEEP = "helm.sh/resource-policy"
_STAYS = "people's data stays in it, and the app starts empty"


@rule("upgrade.claim-gone", level=3)
def claim_gone(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that is made or mounted no more."""
    handed = _handed_over(app)
    instead = dict(_no_longer_handed(app))
    told: set[tuple[str, str]] = set()
    for pair in pairs(app):
        if isinstance(pair, NotRun):
            yield pair
            continue
        yield from map(NotRun, pair.missing)
        for claim, problem in _gone(pair, handed):
            if claim not in told:
                told.add(claim)
                given = instead.get(claim)
                yield replace(problem, place=given.place) if given else problem
    for claim, problem in instead.items():
        if claim not in told:
            yield problem


def _gone(pair: Pair, handed: set[str]) -> Iterator[tuple[tuple[str, str], Problem]]:
    index = pair.index()
    made = {(one.namespace, one.name): one for one in pair.before if one.kind == _CLAIM}
    was, now = mounts_of(pair.before), mounts_of(pair.now)
    owners = {
        (one.namespace, f"{text(get(template, 'metadata', 'name'))}-{one.name}-*"): one.name
        for one in pair.before
        if one.kind == "StatefulSet"
        for template in sequence(one.get(*TEMPLATES))
    }
    for claim in dict.fromkeys((*made, *was)):
        space, name = claim
        old = made.get(claim)
        still = (_CLAIM, space, name) in index
        away = (_CLAIM, pair.moved.get(space, ""), name) in index
        if claim in now or away or (old is not None and not still and name in handed):
            continue
        if pair.missing and (old is None or old.rendered):
            continue  # what is not rendered may make it, or mount it
        if name.endswith("-*"):
            if ("StatefulSet", space, owners.get(claim, "")) in index:
                continue
        elif still and (claim not in was or pair.missing):
            continue
        place = _instead(was.get(claim, []), now)
        if old is None:
            yield claim, Problem(place, f"claim {name} is no longer mounted: {_STAYS}")
        elif still:
            yield claim, Problem(place, f"claim {name} exists, but no pod mounts it: {_STAYS}")
        else:
            kept = _kept(old)
            end = _STAYS if kept else "it is deleted together with people's data"
            yield claim, Problem(place, f"claim {name} is no longer in the package: {end}")


def _kept(claim: Manifest) -> bool:
    if claim.rendered:
        return claim.annotations.get(_KEEP) == "keep"
    return "disabled" in (claim.annotations.get(_PRUNE), claim.labels.get(_PRUNE))


def _instead(was: Iterable[tuple[str, str, Place]], now: Mounts) -> Place:
    """Return the place of what is mounted now where the claim was."""
    paths = {where for where, _, _ in was}
    found = (place for ms in now.values() for where, _, place in ms if where in paths)
    return next(found, Place())


def _handed(values: object) -> dict[Path, str]:
    """Return the claims that values hand to a chart: their paths and names."""
    return {
        path: value
        for path, value in walk(values)
        if path and path[-1] in ("existingClaim", "claimName") and value and isinstance(value, str)
    }


def _handed_over(app: AppPackage) -> set[str]:
    return {name for one in app.releases for name in _handed(one.values).values()}


def _no_longer_handed(app: AppPackage) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Yield claims that a chart nobody can render is given no more."""
    handed = _handed_over(app)
    for old, new in both_releases(app):
        if new.chart is None:
            for path, name in _handed(old.values).items():
                if name not in handed:
                    message = (
                        f"the chart was given claim {quoted(name)} as {dotted(path)}, and is "
                        f"given {shown(get(new.values, *path))} now: {_STAYS}"
                    )
                    yield (old.namespace, name), Problem(new.place(*path), message)
