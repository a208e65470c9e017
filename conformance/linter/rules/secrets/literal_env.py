"""No password is written in a container's environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.configuration import (
    object_settings,
)
from conformance.linter.findings import Problem
from conformance.linter.pods import WORKLOADS
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import literals

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.literal-env", level=3)
def literal_env(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in the environment of a written workload."""
    for one in app.written:
        if one.kind in WORKLOADS:
            settings = [item for item in object_settings(one, "spec") if "env" in item.path]
            yield from literals(app, settings, "in the environment of a container")
