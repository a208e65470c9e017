"""An app package on a cluster, level 5: its data survives the upgrade from an earlier version.

That version is installed by itself, when the app's other checks are done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conformance.apps.image_builds import VERSIONS
from conformance.apps.package.given import GivenApp
from conformance.apps.package.placement import Placement, place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.suite.check import check, extended, not_applicable, shared
from conformance.suite.given_apps import earlier_version
from conformance.suite.package_fixtures import refuse

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.package.running import RunningApp
    from conformance.capabilities.app_data.data import AppData
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.report.evidence import EvidenceBox
    from conformance.services.velero import Velero


class Versions(NamedTuple):
    """Two versions of one app's package."""

    earlier: GivenApp
    later: GivenApp


@pytest.fixture(scope=shared)
def versions(
    keeps_data: None,  # noqa: ARG001 - first: or else there is nothing to upgrade for
    app: App | GivenApp,
    app_package: GivenApp,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Versions:
    """The package and an earlier version; of a reference app, the package and the next version."""
    if isinstance(app, GivenApp):
        earlier = earlier_version(request.config, app.name)
        if earlier is None:
            not_applicable("no earlier version to upgrade from was given (--previous)")
        return Versions(earlier, app_package)
    package, folder = request.getfixturevalue("package"), tmp_path_factory.mktemp("later")
    later = reference_copy(package, app.name, app_package.name, folder, VERSIONS[-1])
    return Versions(app_package, later)


@pytest.fixture(scope=shared)
def delivered(
    velero: Velero,  # noqa: ARG001 - as for the other checks of data
    versions: Versions,
    deliver: Callable[[GivenApp, Placement], RunningApp],
) -> RunningApp:
    """The earlier version, brought to the tracked branch."""
    return deliver(versions.earlier, place(versions.earlier))


@pytest.fixture(scope=shared)
def later(
    versions: Versions, bring_images: Callable[[GivenApp], None], settings: Settings
) -> Placement:
    """The later version, whose images are there."""
    placement = place(versions.later)
    refuse(placement, settings.app_allow)
    bring_images(versions.later)
    return placement


@pytest.fixture(scope=shared)
def made_for_later(versions: Versions, settings: Settings, kube: Kube) -> list[Object]:
    """What an operator makes by hand for the later version."""
    return made_by_hand(versions.later, settings.domain, kube.redactor)


@check(
    "app_data.survives_upgrade",
    promise="An app's data survives the upgrade from an earlier version, on the same claims.",
    apps=extended("notes"),
    app_level=5,
    last=True,
)
def test_survives_upgrade(
    data: AppData, later: Placement, made_for_later: list[Object], evidence: EvidenceBox
) -> None:
    delivery = data.app.delivery
    before = {item["metadata"]["name"]: item["metadata"]["uid"] for item in delivery.claims()}
    with evidence.timed("from the commit to Ready"):
        delivery.upgrade(later, made_for_later)
        delivery.wait_ready()
    after = {item["metadata"]["name"]: item["metadata"]["uid"] for item in delivery.claims()}
    other = sorted(name for name, uid in before.items() if after.get(name) != uid)
    assert not other, f"claims are gone, or others in their place: {', '.join(other)}"
    data.verify()
