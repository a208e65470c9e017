"""What several rules of the family secrets share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import get
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import (
    Lines,
    Setting,
)
from conformance.linter.facts.credentials import is_credential
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.helm.chart_parts import declared, is_used

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


EXISTING = re.compile(r"existing[-_]?secret([-_]?name)?|secret[-_]?name", re.IGNORECASE)


def is_off(chart: Chart | None, values: Mapping[str, Any], one: Setting) -> bool:
    """Return whether a setting is for a part of a chart that the values switch off."""
    defaults = chart.values.value if chart is not None and chart.values is not None else {}
    for length in range(1, len(one.path)):
        path = (*one.path[:length], "enabled")
        enabled = get(values, *path)
        if (get(defaults, *path) if enabled is None else enabled) is False:
            return True
    own = [] if chart is None else declared(chart)
    parts = [part for part in own if one.path[:1] == (part.alias or part.name,)]
    return bool(parts) and not any(is_used(part, chart, values) for part in parts if chart)


def charts_elsewhere(app: AppPackage, what: str) -> Iterator[NotRun]:
    """Yield what is not known of the charts that are not in the package."""
    for reason in dict.fromkeys(one.chart_missing for one in app.releases if one.chart is None):
        yield NotRun(f"{reason}: it is not known {what}")


def literals(app: AppPackage, settings: list[Setting], where: str) -> Iterator[Problem]:
    """Yield the settings that are credentials and come of no variable.

    Not those that another rule speaks of, and not those beside the name of a Secret: that wins.
    """
    lines = Lines(app)
    told = {one.place for one in logins.mismatches(app)}
    names = {one.name for one in app.everything()}
    names |= {one.name for installation in app.installations for one in installation.manifests}
    replaced = {
        (one.place.file, one.place.object, one.group)
        for one in settings
        if EXISTING.fullmatch(one.key) and one.value
    }
    for one in settings:
        if one.place in told or (one.place.file, one.place.object, one.group) in replaced:
            continue
        if one.value in names:
            continue  # a Secret's name under a key such as "secret"
        if is_credential(one.key, one.value, parents=one.path[:-1]):
            place = lines.located(one)
            if lines.written(place, one.value):
                yield Problem(place, f"the value of {quoted(one.key)} is written {where}")
