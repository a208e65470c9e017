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


@rule(
    "oidc.client-values",
    "The app's values have the client's own id and secret",
    level=2,
    why="The app sends Hydra the id and secret from its values. If Hydra has others, people see "
    "an error at every login.",
    source="Stackspin",
    fix="Use the variables ${client_id} and ${client_secret} of the app's own Secret.",
    example="""
oidc:
  clientId: "${client_id}"
  clientSecret: "${client_secret}"
""",
)
def client_values(app: AppPackage) -> Iterator[Problem]:
    """Yield each id and secret in values that are not the client's."""
    lines = Lines(app)
    for one in logins.mismatches(app):
        yield Problem(lines.located(one.setting), one.message)
