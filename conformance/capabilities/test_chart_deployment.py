"""Chart deployment: a chart, a values.yaml and a Secret added by hand give a running, usable app.

Stackspin's design, "Helm chart" and "Deploy": containers, ports, mounts for configuration and
secrets, probes and storage; a Service; an Ingress by host name with http authentication;
configuration files from templates; installed with ``helm install``, or by Flux as a HelmRelease.
"""

from __future__ import annotations

import base64
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from conformance.apps.base import SeedScale
from conformance.apps.deployment import HelmDeployment, image_values, with_version
from conformance.apps.flux_package import copy_of
from conformance.apps.image_builds import VERSIONS
from conformance.apps.notes import Notes
from conformance.apps.tracked import TrackedApp, TrackedBranch
from conformance.check import check, shared
from conformance.kube.conditions import Condition, exists, matching
from conformance.kube.wait import wait_for
from conformance.services.helm import HelmError

if TYPE_CHECKING:
    from conformance.apps.base import Instance
    from conformance.apps.image_builds import AppImages
    from conformance.apps.images import Candidate
    from conformance.kube.client import Kube
    from conformance.package import Package
    from conformance.report.evidence import EvidenceBox
    from conformance.services.flux import Flux
    from conformance.settings import Settings
    from conformance.stack import Stack

MANIFESTS = Path(__file__).with_suffix(".yaml")
PROBE_SECONDS = 30.0
"""In which a probe has acted: three failures two seconds apart, and a restart; measured 12 s."""
FAILURE_AFTER = 40
"""Seconds after which Flux counts an upgrade of its copy of the app as failed."""
VALUES: Mapping[str, Any] = {
    "title": "Notes of the conformance suite",
    "apiToken": {"existingSecret": "notes-by-hand"},
}

Values = dict[str, Any]


@pytest.fixture(scope=shared)
def image(app_images: AppImages, package: Package) -> Candidate:
    """The app's image."""
    return app_images.of(package, Notes.name, VERSIONS[0])


@pytest.fixture(scope=shared)
def token() -> str:
    """The secret that the operator chose."""
    return secrets.token_hex(16)


@pytest.fixture(scope=shared)
def values(image: Candidate) -> Values:
    """The operator's values.yaml, but for the host name."""
    return {**VALUES, **image_values(image)}


@pytest.fixture(scope=shared)
def notes(
    undeployed: Callable[[str], HelmDeployment],
    package: Package,
    values: Values,
    token: str,
    kube: Kube,
) -> HelmDeployment:
    """The app, installed the way the seed describes it: Secret by hand, then helm install."""
    deployment = undeployed("chart")
    kube.apply_file(MANIFESTS, namespace=deployment.namespace, token=token)
    deployment.install(package.chart(Notes.name), values)
    return deployment


@pytest.fixture(scope=shared)
def by_flux(
    stack: Stack,
    platform: Flux,
    kube: Kube,
    settings: Settings,
    app_images: AppImages,  # noqa: ARG001 - in the registry before Flux installs
    package: Package,
) -> Iterator[TrackedApp]:
    """The same app, installed by Flux from its package in the flux2 tree."""
    branch = TrackedBranch(kube, stack.git, platform, settings.timeouts.reconciliation)
    name = f"notes-{secrets.token_hex(3)}"
    copy = copy_of(package, Notes.name, name, failure_after=FAILURE_AFTER)
    app = TrackedApp(branch, copy, Notes(), stack.http(), settings.domain)
    branch.install([copy])
    yield app
    branch.remove([app])


@pytest.fixture
def changed_chart(package: Package, tmp_path: Path) -> Path:
    """The chart with a line more in its template of the app's configuration file."""
    chart = tmp_path / "chart"
    shutil.copytree(package.chart(Notes.name), chart)
    template = chart / "config" / "override.toml"
    text = template.read_text(encoding="utf-8")
    changed = text.replace(
        "title = {{ .Values.title | toJson }}", 'title = "From the new template"'
    )
    template.write_text(changed, encoding="utf-8")
    return chart


def assert_deployed(kube: Kube, instance: Instance, image: str) -> None:
    """Assert what a user and an operator can see of a deployed app."""
    pod = instance.pod()
    [container] = pod["spec"]["containers"]
    assert container["image"] == image
    assert [port["containerPort"] for port in container["ports"]] == [8080]
    assert {mount["name"] for mount in container["volumeMounts"]} >= {"config", "secrets", "data"}
    labels = {"app.kubernetes.io/instance": pod["metadata"]["labels"]["app.kubernetes.io/instance"]}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    [service] = kube.list("v1", "Service", instance.namespace, labels=selector)
    assert [port["port"] for port in service["spec"]["ports"]] == [80]
    answer = instance.session.get(f"{instance.base_url}/version")
    assert answer.status_code == requests.codes.ok, f"the app's URL answers {answer.status_code}"
    assert answer.json()["pod"] == pod["metadata"]["name"], "another pod answers"


def restarted_after(pod: Mapping[str, Any]) -> Condition:
    """Kubernetes restarted a container of the pod since it was looked at."""
    before = pod["status"]["containerStatuses"][0]["restartCount"]
    return matching(
        "restarted by its liveness probe",
        lambda item: bool(item["status"]["containerStatuses"][0]["restartCount"] > before),
    )


def endpoint_is(ready: bool) -> Condition:
    """The app's only endpoint takes traffic, or does not."""
    return matching(
        f"with an endpoint that is {'' if ready else 'not '}ready",
        lambda item: [end["conditions"]["ready"] for end in item["endpoints"]] == [ready],
    )


@check(
    "chart_deployment.helm_install",
    promise="helm install of a chart with a values.yaml gives a running app at its host name.",
)
def test_helm_install(notes: HelmDeployment, kube: Kube, image: Candidate) -> None:
    release = notes.helm.status(notes.app.name, notes.namespace)
    assert (release.status, release.revision) == ("deployed", 1)
    assert_deployed(kube, notes.instance, image.reference)


@check(
    "chart_deployment.helm_release",
    promise="The same chart as a HelmRelease in the flux2 tree gives the same running app.",
)
def test_helm_release(by_flux: TrackedApp, kube: Kube) -> None:
    image = f"{Notes.image}:{VERSIONS[0]}"
    assert_deployed(kube, by_flux.instance, image)


@check(
    "chart_deployment.configuration_mounted",
    promise="The configuration file that the chart renders is mounted where the app reads it.",
)
def test_configuration_mounted(notes: HelmDeployment, kube: Kube) -> None:
    wanted = kube.get("v1", "ConfigMap", "notes-config", notes.namespace)["data"]["override.toml"]
    path = "/etc/notes/override.toml"
    assert notes.instance.run(["cat", path]).decode() == wanted
    assert notes.instance.run(["stat", "--format=%a", path]).decode().strip() == "644"
    answer = notes.http.get(f"https://{notes.host}/api/config").json()
    assert answer["values"]["title"] == VALUES["title"]


@check(
    "chart_deployment.secret_mounted",
    promise="A Secret added by hand is mounted for the app alone to read, and the app uses it.",
)
def test_secret_mounted(notes: HelmDeployment, token: str) -> None:
    path = "/etc/notes/secrets/api-token"
    mounted = notes.instance.run(["cat", path]).decode()
    assert secrets.compare_digest(mounted, token), "the file does not hold the Secret's value"
    mode = notes.instance.run(["stat", "--dereference", "--format=%a", path]).decode().strip()
    assert mode == "440", f"the secret file's mode is {mode}"
    note = Notes().add_note(notes.instance, "to be deleted")
    url = f"https://{notes.host}/api/notes/{note['id']}"
    assert notes.http.delete(url).status_code == requests.codes.unauthorized
    with_token = notes.http.delete(url, headers={"X-Api-Token": token})
    assert with_token.status_code == requests.codes.no_content


@check(
    "chart_deployment.liveness_restarts_hung_app",
    promise="An app that hangs is restarted by its liveness probe and serves again.",
)
def test_liveness_restarts_hung_app(
    notes: HelmDeployment, kube: Kube, evidence: EvidenceBox
) -> None:
    pod = notes.instance.pod()
    notes.hang()
    wait_for(
        kube,
        restarted_after(pod),
        "v1",
        "Pod",
        pod["metadata"]["name"],
        notes.namespace,
        timeout=PROBE_SECONDS,
    )
    notes.wait_for_restart(pod)
    evidence.note("The app's worker process was stopped with SIGSTOP.")
    assert notes.http.get(f"https://{notes.host}/").status_code == requests.codes.ok


@check(
    "chart_deployment.readiness_gates_traffic",
    promise="A pod that is not ready leaves the EndpointSlice, gets no traffic, and comes back.",
)
def test_readiness_gates_traffic(notes: HelmDeployment, kube: Kube) -> None:
    pod = notes.instance.pod()
    endpoints = ("discovery.k8s.io/v1", "EndpointSlice", None, notes.namespace)
    service = "kubernetes.io/service-name=notes"
    notes.instance.run(["touch", Notes.maintenance_file])
    wait_for(kube, endpoint_is(ready=False), *endpoints, service, timeout=PROBE_SECONDS)
    refused = notes.http.get_unrouted(f"https://{notes.host}/")
    assert refused.status_code == requests.codes.unavailable, "an unready pod gets traffic"
    notes.instance.run(["rm", Notes.maintenance_file])
    wait_for(kube, endpoint_is(ready=True), *endpoints, service, timeout=PROBE_SECONDS)
    assert notes.http.get_routed(f"https://{notes.host}/").status_code == requests.codes.ok
    assert notes.instance.pod()["metadata"]["uid"] == pod["metadata"]["uid"]


@check(
    "chart_deployment.ingress_by_host_name",
    promise="The ingress serves the app at its host name over https, and refuses unknown names.",
)
def test_ingress_by_host_name(notes: HelmDeployment, settings: Settings) -> None:
    assert notes.http.get(f"https://{notes.host}/").status_code == requests.codes.ok
    unknown = notes.http.get(f"https://nobody.{settings.domain}/")
    assert unknown.status_code == requests.codes.not_found, "an unknown host name is served"


@check(
    "chart_deployment.http_auth",
    promise="With http authentication only visitors who know the password reach the app.",
)
def test_http_auth(notes: HelmDeployment, kube: Kube, package: Package, values: Values) -> None:
    url = f"https://{notes.host}/"
    generated = wait_for(kube, exists(), "v1", "Secret", "notes-visitors", notes.namespace)
    assert isinstance(generated, dict)
    user, password = (
        base64.b64decode(generated["data"][key]).decode() for key in ("username", "password")
    )
    chart = package.chart(Notes.name)
    notes.upgrade(chart, {**values, "ingress": {"auth": {"secret": "notes-visitors"}}})
    try:
        without = notes.http.get_unrouted(url)
        assert without.status_code == requests.codes.unauthorized, "no password is asked for"
        assert without.headers["WWW-Authenticate"].startswith("Basic")
        wrong = notes.http.get(url, auth=(user, f"{password}x"))
        assert wrong.status_code == requests.codes.unauthorized, "a wrong password is accepted"
        right = notes.http.get(url, auth=(user, password))
        assert right.status_code == requests.codes.ok, "the right password is refused"
    finally:
        notes.upgrade(chart, values)
    assert notes.http.get_routed(url).status_code == requests.codes.ok


@check(
    "chart_deployment.external_configuration_in_page",
    promise="Host name and title from the external configuration are what the user sees.",
)
def test_external_configuration_in_page(notes: HelmDeployment) -> None:
    page = notes.http.get(f"https://{notes.host}/").text
    assert f"<title>{VALUES['title']}</title>" in page, "the title is not that of values.yaml"
    assert notes.host in page, "the host name is not that of values.yaml"


@check(
    "chart_deployment.invalid_values_refused",
    promise="An invalid values.yaml is refused before anything changes, and the key is named.",
)
def test_invalid_values_refused(notes: HelmDeployment, package: Package, values: Values) -> None:
    before = notes.helm.history(notes.app.name, notes.namespace)
    unknown, mistyped = {**values, "titel": "Notes"}, {**values, "service": {"port": "http"}}
    for key, wrong in {"titel": unknown, "port": mistyped}.items():
        with pytest.raises(HelmError, match=key):
            notes.upgrade(package.chart(Notes.name), wrong)
    assert notes.helm.history(notes.app.name, notes.namespace) == before


@check(
    "chart_deployment.changed_configuration_rolls_pods",
    promise="A changed template of the configuration file replaces the pods and takes effect.",
)
def test_changed_configuration_rolls_pods(
    notes: HelmDeployment, values: Values, changed_chart: Path
) -> None:
    before = notes.instance.pod()["metadata"]["uid"]
    notes.upgrade(changed_chart, values)
    assert notes.instance.pod()["metadata"]["uid"] != before, "the pod is still the old one"
    assert notes.title() == "From the new template"


@check(
    "chart_deployment.rollback_restores",
    promise="A rollback brings back the release as it was before the upgrade.",
)
def test_rollback_restores(
    notes: HelmDeployment, package: Package, values: Values, changed_chart: Path
) -> None:
    notes.upgrade(package.chart(Notes.name), values)
    before = notes.helm.manifest(notes.app.name, notes.namespace)
    notes.upgrade(changed_chart, values)
    notes.rollback()
    assert notes.helm.manifest(notes.app.name, notes.namespace) == before
    assert notes.title() == VALUES["title"], "the upgrade's configuration is still in effect"


@check(
    "chart_deployment.upgrade_leaves_what_it_should",
    promise="An upgrade brings the new version and leaves claim, data and Secrets as they are.",
)
def test_upgrade_leaves_what_it_should(
    notes: HelmDeployment,
    kube: Kube,
    app_images: AppImages,
    package: Package,
    values: Values,
    tmp_path: Path,
) -> None:
    seed = notes.app.seed(notes.instance, SeedScale.SMALL)
    claim = notes.instance.claim(notes.app.volumes[0])
    left = [("PersistentVolumeClaim", claim), ("Secret", "notes-by-hand"), ("Service", "notes")]
    before = [kube.get("v1", kind, name, notes.namespace) for kind, name in left]
    following = app_images.of(package, Notes.name, VERSIONS[1])
    chart = with_version(package.chart(Notes.name), tmp_path / "chart", VERSIONS[1])
    notes.upgrade(chart, {**values, **image_values(following)})
    after = [kube.get("v1", kind, name, notes.namespace) for kind, name in left]
    assert notes.instance.claim(notes.app.volumes[0]) == claim, "the app has another claim"
    for old, new in zip(before, after, strict=True):
        assert old["metadata"]["uid"] == new["metadata"]["uid"], f"another {new['kind']} is there"
    assert before[1]["data"] == after[1]["data"], "the Secret added by hand was changed"
    assert notes.http.get(f"https://{notes.host}/version").json()["app"] == VERSIONS[1]
    notes.app.verify(notes.instance, seed)


@check(
    "chart_deployment.uninstall_leaves_what_it_should",
    promise="Uninstalling removes what the chart made, and leaves the claim and Secrets by hand.",
)
def test_uninstall_leaves_what_it_should(notes: HelmDeployment, kube: Kube) -> None:
    made = notes.helm.manifest(notes.app.name, notes.namespace)
    claim = notes.instance.claim(notes.app.volumes[0])
    notes.helm.uninstall(notes.app.name, notes.namespace)
    left = {
        (item["kind"], item["metadata"]["name"])
        for item in made
        if kube.find(item["apiVersion"], item["kind"], item["metadata"]["name"], notes.namespace)
    }
    assert left == {("PersistentVolumeClaim", claim)}, f"left by the uninstallation: {left}"
    assert kube.find("v1", "Secret", "notes-by-hand", notes.namespace), "the Secret is gone"
    gone = notes.http.get_unrouted(f"https://{notes.host}/")
    assert gone.status_code == requests.codes.not_found, "the host name is still served"
