"""What the schemas of Kubernetes and of the pinned components are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.common.pins import pin
from conformance.linter import write_schemas
from conformance.linter.facts import kubernetes_schema
from conformance.linter.facts.kubernetes_schema import (
    kinds,
)
from conformance.linter.schemas.enums import ENUMS
from conformance.linter.schemas.removed import PRODUCTS, REMOVED


def test_the_schemas_are_those_of_the_pinned_components():
    sources = json.loads((write_schemas.FOLDER / "sources.json").read_text())

    again = "run `python -m conformance.linter.write_schemas`"
    for name in write_schemas.MODULES:
        assert sources[name]["version"] == pin(name).version, again


def test_the_schemas_of_the_operator_are_those_of_its_chart():
    committed = json.loads(kubernetes_schema.CRDS.read_text())

    made = write_schemas.kinds_of(
        write_schemas.definitions_in(write_schemas.operator_definitions())
    )

    assert made == {group: committed[group] for group in made}
    assert set(made) == {"hydra.ory.sh", "secretgenerator.mittwald.de"}


def test_the_schemas_of_kubernetes_are_those_of_the_pinned_version():
    major, minor = kubernetes_schema.pinned()

    again = "run `python -m conformance.linter.write_schemas`"
    assert write_schemas.kubernetes_folder().name == f"v{major}.{minor}.0-local-strict"
    sources = json.loads((write_schemas.FOLDER / "sources.json").read_text())
    assert sources["kubernetes"]["version"] == f"v{major}.{minor}.0", again
    made = write_schemas.kubernetes_definitions(write_schemas.kubernetes_folder())
    assert json.loads(kubernetes_schema.KUBERNETES.read_text()) == made, again


def test_only_what_nobody_is_told_is_left_out_of_kubernetes_schemas(tmp_path: Path):
    published = {
        "type": "object",
        "description": "For people.",
        "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
        "properties": {
            "description": {"type": "string", "description": "A field of this name."},
            "ports": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "items": {"$ref": "#/$defs/Port", "description": "For people."},
            },
        },
        "additionalProperties": False,
    }
    (tmp_path / "_definitions.json").write_text(json.dumps({"$defs": {"Pod": published}}))

    assert write_schemas.kubernetes_definitions(tmp_path) == {
        "Pod": {
            "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
            "properties": {
                "description": {"type": "string"},
                "ports": {"type": "array", "items": {"$ref": "#/$defs/Port"}},
            },
            "additionalProperties": False,
        }
    }


def test_every_group_of_the_pinned_components_has_its_product_named():
    assert set(PRODUCTS) == set(json.loads(kubernetes_schema.CRDS.read_text()))


def test_nothing_that_was_removed_is_served():
    known = kinds()

    for api, its_kinds in REMOVED.items():
        group, version = api.rsplit("/", 1)
        for kind in its_kinds:
            assert version not in known.get(group, {}).get(kind, {})


def test_every_listed_word_belongs_to_a_field_that_exists():
    definitions = json.loads(kubernetes_schema.KUBERNETES.read_text())

    for name, fields in ENUMS.items():
        assert set(fields) <= set(definitions[f"io.k8s.api.{name}"]["properties"])


def test_the_schemas_say_nothing_that_is_not_understood():
    understood = {
        "$ref", "type", "format", "enum", "required", "properties", "items", "oneOf",
        "additionalProperties",
    }  # fmt: skip

    def keywords(schema: dict[str, Any]) -> set[str]:
        inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
        inner += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
        return set(schema).union(*(keywords(one) for one in inner if isinstance(one, dict)))

    definitions = json.loads(kubernetes_schema.KUBERNETES.read_text())
    used = set().union(*(keywords(one) for one in definitions.values()))
    assert {word for word in used if not word.startswith("x-kubernetes-")} <= understood


def test_a_schema_with_an_unknown_keyword_is_not_taken_over():
    with pytest.raises(write_schemas.UnknownKeywordError, match="not at"):
        write_schemas.compact({"type": "object", "not": {"required": ["a"]}})


def test_a_field_with_a_default_is_not_required():
    made = write_schemas.compact(
        {
            "type": "object",
            "required": ["a", "b"],
            "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}},
        }
    )

    assert made["required"] == ["b"]
    assert made["additionalProperties"] is False


def test_no_file_of_ours_says_more_than_it_may():
    for file in Path(write_schemas.FOLDER).glob("*.json"):
        assert len(file.read_bytes()) < 400_000
