"""What the platform's own Schedules back up, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.disaster_recovery.contents import (
    OnlyHere,
    lacking,
    wait_until_removed,
)
from conformance.capabilities.disaster_recovery.schedules import (
    faults,
    kept_for,
    longest_pause,
)
from conformance.platform.features import PlatformFeature
from conformance.suite.check import check
from conformance.suite.described import object_store_of

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.report.evidence import EvidenceBox
    from conformance.services.flux import Flux
    from conformance.services.velero import Velero


@check(
    "disaster_recovery.schedule_fires",
    promise="The platform makes a backup regularly, and keeps each until after the next.",
)
def test_schedule_fires(velero: Velero, evidence: EvidenceBox) -> None:
    schedules = velero.schedules()
    assert schedules, f"there is no Schedule in {velero.namespace}"
    found = [line for one in schedules for line in faults(one)]
    assert not found, "\n".join(found)
    for one in schedules:
        name = one["metadata"]["name"]
        evidence.note(f"{name}: every {longest_pause(one)}, kept for {kept_for(one)}")


@check(
    "disaster_recovery.schedule_covers_everything",
    promise="A regular backup has every claim of the platform and its apps, and every Secret that "
    "is neither in Git nor in a chart.",
    touches="platform",
    effect="backs up the whole platform, as its Schedules do",
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_schedule_covers_everything(
    clients: Clients,
    velero: Velero,
    single_sign_on: Flux,  # noqa: ARG001 - whose accounts are to be in it
    namespace: str,
    evidence: EvidenceBox,
) -> None:
    schedules = velero.schedules()
    assert schedules, f"there is no Schedule in {velero.namespace}"
    wait_until_removed(clients)  # apps of other checks
    nowhere: list[set[str]] = []
    for schedule in schedules:
        name = f"{namespace}-{schedule['metadata']['name']}"
        wanted = OnlyHere.on(clients)
        velero.back_up_as(schedule, name)
        backup = velero.completed("Backup", name)
        found = lacking(clients, object_store_of(clients), backup, wanted)
        nowhere.append(set(found))
        evidence.note(f"{name}: {len(wanted.secrets)} Secrets that are nowhere else; {found=}")
    missing = set.intersection(*nowhere)
    assert not missing, "\n".join(sorted(missing))
