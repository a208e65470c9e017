"""Fixtures of apps. The images of the committed source begin to build before any check."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import APPS
from conformance.apps.deployment import HelmDeployment, image_values
from conformance.apps.flux_package import copy_of
from conformance.apps.image_builds import (
    NOTES,
    VERSIONS,
    AppImages,
    ImageBuilds,
    source_of,
)
from conformance.apps.images import can_build
from conformance.apps.smoke import smoke_tests
from conformance.apps.tracked import TrackedBranch
from conformance.common.package import Package
from conformance.common.run_folder import run_folder
from conformance.components.waiting import submit
from conformance.platform.reference import ReferenceStack
from conformance.platform.steps import Steps
from conformance.services.helm import Helm
from conformance.suite.backed_up_app import BackedUpApp
from conformance.suite.check import app_of, not_run, shared
from conformance.suite.given_apps import given_apps
from conformance.suite.needs import fixtures_of

_UPGRADE_SECONDS = 180
"""After which an upgrade of a reference app counts as failed; nobody upgrades it."""

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
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux
    from conformance.services.velero import Velero
    from conformance.suite.run import Run


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
        closing(ImageBuilds(components, folder, settings.cache_dir)) as builds,
    ):
        for app in dict.fromkeys([NOTES, *(app_of(item) or NOTES for item in wanted)]):
            for version in VERSIONS:
                builds.begin(source_of(app), version)
        yield builds


@pytest.fixture(scope="session")
def image_builder(components: Components) -> None:
    """What builds images here, for checks that need one of their own; else they are not run."""
    if not can_build(components):
        not_run("images are built by root or by a Docker engine, and here is neither")


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
def names_of_apps(run: Run) -> Mapping[str, str]:
    """What the reference apps are called: on a platform of others, which may have such apps, with
    the run's id.
    """
    return {name: f"{name}-{run.settings.run_id}" if run.given else name for name in APPS}


@pytest.fixture(scope="session")
def reference_apps(
    here: Site,
    images: AppImages,
    names_of_apps: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], None]:
    """Installs the reference apps side by side, by Flux; returns when they are Ready."""

    def release(name: str) -> None:
        if not here.cluster.has_apps:
            images.released(source_of(name), VERSIONS[0])
        if isinstance(here.stack, ReferenceStack):
            here.stack.app(name)

    def install() -> None:
        with ThreadPoolExecutor(len(APPS)) as executor:
            for released in [submit(executor, functools.partial(release, name)) for name in APPS]:
                released.result()
        if not isinstance(here.stack, ReferenceStack):
            source = Package.copy(tmp_path_factory.mktemp("reference-apps"))
            copies = [
                copy_of(source, app, name, failure_after=_UPGRADE_SECONDS)
                for app, name in names_of_apps.items()
            ]
            TrackedBranch.of(here).install(copies)

    once_for_all = Steps()
    return lambda: once_for_all.run("reference apps", install)


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
        ingress_class = stack.clients.platform.ingress.ingress_class
        return HelmDeployment(app, kube, helm, namespace, host, stack.http(), ingress_class)

    return prepare


@pytest.fixture(scope=shared)
def backed_up_app(
    undeployed: Callable[[str], HelmDeployment],
    velero: Velero,
    package: Package,
    app: App,
    app_images: AppImages,
) -> Callable[[str], BackedUpApp]:
    """Prepares the app in a fresh namespace: ``backed_up_app("hint").install()``."""
    values = image_values(app_images.of(package, app.name, VERSIONS[0]))
    chart = package.chart(app.name)
    return lambda hint: BackedUpApp(undeployed(hint), chart, values, velero)
