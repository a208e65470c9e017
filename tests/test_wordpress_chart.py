"""The wordpress chart as Helm renders it, without a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from helm_python.chart import Chart
from helm_python.errors import HelmError

from conformance.apps.wordpress import WordPress
from conformance.common.backup_labels import BACKUP_SET
from conformance.common.settings import PROJECT_ROOT
from conformance.kube.objects import Object

CHART = PROJECT_ROOT / "charts" / "wordpress"
OIDC = {"issuer": "https://sso.example.org/", "clientSecret": "s3cret", "caConfigMap": "our-ca"}


def render(**values: Any) -> list[Object]:
    with Chart.load(CHART) as loaded:
        files = loaded.render(values=values, name="wordpress", namespace="wordpress")
    documents = [
        document
        for path, text in files.items()
        if not path.endswith("NOTES.txt")
        for document in yaml.safe_load_all(text)
    ]
    return [document for document in documents if document]


def of_kind(kind: str, objects: list[Object]) -> dict[str, Object]:
    """Return the rendered objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def pod_of(objects: list[Object]) -> Object:
    template: Object = of_kind("Deployment", objects)["wordpress"]["spec"]["template"]
    return template


def containers(pod: Object) -> dict[str, Object]:
    return {container["name"]: container for container in pod["spec"]["containers"]}


def mounts(container: Object) -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}


def override_of(objects: list[Object]) -> Object:
    text = of_kind("ConfigMap", objects)["wordpress-config"]["data"]["override.yaml"]
    override: Object = yaml.safe_load(text)
    return override


def test_backup_names_both_volumes_and_each_is_where_the_suite_looks_for_it() -> None:
    objects = render()
    pod = pod_of(objects)
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {volume.pod_volume: volume.claim for volume in WordPress.volumes}
    annotations = pod["metadata"]["annotations"]
    assert annotations["backup.velero.io/backup-volumes"].split(",") == list(claims)
    assert pod["metadata"]["labels"][BACKUP_SET] == "wordpress"
    made = of_kind("PersistentVolumeClaim", objects)
    assert {name: item["metadata"]["labels"][BACKUP_SET] for name, item in made.items()} == (
        dict.fromkeys(claims.values(), "wordpress")
    )
    for volume in WordPress.volumes:
        container = containers(pod)[volume.container or WordPress.name]
        assert mounts(container)[volume.pod_volume] == volume.mount_path


def test_hooks_around_a_backup_run_where_the_database_is() -> None:
    pod = pod_of(render())
    annotations = pod["metadata"]["annotations"]
    for hook in ("pre", "post"):
        assert annotations[f"{hook}.hook.backup.velero.io/container"] == "database"
        command = json.loads(annotations[f"{hook}.hook.backup.velero.io/command"])
        assert command[0] == "wordpress-dump"
    assert "database" in mounts(containers(pod)["database"])


def test_claims_from_outside_are_used_and_none_made() -> None:
    objects = render(
        persistence={"database": {"existingClaim": "one"}, "content": {"existingClaim": "two"}}
    )
    assert of_kind("PersistentVolumeClaim", objects) == {}
    volumes = {volume["name"]: volume for volume in pod_of(objects)["spec"]["volumes"]}
    assert volumes["database"]["persistentVolumeClaim"]["claimName"] == "one"
    assert volumes["content"]["persistentVolumeClaim"]["claimName"] == "two"


def test_without_a_provider_nothing_of_the_login_is_there() -> None:
    objects = render()
    assert of_kind("Secret", objects) == {}
    assert not any(key.startswith("oidc") for key in override_of(objects))


def test_login_takes_issuer_secret_and_authorities_from_values() -> None:
    objects = render(oidc=OIDC)
    assert override_of(objects) | {
        "oidc_issuer": "https://sso.example.org/",
        "oidc_client_id": "wordpress",
        "oidc_ca_file": "/etc/wordpress/ca/ca.crt",
    } == override_of(objects)
    assert list(of_kind("Secret", objects)) == ["wordpress-oidc"]
    pod = pod_of(objects)
    assert mounts(containers(pod)["wordpress"])["ca"] == "/etc/wordpress/ca"
    [source] = secret_sources(pod)
    assert source["secret"]["items"] == [{"key": "client_secret", "path": "client_secret"}]
    assert "s3cret" not in yaml.safe_dump(pod)


def test_secrets_by_hand_are_mounted_for_the_app_alone() -> None:
    objects = render(
        admin={"existingSecret": "by-hand"},
        oidc={**OIDC, "existingSecret": "client", "clientSecret": ""},
    )
    assert of_kind("Secret", objects) == {}
    pod = pod_of(objects)
    assert [source["secret"]["name"] for source in secret_sources(pod)] == ["by-hand", "client"]
    assert mounts(containers(pod)["wordpress"])["secrets"] == "/etc/wordpress/secrets"
    assert "secrets" not in mounts(containers(pod)["database"])


def secret_sources(pod: Object) -> list[Object]:
    """Return what the projected volume of secrets consists of."""
    [volume] = [item for item in pod["spec"]["volumes"] if item["name"] == "secrets"]
    assert volume["projected"]["defaultMode"] == 0o440
    sources: list[Object] = volume["projected"]["sources"]
    return sources


@pytest.mark.parametrize(
    "title", ['say "hi" \\ there', "$HOME ${x} {{ .Values.hostname }}", "Grüße 日本 🗒 <b>"]
)
def test_title_reaches_the_app_as_it_is(title: str) -> None:
    override = override_of(render(title=title, config={"extra": "port: 8080"}))
    assert (override["title"], override["port"]) == (title, 8080)
    assert override["database"] == "beside"


def test_pods_change_with_the_configuration() -> None:
    assert pod_of(render()) != pod_of(render(title="Other"))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"titel": "x"}, "titel"),
        ({"hostname": "https://wordpress.test/"}, "hostname"),
        ({"admin": {"email": "nobody"}}, "/admin/email"),
        ({"oidc": {"issuer": "http://sso.test/"}}, "/oidc/issuer"),
        ({"oidc": {"issuer": "https://sso.test/"}}, "oidc.clientSecret"),
        ({"persistence": {"database": {"size": "lots"}}}, "/persistence/database/size"),
        ({"env": {"PATH": "/"}}, "PATH"),
    ],
)
def test_invalid_values_are_refused_by_name(values: dict[str, Any], key: str) -> None:
    with pytest.raises(HelmError, match=key):
        render(**values)
