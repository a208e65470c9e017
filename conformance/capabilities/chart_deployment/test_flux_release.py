"""Chart deployment by Flux: Stackspin's design, "Deploy".

In a file of its own: it uses the branch that Flux tracks, which one file at a time does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.image_builds import VERSIONS
from conformance.capabilities.chart_deployment.observed import assert_deployed
from conformance.suite.check import check, core, extended

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.tracked import TrackedApp
    from conformance.kube.client import Kube


@check(
    "chart_deployment.helm_release",
    promise="The same chart as a HelmRelease in the flux2 tree gives the same running app.",
    apps=core("notes") | extended("wordpress"),
)
def test_helm_release(by_flux: TrackedApp, app: App, kube: Kube) -> None:
    assert_deployed(kube, app, by_flux.instance, f"{app.image}:{VERSIONS[0]}")
