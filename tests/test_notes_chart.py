"""The notes chart as Helm renders it, without a cluster."""

from __future__ import annotations

import base64
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python.chart import Chart
from helm_python.errors import HelmError

from conformance.apps.notes import Notes
from conformance.common.backup_labels import BACKUP_SET
from conformance.common.settings import PROJECT_ROOT

CHART = PROJECT_ROOT / "charts" / "notes"


def render(chart: Path = CHART, **values: Any) -> dict[str, dict[str, Any]]:
    """Return the rendered objects by kind."""
    with Chart.load(chart) as loaded:
        files = loaded.render(values=values, name="notes", namespace="notes")
    documents = [
        document
        for path, text in files.items()
        if not path.endswith("NOTES.txt")
        for document in yaml.safe_load_all(text)
    ]
    return {document["kind"]: document for document in documents if document}


def pod_of(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    template: dict[str, Any] = objects["Deployment"]["spec"]["template"]
    return template


def test_backup_names_the_volume_that_holds_the_claim() -> None:
    objects = render()
    pod = pod_of(objects)
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    named = pod["metadata"]["annotations"]["backup.velero.io/backup-volumes"].split(",")
    assert named == list(claims) == [volume.pod_volume for volume in Notes.volumes]
    assert list(claims.values()) == [volume.claim for volume in Notes.volumes]
    labels = objects["PersistentVolumeClaim"]["metadata"]["labels"]
    assert labels[BACKUP_SET] == pod["metadata"]["labels"][BACKUP_SET] == "notes"
    mounts = {m["name"]: m["mountPath"] for m in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["data"] == Notes.volumes[0].mount_path


def test_claim_from_outside_is_used_and_none_made() -> None:
    objects = render(persistence={"existingClaim": "made-by-flux"})
    assert "PersistentVolumeClaim" not in objects
    volumes = {volume["name"]: volume for volume in pod_of(objects)["spec"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == "made-by-flux"


def test_probes_ask_the_app_at_its_named_port() -> None:
    container = pod_of(render(probes={"liveness": {"periodSeconds": 7}}))["spec"]["containers"][0]
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"] == {
        "httpGet": {"path": "/health/live", "port": "http"},
        "periodSeconds": 7,
        "timeoutSeconds": 2,
        "failureThreshold": 3,
    }
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@pytest.mark.parametrize(
    "title", ['say "hi" \\ there', "$HOME ${x} {{ .Values.hostname }}", "Grüße 日本 🗒", "a\nb"]
)
def test_title_reaches_the_app_as_it_is(title: str) -> None:
    objects = render(title=title, config={"extra": "port = 8080"})
    override = tomllib.loads(objects["ConfigMap"]["data"]["override.toml"])
    assert override == {"title": title, "hostname": "notes.example.org", "port": 8080}


def test_pods_change_with_the_configuration_and_only_then(tmp_path: Path) -> None:
    assert pod_of(render()) != pod_of(render(title="Other"))
    copy = tmp_path / "notes"
    shutil.copytree(CHART, copy)
    metadata = copy / "Chart.yaml"
    metadata.write_text(metadata.read_text().replace("\nversion: 1.0.0", "\nversion: 1.0.1+abc"))
    assert pod_of(render(copy)) == pod_of(render())
    template = copy / "config" / "override.toml"
    template.write_text(template.read_text() + "# changed\n")
    assert pod_of(render(copy)) != pod_of(render())


def test_secret_by_hand_is_mounted_readable_for_the_app_only() -> None:
    objects = render(apiToken={"existingSecret": "by-hand"})
    assert "Secret" not in objects
    pod = pod_of(objects)["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["secrets"]["secret"] == {"secretName": "by-hand", "defaultMode": 0o440}
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["secrets"]["mountPath"] == "/etc/notes/secrets"


def test_login_is_configured_when_there_is_a_provider() -> None:
    assert "oidc" not in str(render(oidc={"clientSecret": "unused", "caConfigMap": "unused"}))
    objects = render(
        oidc={"issuer": "https://sso.test/", "clientSecret": "s3cret", "caConfigMap": "our-ca"}
    )
    override = tomllib.loads(objects["ConfigMap"]["data"]["override.toml"])
    assert override["oidc_issuer"] == "https://sso.test/"
    assert override["oidc_client_id"] == "notes"
    assert override["oidc_ca_file"] == "/etc/notes/ca/ca.crt"
    assert base64.b64decode(objects["Secret"]["data"]["client_secret"]) == b"s3cret"
    pod = pod_of(objects)["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["oidc"]["secret"] == {"secretName": "notes-oidc", "defaultMode": 0o440}
    assert volumes["ca"]["configMap"] == {"name": "our-ca"}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert (mounts["oidc"], mounts["ca"]) == ("/etc/notes/oidc", "/etc/notes/ca")


def test_a_client_secret_by_hand_wins_and_one_there_must_be() -> None:
    provider = {"issuer": "https://sso.test/"}
    objects = render(oidc={**provider, "existingSecret": "by-hand", "clientSecret": "unused"})
    assert "Secret" not in objects
    volumes = {volume["name"]: volume for volume in pod_of(objects)["spec"]["volumes"]}
    assert volumes["oidc"]["secret"]["secretName"] == "by-hand"
    assert "ca" not in volumes
    rotated = pod_of(render(oidc={**provider, "clientSecret": "new"}))
    assert pod_of(render(oidc={**provider, "clientSecret": "old"})) != rotated
    with pytest.raises(HelmError, match=r"oidc\.clientSecret or oidc\.existingSecret"):
        render(oidc=provider)


def test_ingress_takes_authentication_and_certificate_from_values() -> None:
    annotations = render()["Ingress"]["metadata"]["annotations"]
    assert not any("auth" in name for name in annotations)
    assert annotations["kubernetes.io/tls-acme"] == "true"
    ingress = render(
        hostname="n.stackspin.test",
        ingress={"auth": {"secret": "people", "realm": "Ours"}, "tls": {"secretName": "cert"}},
    )["Ingress"]
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["rules"][0]["host"] == "n.stackspin.test"
    assert ingress["spec"]["tls"] == [{"hosts": ["n.stackspin.test"], "secretName": "cert"}]
    prefix = "nginx.ingress.kubernetes.io/auth-"
    assert {k: v for k, v in ingress["metadata"]["annotations"].items() if prefix in k} == {
        f"{prefix}type": "basic",
        f"{prefix}secret": "people",
        f"{prefix}realm": "Ours",
    }


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"titel": "x"}, "titel"),
        ({"title": ""}, "title"),
        ({"hostname": "https://notes.test/"}, "hostname"),
        ({"ingress": {"tls": {"enabled": "yes"}}}, "/ingress/tls/enabled"),
        ({"persistence": {"size": "lots"}}, "/persistence/size"),
        ({"probes": {"liveness": {"period": 1}}}, "period"),
        ({"env": {"PATH": "/"}}, "PATH"),
        ({"oidc": {"issuer": "http://sso.test/"}}, "/oidc/issuer"),
    ],
)
def test_invalid_values_are_refused_by_name(values: dict[str, Any], key: str) -> None:
    with pytest.raises(HelmError, match=key):
        render(**values)
