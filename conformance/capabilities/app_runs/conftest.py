"""What the checks of a running app share: the app, installed once, and its neighbours."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.capabilities.app_runs.neighbours import Neighbours, state_of
from conformance.kube.apply import apply_file
from conformance.kube.conditions import rolled_out
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.suite.check import shared

if TYPE_CHECKING:
    from conformance.apps.package.given import GivenApp
    from conformance.apps.package.running import RunningApp
    from conformance.common.settings import Settings
    from conformance.components.builder import Components
    from conformance.kube.client import Kube
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux
    from conformance.suite.installations import Installations

NEIGHBOUR = Path(__file__).with_name("neighbour.yaml")


@pytest.fixture(scope=shared)
def neighbours(
    app_package: GivenApp,  # noqa: ARG001 - each app has neighbours that no other has met
    platform_for_app: Flux,  # noqa: ARG001 - their storage class, ingress and image, too
    stack: Stack,
    components: Components,
    settings: Settings,
    kube: Kube,
    namespaces: Callable[[str], str],
) -> Iterator[Neighbours]:
    """Another app, which was there before the app under test."""
    described = stack.clients.platform
    namespace, host = namespaces("neighbour"), f"neighbour.{settings.domain}"
    made = apply_file(
        kube,
        NEIGHBOUR,
        namespace=namespace,
        host=host,
        image=components.image_reference("image-operator"),
        password=secrets.token_hex(16),
        apps=described.apps,
        storage_class=described.storage.storage_class,
        ingress_class=described.ingress.ingress_class,
    )
    wait(kube, Ref("apps/v1", "Deployment", "neighbour", namespace), rolled_out())
    beside = frozenset({*described.namespaces, namespace})
    before = state_of(kube, beside)
    yield Neighbours(kube, stack.http(), f"https://{host}/", beside, before)
    for item in made:
        if item["metadata"]["namespace"] != namespace:
            kube.delete("v1", item["kind"], item["metadata"]["name"], item["metadata"]["namespace"])


@pytest.fixture(scope=shared)
def beside_neighbours(
    app_package: GivenApp,
    installations: Installations,
    platform: Flux,  # noqa: ARG001 - begins to be installed during the first checks
    request: pytest.FixtureRequest,
) -> None:
    """Neighbours of an app that is not there yet; of the one that is, they came before it."""
    if not installations.has(app_package):
        installations.end()  # what comes before the end would be taken for that app's own
        request.getfixturevalue("neighbours")


@pytest.fixture(scope=shared)
def delivered(
    beside_neighbours: None,  # noqa: ARG001 - there before
    delivered: RunningApp,
) -> RunningApp:
    """The app, brought to the tracked branch beside its neighbours."""
    return delivered
