"""No password is written in a ConfigMap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import (
    object_settings,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import literals

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.literal-config", level=3)
def literal_config(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in a ConfigMap that holds no values of a chart."""
    chain = logins.holders(app)
    for one in app.written:
        if one.kind == "ConfigMap" and (one.file, str(one)) not in chain:
            yield from literals(app, list(object_settings(one, "data")), "in a ConfigMap")
