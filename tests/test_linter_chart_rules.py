"""The rules about charts: their metadata, values, dependencies and versions."""

from __future__ import annotations

import pytest
from linter_objects import app

from conformance.linter import semver
from conformance.linter.app import Chart
from conformance.linter.helm.chart_parts import absent, misspelt
from conformance.linter.reading.documents import parse
from conformance.linter.rule import all_rules


def chart(metadata: str = "name: notes", values: str = "", **files: str) -> Chart:
    content = {
        name.replace("__", "/").replace("_yaml", ".yaml"): text.encode()
        for name, text in files.items()
    }
    documents = parse(values, "values.yaml")[0]
    return Chart(
        ".",
        {"Chart.yaml": metadata.encode(), **content},
        parse(metadata, "Chart.yaml")[0][0],
        documents[0] if documents else None,
    )


def test_names_that_whoever_installs_the_chart_chooses_are_not_misspelt():
    ranged = chart(
        values="env: {TITLE: Notes}\npersistence: {size: 1Gi}",
        templates__a_yaml="{{ range $k, $v := .Values.env }}{{ .Values.persistence.size }}",
    )

    assert list(misspelt(ranged, {"env": {"TITLES": "x"}})) == []
    assert list(misspelt(ranged, {"persistence": {"sizes": "x"}, "extra": 1, "global": {}})) == [
        (("persistence", "sizes"), "size")
    ]


def test_a_value_in_other_letters_is_misspelt():
    client = chart(values="oidc: {issuerUrl: x}", templates__a_yaml="{{ .Values.oidc.issuerUrl }}")

    assert list(misspelt(client, {"oidc": {"issuerURL": "y"}})) == [
        (("oidc", "issuerURL"), "issuerUrl")
    ]


def test_a_dependency_that_is_not_there_is_known():
    needs = "apiVersion: v2\nname: a\ndependencies: [{name: db, version: 1.x}, {name: web}]"
    has = {"charts__db_yaml": "", "charts__web__Chart_yaml": "name: web"}

    assert absent(chart(needs, **has), {}) == [
        "chart db, which chart a depends on, is not in the package"
    ]


@pytest.mark.parametrize(
    ("dependency", "values", "missed"),
    [
        ("condition: db.enabled", {}, False),
        ("condition: db.enabled", {"db": {"enabled": True}}, True),
        ("condition: 'none.there,db.enabled'", {}, False),
        ("condition: none.there", {}, True),
        ("tags: [data]", {"tags": {"data": False}}, False),
        ("tags: [data, web]", {"tags": {"data": False, "web": True}}, True),
        ("condition: db.enabled, tags: [data]", {"tags": {"data": True}}, False),
    ],
)
def test_a_dependency_that_is_switched_off_is_not_missed(dependency, values, missed):
    needs = f"apiVersion: v2\nname: a\ndependencies: [{{name: db, {dependency}}}]"

    found = absent(chart(needs, values="db: {enabled: false}"), values)

    assert bool(found) == missed


@pytest.mark.parametrize("metadata", ["[]", "text", "{1: 2}", "{version: [], dependencies: {}}"])
def test_chart_rules_survive_any_metadata(metadata):
    odd = app(charts=(chart(metadata, values="[1]"),))

    for rule in all_rules().values():
        if rule.id.startswith("chart."):
            list(rule.check(odd))


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        (">=1.22.0", True), ("<1.20.0", False), (">= 1.22.0-0", True), ("^1.22.0", True),
        ("~1.36", True), ("~1.35", False), ("1.x", True), ("1.36.x", True), ("*", True),
        (">=1.20 <1.30", False), (">=1.20, <2", True), ("1.20 - 1.36", True), ("<=1.36", True),
        (">1.36", False), ("!=1.36.3", False), ("<1.20 || >1.30", True), ("^0.2", False),
        ("v1.36.3", True), (">=1.19.0-0 <1.37.0-0", True),
        ("foo", None), ("", None), (">=", None), ("1.2.3.4", None), ("1.25 or later", None),
    ],
)  # fmt: skip
def test_constraints_are_read_as_helm_does(constraint, allowed):
    version = semver.parse("v1.36.3")

    assert version is not None
    assert semver.satisfies(version, constraint) is allowed


def test_versions_are_ordered():
    words = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "v1.1", "2"]
    found = [semver.parse(word) for word in words]

    assert None not in found
    assert found == sorted(found)  # type: ignore[type-var]
    assert semver.parse("latest") is None
