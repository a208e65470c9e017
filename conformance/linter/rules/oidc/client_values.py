"""The app's values have the client's own id and secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.client-values", level=2)
def client_values(app: AppPackage) -> Iterator[Problem]:
    """Yield each id and secret in values that are not the client's."""
    lines = Lines(app)
    for one in logins.mismatches(app):
        yield Problem(lines.located(one.setting), one.message)
