"""Container builds: an app's Dockerfile gives an image that Stackspin can run and configure.

Stackspin's design, "Container images" and "Container updates": the container brings the app, its
dependencies and a default configuration that sets at least its port and its log location;
environment variables or an extra mounted file override it. The container is tagged for testing,
tested, and only then tagged for release.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.image_builds import VERSIONS
from conformance.apps.images import release
from conformance.apps.running import STDOUT, RunningImage
from conformance.apps.smoke import smoke_tests
from conformance.clusters.base import Feature
from conformance.kube.apply import apply_file
from conformance.kube.conditions import ready
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.oci.layers import read_file
from conformance.oci.leaks import Kind, find_leaks
from conformance.suite.check import check, core, extended, shared

if TYPE_CHECKING:
    from testinfra.host import Host

    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.apps.images import BuiltImage, ImageTest
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.oci.leaks import Leak
    from conformance.oci.registry import Registry
    from conformance.report.evidence import EvidenceBox
    from conformance.suite.twins import Twin

MANIFESTS = Path(__file__).with_suffix(".yaml")

Running = Callable[[str], RunningImage]
Procedure = Callable[["Registry", "BuiltImage", Mapping[str, "ImageTest"]], object]


class BadImage(Exception):
    """A test's verdict on an image that must not be released."""


@pytest.fixture(scope=shared)
def image(image_builds: ImageBuilds, package: Package, app: App) -> BuiltImage:
    """The app's image, built from its Dockerfile."""
    return image_builds.begin(package.app(app.name), VERSIONS[0]).result()


@pytest.fixture(scope=shared)
def default_configuration(image: BuiltImage, app: App) -> str:
    """Text of the default configuration in the image."""
    try:
        return read_file(image.layers(), app.configuration.default.lstrip("/")).decode()
    except FileNotFoundError as error:
        raise AssertionError(str(error)) from error


@pytest.fixture(scope=shared)
def running(
    images: AppImages, package: Package, app: App, kube: Kube, namespaces: Callable[[str], str]
) -> Running:
    """Starts the pods of the manifests; ``running(name)`` returns one as soon as it listens."""
    namespace = namespaces("builds")
    image = images.pushed(package.app(app.name), VERSIONS[0])
    line = app.configuration.line
    override = f"{line('port', '9191')}\n{line('title', json.dumps('From the override file'))}\n"
    apply_file(
        kube,
        MANIFESTS,
        namespace=namespace,
        image=image.by_digest,
        prefix=app.configuration.environment,
        mount_path=app.configuration.override,
        override=json.dumps(override),
    )

    def pod(name: str) -> RunningImage:
        return RunningImage(kube, wait(kube, Ref("v1", "Pod", name, namespace), ready()))

    return pod


@pytest.fixture(scope=shared)
def leaks(
    image_builds: ImageBuilds,
    package: Package,
    app: App,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Leak]:
    """What leaks into an image that is built next to secrets and package index settings."""
    context = tmp_path_factory.mktemp("context") / app.name
    shutil.copytree(package.app(app.name), context)
    planted = secrets.token_hex(20)
    for name, text in {
        ".env": f"DATABASE_PASSWORD={planted}\n",
        ".netrc": f"machine packages.internal login builder password {planted}\n",
        ".npmrc": f"registry=https://packages.internal/npm/\n_authToken={planted}\n",
        "pip.conf": f"[global]\nindex-url = https://builder:{planted}@packages.internal/simple\n",
        "mirror.list": "deb http://mirror.internal/debian bookworm main\n",
        "id_ed25519": planted,
    }.items():
        (context / name).write_text(text)
    built = image_builds.build(
        context, f"{app.image}-beside-secrets", VERSIONS[0], API_TOKEN=planted
    )
    value = {"the secret planted beside the Dockerfile": planted.encode()}
    return find_leaks(built.configuration(), built.layers(), planted=value)


@pytest.fixture
def procedure(twin: Twin | None, package: Package) -> Procedure:
    """How an app's developer releases an image; a twin does it wrongly."""
    if twin is None:
        return release
    specification = importlib.util.spec_from_file_location(
        "twins", package.root / "fixtures" / "twins" / "container_builds.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    wrong: Procedure = getattr(module, twin.settings["procedure"])
    return wrong


def told(leaks: list[Leak], kind: Kind) -> list[str]:
    """Return the leaks of one kind in words."""
    return [str(leak) for leak in leaks if leak.kind is kind]


def title_of(pod: RunningImage, port: int) -> str:
    """Return the title of the app's page."""
    page = pod.get(port, "/").text
    return page.partition("<title>")[2].partition("</title>")[0]


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
    "container_builds.default_configuration_in_image",
    promise="The image has a default configuration that sets the port and the log location.",
    apps=core("notes", "wordpress"),
)
def test_default_configuration_in_image(app: App, default_configuration: str) -> None:
    configuration = app.configuration.parse(default_configuration)
    for key in ("port", "log_file"):
        assert configuration.get(key), f"the default configuration does not name {key}"


@check(
    "container_builds.container_obeys_default_configuration",
    promise="Without external configuration, the container uses its default port and log location.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes") | extended("wordpress"),
)
def test_container_obeys_default_configuration(
    running: Running,
    cluster: Cluster,
    inside: Callable[[RunningImage], Host],
    app: App,
    default_configuration: str,
) -> None:
    configuration = app.configuration.parse(default_configuration)
    pod = running("unconfigured")
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
def test_environment_overrides(running: Running, app: App, cluster: Cluster) -> None:
    pod, prefix = running("environment"), app.configuration.environment
    assert pod.listens_on(cluster) == {9090}, f"{prefix}PORT does not change the port"
    title = title_of(pod, 9090)
    assert title == "From the environment", f"{prefix}TITLE does not change the title"


@check(
    "container_builds.file_overrides",
    promise="An extra mounted configuration file overrides the default configuration.",
    needs=(Feature.NODE_SHELL,),
    apps=core("notes") | extended("wordpress"),
)
def test_file_overrides(running: Running, cluster: Cluster) -> None:
    pod = running("file")
    assert pod.listens_on(cluster) == {9191}, "the override file does not change the port"
    assert title_of(pod, 9191) == "From the override file", (
        "the override file does not change the title"
    )


@check(
    "container_builds.override_precedence",
    promise="The default configuration says which override wins, and that is the one that wins.",
    apps=core("notes") | extended("wordpress"),
)
def test_override_precedence(running: Running, app: App, default_configuration: str) -> None:
    documentation = " ".join(default_configuration.replace("#", " ").split())
    configuration = app.configuration
    precedence = (
        f"environment {configuration.environment}<KEY> > {configuration.override} > this file"
    )
    assert precedence in documentation, "the default configuration does not say which override wins"
    title = title_of(running("both"), 9191)
    assert title == "From the environment", f"the environment does not win: the title is {title!r}"


@check(
    "container_builds.no_secret_in_layers",
    promise="An image has no secrets in its layers (deleted files included) or in its history.",
    apps=core("notes") | extended("wordpress"),
)
def test_no_secret_in_layers(leaks: list[Leak]) -> None:
    found = told(leaks, Kind.SECRET)
    assert not found, "\n".join(found)


@check(
    "container_builds.no_package_index_in_layers",
    promise="An image does not say in its layers or history where packages are fetched from.",
    apps=core("notes") | extended("wordpress"),
)
def test_no_package_index_in_layers(leaks: list[Leak]) -> None:
    found = told(leaks, Kind.PACKAGE_INDEX)
    assert not found, "\n".join(found)


@check(
    "container_builds.promoted_by_digest_after_tests",
    promise="An image is tagged for release only after its tests pass, as the exact bytes tested.",
    apps=core("notes"),
)
def test_promoted_by_digest_after_tests(
    procedure: Procedure,
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
        procedure(registry, image, {"finds it bad": find_it_bad})
    found = registry.tags(image.repository)
    assert found == for_testing, f"released although a test failed: {found}"

    tested: list[str] = []
    tags_while_tested: list[str] = []

    def look(reference: str) -> None:
        tested.append(reference)
        tags_while_tested.extend(registry.tags(image.repository))

    tests = smoke_tests(kube, lambda: namespace, image)
    procedure(registry, image, {**tests, "looks at what is there": look})
    assert tags_while_tested == for_testing, "a release tag existed while the tests ran"
    released = registry.digest(f"{image.repository}:{image.version}")
    assert tested == [f"{image.repository}@{released}"], "released other bytes than were tested"
