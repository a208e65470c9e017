"""A format for tools and people: a JSON schema, and a table of keys; both from its model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def generate_schema(model: type[BaseModel], title: str) -> str:
    """Return the JSON schema of the format ``title``, as it is to be committed."""
    made = model.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = title
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def table(model: type[BaseModel]) -> str:
    """Return every key as a table in Markdown; what stands in several places is listed once."""
    schema = model.model_json_schema(by_alias=True)
    rows = _rows(schema, "", _Parts(schema["$defs"]))
    return "\n".join(["| Key | What it is |", "|---|---|", *rows]) + "\n"


class _Parts:
    """The parts of the schema that others refer to."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._all = parts
        self._listed: set[str] = set()

    def below(self, node: object) -> Iterator[Mapping[str, Any]]:
        """Yield the parts that a node refers to, each only the first time."""
        if isinstance(node, list):
            for item in node:
                yield from self.below(item)
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in self._listed:
                self._listed.add(name)
                yield self._all[name]
            yield from self.below([*node.values()])

    def description(self, node: Mapping[str, Any]) -> str:
        """Return what a node is; pydantic leaves it out where the part says the same."""
        part = self._all.get(str(node.get("$ref", "")).rpartition("/")[2], {})
        text = str(node.get("description") or part["description"])
        return " ".join(text.split()).replace("``", "`")


def _rows(schema: Mapping[str, Any], prefix: str, parts: _Parts) -> Iterator[str]:
    for key, node in schema["properties"].items():
        text = parts.description(node)
        if key in schema.get("required", ()):
            text += " Required."
        elif isinstance(node.get("default"), str | int) and node["default"] != "":
            text += f" Default: `{node['default']}`."
        yield f"| `{prefix}{key}` | {text} |"
        several = "[]" if node.get("type") == "array" else ""
        if isinstance(node.get("additionalProperties"), Mapping):
            several = ".NAME"
        for part in filter(_has_keys, parts.below(node)):
            yield from _rows(part, f"{prefix}{key}{several}.", parts)


def _has_keys(part: Mapping[str, Any]) -> bool:
    """Whether a part is a mapping of keys, not a choice of texts."""
    return "properties" in part
