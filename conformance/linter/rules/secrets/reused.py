"""One password has one purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.facts.credentials import words_of
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared_generated import SHORTEST

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Variable
    from conformance.linter.facts.configuration import Setting


@rule("secrets.reused", level=3, severity=Severity.WARNING)
def reused(app: AppPackage) -> Iterator[Problem]:
    """Yield each generated variable that surely has two purposes."""
    settings = logins.app_settings(app)
    for variable in _generated(app):
        purposes: dict[str, Setting] = {}
        for one in settings:
            purpose = _purpose(one) if variable.value in one.value else ""
            if purpose:
                purposes.setdefault(purpose, one)
        if len(purposes) > 1:
            (first, _), (second, last) = list(purposes.items())[:2]
            yield Problem(
                Lines(app).located(last),
                f"${{{variable.name}}} is both the {first} and the {second}",
            )


def _generated(app: AppPackage) -> list[Variable]:
    found = {
        (variable.source, variable.name): variable
        for kustomization in app.kustomizations
        for source in kustomization.sources
        for variable in source.variables.values()
        if variable.generated and len(variable.value) >= SHORTEST
    }
    return list(found.values())


_DATABASE = frozenset(
    {"database", "db", "postgresql", "postgres", "mariadb", "mysql", "mongodb", "sql"}
)
_SIGNING = re.compile(
    r"jwt(secret|key)?|(cookie|session|signing|encryption|crypto?|hash|secret|app)"
    r"(secret|key|keybase)"
)


def _purpose(setting: Setting) -> str:
    """Return what a setting is for, where its keys say so beyond doubt."""
    words = [word for key in (*setting.path, setting.key) for word in words_of(str(key))]
    last = words[-1] if words else ""
    if last in ("salt", "pepper"):
        return "salt"
    if any(_SIGNING.fullmatch("".join(words[-count:])) for count in (1, 2, 3)):
        return "signing key"
    if last not in ("password", "passwd", "pass", "pwd"):
        return ""
    if _DATABASE & set(words):
        return "password of the database"
    if "admin" in words or "administrator" in words:
        return "password of the administrator"
    return "password of the cache" if {"redis", "valkey"} & set(words) else ""
