"""Auto-update: what is pushed to the tracked branch is applied to the cluster, and nothing else.

Stackspin's design, "Automatic updates": Flux tracks the files of the flux2 directory; once changes
are pushed to the branch that Flux tracks, they are applied; the cluster never pushes. Outside the
flux2 directory only charts matter that a HelmRelease in it names, and only when the chart's version
changes.

A commit that Flux or helm refuses does not reach the app, which keeps serving. An upgrade that
fails in the cluster has already stopped the old version, because only one version at a time may
write to the app's volume. The app is unavailable until the upgrade counts as failed and is rolled
back; the checks measure for how long.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

import pytest

from conformance.capabilities.auto_update.assertions import (
    assert_never_interrupted,
    assert_put_right,
    assert_rolled_back,
    assert_unharmed,
)
from conformance.capabilities.auto_update.commits import (
    COMMITS,
    SPECIAL_NAME,
    VERSION_1,
    VERSION_2,
)
from conformance.capabilities.auto_update.visit import ANSWER
from conformance.kube.conditions import condition_false, condition_true, rolled_out
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.services.availability import AvailabilityMonitor
from conformance.services.flux import Flux
from conformance.services.git import GitRefused
from conformance.services.git_access import Unknown, may_push
from conformance.suite.check import check, not_run

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.tracked import TrackedApp, TrackedBranch
    from conformance.capabilities.auto_update.broken_upgrade import BrokenUpgrade
    from conformance.capabilities.auto_update.visit import Visit
    from conformance.kube.client import Kube
    from conformance.platform.stack import Stack
    from conformance.report.evidence import EvidenceBox
    from conformance.suite.platform_under_test import PlatformUnderTest

GIT_RETRY = 60.0
"""Seconds: Flux tries again after at most 10, and a try takes at most 20; twice that."""
OUTSIDE = Template(
    "apiVersion: v1\nkind: ConfigMap\n"
    "metadata:\n  name: ${app}-outside\n  namespace: ${namespace}\n"
)
"""A manifest that is where Flux must not apply it."""


@check(
    "auto_update.commit_upgrades_app",
    promise="A pushed commit that bumps an app's chart upgrades the running app, data included.",
)
def test_commit_upgrades_app(
    moving: TrackedApp, seeds: dict[str, Seed], stack: Stack, evidence: EvidenceBox
) -> None:
    assert moving.version() == VERSION_1
    with AvailabilityMonitor(stack.http(), moving.url) as visitor:
        visitor.wait_answer(ANSWER)
        moving.push(COMMITS["version_2"])
        moving.wait_upgraded("2.0.0")
        visitor.wait_answer(ANSWER)
    evidence.measure("outage during the upgrade", visitor.outage_seconds, load=visitor.load)
    assert moving.version() == VERSION_2
    moving.verify(seeds["moving"])


@check(
    "auto_update.only_tracked_branch",
    promise="A commit to a branch that Flux does not track changes nothing on the cluster.",
)
def test_only_tracked_branch(steady: TrackedApp, branch: TrackedBranch) -> None:
    fetched, before = branch.fetched(), steady.specifications()
    changes = steady.package.changes_to(steady.package.with_commit(COMMITS["version_2"]))
    branch.push(changes, "Not for the cluster", "experiment")
    assert branch.fetched() == fetched, "Flux applied a commit on the branch experiment"
    assert steady.specifications() == before
    assert steady.version() == VERSION_1


@check(
    "auto_update.only_flux2_directory",
    promise="A commit outside flux2 changes nothing unless it changes a chart's version.",
)
def test_only_flux2_directory(steady: TrackedApp, kube: Kube) -> None:
    before = steady.specifications()
    template = f"charts/{steady.name}/templates/deployment.yaml"
    sha = steady.push_files(
        {
            f"docs/{steady.name}.md": "Nothing for the cluster.\n",
            f"manifests/{steady.name}.yaml": OUTSIDE.substitute(
                app=steady.name, namespace=steady.namespace
            ),
            template: steady.package.files[template].replace(
                "replicas: 1", "minReadySeconds: 1\n  replicas: 1"
            ),
        },
        "Changes outside of flux2",
    )
    steady.wait_applied(sha)
    steady.wait_chart_looked_at(sha)
    steady.reconcile_release()
    found = kube.find("v1", "ConfigMap", f"{steady.name}-outside", steady.namespace)
    assert found is None, "Flux applied a manifest from manifests/"
    assert steady.specifications() == before, "Flux deployed a chart that has no new version"


@check(
    "auto_update.drift_reverted",
    promise="A change made by hand is reverted to the state in the tracked branch.",
)
def test_drift_reverted(steady: TrackedApp, kube: Kube) -> None:
    before = steady.specifications()
    deployment = Ref("apps/v1", "Deployment", steady.name, steady.namespace)
    release = steady.branch.flux.ref("HelmRelease", steady.name, steady.namespace)
    kube.patch(*deployment, {"spec": {"replicas": 0}})
    kube.patch(*release, {"spec": {"interval": "24h"}})
    steady.reconcile_manifests()
    after = steady.specifications()["HelmRelease"]
    assert after == before["HelmRelease"], "the HelmRelease changed by hand stays changed"
    steady.reconcile_release()
    after = steady.specifications()["Deployment"]
    assert after == before["Deployment"], "the Deployment changed by hand stays changed"
    wait(kube, deployment, rolled_out())


@check(
    "auto_update.override_order",
    promise="The override ConfigMap beats the package's values; the override Secret beats both.",
)
def test_override_order(steady: TrackedApp) -> None:
    values = steady.ask("/api/config")["values"]
    assert values["log_file"] == "/var/log/notes/override.log", (
        "the override ConfigMap has no effect"
    )
    assert values["title"] == "From the override Secret", "the override Secret has no effect"


@check(
    "auto_update.special_values_survive_substitution",
    promise="Values with $, quotes and non-ASCII letters reach the app unchanged.",
)
def test_special_values_survive_substitution(moving: TrackedApp) -> None:
    title = moving.ask("/api/config")["values"]["title"]
    assert title == f"Notes of {SPECIAL_NAME}", f"the app got: {title}"


@check(
    "auto_update.removed_file_pruned_data_kept",
    promise="Removing an app's file removes the app and keeps its data for when it is added again.",
)
def test_removed_file_pruned_data_kept(moving: TrackedApp, seeds: dict[str, Seed]) -> None:
    moving.take_out()
    claims = [claim["metadata"] for claim in moving.claims()]
    assert claims, "the claim was pruned"
    assert not any("deletionTimestamp" in claim for claim in claims), "the claim is being pruned"
    moving.put_back()
    moving.verify(seeds["moving"])


@check(
    "auto_update.invalid_yaml_leaves_app_serving",
    promise="Invalid YAML is refused and explained; the app keeps serving, and a commit fixes it.",
)
def test_invalid_yaml_leaves_app_serving(
    steady: TrackedApp, seeds: dict[str, Seed], visit: Visit, evidence: EvidenceBox
) -> None:
    refused = steady.outcome(steady.push(COMMITS["invalid_yaml"]))
    assert not refused.accepted, "Flux applied a commit that is not valid YAML"
    assert "values-configmap.yaml" in refused.explanation
    steady.wait_applied(steady.push(COMMITS["as_packaged"]))
    assert_unharmed(steady, seeds["steady"], visit, evidence)


@check(
    "auto_update.undefined_variable_leaves_app_serving",
    promise="An undefined variable is refused and explained; the app keeps serving, and a commit "
    "fixes it.",
)
def test_undefined_variable_leaves_app_serving(
    steady: TrackedApp, seeds: dict[str, Seed], visit: Visit, evidence: EvidenceBox
) -> None:
    refused = steady.outcome(steady.push(COMMITS["undefined_variable"]))
    assert not refused.accepted, "Flux applied a commit with an undefined variable"
    assert "organisation_name" in refused.explanation
    steady.wait_applied(steady.push(COMMITS["as_packaged"]))
    assert_unharmed(steady, seeds["steady"], visit, evidence)


@check(
    "auto_update.unrenderable_chart_leaves_app_serving",
    promise="An unrenderable chart is refused and explained; the app keeps serving, and a commit "
    "fixes it.",
)
def test_unrenderable_chart_leaves_app_serving(
    steady: TrackedApp, seeds: dict[str, Seed], visit: Visit, evidence: EvidenceBox
) -> None:
    steady.push(COMMITS["unrenderable_chart"])
    refused = steady.upgrade_outcome("1.0.1")
    assert not refused.accepted, "Flux upgraded to a chart that does not render"
    assert "templates/service.yaml" in refused.explanation
    steady.wait_applied(steady.push(COMMITS["chart_put_right"]))
    assert_unharmed(steady, seeds["steady"], visit, evidence)
    steady.wait_upgraded("1.0.2")


@check(
    "auto_update.missing_image_rolls_back",
    promise="An upgrade to a missing image is rolled back and explained, and a commit fixes it.",
)
def test_missing_image_rolls_back(missing_image: BrokenUpgrade, evidence: EvidenceBox) -> None:
    assert_rolled_back(missing_image, evidence)
    assert_put_right(missing_image, evidence)


@check(
    "auto_update.failing_migration_rolls_back",
    promise="A failed migration is rolled back with its data and explained, and a commit fixes it.",
)
def test_failing_migration_rolls_back(
    failing_migration: BrokenUpgrade, evidence: EvidenceBox
) -> None:
    assert_rolled_back(failing_migration, evidence)
    assert_put_right(failing_migration, evidence)


@check(
    "auto_update.unready_upgrade_rolls_back",
    promise="An upgrade that never gets ready is rolled back and explained, and a commit fixes it.",
)
def test_unready_upgrade_rolls_back(unready_upgrade: BrokenUpgrade, evidence: EvidenceBox) -> None:
    assert_rolled_back(unready_upgrade, evidence)
    assert_put_right(unready_upgrade, evidence)


@check(
    "auto_update.git_server_outage",
    promise="Apps keep serving while the Git server is down, and the next push is applied.",
)
def test_git_server_outage(
    steady: TrackedApp, branch: TrackedBranch, visit: Visit, evidence: EvidenceBox
) -> None:
    with branch.server_unreachable():
        told = branch.wait_for_repository(condition_false("Ready"))
        visit.app.wait_answer(ANSWER)
    branch.wait_for_repository(condition_true("Ready"), timeout=GIT_RETRY)
    evidence.note(f"During the outage the GitRepository said: {told}")
    assert "git-server" in told, told
    assert steady.outcome(steady.push(COMMITS["comment_added"])).accepted
    assert_never_interrupted(visit, evidence)


@check(
    "auto_update.cluster_never_pushes",
    promise="The cluster reads the Git repository, cannot push to it, and has never tried to.",
)
def test_cluster_never_pushes(
    branch: TrackedBranch, kube: Kube, platform_under_test: PlatformUnderTest
) -> None:
    with pytest.raises(GitRefused, match="403"):
        branch.git.push(as_=branch.cluster_credential())
    log = branch.git.access_log()
    pods = {pod["status"].get("podIP") for pod in kube.list("v1", "Pod")}
    assert any(entry.client in pods for entry in log), "the log shows no request from the cluster"
    pushes = [entry for entry in log if entry.service == "git-receive-pack"]
    assert any(entry.status < 400 for entry in pushes), "the log shows no push from the suite"
    assert [entry for entry in pushes if entry.client in pods] == []
    tracked = platform_under_test.description.flux
    source = Flux(kube, tracked.namespace, tracked.source, tracked.root)
    try:
        assert not may_push(kube, source), f"{source.source}'s credential may push"
    except Unknown as error:
        not_run(f"whether the platform's own credential may push is not known: {error}")
