"""The format of platform.yaml for tools and people is that of the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from conformance.common.settings import PROJECT_ROOT
from conformance.platform import schema as platform_schema
from conformance.platform.keys import Key, keys
from conformance.platform.reference.described import FILE
from conformance.platform.schema import SCHEMA_FILE, generate_schema, table

COMMITTED = Path(platform_schema.__file__).with_name(SCHEMA_FILE)
REMEDY = (
    "run: python -c 'from conformance.platform.schema import generate_schema as g; "
    'print(g(), end="")\' > conformance/platform/platform.schema.json'
)


def description(**change: object) -> dict[str, Any]:
    return {**yaml.safe_load(FILE.read_text(encoding="utf-8")), **change}


def test_the_shipped_schema_is_that_of_the_model() -> None:
    assert COMMITTED.read_text() == generate_schema(), REMEDY


def test_the_schema_accepts_the_reference() -> None:
    schema = json.loads(COMMITTED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(description(), schema)


@pytest.mark.parametrize(
    "change", [{"domian": "a"}, {"flux": {"source": ""}}, {"single_sign_on": {}}, {"apps": 5}]
)
def test_the_schema_refuses_what_the_model_refuses(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(description(**change), json.loads(COMMITTED.read_text()))


def test_the_document_has_the_table() -> None:
    document = (PROJECT_ROOT / "docs" / "platforms.md").read_text()
    assert table() in document, "put table() of conformance.platform.schema into it"


def test_the_table_has_every_key_once() -> None:
    rows = table().splitlines()
    listed = [row.split("`")[1] for row in rows[2:]]
    assert len({*listed}) == len(listed)
    assert {"domain", "flux.source", "single_sign_on.kratos.admin.port", "ingress.class"} < {
        *listed
    }
    assert "| `storage.class` | The StorageClass of apps. Default: `local-path`. |" in rows
    assert {*listed} <= {key.name.replace("*", "NAME") for key in keys()}


def test_keys_are_those_of_the_file() -> None:
    found = {key.name: key for key in keys()}
    assert found["domain"] == Key("domain", required=True, default="")
    assert found["ingress.class"] == Key("ingress.class", required=False, default="nginx")
    assert "single_sign_on.needs.*.labels" in found
    assert "backup.store.service.port" in found
