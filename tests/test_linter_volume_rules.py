"""Rules about claims and volumes, on hand-made objects; and about values alone."""

from __future__ import annotations

import pytest
from linter_workloads import (
    bare,
    check,
    claim,
    container,
    database,
    deployment,
    distant,
    flux,
    messages,
    named,
    volumes,
    with_claim,
)

RIGHT_VALUES = {
    "off": "ingress: {enabled: false, hosts: [{host: notes.example.org}]}",
    "off above": "web: {enabled: false, ingress: {enabled: true, hosts: [a.example.org]}}",
    "template": "ingress: {enabled: true, host: 'notes.{{ .Values.domain }}', tls: true}",
    "by the chart": "ingress: {enabled: true, hostname: notes.stackspin.example, tls: true}",
    "other key": "ingress: {enabled: true, hosts: [notes.stackspin.example], extraTls: [{}]}",
    "hostname only": "ingress: {enabled: true, hostname: notes.stackspin.example}",
    "no host": "ingress: {enabled: true, className: nginx}",
}
WRONG_VALUES = {
    "ingress.host": "ingress: {enabled: true, hostname: notes.example.org, tls: true}",
    "ingress.tls": "ingress: {enabled: true, hostname: notes.stackspin.example, tls: false}",
    "ingress.class": "ingress: {main: {enabled: true, className: traefik}}",
    "ingress.snippets": """
ingress:
  enabled: true
  annotations: {nginx.ingress.kubernetes.io/server-snippet: deny all;}
""",
    "ingress.http-auth": """
ingress: {enabled: true, annotations: {nginx.ingress.kubernetes.io/auth-type: basic}}
""",
    "claims.storage-class": "persistence: {enabled: true, storageClass: longhorn}",
    "claims.access-mode": "persistence: {data: {accessMode: ReadWriteMany}}",
    "claims.missing": "persistence: {existingClaim: notes-data}",
    "volumes.data-path": "mariadb: {primary: {persistence: {enabled: false}}}",
    "containers.image-pinned": "image: {repository: notes, tag: main}",
}


@pytest.mark.parametrize("values", RIGHT_VALUES.values(), ids=RIGHT_VALUES)
def test_values_of_a_chart_that_is_elsewhere_that_leave_a_doubt(values):
    assert messages(distant(values)) == []


@pytest.mark.parametrize(("rule", "values"), WRONG_VALUES.items(), ids=WRONG_VALUES)
def test_values_of_a_chart_that_is_elsewhere_that_leave_none(rule, values):
    app = distant(values)

    assert [one.partition(":")[0] for one in messages(app)] == [rule]
    assert check(app, rule)[0].place.file == "values.yaml"


@pytest.mark.parametrize(
    "values",
    [
        "persistence: {create: true, claimName: notes-data}",
        "persistence: {existingClaim: '{{ .Release.Name }}-data'}",
        "postgresql: {enabled: false, persistence: {existingClaim: x}}",
        "postgresql: {enabled: false, primary: {persistence: {enabled: false}}}",
        "postgresql: {readReplicas: {persistence: {enabled: false}}}",
        "persistence: {storageClass: '-'}",
        "persistence: {storageClass: nfs, accessMode: ReadWriteMany, existingClaim: '{{ x }}'}",
        "image: {tag: main, digest: 'sha256:0'}",
        "image: {tag: ''}",
    ],
)
def test_values_about_data_that_are_right(values):
    assert messages(distant(values)) == []


def test_a_storage_class_of_the_package_is_there():
    made = named("StorageClass", "fast")
    app = flux(deployment(with_claim()), claim(storageClassName="fast"), made)

    assert messages(app) == []


def test_a_claim_of_a_volume_made_by_hand_is_not_judged():
    bound = claim(storageClassName="", volumeName="disk", accessModes=["ReadWriteMany"])

    assert messages(flux(deployment(with_claim()), bound)) == []


def test_claims_of_a_stateful_set_are_judged_and_may_be_there_already():
    template = claim(accessModes=["ReadWriteMany"])
    template["metadata"] = {"name": "data"}
    pod = container(volumeMounts=[{"name": "data", "mountPath": "/data"}])
    workload = deployment(pod, "StatefulSet", volumeClaimTemplates=[template])
    there = claim()
    there["metadata"]["name"] = "data-notes-0"
    job = deployment(volumes(persistentVolumeClaim={"claimName": "data-notes-0"}), "CronJob")

    assert [one.message for one in check(flux(workload, there), "claims.access-mode")] == [
        'claim data asks for "ReadWriteMany", which local-path does not have'
    ]
    assert check(flux(workload, there), "claims.unused") == []
    assert check(flux(workload, job), "claims.missing") == []


def test_a_claim_that_a_chart_elsewhere_may_mount_is_not_called_unused():
    assert messages(distant("persistence: {create: false}", claim())) == []


def test_a_claim_in_another_namespace_cannot_be_mounted():
    other = claim()
    other["metadata"]["namespace"] = "stackspin"
    app = distant("persistence: {existingClaim: notes-data}", other)

    assert "one is in namespace stackspin" in check(app, "claims.missing")[0].message
    assert len(check(flux(deployment(with_claim()), other), "claims.missing")) == 1


def test_a_claim_given_to_a_chart_is_not_missing():
    app = bare(deployment(with_claim()), values={"existingClaim": "notes-data"})

    assert messages(app) == []


def test_a_claim_that_an_operator_is_told_of_is_used():
    backup = named("Backup", "all", apiVersion="k8up.io/v1", spec={"claim": "notes-data"})

    assert messages(flux(claim(), backup)) == []
    assert len(check(flux(claim()), "claims.unused")) == 1


def test_several_pods_may_read_one_volume():
    app = flux(deployment(with_claim(readOnly=True), replicas=3, strategy={}), claim())

    assert messages(app) == []


def test_an_update_that_ends_the_old_pod_first_is_no_rolling_one():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}

    assert messages(flux(deployment(with_claim(), strategy=strategy), claim())) == []


@pytest.mark.parametrize(
    "workload",
    [
        database("postgres:16", "/var/lib/postgresql", emptyDir={}),
        database("example.org/db:1", "/var/lib/mysql", emptyDir={"medium": "Memory"}),
        database("bitnami/mariadb:11.4", "/elsewhere", emptyDir={}),
        database("docker.io/library/wordpress:6.7", "/tmp", emptyDir={}),
        database("mongo:8", "/data/configdb", ["docker-entrypoint.sh"], emptyDir={}),
        database("mysql:8.4", "/var/lib", hostPath={"path": "/srv"}),
        database("postgres:16", "/var/lib/postgresql/data", emptyDir=None),
        database("postgres:16", "/var/lib/postgresql/data"),
    ],
)
def test_data_that_goes_with_the_pod(workload):
    assert len(check(flux(workload), "volumes.data-path")) == 1


def test_the_claim_of_an_ephemeral_volume_goes_with_the_pod():
    template = {"spec": {"accessModes": ["ReadWriteOnce"]}}
    workload = database("mysql:8.4", "/var/lib/mysql", ephemeral={"volumeClaimTemplate": template})

    assert "in an ephemeral volume" in check(flux(workload), "volumes.data-path")[0].message


@pytest.mark.parametrize(
    "workload",
    [
        database("example.org/wordpress:6.7", "/tmp", emptyDir={}),
        database("postgres:16", "/tmp", ["pg_dump"], emptyDir={}),
        database("postgres:16", "/pg", env=[{"name": "PGDATA", "value": "/pg"}], emptyDir={}),
        database("mysql:8.4", "/var/lib/mysql-files", ["backup"], emptyDir={}),
        database("mysql:8.4", "/var/lib/mysql", hostPath={"path": "/srv"}),
    ],
)
def test_data_that_may_well_be_somewhere_else(workload):
    assert check(flux(workload), "volumes.data-path") == []


def test_a_chart_whose_values_make_the_volume_a_claim_is_right():
    workload = database("postgres:16", "/var/lib/postgresql/data", emptyDir={})

    assert len(check(bare(workload), "volumes.data-path")) == 1
    assert check(bare(workload, template="persistentVolumeClaim:"), "volumes.data-path") == []


def test_the_servers_time_zone_may_be_mounted():
    pod = volumes(hostPath={"path": "/etc/localtime"}, path="/etc/localtime")

    assert messages(flux(deployment(pod))) == []
