"""Helm's messages in words of people who write charts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import walk
from conformance.linter.findings import quoted

_SHOWN = 300
"""Characters of a message."""
_POSITION = re.compile(r'([^\s:()"<>]{1,400}+):(\d{1,9})')
_AFTER_POSITION = re.compile(r"(?::\d+)?\)?:?\s*")
_EXECUTING = re.compile(r'executing "[^"]*" at <([^\n]{0,200}?)>:\s*')
_NIL = re.compile(r"at <(?P<what>[^<>\n]{1,200})>:\s*nil pointer evaluating [^\n]*\.(?P<key>\w+)")
_NO_TEMPLATE = re.compile(r'no template "([^"\n]{1,200})"')
_ENDLESS = ("has a nested reference name", "exceeded maximum template depth")
_LOAD = re.compile(r"cannot load (?P<file>[^\s:]+): (?:.*?\byaml: )?(?:line (?P<line>\d+): )?")
_SCHEMA = "values don't meet the specifications of the schema(s)"
_SAID_BY_CHART = "execution error at ("
"""How Helm introduces what ``required`` and ``fail`` say."""
_LOADING = re.compile(r'failing loading "([^"\n]{1,200})"')
_QUOTED = re.compile(r"'[^'\n]*'")
_SECRET_LENGTH = 4
"""Shorter values are no secrets, and would be found everywhere."""


@dataclass(frozen=True)
class HelmMessage:
    """What went wrong and where."""

    message: str
    template: str = ""
    """As in ``notes/templates/deployment.yaml``, ``chart/values.yaml``: inside the chart's folder,
    whatever that is called. Empty if no file is to blame."""
    line: int = 0
    unjudged: bool = False
    """Whether it is no fault of the chart: what it needs could not be had."""
    needed: bool = False
    """Whether the chart itself says that a value is missing or wrong: ``required``, ``fail``, or
    its values.schema.json."""


def explain(raw: str, values: Mapping[str, Any]) -> HelmMessage:
    """Return Helm's message made readable; secrets of ``values`` do not appear in it."""
    found = _explain(raw)
    message = found.message
    for secret in _secrets(values):
        if secret in message:
            message = message.replace(secret, "***")
    message = " ".join(message.split())
    if len(message) > _SHOWN:
        message = f"{message[:_SHOWN]}…"
    needed = raw.startswith(_SCHEMA) or _SAID_BY_CHART in raw
    return HelmMessage(message, found.template, found.line, found.unjudged, needed)


def _explain(raw: str) -> HelmMessage:
    outside = _LOADING.search(raw)
    if outside:
        address = outside[1]
        fetched = address.startswith(("http:", "https:"))
        why = "which is not fetched" if fetched else "which is not part of it"
        return HelmMessage(f"values.schema.json refers to {address}, {why}", unjudged=fetched)
    if raw.startswith(_SCHEMA):
        return HelmMessage(f"the values do not fit values.schema.json: {_schema_errors(raw)}")
    load = _LOAD.match(raw)
    if load:
        message = f"{load['file']} cannot be read: {raw[load.end() :]}"
        return HelmMessage(message, f"chart/{load['file']}", _int(load["line"]))
    # The innermost template is where the mistake is; the first one only includes it.
    position = _last_position(raw)
    template, line = (position[1], position[2]) if position else ("", "")
    return HelmMessage(_cause(raw), template, _int(line))


def _last_position(raw: str) -> re.Match[str] | None:
    last = None
    for found in _POSITION.finditer(raw):
        if "/templates/" in found[1]:
            last = found
    return last


def _int(digits: str | None) -> int:
    return int(digits[:9]) if digits else 0


def _cause(raw: str) -> str:
    nil = _NIL.search(raw)
    if nil:
        what = nil["what"]
        parent = what.partition(f".{nil['key']}")[0]
        return f"{what} is used, but {parent or 'its parent'} is not set"
    if any(word in raw for word in _ENDLESS):
        return "the template includes itself without end"
    unknown = _NO_TEMPLATE.search(raw)
    if unknown:
        return f'it includes a template "{unknown[1]}" that the chart does not define'
    position = _last_position(raw)
    cause = _AFTER_POSITION.sub("", raw[position.end() :] if position else raw, count=1)
    cause = _EXECUTING.sub(r"\1: ", cause, count=1)
    return f"the template cannot be parsed: {cause}" if raw.startswith("parse error") else cause


def _schema_errors(raw: str) -> str:
    lines = [line.strip().removeprefix("- ") for line in raw.split("\n")[1:]]
    told = []
    for line in lines:
        at, colon, rest = line.partition(": ")
        if _is_secret(at):
            rest = _QUOTED.sub("***", rest)
        if line and not line.endswith(":"):
            told.append(f"{at}{colon}{rest}".removeprefix("at '': "))
    return "; ".join(told)


def _is_secret(key: str) -> bool:
    return quoted("", key) == "***"


def _secrets(values: Mapping[str, Any]) -> list[str]:
    """Return the secret texts among the values, the longest first."""
    found = {
        value
        for path, value in walk(values)
        if isinstance(value, str)
        and len(value) >= _SECRET_LENGTH
        and any(isinstance(key, str) and _is_secret(key) for key in path[-1:])
    }
    return sorted(found, key=len, reverse=True)
