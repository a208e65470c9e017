"""What several auto-update checks assert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.auto_update.commits import (
    COMMITS,
    UPGRADE_TIMEOUT,
    VERSION_1,
    VERSION_2,
)
from conformance.capabilities.auto_update.visit import ANSWER

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.tracked import TrackedApp
    from conformance.capabilities.auto_update.broken_upgrade import BrokenUpgrade
    from conformance.capabilities.auto_update.visit import Visit
    from conformance.report.evidence import EvidenceBox

ROLLBACK_ALONE = 8.0
"""Seconds in which an idle machine rolls back and starts the old version, as measured."""
ROLLBACK = 30.0
"""Seconds that it may take on any machine."""
TIMES_AS_LONG = 3
"""How much longer than a good upgrade of the same app, in the same run, the rollback may take."""


def assert_never_interrupted(visit: Visit, evidence: EvidenceBox) -> None:
    """Assert that the app has answered all the time, and does now."""
    visit.app.wait_answer(ANSWER)
    evidence.measure("outage", visit.app.outage_seconds, load=visit.app.load)
    evidence.note(visit.app.summary())
    own = "; ".join(map(str, visit.app.own_outages(visit.control)))
    assert not own, f"the app was unavailable: {own}. Control: {visit.control.summary()}"


def assert_unharmed(app: TrackedApp, seed: Seed, visit: Visit, evidence: EvidenceBox) -> None:
    """Assert that the app has served all the time, in its old version, and has kept its data."""
    assert_never_interrupted(visit, evidence)
    found = app.version()
    assert found == VERSION_1, f"version {found} serves instead of {VERSION_1}"
    app.verify(seed)


def assert_rolled_back(upgrade: BrokenUpgrade, evidence: EvidenceBox) -> None:
    """Assert that the old version serves again, with its data, and that the status says why."""
    found = upgrade.aftermath()
    evidence.measure("outage until the old version was back", found.away, load=found.load)
    evidence.note(found.visits)
    evidence.attach("explanation.txt", found.explanation)
    assert found.version == VERSION_1, f"version {found.version} serves instead of {VERSION_1}"
    chart = upgrade.commit.chart_version
    assert f"@{chart}" in found.explanation, (
        f"the status does not name chart version {chart}:\n{found.explanation}"
    )


def assert_put_right(upgrade: BrokenUpgrade, evidence: EvidenceBox) -> None:
    """Assert that the next good commit upgraded the app, with its data, and without help.

    Apart from the time until the upgrade counted as failed, the rollback may take the app away for
    not much longer than the good upgrade does, or than such a rollback takes on a machine that was
    as busy then. It may have been less busy at the good upgrade: other checks go on during the
    rollback.
    """
    healed, broken = upgrade.healing(COMMITS["version_2_put_right"]), upgrade.aftermath()
    for outage in healed.outages:
        evidence.measure("outage by a good upgrade", outage.seconds, load=outage.load)
    assert healed.version == VERSION_2, f"version {healed.version} serves instead of {VERSION_2}"
    good = sum(outage.seconds for outage in healed.outages)
    rollback = max(ROLLBACK, TIMES_AS_LONG * good, ROLLBACK_ALONE * broken.load.slowdown)
    limit = UPGRADE_TIMEOUT + rollback
    assert broken.away <= limit, (
        f"the app was unavailable for {broken.away:.1f} s, more than {limit:.0f} s; a good "
        f"upgrade took {good:.1f} s. {upgrade.visitor.summary()}"
    )
