"""The data in the bucket is encrypted; whoever has another password gets none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.capabilities.disaster_recovery.repository_password import (
    REFUSAL,
    other_repository_password,
)
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED
from conformance.suite.backed_up_app import is_released
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.report.evidence import EvidenceBox
    from conformance.services.velero import Velero
    from conformance.suite.backed_up_app import BackedUpApp


@check(
    "disaster_recovery.wrong_password_told",
    promise="With another repository password, a restore fails and says so, and the app does not "
    "start without its data; with the old one, it is restored.",
    touches="platform",
    effect="gives Velero another repository password for a while",
    features=(PlatformFeature.RECOVERY,),  # nobody else's backups are put at risk
    apps=extended("notes"),
)
def test_wrong_password_told(
    backed_up_app: Callable[[str], BackedUpApp],
    namespaces: Callable[[str], str],
    velero: Velero,
    clients: Clients,
    evidence: EvidenceBox,
) -> None:
    app, locked, opened = backed_up_app("encrypted"), namespaces("locked"), namespaces("opened")
    seed = app.install()
    backup = app.back_up(app.namespace)
    assert backup.phase == COMPLETED, velero.explain(backup.item)
    with other_repository_password(clients, velero.namespace):
        refused = app.restore_into(locked, backup.name)
        told = velero.explain(refused)
    evidence.note(told)
    assert refused["status"]["phase"] != COMPLETED, told
    assert REFUSAL in told, f"it does not say why: {told}"
    assert not is_released(app.kube, app.pods_in(locked)), "the app runs without its data"
    restore = app.restore_into(opened, backup.name)
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    app.verify_copy(opened, seed)
