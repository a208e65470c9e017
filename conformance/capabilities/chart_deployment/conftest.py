"""What the deployment checks share: an app installed by Helm, the same app installed by Flux."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from conformance.apps.deployment import HelmDeployment, image_values
from conformance.apps.image_builds import VERSIONS
from conformance.apps.tracked_copy import tracked_copy
from conformance.capabilities.chart_deployment.values import TITLE, Values
from conformance.kube.apply import apply_file
from conformance.suite.check import shared

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import Candidate
    from conformance.apps.tracked import TrackedApp, TrackedBranch
    from conformance.common.package import Package
    from conformance.kube.client import Kube
    from conformance.platform.site import Site

BY_HAND = Path(__file__).with_name("by_hand.yaml")
FAILURE_AFTER = 40
"""Seconds after which Flux counts an upgrade of its copy of the app as failed."""


@pytest.fixture(scope=shared)
def image(app_images: AppImages, package: Package, app: App) -> Candidate:
    """The app's image."""
    return app_images.of(package, app.name, VERSIONS[0])


@pytest.fixture(scope=shared)
def token() -> str:
    """The secret that the operator chose."""
    return secrets.token_hex(16)


@pytest.fixture(scope=shared)
def values(app: App, image: Candidate) -> Values:
    """The operator's values.yaml, without the host name."""
    secret = {app.secret.value: {"existingSecret": f"{app.name}-by-hand"}}
    return {"title": TITLE, **secret, **image_values(image)}


@pytest.fixture(scope=shared)
def deployed(
    undeployed: Callable[[str], HelmDeployment],
    package: Package,
    app: App,
    values: Values,
    token: str,
    kube: Kube,
) -> HelmDeployment:
    """The app, installed as Stackspin's design says: Secret by hand, then helm install."""
    deployment = undeployed("chart")
    by_hand = {"app": app.name, "key": app.secret.key, "token": token}
    apply_file(kube, BY_HAND, namespace=deployment.namespace, **by_hand)
    deployment.install(package.chart(app.name), values)
    return deployment


@pytest.fixture(scope=shared)
def by_flux(
    here: Site,
    tracked_branch: TrackedBranch,
    image: Candidate,  # noqa: ARG001 - in the registry before Flux installs
    package: Package,
    app: App,
) -> Iterator[TrackedApp]:
    """The same app, installed by Flux from its package in the flux2 tree."""
    tracked = tracked_copy(
        here, tracked_branch, package, app, "by-flux", failure_after=FAILURE_AFTER
    )
    try:
        tracked_branch.install([tracked.package])
        tracked.http.get_routed(f"{tracked.url}/")  # what it answers is for the check to say
        yield tracked
    finally:
        tracked_branch.remove([tracked])


@pytest.fixture
def changed_chart(package: Package, app: App, tmp_path: Path) -> Path:
    """The chart with another title in the template of the app's configuration file."""
    chart = tmp_path / "chart"
    shutil.copytree(package.chart(app.name), chart)
    template = chart / "config" / PurePosixPath(app.configuration.override).name
    text = template.read_text(encoding="utf-8")
    line = app.configuration.line
    changed = text.replace(
        line("title", "{{ .Values.title | toJson }}"), line("title", '"From the new template"')
    )
    template.write_text(changed, encoding="utf-8")
    return chart
