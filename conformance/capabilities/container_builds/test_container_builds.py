"""Container builds: an app's Dockerfile gives an image that Stackspin can run and configure.

Stackspin's design, "Container images" and "Container updates": the container brings the app, its
dependencies and a default configuration that sets at least its port and its log location;
environment variables or an extra mounted file override it. The container is tagged for testing,
tested, and only then tagged for release.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.apps.image_builds import VERSIONS
from conformance.apps.running import STDOUT
from conformance.apps.smoke import smoke_tests
from conformance.capabilities.container_builds.pods import title_of
from conformance.capabilities.container_builds.releases import BadImage
from conformance.clusters.base import Feature
from conformance.oci.leaks import Kind
from conformance.suite.check import check, core, extended

if TYPE_CHECKING:
    from testinfra.host import Host

    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import BuiltImage
    from conformance.apps.running import RunningImage
    from conformance.capabilities.container_builds.pods import Pods
    from conformance.capabilities.container_builds.releases import Release
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.oci.leaks import Leak
    from conformance.oci.registry import Registry
    from conformance.report.evidence import EvidenceBox


@check(
    "container_builds.default_configuration_in_image",
    promise="The image has a default configuration that sets the port and the log location.",
    apps=core("notes", "wordpress"),
)
def test_default_configuration_in_image(app: App, default_configuration: str) -> None:
    configuration = app.configuration.parse(default_configuration)
    for key in ("port", "log_file"):
        assert configuration.get(key), f"the default configuration does not name {key}"


@check(
    "container_builds.builds_from_dockerfile",
    promise="An app's image is built from its Dockerfile and reports the requested version.",
    apps=core("notes", "wordpress"),
)
def test_builds_from_dockerfile(
    images: AppImages, image: BuiltImage, package: Package, app: App, evidence: EvidenceBox
) -> None:
    evidence.note(f"built by {image.builder}")
    released = images.released_each(package.app(app.name), VERSIONS)
    assert [image.reference for image in released] == [
        f"{app.image}:{version}" for version in VERSIONS
    ]


@check(
    "container_builds.container_obeys_default_configuration",
    promise="Without external configuration, the container uses its default port and log location.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes") | extended("wordpress"),
)
def test_container_obeys_default_configuration(
    pods: Pods,
    cluster: Cluster,
    inside: Callable[[RunningImage], Host],
    app: App,
    default_configuration: str,
) -> None:
    configuration = app.configuration.parse(default_configuration)
    pod = pods("unconfigured")
    assert pod.listens_on(cluster) == {configuration["port"]}, "not on exactly the default port"
    pod.get(configuration["port"], "/").raise_for_status()
    log = configuration["log_file"]
    if log != STDOUT:
        assert inside(pod).file(log).exists, "there is no file at the default log location"
    pod.wait_logged("GET / ", log)


@check(
    "container_builds.environment_overrides",
    promise="Environment variables override the default configuration.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes") | extended("wordpress"),
)
def test_environment_overrides(pods: Pods, app: App, cluster: Cluster) -> None:
    pod, prefix = pods("environment"), app.configuration.environment
    assert pod.listens_on(cluster) == {9090}, f"{prefix}PORT does not change the port"
    title = title_of(pod, 9090)
    assert title == "From the environment", f"{prefix}TITLE does not change the title"


@check(
    "container_builds.file_overrides",
    promise="An extra mounted configuration file overrides the default configuration.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes") | extended("wordpress"),
)
def test_file_overrides(pods: Pods, cluster: Cluster) -> None:
    pod = pods("file")
    assert pod.listens_on(cluster) == {9191}, "the override file does not change the port"
    assert title_of(pod, 9191) == "From the override file", (
        "the override file does not change the title"
    )


@check(
    "container_builds.override_precedence",
    promise="A value from the environment beats that of a file, as the default configuration says.",
    apps=core("notes") | extended("wordpress"),
)
def test_override_precedence(pods: Pods, app: App, default_configuration: str) -> None:
    documentation = " ".join(default_configuration.replace("#", " ").split())
    configuration = app.configuration
    precedence = (
        f"environment {configuration.environment}<KEY> > {configuration.override} > this file"
    )
    assert precedence in documentation, "the default configuration does not say which override wins"
    title = title_of(pods("both"), 9191)
    assert title == "From the environment", f"the environment does not win: the title is {title!r}"


@check(
    "container_builds.no_secret_in_layers",
    promise="An image has no secrets in its layers (deleted files included) or in its history.",
    apps=core("notes") | extended("wordpress"),
)
def test_no_secret_in_layers(leaks: list[Leak]) -> None:
    found = [str(leak) for leak in leaks if leak.kind is Kind.SECRET]
    assert not found, "\n".join(found)


@check(
    "container_builds.no_package_index_in_layers",
    promise="An image's layers and history do not reveal where packages were fetched from.",
    apps=core("notes") | extended("wordpress"),
)
def test_no_package_index_in_layers(leaks: list[Leak]) -> None:
    found = [str(leak) for leak in leaks if leak.kind is Kind.PACKAGE_INDEX]
    assert not found, "\n".join(found)


@check(
    "container_builds.promoted_by_digest_after_tests",
    promise="An image is tagged for release only after its tests pass, as the exact bytes tested.",
    apps=core("notes"),
)
def test_promoted_by_digest_after_tests(
    release: Release,
    image: BuiltImage,
    registry: Registry,
    kube: Kube,
    namespace: str,
) -> None:
    image = replace(image, repository=f"docker.io/stackspin/{namespace}")
    for_testing = [f"{image.version}-test"]

    def find_it_bad(reference: str) -> None:
        raise BadImage(reference)

    with pytest.raises(BadImage):
        release(registry, image, {"finds it bad": find_it_bad})
    found = registry.tags(image.repository)
    assert found == for_testing, f"released although a test failed: {found}"

    tested: list[str] = []
    tags_while_tested: list[str] = []

    def look(reference: str) -> None:
        tested.append(reference)
        tags_while_tested.extend(registry.tags(image.repository))

    tests = smoke_tests(kube, lambda: namespace, image)
    release(registry, image, {**tests, "looks at what is there": look})
    assert tags_while_tested == for_testing, "a release tag existed while the tests ran"
    released = registry.digest(f"{image.repository}:{image.version}")
    assert tested == [f"{image.repository}@{released}"], "released other bytes than were tested"
