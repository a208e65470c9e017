"""The update pipeline: from new source to the upgraded instance, only if all tests pass.

Stackspin's design, "Container updates": the container is built and tagged for testing, the chart is
updated, deployed to a test cluster and tested there; if the tests succeed, the container is tagged
for release, and the automated update upgrades the current instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from conformance.clusters.base import Feature
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.apps.update_pipeline import UpdatePipeline
    from conformance.capabilities.update_pipeline.instances import LiveInstance
    from conformance.clusters.base import Cluster
    from conformance.report.evidence import EvidenceBox


@check(
    "update_pipeline.built_and_tagged_for_testing",
    promise="A new version's container is built and tagged for testing, not yet for release.",
)
def test_built_and_tagged_for_testing(pipeline: UpdatePipeline, live: LiveInstance) -> None:
    candidate = pipeline.tag_for_testing()
    tags = live.registry.tags(candidate.repository)
    assert candidate.test_tag in tags, f"there is no tag {candidate.test_tag}"
    assert candidate.version not in tags, "the image is tagged for release before any test"


@check(
    "update_pipeline.chart_updated",
    promise="The updated chart is on a test branch; the branch that Flux tracks is unchanged.",
)
def test_chart_updated(pipeline: UpdatePipeline, live: LiveInstance) -> None:
    before = live.app.specifications()
    pipeline.update_chart()
    path = f"charts/{live.app.name}/Chart.yaml"
    git = live.app.branch.git
    chart = yaml.safe_load(git.read(path, pipeline.testing_branch))
    wanted = pipeline.tag_for_testing().test_tag
    assert chart["appVersion"] == wanted, f"the chart has the image {chart['appVersion']}"
    assert yaml.safe_load(git.read(path))["version"] != chart["version"]
    assert live.app.specifications() == before


@check(
    "update_pipeline.deployed_to_test_cluster",
    promise="The new chart is deployed to a test cluster with the exact image tagged for testing.",
)
def test_deployed_to_test_cluster(
    pipeline: UpdatePipeline, live: LiveInstance, cluster: Cluster, evidence: EvidenceBox
) -> None:
    deployed = pipeline.deploy_to_test_cluster().app
    separate = Feature.SECOND_CLUSTER in cluster.features
    evidence.note(
        "The test cluster is a second cluster."
        if separate
        else "This provider has no second cluster: tested beside the live instance."
    )
    assert deployed.digest() == pipeline.tag_for_testing().digest, (
        "the test cluster runs another image"
    )
    assert live.app.digest() != deployed.digest()


@check(
    "update_pipeline.tested_with_login",
    promise="The app is tested on the test cluster automatically, including a user's login.",
)
def test_tested_with_login(pipeline: UpdatePipeline, evidence: EvidenceBox) -> None:
    proof = pipeline.test()
    evidence.note(f"Passed: {', '.join(proof.tests)}.")
    assert "lets a user log in and write" in proof.tests, "no test logs a user in"


@check(
    "update_pipeline.same_digest_released",
    promise="The container tagged for release is, byte for byte, the one that was tested.",
)
def test_same_digest_released(pipeline: UpdatePipeline, live: LiveInstance) -> None:
    released = live.registry.digest(pipeline.release())
    assert released == pipeline.test().digest, "another image is released than was tested"


@check(
    "update_pipeline.live_instance_upgraded",
    promise="The automated update upgrades the running instance to the release and keeps its data.",
)
def test_live_instance_upgraded(
    pipeline: UpdatePipeline, live: LiveInstance, evidence: EvidenceBox
) -> None:
    pipeline.upgrade_live_instance()
    for step, seconds in pipeline.seconds.items():
        evidence.measure(step, seconds)
    assert live.app.version() == (pipeline.version, 2)
    assert live.app.digest() == pipeline.test().digest
    live.app.verify(live.seed)


@check(
    "update_pipeline.failed_tests_release_nothing",
    promise="A version that fails its tests gets no release tag and never reaches the live app.",
)
def test_failed_tests_release_nothing(
    pipelines: dict[str, UpdatePipeline], live: LiveInstance, evidence: EvidenceBox
) -> None:
    pipeline, before = pipelines["broken"], live.app.specifications()
    failure = pipeline.deliver()
    evidence.note(f"The test said: {failure}")
    candidate = pipeline.tag_for_testing()
    assert candidate.version not in live.registry.tags(candidate.repository), (
        "the failing version is released"
    )
    assert "cannot log in" in failure, f"the version is refused for another reason: {failure}"
    assert live.app.specifications() == before
    assert live.app.digest() != candidate.digest
    live.app.verify(live.seed)
