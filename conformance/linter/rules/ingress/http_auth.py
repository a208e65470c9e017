"""HTTP authentication has a type and a Secret with passwords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.ingresses import (
    Ingress,
    ingresses,
)
from conformance.linter.facts.needs import State, look_up, origin
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_AUTH_TYPES = ("basic", "digest")
_SECRET_TYPES = ("auth-file", "auth-map")


@rule("ingress.http-auth", level=2)
def http_auth(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is wrong with the annotations."""
    yield from each(app, _wrong_auth)


def _wrong_auth(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        kind, secret = ingress.annotation("auth-type"), ingress.annotation("auth-secret")
        form = ingress.annotation("auth-secret-type")
        has_type = ingress.has("auth-type")
        if has_type and kind not in _AUTH_TYPES:
            yield Problem(
                ingress.place_of("auth-type"),
                f"auth-type of {ingress.name} is {quoted(kind)}; nginx allows basic and digest",
            )
        elif has_type and not secret:
            message = f"{ingress.name} has auth-type {kind} but no auth-secret"
            yield Problem(ingress.place_of("auth-type"), message)
        elif secret and not has_type:
            message = (
                f"{ingress.name} has auth-secret but no auth-type: nobody is asked for a password"
            )
            yield Problem(ingress.place_of("auth-secret"), message)
        elif form and form not in _SECRET_TYPES:
            message = f"auth-secret-type of {ingress.name} is neither auth-file nor auth-map"
            yield Problem(ingress.place_of("auth-secret-type"), message)
        elif secret:
            yield from _wrong_secret(cluster, ingress, secret, form)


def _wrong_secret(cluster: Cluster, ingress: Ingress, secret: str, form: str) -> Iterator[Problem]:
    namespace, _, name = secret.rpartition("/")
    by = ingress.manifest
    if by is None:
        return
    answer = look_up(cluster, "Secret", name, namespace or ingress.namespace, by)
    if answer.state is State.NOWHERE:
        yield Problem(
            origin(cluster, by, secret, ingress.place_of("auth-secret")),
            f"{ingress.name} asks for the passwords in Secret {name[:80]}, which nothing creates"
            f"{answer.hint}",
        )
    elif answer.keys is not None and "auth" not in answer.keys and form != "auth-map":
        yield Problem(
            ingress.place_of("auth-secret"),
            f"{ingress.name} takes the passwords from Secret {name[:80]}, which has no key auth",
        )
