"""Writing of the views: report.json, junit.xml, report.html, and what may be handed in."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from conformance.report.conformance_report import (
    FILE,
    conformance_report,
    to_yaml,
)
from conformance.report.files import write_atomically
from conformance.report.html import to_html
from conformance.report.junit import to_junit
from conformance.report.model import RunReport

SCHEMA_FILE = "report.schema.json"


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema of report.json as shipped in the package."""
    text = resources.files(__package__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def validator() -> Draft202012Validator:
    """Return what validates a report.json against its schema."""
    return Draft202012Validator(schema())


def generate_schema() -> str:
    """Return the model's JSON schema, as it is to be committed."""
    made = RunReport.model_json_schema(by_alias=True, mode="serialization")
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def to_json(report: RunReport) -> str:
    """Return report.json.

    Raises:
        jsonschema.ValidationError: the report does not follow the shipped schema.
    """
    document = report.model_dump(mode="json", by_alias=True)
    validator().validate(document)
    return _text_of(document)


def write_views(report: RunReport, folder: Path, *, page: bool = True) -> None:
    """Write every view of ``report`` into ``folder``, the page only if ``page`` is true.

    It is not validated while the run goes on: after every check, that would take longer than all
    the rest, and the check after it waits meanwhile. Raises as ``to_json`` once the run is over.
    """
    goes_on = report.state == "running"
    text = _text_of(report.model_dump(mode="json", by_alias=True)) if goes_on else to_json(report)
    write_atomically(folder / "report.json", text)
    write_atomically(folder / "junit.xml", to_junit(report))
    if page:
        write_atomically(folder / "report.html", to_html(report, folder))
    if to_hand_in := conformance_report(report):
        write_atomically(folder / FILE, to_yaml(to_hand_in))


def _text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
