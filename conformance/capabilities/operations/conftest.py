"""Fixtures of the checks of what happens to a platform by itself."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.apps import catalogue
from conformance.apps.deployment import image_values
from conformance.apps.flux_package import Commit
from conformance.apps.image_builds import NOTES, VERSIONS
from conformance.apps.tracked_copy import tracked_copy
from conformance.capabilities.operations.certificates import PlatformCertificates
from conformance.capabilities.operations.crowd import Crowd
from conformance.capabilities.operations.helm_controller import HelmController
from conformance.capabilities.operations.image_registry import ImageRegistry
from conformance.capabilities.operations.ingress_certificate import IngressCertificate
from conformance.capabilities.operations.mail_server import MailServer
from conformance.capabilities.operations.many_releases import ManyReleases
from conformance.capabilities.operations.small_disk import SmallDisk
from conformance.capabilities.operations.upgrade import CHART_VERSION, UPGRADE_TIMEOUT

if TYPE_CHECKING:
    from conformance.apps.deployment import HelmDeployment
    from conformance.apps.image_builds import AppImages
    from conformance.apps.tracked import TrackedApp, TrackedBranch
    from conformance.clusters.base import Cluster
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.oci.registry import Registry
    from conformance.platform.clients import Clients
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts

USERS = 500
"""How many ``many_users`` are: twice what Kratos lists at once by default."""
CROWD = ("rita", "rosa", "rudi", "ruth")
"""Who log in at the same time: for each password, Kratos computes for some tenths of a second."""
RELEASES = 200
"""How many ``many_releases`` are."""
_numbers = itertools.count(1)


@pytest.fixture
def tracked(
    here: Site,
    tracked_branch: TrackedBranch,
    app_images: AppImages,  # noqa: ARG001 - in the registry before the app is installed
    package: Package,
) -> Iterator[TrackedApp]:
    """An app of this check alone that Flux installs from the tracked branch, in version 1."""
    made = tracked_copy(
        here,
        tracked_branch,
        package,
        catalogue.NOTES,
        "operated",
        failure_after=UPGRADE_TIMEOUT,
    )
    try:
        tracked_branch.install([made.package])
        yield made
    finally:
        tracked_branch.remove([made])


@pytest.fixture
def helm_controller(kube: Kube, cluster: Cluster, single_sign_on: Flux) -> HelmController:
    """Flux's controller that upgrades apps."""
    return HelmController(kube, cluster, single_sign_on.namespace)


@pytest.fixture
def image_registry(cluster: Cluster) -> ImageRegistry:
    """The registry that the node pulls images from."""
    return ImageRegistry(cluster)


@pytest.fixture
def unpulled(app_images: AppImages, registry: Registry, package: Package) -> Commit:
    """Version 2 of an app, by a tag of its image that the node has not asked for yet."""
    image = app_images.of(package, NOTES, VERSIONS[1])
    tag = f"{image.version}-{secrets.token_hex(4)}"
    registry.tag(image.by_digest, tag)
    return Commit("Version 2 of the app, by another tag", CHART_VERSION, tag)


@pytest.fixture
def small_disk(
    undeployed: Callable[[str], HelmDeployment],
    package: Package,
    app_images: AppImages,
    cluster: Cluster,
) -> Iterator[SmallDisk]:
    """An app of this check alone, on a disk of its own."""
    deployment = undeployed("disk")
    image = app_images.of(package, NOTES, VERSIONS[0])
    deployment.install(package.chart(NOTES), image_values(image))
    disk = SmallDisk(deployment, cluster)
    with disk.mounted():
        yield disk


@pytest.fixture
def mail_server(
    clients: Clients,
    single_sign_on: Flux,  # noqa: ARG001 - installed
) -> MailServer:
    """Where every mail of the platform ends."""
    return MailServer(clients)


@pytest.fixture
def ingress_certificate(
    stack: Stack,
    clients: Clients,
    single_sign_on: Flux,  # noqa: ARG001 - installed
) -> IngressCertificate:
    """What new connections to the platform get."""
    return IngressCertificate(clients, stack.http())


@pytest.fixture
def platform_certificates(
    stack: Stack,
    clients: Clients,
    single_sign_on: Flux,  # noqa: ARG001 - installed
) -> PlatformCertificates:
    """All certificates that are known of the platform."""
    return PlatformCertificates(clients, stack.http())


@pytest.fixture
def many_releases(tracked_branch: TrackedBranch, settings: Settings) -> Iterator[ManyReleases]:
    """As many releases as no platform of one server has, not in the tracked branch yet."""
    name = f"many-{settings.run_id}-{next(_numbers)}"
    made = ManyReleases(tracked_branch, name, RELEASES)
    yield made
    made.remove()


@pytest.fixture
def crowd(accounts: Accounts) -> Crowd:
    """Users of an app who log in at the same time."""
    app = accounts.app("crowd")
    return Crowd(accounts, app, [accounts.user(nick) for nick in CROWD])


@pytest.fixture
def many_users(accounts: Accounts, settings: Settings) -> Iterator[list[str]]:
    """The addresses of users whom the platform has meanwhile."""
    run, domain = settings.run_id, settings.domain
    names = {f"user-{number:03}-{run}@{domain}": f"User {number}" for number in range(USERS)}
    try:
        accounts.kratos.create_each(names)
        yield [*names]
    finally:
        accounts.kratos.delete_each(names.keys())
