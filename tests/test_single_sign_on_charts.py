"""The database of single sign-on and what uses it, as Helm renders it from the values in flux2/."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from helm_python.chart import Chart

from conformance.capabilities.single_sign_on.logins import SHORTEST_PASSWORD
from conformance.common.backup_labels import BACKUP_SET, BACKUP_VOLUMES
from conformance.common.settings import PROJECT_ROOT
from conformance.kube.objects import Object

ANNEX = PROJECT_ROOT / "fixtures" / "platforms" / "annex" / "tree" / "flux2"
INFRASTRUCTURE = PROJECT_ROOT / "fixtures" / "flux2" / "infrastructure"
DATABASE = "single-sign-on-database"


def manifest(path: str) -> Object:
    loaded: Object = yaml.safe_load((INFRASTRUCTURE / path).read_text())
    return loaded


def rendered(chart: str, values: str) -> dict[str, Object]:
    """Return the chart's objects by kind and name."""
    text = manifest(f"ory/{values}-values-configmap.yaml")["data"]["values.yaml"]
    given = yaml.safe_load(re.sub(r"\$\{\w+\}", "example.org", text))
    with Chart.load(PROJECT_ROOT / "charts" / chart) as loaded:
        files = loaded.render(values=given, name=chart, namespace="stackspin")
    objects = [item for text in files.values() for item in yaml.safe_load_all(text) if item]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}


@pytest.fixture(scope="module")
def database() -> dict[str, Object]:
    return rendered(DATABASE, "database")


def test_the_databases_data_is_in_a_backup_set(database: dict[str, Object]) -> None:
    claim = manifest("ory/database-pvc.yaml")
    template = database[f"Deployment/{DATABASE}"]["spec"]["template"]
    metadata, pod = template["metadata"], template["spec"]
    assert claim["metadata"]["labels"][BACKUP_SET] == metadata["labels"][BACKUP_SET] == "dashboard"
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {metadata["annotations"][BACKUP_VOLUMES]: claim["metadata"]["name"]}


def test_a_dump_is_made_before_a_backup_and_removed_after_it(database: dict[str, Object]) -> None:
    template = database[f"Deployment/{DATABASE}"]["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    [container] = [item["name"] for item in template["spec"]["containers"]]
    hooks = {}
    for moment in ("pre", "post"):
        hook = f"{moment}.hook.backup.velero.io"
        assert annotations[f"{hook}/container"] == container
        hooks[moment] = json.loads(annotations[f"{hook}/command"])
    assert hooks == {"pre": ["postgresql-dump"], "post": ["postgresql-dump", "--remove"]}


@pytest.mark.parametrize("name", ["kratos", "hydra"])
def test_each_service_has_a_generated_password_of_its_own(
    database: dict[str, Object], name: str
) -> None:
    secret = manifest("single-sign-on-secrets/database.yaml")
    service = rendered(name, name)
    pod = service[f"Deployment/{name}"]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["env"] == pod["containers"][0]["env"]
    variables = {item["name"]: item for item in pod["containers"][0]["env"]}
    reference = variables["DATABASE_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": secret["metadata"]["name"], "key": name}
    assert name in [field["fieldName"] for field in secret["spec"]["fields"]]
    address = f"{name}:$(DATABASE_PASSWORD)@{DATABASE}:5432/{name}"
    assert variables["DSN"]["value"] == f"postgres://{address}?sslmode=disable&connect_timeout=5"
    assert list(variables).index("DATABASE_PASSWORD") < list(variables).index("DSN")
    assert "dsn" not in service[f"ConfigMap/{name}"]["data"][f"{name}.yml"]
    port = database[f"Service/{DATABASE}"]["spec"]["ports"][0]["port"]
    assert port == 5432


def test_the_server_makes_a_user_of_each_key_of_the_secret(database: dict[str, Object]) -> None:
    pod = database[f"Deployment/{DATABASE}"]["spec"]["template"]["spec"]
    [mounted] = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    assert mounted == manifest("single-sign-on-secrets/database.yaml")["metadata"]["name"]


def test_only_kratos_and_hydra_may_connect(database: dict[str, Object]) -> None:
    policy = database[f"NetworkPolicy/{DATABASE}"]["spec"]
    selected = policy["podSelector"]["matchLabels"]
    pod = database[f"Deployment/{DATABASE}"]["spec"]["template"]["metadata"]["labels"]
    assert selected.items() <= pod.items()
    assert policy["policyTypes"] == ["Ingress"]
    [rule] = policy["ingress"]
    [peer] = rule["from"]
    [expression] = peer["podSelector"]["matchExpressions"]
    assert expression["operator"] == "In"
    assert expression["values"] == ["kratos", "hydra"]


@pytest.mark.parametrize("name", ["reference", "annex"])
def test_passwords_are_as_long_as_a_check_demands(name: str) -> None:
    if name == "reference":
        kratos = yaml.safe_load(
            rendered("kratos", "kratos")["ConfigMap/kratos"]["data"]["kratos.yml"]
        )
    else:
        values = ANNEX / "core" / "single-sign-on" / "identities-values.yaml"
        kratos = yaml.safe_load(yaml.safe_load(values.read_text())["data"]["values.yaml"])["config"]
    policy = kratos["selfservice"]["methods"]["password"]["config"]
    assert policy["min_password_length"] == SHORTEST_PASSWORD
    assert policy.get("identifier_similarity_check_enabled", True)


def test_a_mail_is_tried_again_for_as_long_as_the_code_in_it_is_valid() -> None:
    config = yaml.safe_load(rendered("kratos", "kratos")["ConfigMap/kratos"]["data"]["kratos.yml"])
    minutes = int(config["selfservice"]["methods"]["code"]["config"]["lifespan"].removesuffix("m"))
    assert "worker" not in config["courier"], "the pace is no longer Kratos' own, a try a second"
    assert config["courier"]["message_retries"] == minutes * 60
