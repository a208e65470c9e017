"""A generated password keeps its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from conformance.linter.access import Path, text
from conformance.linter.facts.changes import (
    against_previous,
    key_of,
    leaves,
)
from conformance.linter.findings import NotRun, Place, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_secrets import GENERATORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.linter.app import AppPackage, Variable


_GENERATED = re.compile(r"[0-9a-f]{32}")
"""What stands for a generated value, see ``variables.generated_value``."""
_NAMES_A_SECRET = ("secretName", "existingSecret", "nginx.ingress.kubernetes.io/auth-secret")
_HOLDERS = ("secretKeyRef", "secretRef", "secret")


@rule("upgrade.secret-regenerated", level=3)
@against_previous
def secret_regenerated(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each place that gets another generated value than before."""
    told: set[tuple[str, str]] = set()
    for what, old, new in (*_new_values(before, app), *_new_secrets(before, app)):
        if (old, new) not in told:
            told.add((old, new))
            yield Problem(
                what,
                f"this was generated as {old}, and is now as {new}: the generator makes a new "
                "value, and whatever uses the old one is locked out",
            )


Found = tuple[Place, str, str]
"""A place, and the generated values that it had and has, in words."""


def _strings(app: AppPackage) -> Iterator[tuple[tuple[object, ...], str, Callable[[], Place]]]:
    """Yield what an app's values and written objects hold, under paths that last."""
    for release in app.releases:
        for lasting, path, value in leaves(release.values):
            yield ("values", release.name, *lasting), value, _placer(release.place, path)
    for manifest in app.written:
        for lasting, path, value in leaves(manifest.value):
            yield (*key_of(manifest), *lasting), value, _placer(manifest.place, path)


def _placer(place: Callable[..., Place], path: Path) -> Callable[[], Place]:
    return lambda: place(*path)


def _variables(app: AppPackage) -> Mapping[str, Variable]:
    """Return the generated values: what stands for them -> the variable."""
    return {
        variable.value: variable
        for kustomization in app.kustomizations
        for source in kustomization.sources
        for variable in source.variables.values()
        if variable.generated and _GENERATED.fullmatch(variable.value)
    }


def _new_values(before: AppPackage, app: AppPackage) -> Iterator[Found]:
    """Yield values where one generated variable has taken the place of another."""
    old, new = _variables(before), _variables(app)
    clients = _client_secrets(before) | _client_secrets(app)
    was = {
        where: found
        for where, value, _ in _strings(before)
        for found in _GENERATED.findall(value)
        if found in old
    }
    strings = list(_strings(app))
    now = {found for _, value, _ in strings for found in _GENERATED.findall(value)}
    known = set(was.values())
    for where, value, place in strings:
        found = was.get(where)
        if found is None or found in now:
            continue
        for other in _GENERATED.findall(value):
            if other in new and other not in known:
                one, two = old[found], new[other]
                # A client's secret may change: Hydra and the app both get the new one.
                if one.source not in clients or two.source not in clients:
                    yield place(), f"{one.name} of {one.source}", f"{two.name} of {two.source}"


def _client_secrets(app: AppPackage) -> set[str]:
    """Return the sources that are the Secret of a client of the login."""
    return {
        f"Secret {text(one.get('spec', 'secretName'))}"
        for one in app.written
        if one.kind == "OAuth2Client"
    }


def _new_secrets(before: AppPackage, app: AppPackage) -> Iterator[Found]:
    """Yield references to a generated Secret that went to another one before."""
    gone = _generated_secrets(before) - _generated_secrets(app)
    came = _generated_secrets(app) - _generated_secrets(before)
    if not gone or not came:
        return
    was = {where: value for where, value, _ in _references(before) if value in gone}
    clients = _client_secrets(app)
    for where, value, place in _references(app):
        if where in was and value in came and f"Secret {value}" not in clients:
            yield place(), f"Secret {was[where]}", f"Secret {value}"


def _generated_secrets(app: AppPackage) -> set[str]:
    return {one.name for one in app.written if one.kind in GENERATORS and one.name}


def _references(app: AppPackage) -> Iterator[tuple[tuple[object, ...], str, Callable[[], Place]]]:
    """Yield the names of Secrets that objects and values refer to."""
    rendered = (m for one in app.installations for m in one.manifests if m.rendered)
    objects = (
        ((*key_of(one), *lasting), value, _placer(one.place, path))
        for one in rendered
        for lasting, path, value in leaves(one.value)
    )
    for where, value, place in (*_strings(app), *objects):
        holder = where[-2] if len(where) > 1 else None
        if where[-1] in _NAMES_A_SECRET or (where[-1] == "name" and holder in _HOLDERS):
            yield where, value, place
