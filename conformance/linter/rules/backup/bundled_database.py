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


@rule(
    "backup.bundled-database",
    "The database that a chart brings is backed up, too",
    level=3,
    severity=Severity.WARNING,
    why="A public chart knows nothing of Stackspin's backups. A database that it brings, and "
    "whose pods get no label and no annotation from the values, is in no backup, though the "
    "app's files are: what is restored is an app without its data.",
    source="https://velero.io/docs/v1.18/file-system-backup/#using-opt-in-pod-volume-backup",
    fix="Give the database a claim of the package's, and its pods the label and the annotation.",
    example="""
postgresql:
  enabled: true
  primary:
    podLabels:
      stackspin.net/backupSet: notes
    podAnnotations:
      backup.velero.io/backup-volumes: data
    persistence:
      existingClaim: notes-database
""",
)
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
