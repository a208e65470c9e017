"""Rules about workloads, on objects whose parts have every wrong type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from linter_workloads import (
    INGRESS,
    RULES,
    SERVICE,
    Object,
    claim,
    container,
    database,
    deployment,
    distant,
    flux,
    ingress,
    load,
    named,
    reference,
    with_claim,
)

from conformance.linter.app import AppPackage, Installation
from conformance.linter.findings import NotRun, Problem
from conformance.linter.manifest import Manifest

JUNK: list[Any] = [
    None, True, 10**30, "\ud800[red]\n", [], {}, [None], {"name": {"a": []}},
]  # fmt: skip
EVERYTHING: list[Object] = [
    deployment(with_claim(), replicas=2),
    database("postgres:16", "/var/lib/postgresql", ["postgres"], [{"name": "PGDATA"}], emptyDir={}),
    deployment(container(envFrom=[{"secretRef": {"name": "x"}}]), "StatefulSet",
               volumeClaimTemplates=[claim()]),
    reference(), load(SERVICE), load(INGRESS), claim(),
    ingress(None, auth_type="basic", auth_secret="a/b", server_snippet="x"),
    named("StringSecret", "a", spec={"fields": [{"fieldName": "key"}], "data": {"b": "c"}}),
    named("Certificate", "a", spec={"secretName": "b"}),
    named("PersistentVolume", "a", spec={"hostPath": {"path": "/srv"}}),
    named("HorizontalPodAutoscaler", "a", spec={"maxReplicas": 3, "scaleTargetRef": {
        "kind": "Deployment", "name": "notes"}}),
]  # fmt: skip
VALUES = """
ingress: {enabled: true, hosts: [{host: a.example.org}, b], tls: [{hosts: [a], secretName: b}],
  annotations: {nginx.ingress.kubernetes.io/auth-type: basic}, className: a}
persistence: {existingClaim: a, storageClass: b, accessModes: [ReadWriteMany], claimName: c}
mariadb: {primary: {persistence: {enabled: false}}}
image: {tag: latest, digest: ""}
"""


def spoilt(value: Any, junk: Any) -> Iterable[Any]:
    """Yield ``value`` with each of its parts replaced by ``junk``."""
    yield junk
    if isinstance(value, dict):
        for key, item in value.items():
            for other in spoilt(item, junk):
                yield {**value, key: other}
    if isinstance(value, list):
        for index, item in enumerate(value):
            for other in spoilt(item, junk):
                yield [*value[:index], other, *value[index + 1 :]]


def run(app: AppPackage) -> None:
    for rule in RULES:
        for one in rule.check(app):
            assert isinstance(one, Problem | NotRun)


def as_manifest(value: Any, file: str) -> Manifest:
    return Manifest(value if isinstance(value, dict) else {}, file, lambda _: 0)


@pytest.mark.parametrize("number", range(len(EVERYTHING)))
def test_wrong_types_anywhere_do_no_harm(number):
    others = [as_manifest(one, "x.yaml") for one in EVERYTHING]
    frame = flux()
    for junk in JUNK:
        for value in spoilt(EVERYTHING[number], junk):
            objects = (*others[:number], as_manifest(value, "x.yaml"), *others[number + 1 :])
            one = Installation("the package's objects", objects)
            run(replace(frame, written=objects, installations=(one,)))


def test_wrong_types_in_values_do_no_harm():
    frame = distant("a: 1")
    for junk in JUNK:
        for values in spoilt(load(VALUES), junk):
            if isinstance(values, dict):
                release = replace(frame.releases[0], values=values)
                one = replace(frame.installations[0], release=release, values=values)
                run(replace(frame, releases=(release,), installations=(one,)))


def test_a_huge_name_is_no_work():
    huge = "a" * 5_000_000
    value = reference()
    [env] = value["spec"]["template"]["spec"]["containers"][0]["env"]
    env["valueFrom"]["secretKeyRef"]["name"] = huge
    value["metadata"]["name"] = huge
    objects = (as_manifest(value, "x.yaml"), as_manifest(named("Secret", huge + "b"), "y.yaml"))
    one = Installation("default values", tuple(replace(m, rendered=True) for m in objects))

    run(AppPackage("notes", ".", "", installations=(one,)))
