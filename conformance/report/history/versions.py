"""What was tested in another version, or on another machine."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.report.changes import VersionChange
from conformance.report.history.facts import RunFacts


def changed_versions(before: RunFacts, after: RunFacts) -> list[VersionChange]:
    """Return what two runs had in different versions, and how their machines differ."""
    return [
        *_changed(before.versions, after.versions),
        *_changed(before.machine, after.machine),
    ]


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[VersionChange]:
    names = dict.fromkeys([*after, *before])
    return [
        VersionChange(what=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]
