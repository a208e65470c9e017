"""The server is lost with its disk; the platform is made anew of its repository and its bucket.

Stackspin's own order of a restore, and what goes wrong otherwise: docs/disaster-recovery.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.capabilities.disaster_recovery.contents import OnlyHere, lacking
from conformance.capabilities.disaster_recovery.disaster import TITLE
from conformance.capabilities.disaster_recovery.visit import Comeback
from conformance.clusters.base import Feature
from conformance.platform.features import PlatformFeature
from conformance.platform.generated_secrets import digests
from conformance.suite.check import check, extended
from conformance.suite.described import object_store_of

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.capabilities.disaster_recovery.disaster import Disaster
    from conformance.report.evidence import EvidenceBox

NEEDS = (Feature.SECOND_CLUSTER,)
FEATURES = (PlatformFeature.RECOVERY,)
MIB = 1024 * 1024


@check(
    "disaster_recovery.login_after_loss",
    promise="After the loss of the server, people log in with their old password and second "
    "factor, and no app asks them for consent again.",
    needs=NEEDS,
    features=FEATURES,
    apps=extended("notes"),
)
def test_login_after_loss(
    disaster: Disaster, app: App, tmp_path: Path, evidence: EvidenceBox
) -> None:
    recovery, life = disaster.recovery.result(), disaster.life.result()
    evidence.measure("recovery time", recovery.seconds)
    evidence.measure("recovery point", recovery.age)
    evidence.measure("in the bucket", recovery.restored / MIB, "MiB")
    comeback = Comeback(recovery.site, app, life, tmp_path)
    assert comeback.name_in_app(evidence) == life.user.name


@check(
    "disaster_recovery.data_after_loss",
    promise="After the loss of the server, an app has its data, byte for byte, and its overrides.",
    needs=NEEDS,
    features=FEATURES,
    apps=extended("notes"),
)
def test_data_after_loss(disaster: Disaster, app: App) -> None:
    site = disaster.recovery.result().site
    app.verify(disaster.instance(site), disaster.life.result().seed)
    assert disaster.title(site) == TITLE


@check(
    "disaster_recovery.secrets_after_loss",
    promise="After the loss of the server, every generated Secret is the old one: apps stay "
    "registered, and databases readable.",
    level="extended",
    needs=NEEDS,
    features=FEATURES,
)
def test_secrets_after_loss(disaster: Disaster) -> None:
    site, before = disaster.recovery.result().site, disaster.life.result().secrets
    assert before, "no Secret was generated"
    after = digests(site.stack.clients.kube, before)
    changed = [name for name in before if after.get(name) != before[name]]
    assert not changed, f"other Secrets than before the loss: {', '.join(sorted(changed))}"


@check(
    "disaster_recovery.backups_after_loss",
    promise="The platform that came back is backed up as the old one was.",
    level="extended",
    needs=NEEDS,
    features=(*FEATURES, PlatformFeature.OBJECT_STORE),
)
def test_backups_after_loss(disaster: Disaster) -> None:
    clients = disaster.recovery.result().site.stack.clients
    velero, wanted = clients.velero(), OnlyHere.on(clients)
    [schedule] = velero.schedules()
    velero.back_up_as(schedule, "after-the-loss")
    backup = velero.completed("Backup", "after-the-loss")
    missing = lacking(clients, object_store_of(clients), backup, wanted)
    assert not missing, "\n".join(missing)
