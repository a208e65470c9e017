"""The format of ``conformance.yaml`` for tools and people: a JSON schema, and a table of keys."""

from __future__ import annotations

from conformance.apps.package.model.description import Description
from conformance.formats import schema

SCHEMA_FILE = "conformance.schema.json"


def generate_schema() -> str:
    """Return the JSON schema of the format, as it is to be committed beside this module."""
    return schema.generate_schema(Description, "conformance.yaml")


def table() -> str:
    """Return every key as a table in Markdown; what stands in several places is listed once."""
    return schema.table(Description)
