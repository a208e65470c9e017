"""The format of conformance.yaml for tools and people is that of the models."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from test_package_description import WHOLE

from conformance.apps.package import schema as package_schema
from conformance.apps.package.description import read_description
from conformance.apps.package.schema import SCHEMA_FILE, generate_schema, table
from conformance.common.settings import PROJECT_ROOT

COMMITTED = Path(package_schema.__file__).with_name(SCHEMA_FILE)
REMEDY = (
    "run: python -c 'from conformance.apps.package.schema import generate_schema as g; "
    'print(g(), end="")\' > conformance/apps/package/conformance.schema.json'
)


def test_the_shipped_schema_is_that_of_the_models() -> None:
    assert COMMITTED.read_text() == generate_schema(), REMEDY


def test_the_schema_accepts_what_the_models_accept() -> None:
    schema = json.loads(COMMITTED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = yaml.load(WHOLE, yaml.BaseLoader)  # noqa: S506 - texts only, as dates are
    document["data"]["seed"][0]["status"] = 201
    jsonschema.validate(document, schema)


@pytest.mark.parametrize(
    "document", [{"hots": "a"}, {"serves": {}}, {"data": {"seed": [{}], "verify": []}}]
)
def test_the_schema_refuses_what_the_models_refuse(document: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(COMMITTED.read_text()))


def test_the_table_has_every_key_once() -> None:
    rows = table().splitlines()
    keys = [row.split("`")[1] for row in rows[2:]]
    steps = {"data.seed[].contains", "data.seed[].save"}  # of a request, and of a command
    assert {key for key in keys if keys.count(key) > 1} == steps
    assert {"app", "serves.path", "images[].archive", "login.logout.click", "skip[].until"} < {
        *keys
    }
    assert "| `serves.status` | The status of the answer. Default: `200`. |" in rows
    assert "| `login.begin` | The path where a login begins. Required. |" in rows


def test_the_document_has_the_table_and_an_example_that_is_right(tmp_path: Path) -> None:
    document = (PROJECT_ROOT / "docs" / "app-packages.md").read_text()
    assert table() in document, "put table() of conformance.apps.package.schema into it"
    section = document.partition("## Describe the app")[2]
    example = section.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "conformance.yaml").write_text(example)
    found = read_description(tmp_path / "conformance.yaml")
    assert found.data is not None
    assert found.login is not None
