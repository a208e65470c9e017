"""Rules about data on packages with anything anywhere."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
import yaml
from linter_data_packages import (
    CLAIM,
    CLIENT,
    KUSTOMIZATION,
    SECRETS,
    app,
    deployment,
    package,
    said,
)

from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document

pytestmark = pytest.mark.usefixtures("one_renderer")


HOSTILE = [
    None,
    -1,
    "",
    "\x00\x1b<script>" + "x" * 10_000,
    [None, []],
    {"name": None, "": {"": ""}},
    [{"name": ["x"], "value": {}}],
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else []
    items = list(enumerate(value)) if isinstance(value, list) else items
    return [path, *(one for key, item in items for one in _paths(item, (*path, key)))]


def test_nothing_that_stands_anywhere_makes_a_rule_raise():
    texts = [*CLIENT.split("---"), *SECRETS.split("---"), KUSTOMIZATION]
    values = [yaml.safe_load(text) for text in texts]
    values += [
        copy.deepcopy(deployment().value),
        copy.deepcopy(CLAIM.value),
        {"kind": "Secret", "data": {"password": "eA=="}, "stringData": {"password": "x"}},
        {"kind": "ConfigMap", "data": {"a.yaml": "password: x\n- [\n"}},
        {"kind": "PersistentVolume", "spec": {"hostPath": {}}},
        {
            "kind": "StatefulSet",
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}}], "template": {}},
        },
    ]
    for index, value in enumerate(values):
        for path in _paths(value):
            if not path:
                continue
            for bad in HOSTILE:
                broken = copy.deepcopy(value)
                part = broken
                for key in path[:-1]:
                    part = part[key]
                part[path[-1]] = bad
                others = [one for n, one in enumerate(values) if n != index]
                written = [
                    Manifest(one, "a.yaml", lambda _: 1, document=Document("a.yaml", one))
                    for one in (broken, *others)
                ]
                said(app(*written, neighbours=tuple(written)))


def test_values_of_any_shape_make_no_rule_fail(tmp_path):
    values = """
ingress: [1, {host: [x]}]
"": {"": {existingClaim: 7}}
existingClaim: [a]
persistence: {existingClaim: notes-data, enabled: {}}
postgresql: primary
mysql: {primary: [existingClaim]}
clientId: [x]
clientSecret: {a: b}
issuer: "https://[::1"
password: [[], {}]
env: [{name: 1, value: 2}, {name: {}, value: x}, {value: y}, []]
text: "\\0 = {"
file: |
  [
  password
  = x
  ]: - {
"""
    release = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: other, namespace: notes}
spec: {chart: [], valuesFrom: {}, values: [], postRenderers: 7, commonMetadata: []}
"""
    result = package(tmp_path, values, notes__other=release)

    assert not [reason for _, reason in result.not_run if "internal error" in reason]


@pytest.mark.parametrize(
    "values",
    [
        "\n".join(f"key{n}: {{password: '', existingClaim: c{n}}}" for n in range(10_000)),
        f"text: {'a' * 2_000_000}",
        f"text: {'a-_' * 500_000}",
        "file: |\n" + "  a.b-c = d(e\n" * 100_000,
        f"url: {'a:' * 500_000}",
    ],
    ids=["keys", "letters", "words", "lines", "colons"],
)
def test_large_values_cost_seconds_at_most(tmp_path, values):
    began = time.process_time()

    package(tmp_path, values)

    assert time.process_time() - began < 20
