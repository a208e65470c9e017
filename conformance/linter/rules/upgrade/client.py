"""The app keeps its OAuth2Client and client id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts.changes import (
    against_previous,
    key_of,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.client", level=3)
@against_previous
def client(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each client that Hydra takes for another one."""
    old = {key_of(one): one for one in before.written if one.kind == "OAuth2Client"}
    new = {key_of(one): one for one in app.written if one.kind == "OAuth2Client"}
    for key, one in new.items():
        now = _client_id(app, one)
        if key in old:
            was = _client_id(before, old[key])
            moved = one.get("spec", "secretName") != old[key].get("spec", "secretName")
            if was != now and (moved or not _kept(app, one)):
                yield Problem(
                    one.place("spec", "secretName"),
                    f"the client_id was {quoted(was or 'chosen by Hydra')}, and is "
                    f"{quoted(now or 'chosen by Hydra')} now: for Hydra this is another app",
                )
        else:
            for gone in old.keys() - new.keys():
                if now and now == _client_id(before, old[gone]):
                    yield Problem(
                        one.place("metadata", "name"),
                        f"client_id {quoted(now)} belonged to {old[gone]}, and is to belong to "
                        f"{one}: Hydra refuses the new one while the old one is there",
                    )


def _secret_of(app: AppPackage, one: Manifest) -> Manifest | None:
    name = text(one.get("spec", "secretName"))
    return next(
        (
            other
            for other in app.written
            if other.kind in ("Secret", "StringSecret")
            and (other.name, other.namespace) == (name, one.namespace)
        ),
        None,
    )


def _client_id(app: AppPackage, one: Manifest) -> str:
    """Return the client's id; empty if Hydra chooses it."""
    secret = _secret_of(app, one)
    if secret is None:
        return ""
    if secret.kind == "StringSecret":
        return text(secret.get("spec", "data", "client_id"))
    given = secret.get("stringData", "client_id")
    return text(secret.get("data", "client_id") if given is None else given)


def _kept(app: AppPackage, one: Manifest) -> bool:
    """Return whether the generator leaves the client_id alone that servers have already."""
    secret = _secret_of(app, one)
    return secret is not None and secret.kind == "StringSecret"
