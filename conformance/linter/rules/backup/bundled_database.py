"""The database that a chart brings is backed up, too.

Whether a backup holds the database that a chart from elsewhere brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import BACKUP_SET, BACKUP_VOLUMES
from conformance.linter.facts.backed_up import bundled, unknown
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("backup.bundled-database", level=3, severity=Severity.WARNING)
def bundled_database(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each database that the values switch on and do not mark."""
    words = {BACKUP_VOLUMES: f"annotation {BACKUP_VOLUMES}", BACKUP_SET: f"label {BACKUP_SET}"}
    for installation in app.installations:
        for one in bundled(app, installation):
            if one.missing:
                absent = " and no ".join(words[key] for key in one.missing)
                yield Problem(
                    one.place,
                    f'the values switch on the chart\'s own "{one.name}", but give its pods no '
                    f"{absent}: its data is in no backup",
                )
    yield from unknown(app, "which databases it brings")
