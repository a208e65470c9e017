"""A claim carries the label of its backup set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_SET,
    not_labelled,
)
from conformance.linter.facts.backed_up import (
    claim_labels,
    pods_by_claim,
    unknown,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import excluded

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_OF_TEMPLATE = (
    f"Add the label {BACKUP_SET} with the app's name to the StatefulSet's volumeClaimTemplates. "
    "Those of an installed StatefulSet cannot change: upgrade.immutable-field says how to go on."
)


@rule("backup.claim-label", level=3)
def claim_label(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim without it; one that every pod leaves out of the backup needs none."""
    for installation in app.installations:
        users = pods_by_claim(installation)
        for claim in claim_labels(installation):
            mounted = users.get(claim.name, [])
            if mounted and all(volume in excluded(pod) for pod, volume in mounted):
                continue
            if BACKUP_SET not in claim.labels:
                yield Problem(
                    claim.place,
                    f"{not_labelled(f'claim {claim.name}')}: it is in no backup of the app",
                    _OF_TEMPLATE if claim.place.object.startswith("StatefulSet") else "",
                )
    yield from unknown(app, "which claims it creates")
