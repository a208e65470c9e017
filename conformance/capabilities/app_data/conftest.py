"""What the checks of an app's data share: the app, installed once, with data in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

import pytest

from conformance.apps.package.abilities import Ability, lack_of
from conformance.apps.package.delivery import STILL_READY
from conformance.apps.package.own_data import OwnData
from conformance.apps.package.running import NoHost
from conformance.apps.package.sentinels import Sentinels, plant
from conformance.capabilities.app_data.backups import (
    AppBackup,
    Beside,
    back_up_namespaces,
    back_up_set,
    restore_beside,
)
from conformance.capabilities.app_data.data import AppData
from conformance.capabilities.app_data.elsewhere import Carried, carry
from conformance.common.course import Step
from conformance.components.waiting import in_thread
from conformance.kube.inventory import ref_of
from conformance.suite.check import app_of, check_of, not_applicable, not_run, shared
from conformance.suite.needs import fixtures_of

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.package.given import GivenApp
    from conformance.apps.package.running import RunningApp
    from conformance.common.settings import Settings
    from conformance.components.builder import Components
    from conformance.kube.client import Kube
    from conformance.oci.registry import Registry
    from conformance.platform.clients import Clients
    from conformance.platform.site import Site
    from conformance.platform.stack import Stack
    from conformance.report.evidence import EvidenceBox
    from conformance.services.velero import Velero
    from conformance.suite.check import Check

ALONE = "ReadWriteOncePod"
"""Access mode of a claim that one pod may mount at a time."""


@pytest.fixture(scope=shared)
def keeps_data(app_package: GivenApp) -> None:
    """The app keeps data, as far as anybody knows."""
    lack = lack_of(Ability.DATA, app_package.description)
    if lack is not None and lack.by_nature:
        not_applicable(lack.reason)


@pytest.fixture(scope=shared)
def needed_later(
    keeps_data: None,  # noqa: ARG001 - or else nobody needs anything
    app: App | GivenApp,
    app_package: GivenApp,
    runs_here: Callable[[Check], bool],
    request: pytest.FixtureRequest,
) -> Callable[[str], bool]:
    """Tells of a fixture whether a check that shares this app is to run and uses it.

    What no check is going to use would be ended, half made, after the next check.
    """
    skipped = {one.check for one in app_package.description.skip}
    sharing = [item for item in request.session.items if request.node in item.listchain()]

    def needed(fixture: str) -> bool:
        return any(
            check.id not in skipped and runs_here(check)
            for item in sharing
            if app_of(item) == app.name and fixture in fixtures_of([item])
            if (check := check_of(item))
        )

    return needed


@pytest.fixture(scope=shared)
def other_cluster_begun(
    needed_later: Callable[[str], bool], request: pytest.FixtureRequest
) -> None:
    """The other cluster, being started beside the checks that come before the one that needs it."""
    if needed_later("carried"):
        request.getfixturevalue("other_cluster")


@pytest.fixture(scope=shared)
def delivered(
    keeps_data: None,  # noqa: ARG001 - or else there is nothing to install it for
    velero: Velero,  # noqa: ARG001 - later, its objects would be taken for the app's
    delivered: RunningApp,
) -> RunningApp:
    """The app, brought to the tracked branch of a platform that makes backups."""
    return delivered


@pytest.fixture(scope=shared)
def installed(
    delivered: RunningApp,
    other_cluster_begun: None,  # noqa: ARG001 - after the installation, which is the node's alone
) -> RunningApp:
    """The app, installed and Ready; if it is not, no check can run."""
    try:
        delivered.delivery.wait_applied()
        delivered.delivery.wait_ready()
        delivered.prove_again()
    except AssertionError as error:
        not_run(f"the app does not run: {str(error).splitlines()[0]}")
    return delivered


@pytest.fixture(scope=shared)
def own_data(
    installed: RunningApp, app_package: GivenApp, stack: Stack, settings: Settings
) -> OwnData:
    """Data that was put into the app through the app, as its description says, and is there."""
    data = app_package.description.data
    own = OwnData(installed, data, stack.http(), settings.domain)
    try:
        own.put()
        own.verify()
    except NoHost as error:
        not_run(str(error))
    return own


@pytest.fixture(scope=shared)
def sentinels(
    installed: RunningApp,
    own_data: OwnData,  # noqa: ARG001 - first: what the app makes of an empty claim is its own
    kube: Kube,
    components: Components,
) -> Sentinels:
    """Files of every kind in each of the app's claims."""
    claims = installed.delivery.claims()
    if not claims:
        not_applicable("the app has no claims")
    for one in claims:
        if ALONE in one["spec"]["accessModes"]:
            not_run(f"no other pod may mount claim {one['metadata']['name']} ({ALONE})")
    image = components.image_reference("image-operator")
    return plant(kube, image, [ref_of(one) for one in claims])


@pytest.fixture(scope=shared)
def app_data(installed: RunningApp, own_data: OwnData, sentinels: Sentinels) -> AppData:
    """All the data of the app."""
    return AppData(installed, own_data, sentinels)


@pytest.fixture
def running(installed: RunningApp) -> RunningApp:
    """The app, Ready; if it is not any more, the check cannot run."""
    try:
        installed.delivery.wait_ready(STILL_READY)
    except AssertionError as error:
        not_run(f"the app does not run: {str(error).splitlines()[0]}")
    return installed


@pytest.fixture
def data(
    app_data: AppData,
    running: RunningApp,  # noqa: ARG001 - what does not run cannot be asked for its data
    app_package: GivenApp,
    evidence: EvidenceBox,
) -> AppData:
    """The data of the app, which runs; if it was lost already, the check cannot run."""
    if app_data.lost:
        not_run(f"the app's data was lost before: {app_data.lost}")
    if app_package.description.data is None:
        evidence.note("Nothing was put in through the app: conformance.yaml does not say how.")
    return app_data


@pytest.fixture(scope=shared)
def backup(app_data: AppData, velero: Velero) -> AppBackup:
    """A backup of the app by the label of its set."""
    return back_up_set(velero, app_data)


@pytest.fixture(scope=shared)
def namespace_backup(app_data: AppData, velero: Velero) -> AppBackup:
    """A backup of the namespaces that the app is in."""
    return back_up_namespaces(velero, app_data)


@pytest.fixture(scope=shared)
def beside(
    app_data: AppData, backup: AppBackup, velero: Velero, namespaces: Callable[[str], str]
) -> Future[Beside]:
    """What the backup of the app's set holds, being restored into namespaces of its own.

    What goes wrong with its beginning is raised to who asks for the result.
    """
    begun: Future[Beside] = Future()
    try:
        begun.set_result(restore_beside(velero, app_data, backup, namespaces))
    except Exception as error:
        begun.set_exception(error)
    return begun


@pytest.fixture(scope=shared)
def restoring_begun(needed_later: Callable[[str], bool], request: pytest.FixtureRequest) -> None:
    """That restore goes on during earlier checks: it takes a quarter of a minute."""
    if needed_later("beside"):
        request.getfixturevalue("beside")


@pytest.fixture(scope=shared)
def carried(
    namespace_backup: AppBackup,
    clients: Clients,
    registry: Registry,
    other_cluster: Future[Site],
) -> Future[Carried]:
    """A backup of the app, being restored in another cluster, which has nothing else of it."""
    act = partial(carry, namespace_backup, clients, registry, other_cluster)
    return in_thread("carried backup", act, Step("preparation", "backup in the other cluster"))


@pytest.fixture(scope=shared)
def carrying_begun(needed_later: Callable[[str], bool], request: pytest.FixtureRequest) -> None:
    """The backup's way there begins during earlier checks: Velero looks for it once a minute."""
    if needed_later("carried"):
        request.getfixturevalue("carried")
