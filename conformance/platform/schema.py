"""The format of ``platform.yaml`` for tools and people: a JSON schema, and a table of keys."""

from __future__ import annotations

from conformance.formats import schema
from conformance.platform.description import FILE, Platform

SCHEMA_FILE = "platform.schema.json"


def generate_schema() -> str:
    """Return the JSON schema of the format, as it is to be committed beside this module."""
    return schema.generate_schema(Platform, FILE)


def table() -> str:
    """Return every key as a table in Markdown; what stands in several places is listed once."""
    return schema.table(Platform)
