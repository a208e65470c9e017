"""Chart deployment: a chart, a values.yaml and a Secret added by hand give a working app.

Stackspin's design, "Helm chart" and "Deploy": containers, ports, mounts for configuration and
secrets, probes and storage; a Service; an Ingress by host name with http authentication;
configuration files from templates; installed with ``helm install``.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
import requests

from conformance.apps.base import SeedScale
from conformance.apps.deployment import HelmDeployment, image_values, restarted, with_version
from conformance.apps.image_builds import VERSIONS
from conformance.capabilities.chart_deployment.observed import assert_deployed, endpoint_is
from conformance.capabilities.chart_deployment.values import TITLE, Values
from conformance.kube.conditions import exists
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import wait, wait_each
from conformance.services.helm import HelmError
from conformance.suite.check import check, core, extended

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import Candidate
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox


@check(
    "chart_deployment.helm_install",
    promise="helm install with a chart and a values.yaml gives a running app at its host name.",
    apps=core("notes", "wordpress"),
)
def test_helm_install(deployed: HelmDeployment, kube: Kube, image: Candidate) -> None:
    release = deployed.helm.status(deployed.app.name, deployed.namespace)
    assert (release.status, release.revision) == ("deployed", 1)
    assert_deployed(kube, deployed.app, deployed.instance, image.reference)


@check(
    "chart_deployment.configuration_mounted",
    promise="The configuration file that the chart renders is mounted where the app reads it.",
    apps=core("notes", "wordpress"),
)
def test_configuration_mounted(deployed: HelmDeployment, app: App, kube: Kube) -> None:
    path = app.configuration.override
    wanted = kube.get("v1", "ConfigMap", f"{app.name}-config", deployed.namespace)["data"]
    assert deployed.instance.run(["cat", path]).decode() == wanted[PurePosixPath(path).name]
    assert deployed.instance.run(["stat", "--format=%a", path]).decode().strip() == "644"
    assert deployed.title() == TITLE


@check(
    "chart_deployment.secret_mounted",
    promise="A Secret added by hand is readable by the app alone, and the app uses it.",
    apps=core("notes", "wordpress"),
)
def test_secret_mounted(deployed: HelmDeployment, app: App, token: str) -> None:
    path = app.secret.path
    mounted = deployed.instance.run(["cat", path]).decode()
    assert secrets.compare_digest(mounted, token), "the file does not hold the Secret's value"
    mode = deployed.instance.run(["stat", "--dereference", "--format=%a", path]).decode().strip()
    assert mode == "440", f"the secret file's mode is {mode}"
    assert not app.accepts(deployed.instance, f"{token}x"), "another secret is accepted, too"
    assert app.accepts(deployed.instance, token), "the app does not accept the Secret's value"


@check(
    "chart_deployment.liveness_restarts_hung_app",
    promise="The liveness probe restarts an app that hangs, and the app serves again.",
    apps=core("notes") | extended("wordpress"),
)
def test_liveness_restarts_hung_app(
    deployed: HelmDeployment, kube: Kube, evidence: EvidenceBox
) -> None:
    pod = deployed.instance.pod()
    wanted = restarted(pod, deployed.instance.container)
    name = pod["metadata"]["name"]
    with evidence.timed("from the hang until the restart"):
        deployed.hang()
        wait(kube, Ref("v1", "Pod", name, deployed.namespace), wanted, timeout=kube.timeouts.probe)
    deployed.wait_for_restart(pod)
    evidence.note("The app's worker process was stopped with SIGSTOP.")
    assert deployed.http.get_routed(f"https://{deployed.host}/").status_code == requests.codes.ok


@check(
    "chart_deployment.readiness_gates_traffic",
    promise="An unready pod leaves the EndpointSlice and gets no traffic until it is ready again.",
    apps=core("notes") | extended("wordpress"),
)
def test_readiness_gates_traffic(
    deployed: HelmDeployment, kube: Kube, evidence: EvidenceBox
) -> None:
    pod = deployed.instance.pod()
    service = f"kubernetes.io/service-name={deployed.app.name}"
    endpoints = Selection(
        "discovery.k8s.io/v1", "EndpointSlice", deployed.namespace, labels=service
    )
    with evidence.timed("out of the EndpointSlice"):
        deployed.instance.run(["touch", deployed.app.maintenance_file])
        wait_each(kube, endpoints, endpoint_is(ready=False), timeout=kube.timeouts.probe)
    refused = deployed.http.get_until(f"https://{deployed.host}/", requests.codes.unavailable)
    assert refused.status_code == requests.codes.unavailable, "an unready pod gets traffic"
    with evidence.timed("back in the EndpointSlice"):
        deployed.instance.run(["rm", deployed.app.maintenance_file])
        wait_each(kube, endpoints, endpoint_is(ready=True), timeout=kube.timeouts.probe)
    assert deployed.http.get_routed(f"https://{deployed.host}/").status_code == requests.codes.ok
    assert deployed.instance.pod()["metadata"]["uid"] == pod["metadata"]["uid"]


@check(
    "chart_deployment.ingress_by_host_name",
    promise="The ingress serves the app at its host name over https, and refuses unknown names.",
    apps=core("notes") | extended("wordpress"),
)
def test_ingress_by_host_name(deployed: HelmDeployment, settings: Settings) -> None:
    assert deployed.http.get(f"https://{deployed.host}/").status_code == requests.codes.ok
    unknown = deployed.http.get(f"https://nobody.{settings.domain}/")
    assert unknown.status_code == requests.codes.not_found, "an unknown host name is served"


@check(
    "chart_deployment.http_auth",
    promise="With HTTP authentication, only visitors who know the password reach the app.",
    apps=core("notes") | extended("wordpress"),
)
def test_http_auth(deployed: HelmDeployment, kube: Kube, package: Package, values: Values) -> None:
    url, visitors = f"https://{deployed.host}/", f"{deployed.app.name}-visitors"
    generated = wait(kube, Ref("v1", "Secret", visitors, deployed.namespace), exists())
    user, password = (
        base64.b64decode(generated["data"][key]).decode() for key in ("username", "password")
    )
    chart = package.chart(deployed.app.name)
    deployed.upgrade(chart, {**values, "ingress": {"auth": {"secret": visitors}}})
    try:
        without = deployed.http.get_until(url, requests.codes.unauthorized)
        assert without.status_code == requests.codes.unauthorized, "no password is asked for"
        assert without.headers["WWW-Authenticate"].startswith("Basic")
        wrong = deployed.http.get(url, auth=(user, f"{password}x"))
        assert wrong.status_code == requests.codes.unauthorized, "a wrong password is accepted"
        right = deployed.http.get(url, auth=(user, password))
        assert right.status_code == requests.codes.ok, "the right password is refused"
    finally:
        deployed.upgrade(chart, values)
    again = deployed.http.get_until(url, requests.codes.ok)
    assert again.status_code == requests.codes.ok, "a password is still asked for"


@check(
    "chart_deployment.external_configuration_in_page",
    promise="The page shows the host name and title from the external configuration.",
    apps=core("notes", "wordpress"),
)
def test_external_configuration_in_page(deployed: HelmDeployment) -> None:
    page = deployed.http.get(f"https://{deployed.host}/").text
    assert f"<title>{TITLE}</title>" in page, "the title is not that of values.yaml"
    assert deployed.host in page, "the host name is not that of values.yaml"


@check(
    "chart_deployment.invalid_values_refused",
    promise="An invalid values.yaml changes nothing and is refused with an error naming the key.",
    apps=core("notes") | extended("wordpress"),
)
def test_invalid_values_refused(deployed: HelmDeployment, package: Package, values: Values) -> None:
    before = deployed.helm.history(deployed.app.name, deployed.namespace)
    unknown, mistyped = {**values, "titel": "Notes"}, {**values, "service": {"port": "http"}}
    for key, wrong in {"titel": unknown, "port": mistyped}.items():
        with pytest.raises(HelmError, match=key):
            deployed.upgrade(package.chart(deployed.app.name), wrong)
    assert deployed.helm.history(deployed.app.name, deployed.namespace) == before


@check(
    "chart_deployment.changed_configuration_rolls_pods",
    promise="Changing the configuration file's template replaces the pods and takes effect.",
    apps=core("notes") | extended("wordpress"),
)
def test_changed_configuration_rolls_pods(
    deployed: HelmDeployment, values: Values, changed_chart: Path
) -> None:
    before = deployed.instance.pod()["metadata"]["uid"]
    deployed.upgrade(changed_chart, values)
    assert deployed.instance.pod()["metadata"]["uid"] != before, "the pod is still the old one"
    assert deployed.title() == "From the new template"


@check(
    "chart_deployment.rollback_restores",
    promise="A rollback restores the release as it was before the upgrade.",
    apps=core("notes") | extended("wordpress"),
)
def test_rollback_restores(
    deployed: HelmDeployment, package: Package, values: Values, changed_chart: Path
) -> None:
    before, title = deployed.helm.manifest(deployed.app.name, deployed.namespace), deployed.title()
    # The check before this one may have left the changed chart: then the other way round.
    chart = changed_chart if title == TITLE else package.chart(deployed.app.name)
    deployed.upgrade(chart, values)
    assert deployed.title() != title, "the upgrade has no effect"
    deployed.rollback()
    assert deployed.helm.manifest(deployed.app.name, deployed.namespace) == before
    assert deployed.title() == title, "the upgrade's configuration is still in effect"


@check(
    "chart_deployment.upgrade_leaves_what_it_should",
    promise="An upgrade installs the new version and leaves claims, data and Secrets unchanged.",
    apps=core("notes", "wordpress"),
)
def test_upgrade_leaves_what_it_should(
    deployed: HelmDeployment,
    kube: Kube,
    app_images: AppImages,
    package: Package,
    values: Values,
    tmp_path: Path,
) -> None:
    app, namespace = deployed.app, deployed.namespace
    seed = app.seed(deployed.instance, SeedScale.SMALL)
    claims = [deployed.instance.claim(volume) for volume in app.volumes]
    left = [("Secret", f"{app.name}-by-hand"), ("Service", app.name)]
    left += [("PersistentVolumeClaim", claim) for claim in claims]
    before = [kube.get("v1", kind, name, namespace) for kind, name in left]
    following = app_images.of(package, app.name, VERSIONS[1])
    chart = with_version(package.chart(app.name), tmp_path / "chart", VERSIONS[1])
    deployed.upgrade(chart, {**values, **image_values(following)})
    after = [kube.get("v1", kind, name, namespace) for kind, name in left]
    now = [deployed.instance.claim(volume) for volume in app.volumes]
    assert now == claims, "the app has another claim"
    for old, new in zip(before, after, strict=True):
        assert old["metadata"]["uid"] == new["metadata"]["uid"], f"the {new['kind']} was replaced"
    assert before[0]["data"] == after[0]["data"], "the Secret added by hand was changed"
    assert deployed.http.get(f"https://{deployed.host}/version").json()["app"] == VERSIONS[1]
    app.verify(deployed.instance, seed)


@check(
    "chart_deployment.uninstall_leaves_what_it_should",
    promise="Uninstalling removes the chart's objects but keeps claims and Secrets added by hand.",
    apps=core("notes", "wordpress"),
)
def test_uninstall_leaves_what_it_should(deployed: HelmDeployment, kube: Kube) -> None:
    made = deployed.helm.manifest(deployed.app.name, deployed.namespace)
    claims = {
        ("PersistentVolumeClaim", deployed.instance.claim(volume))
        for volume in deployed.app.volumes
    }
    deployed.helm.uninstall(deployed.app.name, deployed.namespace)
    left = {
        (item["kind"], item["metadata"]["name"])
        for item in made
        if kube.find(item["apiVersion"], item["kind"], item["metadata"]["name"], deployed.namespace)
    }
    by_hand = f"{deployed.app.name}-by-hand"
    assert left == claims, f"left by the uninstallation: {left}"
    assert kube.find("v1", "Secret", by_hand, deployed.namespace), "the Secret is gone"
    gone = deployed.http.get_until(f"https://{deployed.host}/", requests.codes.not_found)
    assert gone.status_code == requests.codes.not_found, "the host name is still served"
