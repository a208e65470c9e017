"""A step of the documented order is left out: docs/disaster-recovery.md, "What goes wrong"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.capabilities.disaster_recovery.data_first import DataFirst
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, FINAL
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.report.evidence import EvidenceBox
    from conformance.services.velero import Velero
    from conformance.suite.backed_up_app import BackedUpApp


@check(
    "disaster_recovery.step_left_out",
    promise="If an app's data is restored before its Secrets and configuration, the Restore does "
    "not end, and Events name what the pod lacks; once that is there, all data is restored.",
    touches="platform",
    effect="delays a Restore, and all others behind it, by some seconds",
    features=(PlatformFeature.RECOVERY,),  # nobody else's restores are held up
    apps=extended("notes"),
)
def test_step_left_out(
    backed_up_app: Callable[[str], BackedUpApp],
    namespaces: Callable[[str], str],
    velero: Velero,
    evidence: EvidenceBox,
) -> None:
    app = backed_up_app("ordered")
    data_first = DataFirst(app, namespaces("data-first"))
    seed = app.install()
    backup = app.back_up(app.namespace)
    assert backup.phase == COMPLETED, velero.explain(backup.item)
    with data_first.begun(backup.name):
        lacking = data_first.lacking()
        assert lacking, "the pod mounts neither Secret nor ConfigMap"
        evidence.note(data_first.told(lacking))
        phase = data_first.phase
        assert phase not in FINAL, f"the Restore is {phase}, and its pod lacks {lacking[0]}"
    restore = velero.completed("Restore", data_first.namespace)
    assert velero.volumes(restore), "no volume was restored"
    app.verify_copy(data_first.namespace, seed)
