"""No password is written in the values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.configuration import (
    values_settings,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import is_off, literals

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.literal-value", level=3)
def literal_value(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential that stands in the values of a HelmRelease."""
    settings = [
        setting
        for release, _, setting in values_settings(app)
        if not is_off(release.chart, release.values, setting)
    ]
    yield from literals(app, settings, "in the values")
