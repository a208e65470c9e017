"""The platform is moved from the release before to the next one, by a push and nothing else.

Before the push somebody has an account, a session and an app that they gave consent to, and there
is an app with data.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.capabilities.platform_upgrade.state import (
    changed_secrets,
    failed_upgrades,
    installed_anew,
    lost_claims,
    upgraded,
)
from conformance.clusters.base import Feature
from conformance.services.velero import seconds_taken
from conformance.suite.check import check, extended, not_run

if TYPE_CHECKING:
    from conformance.capabilities.platform_upgrade.state import State
    from conformance.capabilities.platform_upgrade.upgrade import Upgrade
    from conformance.report.evidence import EvidenceBox

NEEDS = (Feature.SECOND_CLUSTER,)
LONGEST = 120.0
"""Seconds that a page may be away, all outages together: its pod and its database stop, data is
migrated, both start."""


@check(
    "platform_upgrade.api_versions",
    promise="No custom resource is stored or written in a version of its API that the next release "
    "of the platform does not have.",
    level="extended",
    needs=NEEDS,
)
def test_api_versions(upgrade: Upgrade) -> None:
    found = upgrade.life.result().removed
    assert not found, "\n".join(found)


@check(
    "platform_upgrade.no_failed_release",
    promise="After a push of the next release, every HelmRelease gets Ready, and none fails or is "
    "rolled back on the way.",
    level="extended",
    needs=NEEDS,
)
def test_no_failed_release(upgrade: Upgrade, evidence: EvidenceBox) -> None:
    before, move = upgrade.life.result().state, upgrade.move.result()
    newer = upgraded(before, move.state)
    evidence.measure("from the push to Ready", move.seconds)
    evidence.note(f"upgraded: {', '.join(newer) or 'nothing'}")
    failed = installed_anew(before, move.state) + failed_upgrades(before, move.state)
    assert not failed, "\n".join([*failed, move.problem])
    upgrade.done()
    assert newer, "the push has upgraded no HelmRelease: are both releases the same?"


@check(
    "platform_upgrade.claims_kept",
    promise="An upgrade of the platform keeps every claim, and each that was in use stays in use.",
    level="extended",
    needs=NEEDS,
)
def test_claims_kept(upgrade: Upgrade) -> None:
    life, move = upgrade.done()
    assert life.state.claims, "there was no claim"
    lost = lost_claims(life.state, move.state)
    assert not lost, "\n".join(lost)


@check(
    "platform_upgrade.secrets_kept",
    promise="An upgrade of the platform changes no value of a generated Secret.",
    level="extended",
    needs=NEEDS,
)
def test_secrets_kept(upgrade: Upgrade) -> None:
    life, move = upgrade.done()
    assert life.state.secrets, "no Secret was generated"
    changed = changed_secrets(life.state, move.state)
    assert not changed, "\n".join(changed)


@check(
    "platform_upgrade.logins_kept",
    promise="After an upgrade of the platform, earlier passwords, sessions, consents and apps' "
    "tokens are valid.",
    level="extended",
    needs=NEEDS,
)
def test_logins_kept(upgrade: Upgrade) -> None:
    life, _ = upgrade.done()
    asked = life.person.goes_to_app()
    assert asked == life.asked, f"asked for other things than before: {asked}, not {life.asked}"
    life.person.app_refreshes()


@check(
    "platform_upgrade.data_kept",
    promise="After an upgrade of the platform, an app has its data, byte for byte.",
    needs=NEEDS,
    apps=extended("notes"),
)
def test_data_kept(upgrade: Upgrade) -> None:
    if upgrade.life.result().seed is None:
        not_run("the suite cannot put data into the apps of this platform")
    upgrade.verify()


@check(
    "platform_upgrade.old_backup_restorable",
    promise="After an upgrade of the platform, a backup made before it is restored, byte for byte.",
    needs=NEEDS,
    apps=extended("notes"),
)
def test_old_backup_restorable(upgrade: Upgrade, evidence: EvidenceBox) -> None:
    life, _ = upgrade.done()
    if life.backup is None:
        not_run("the suite cannot put data into the apps of this platform")
    with life.backup.restored() as restore:
        evidence.measure("restore", seconds_taken(restore))
        upgrade.verify_copy()


@check(
    "platform_upgrade.pages_stay",
    promise="During an upgrade of the platform, no app's first page and no login is away for more "
    "than two minutes in all, and each answers afterwards.",
    level="extended",
    needs=NEEDS,
)
def test_pages_stay(upgrade: Upgrade, evidence: EvidenceBox) -> None:
    _, move = upgrade.done()
    for visit in move.visits:
        evidence.measure(f"away: {visit.page}", visit.away)
        evidence.note(visit.summary)
    away = [one.summary for one in move.visits if not one.answers or one.away > LONGEST]
    assert not away, "\n".join(away)


# This one and the next come last: they change what the others look at.
@check(
    "platform_upgrade.going_back_told",
    promise="After a push of the platform's previous release, each HelmRelease goes back to it, or "
    "says why not and keeps running; no claim, Secret or data is lost.",
    level="extended",
    needs=NEEDS,
)
def test_going_back_told(upgrade: Upgrade, evidence: EvidenceBox) -> None:
    _, move = upgrade.done()
    back = upgrade.back.result()
    evidence.measure("from the push to the end", back.move.seconds)
    evidence.note(back.outcome.summary)
    assert not back.outcome.neither, "\n".join([*back.outcome.neither, back.move.problem])
    assert back.outcome.refused or not back.move.problem, back.move.problem
    assert_nothing_lost(upgrade, move.state, back.move.state)


@check(
    "platform_upgrade.interrupted_upgrade_converges",
    promise="If the node is killed during an upgrade of the platform, the upgrade completes after "
    "the node's restart, and nothing is lost.",
    level="extended",
    needs=(*NEEDS, Feature.NODE_KILL),
)
def test_interrupted_upgrade_converges(upgrade: Upgrade, evidence: EvidenceBox) -> None:
    upgrade.done()
    back = upgrade.back.result()
    if back.outcome.refused or back.outcome.neither:
        not_run(f"there is nothing to upgrade once more: {back.outcome.summary}")
    before, again = back.move.state, upgrade.again.result()
    evidence.measure("from the push to Ready", again.seconds)
    assert not again.problem, f"after the kill, the upgrade does not end: {again.problem}"
    interrupted = failed_upgrades(before, again.state)
    evidence.note(f"interrupted: {'; '.join(interrupted) or 'nothing'}")
    away = [one.summary for one in again.visits if not one.answers]
    also = installed_anew(before, again.state) + away
    assert_nothing_lost(upgrade, before, again.state, also)
    if not interrupted:
        not_run("the upgrade was over before the node was killed")


def assert_nothing_lost(
    upgrade: Upgrade, before: State, after: State, also: Iterable[str] = ()
) -> None:
    """Every claim, generated Secret and the app's data, if it has any, are what they were.

    ``also`` is what else has gone wrong, a line each: it is told before the data is looked at.
    """
    wrong = [*lost_claims(before, after), *changed_secrets(before, after), *also]
    assert not wrong, "\n".join(wrong)
    if upgrade.life.result().seed is not None:
        upgrade.verify()
