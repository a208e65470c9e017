"""Fixtures of apps. The images of the committed source begin to build before any check."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import APPS
from conformance.apps.deployment import HelmDeployment
from conformance.apps.image_builds import (
    NOTES,
    VERSIONS,
    AppImages,
    ImageBuilds,
    source_of,
)
from conformance.apps.smoke import smoke_tests
from conformance.apps.tracked import TrackedBranch
from conformance.common.run_folder import run_folder
from conformance.services.helm import Helm
from conformance.suite.check import app_of, shared
from conformance.suite.given_apps import given_apps
from conformance.suite.needs import fixtures_of

if TYPE_CHECKING:
    from testinfra.host import Host

    from conformance.apps.base import App
    from conformance.apps.images import BuiltImage, ImageTest
    from conformance.apps.package.given import GivenApp
    from conformance.apps.running import RunningImage
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.components.builder import Components
    from conformance.kube.client import Kube
    from conformance.oci.registry import Registry
    from conformance.platform.namespaces import Namespaces
    from conformance.platform.secondary import Site
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux


@pytest.fixture(scope=shared)
def app(request: pytest.FixtureRequest) -> App | GivenApp:
    """The app that a check runs on; one that names no apps runs on ``notes``.

    With ``--app``, where only checks of app packages run, it is one of the given packages.
    """
    name = getattr(request, "param", "notes")
    return given_apps(request.config).get(name) or APPS[name]


@pytest.fixture(scope="session")
def image_builds(
    settings: Settings, components: Components, request: pytest.FixtureRequest
) -> Iterator[ImageBuilds]:
    """Builder of app images; those of the committed source are under way already.

    Set up before all else, so that they build while the cluster comes up.
    """
    wanted = [item for item in request.session.items if "image_builds" in fixtures_of([item])]
    with (
        run_folder(settings.cache_dir / "app-images") as folder,
        closing(ImageBuilds(components, folder)) as builds,
    ):
        for app in dict.fromkeys([NOTES, *(app_of(item) or NOTES for item in wanted)]):
            for version in VERSIONS:
                builds.begin(source_of(app), version)
        yield builds


@pytest.fixture(scope="session")
def images(
    image_builds: ImageBuilds, registry: Registry, kube: Kube, namespace_pool: Namespaces
) -> Iterator[AppImages]:
    """App images in the cluster's registry: pushed, tested and released when asked for."""
    made: list[str] = []

    @functools.cache
    def namespace() -> str:
        made.append(namespace_pool.create("image-tests"))
        return made[0]

    def tests(image: BuiltImage) -> dict[str, ImageTest]:
        return smoke_tests(kube, namespace, image)

    yield AppImages(image_builds, registry, tests)
    for name in made:
        namespace_pool.delete(name)


@pytest.fixture(scope="session")
def app_images(images: AppImages) -> AppImages:
    """The same, with both versions of ``notes`` released: docker.io/stackspin/notes:VERSION."""
    images.released_each(source_of(NOTES), VERSIONS)
    return images


@pytest.fixture(scope="session")
def tracked_branch(
    here: Site,
    single_sign_on: Flux,  # noqa: ARG001 - installed by a branch that Flux tracks
) -> TrackedBranch:
    """The branch that the cluster under test tracks."""
    return TrackedBranch.of(here)


@pytest.fixture(scope="session")
def inside(cluster: Cluster, components: Components) -> Iterator[Callable[[RunningImage], Host]]:
    """testinfra's view of a running container: ``inside(running).file(path)``."""
    kubectl = components.binary("kubectl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(kubectl.parent), prepend=os.pathsep)
        yield lambda running: running.inside(str(cluster.kubeconfig))


@pytest.fixture(scope="session")
def helm(settings: Settings, cluster: Cluster, components: Components) -> Helm:
    """The helm binary on the cluster under test."""
    return Helm(components.binary("helm"), cluster.kubeconfig, settings.context)


@pytest.fixture(scope=shared)
def undeployed(
    platform: Flux,  # noqa: ARG001 - storage class and ingress
    stack: Stack,
    settings: Settings,
    helm: Helm,
    kube: Kube,
    namespaces: Callable[[str], str],
    app: App,
) -> Callable[[str], HelmDeployment]:
    """Prepares a release of the app in a fresh namespace, with a host name of its own."""

    def prepare(hint: str) -> HelmDeployment:
        namespace = namespaces(hint)
        host = f"{namespace}.{settings.domain}"
        return HelmDeployment(app, kube, helm, namespace, host, stack.http())

    return prepare
