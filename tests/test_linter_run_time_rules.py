"""Rules about traps of running and upgrading, on hand-made objects: what is right and looks wrong.

What a whole package breaks is in ``fixtures/broken``.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from linter_workloads import (
    SERVICE,
    bare,
    check,
    claim,
    container,
    database,
    deployment,
    flux,
    load,
    named,
    plain,
    volumes,
    with_claim,
)

from conformance.kube.objects import Object
from conformance.linter.facts.fragments import misspelt
from conformance.linter.facts.resources import wrong_resources

CONFIG = named("ConfigMap", "notes-config", data={"LEVEL": "info"})


def renamed(workload: Object, name: str, **annotations: str) -> Object:
    keys = {key.replace("_", "-"): value for key, value in annotations.items()}
    workload["metadata"]["name"] = name
    workload["metadata"]["annotations"] = {f"helm.sh/{key}": one for key, one in keys.items()}
    return workload


def job(name: str = "migrate", pod: str = "", **annotations: str) -> Object:
    return renamed(deployment(pod or container(ports=None), "Job"), name, **annotations)


def hooked(value: Object, **annotations: str) -> Object:
    keys = {f"helm.sh/{key.replace('_', '-')}": one for key, one in annotations.items()}
    return {**value, "metadata": {**value["metadata"], "annotations": keys}}


READS = container(ports=None, envFrom=[{"configMapRef": {"name": "notes-config"}}])


# Services.


def service(**spec: Any) -> Object:
    value = load(SERVICE)
    value["spec"] |= spec
    return value


def test_pods_that_serve_the_same_port_are_meant_together() -> None:
    app = plain(deployment(), renamed(deployment(), "reader"), service())
    assert check(app, "network.service-pods") == []


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (job(), 1),
        (job(hook="post-upgrade"), 1),
        (job(hook="test"), 0),
        (renamed(deployment(container(ports=None)), "worker"), 1),
    ],
)
def test_pods_that_do_not_serve_are_told(other: Object, found: int) -> None:
    assert len(check(plain(deployment(), other, service()), "network.service-pods")) == found
    headless = plain(deployment(), other, service(clusterIP="None"))
    assert check(headless, "network.service-pods") == []


def test_the_only_workload_may_serve_a_port_that_it_does_not_declare() -> None:
    assert check(plain(deployment(container(ports=None)), service()), "network.service-pods") == []


# Selectors and Jobs.


def test_selectors_of_different_kinds_do_not_meet() -> None:
    daemons = renamed(deployment(kind="DaemonSet"), "daemons")
    assert check(plain(deployment(), daemons), "pods.selector-overlap") == []
    assert len(check(plain(deployment(), renamed(deployment(), "b")), "pods.selector-overlap")) == 2


def test_versions_in_what_may_change_are_right() -> None:
    value = deployment(kind="StatefulSet", serviceName="notes")
    value["metadata"]["labels"] = {"helm.sh/chart": "notes-1.2.3"}
    value["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] = "1.4.2"
    assert check(bare(value), "pods.version-in-label") == []


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"app": "notes", "tier": "v2"}, 0),
        ({"release": "1.4.2"}, 1),
        ({"release": "notes-1.4.2"}, 1),
        ({"release": "11.4.20"}, 0),
        ({"app.kubernetes.io/version": "9.9"}, 1),
    ],
)
def test_a_version_is_known_by_its_label_or_by_the_image(labels: Any, found: int) -> None:
    value = deployment(selector={"matchLabels": labels})
    assert len(check(bare(value), "pods.version-in-label")) == found


def test_a_label_that_is_written_as_such_stays() -> None:
    value = deployment(selector={"matchLabels": {"version": "1.0"}})
    assert check(bare(value, template='version: "1.0"'), "pods.version-in-label") == []


@pytest.mark.parametrize(
    "value",
    [
        job(hook="pre-upgrade"),
        job("migrate-1.4.2"),
        {**job(), "spec": {**job()["spec"], "ttlSecondsAfterFinished": 60}},
        {**job(), "metadata": {"name": "a", "annotations": {
            "kustomize.toolkit.fluxcd.io/force": "enabled"}}},
    ],
)  # fmt: skip
def test_a_job_that_makes_room_for_the_next_one_is_right(value: Object) -> None:
    assert check(plain(value), "pods.job-again") == []


def test_a_job_with_the_revision_in_its_name_is_right() -> None:
    assert check(bare(job("migrate-3"), template=".Release.Revision"), "pods.job-again") == []
    assert len(check(bare(job("migrate-3")), "pods.job-again")) == 1


# Hooks.


@pytest.mark.parametrize(
    "objects",
    [
        (job(pod=READS, hook="post-install"), CONFIG),
        (job(pod=READS, hook="pre-upgrade"), CONFIG),
        (job(pod=READS, hook="pre-install"),
         hooked(CONFIG, hook="pre-install", hook_weight="-1")),
        (job(pod=READS, hook="pre-install", hook_weight="5"),
         hooked(CONFIG, hook="pre-install", hook_weight="5")),
        (deployment(READS), hooked(CONFIG, hook="pre-install,post-install")),
        (deployment(READS), hooked(CONFIG, hook="pre-install,pre-upgrade",
                                   hook_delete_policy="before-hook-creation")),
        (job(pod=READS, hook="pre-install"),
         hooked(CONFIG, hook="pre-install", hook_weight="-1",
                hook_delete_policy="hook-succeeded")),
    ],
)  # fmt: skip
def test_what_is_there_in_time_is_right(objects: tuple[Object, ...]) -> None:
    assert check(bare(*objects), "pods.hook-order") == []


def test_a_hook_may_read_what_flux_applies() -> None:
    assert check(plain(job(pod=READS, hook="pre-install"), CONFIG), "pods.hook-order") == []


def test_a_hook_waits_for_a_claim_of_the_chart_in_vain() -> None:
    first = job(pod=with_claim(), hook="pre-install")
    (found,) = check(bare(first, claim()), "pods.hook-order")
    assert 'PersistentVolumeClaim "notes-data"' in found.message


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("notes", 1),
        ("postgres://user@notes:5432/db", 1),
        ("http://notes.apps.svc.cluster.local", 1),
        ("https://example.org/notes", 0),
        ("my-notes", 0),
    ],
)
def test_a_service_in_an_address_is_known(value: str, found: int) -> None:
    env = [{"name": "DB_URL", "value": value}]
    first = job(pod=container(ports=None, env=env), hook="pre-install")
    assert len(check(bare(first, service()), "pods.hook-service")) == found


# Settings.


ENV = [{"name": "NOTES_TITLE", "value": "x"}]


def test_service_links_matter_only_to_settings_of_the_same_prefix() -> None:
    def told(pod: str, other: Object) -> int:
        return len(check(plain(deployment(pod), other), "pods.service-links"))

    assert told(container(env=ENV), service()) == 1
    assert told(container(env=[{"name": "TITLE", "value": "x"}]), service()) == 0
    assert told(container(env=[*ENV, {"name": "NOTES_PORT", "value": "80"}]), service()) == 0
    off = yaml.safe_dump({**load(container(env=ENV)), "enableServiceLinks": False})
    assert told(off, service()) == 0


def test_settings_of_a_config_map_count() -> None:
    config = named("ConfigMap", "notes-config", data={"NOTES_TITLE": "x"})
    app = plain(deployment(READS), config, service())
    assert len(check(app, "pods.service-links")) == 1


def mounted(path: str, **more: Any) -> str:
    pod = load(volumes(path=path, configMap={"name": "notes-config"}))
    pod["containers"][0] |= more
    return yaml.safe_dump(pod)


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        (READS, 1),
        (mounted("/etc/notes"), 1),
        (mounted("/srv/www"), 0),
        (mounted("/etc/notes", args=["--watch=/etc/notes"]), 0),
    ],
)
def test_what_an_app_reads_when_it_starts_must_restart_it(pod: str, found: int) -> None:
    assert len(check(plain(deployment(pod), CONFIG), "pods.config-restart")) == found


def test_a_pod_that_changes_with_its_configuration_is_right() -> None:
    summed, watched = deployment(READS), deployment(READS)
    summed["spec"]["template"]["metadata"]["annotations"] = {"checksum/config": "1"}
    watched["metadata"]["annotations"] = {"reloader.stakater.com/auto": "true"}
    fixed = {**CONFIG, "immutable": True}

    for objects in ((summed, CONFIG), (watched, CONFIG), (deployment(READS), fixed)):
        assert check(plain(*objects), "pods.config-restart") == []


# Start, owners, resources, folders.


@pytest.mark.parametrize(
    ("probe", "found"),
    [
        ({}, 1),
        ({"initialDelaySeconds": 5}, 1),
        ({"initialDelaySeconds": 30}, 0),
        ({"failureThreshold": 6}, 0),
        ({"periodSeconds": 1}, 1),
    ],
)
def test_a_start_may_take_a_minute(probe: Any, found: int) -> None:
    value = deployment(with_claim())
    first = value["spec"]["template"]["spec"]["containers"][0]
    first["livenessProbe"] = {"httpGet": {"port": "http"}, **probe}

    assert len(check(plain(value, claim()), "containers.start-time")) == found
    first["startupProbe"] = {"httpGet": {"port": "http"}}
    assert check(plain(value, claim()), "containers.start-time") == []


def test_an_app_without_data_starts_quickly() -> None:
    value = deployment(container(livenessProbe={"httpGet": {"port": "http"}}))
    assert check(plain(value), "containers.start-time") == []


def test_a_word_like_chown_is_no_command() -> None:
    pod = load(container())
    pod["initContainers"] = [{"name": "a", "image": "b:1", "command": ["no-chown", "chown.sh"]}]
    assert check(plain(deployment(yaml.safe_dump(pod))), "confinement.chown") == []


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "1024Mi"}}, []),
        ({"limits": {"nvidia.com/gpu": 1, "hugepages-2Mi": "4Mi"}}, []),
        ({"limits": {"memroy": "1Gi"}}, ["memroy"]),
        ({"requests": {"cpu": "600m"}, "limits": {"cpu": 0.5}}, ["600m"]),
        ({"requests": {"cpu": "many"}, "limits": {"cpu": 1}}, []),
    ],
)
def test_resources_that_kubernetes_does_not_know(resources: Any, found: list[str]) -> None:
    told = [one.message for one in wrong_resources(resources)]
    assert len(told) == len(found)
    assert all(word in message for word, message in zip(found, told, strict=True))


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("resources", {"limits": {"memory": "1Gi"}}, 0),
        ("resources", {"request": {"memory": "1Gi"}}, 1),
        ("resources", ["theme.css"], 0),
        ("resources", {"images": 3}, 0),
        ("livenessProbe", {"enabled": True, "path": "/x"}, 0),
        ("livenessProbe", {"failureTreshold": 3}, 1),
        ("extraEnvVars", [{"name": "A", "vlaue": "b"}], 1),
        ("tolerations", "none", 0),
    ],
)
def test_only_what_is_nearly_a_field_is_a_slip(key: str, value: Any, found: int) -> None:
    assert len(list(misspelt(key, value))) == found


CLAIM = {"persistentVolumeClaim": {"claimName": "notes-data"}}


@pytest.mark.parametrize(
    ("image", "path", "data", "found"),
    [
        ("postgres:16", "/var/lib/postgresql/data", "", 0),
        ("postgres:16", "/var/lib/postgresql", "", 1),
        ("postgres:16", "/var/lib/postgresql", "/var/lib/postgresql/pgdata", 0),
        ("postgres:16", "/var/lib/postgresql/data", "/var/lib/postgresql/data/pgdata", 0),
        ("postgres:18", "/var/lib/postgresql", "", 0),
        ("postgres:18.1-alpine", "/var/lib/postgresql/data", "", 1),
        ("pgvector/pgvector:0.8.0-pg18", "/var/lib/postgresql", "", 0),
        ("pgvector/pgvector:pg17", "/var/lib/postgresql", "", 1),
        ("postgres:alpine", "/var/lib/postgresql", "", 0),
        ("mariadb:11.4", "/var/lib/mysql", "", 0),
        ("mariadb:11.4", "/var/lib", "", 1),
        ("mariadb:11.4", "/var/lib/mysql/notes", "", 1),
        ("mongo:8", "/data", "", 1),
        ("wordpress:6.7", "/var/www/html/wp-content", "", 0),
        ("wordpress:6.7", "/var/www", "", 1),
        ("bitnami/postgresql:16", "/bitnami/postgresql", "", 0),
    ],
)
def test_the_volume_is_where_the_image_has_its_data(
    image: str, path: str, data: str, found: int
) -> None:
    env = [{"name": "PGDATA", "value": data}] if data else []
    app = flux(database(image, path, env=env, **CLAIM), claim())
    assert len(check(app, "volumes.data-path")) == found
