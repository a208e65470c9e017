"""A chart's templates as text: passwords that stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.linter.app import Chart
from conformance.linter.facts.credentials import is_credential

_TEMPLATE = re.compile(r"templates/(?!tests?/).*\.(ya?ml|tpl)")
_CONFIG = re.compile(r"(?!ci/|charts/|crds/|templates/)(.*/)?[^/]*\.(env|ini|toml|conf|properties)")
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_SETTING = re.compile(
    r"\s*(?:-\s+)?[\"']?([A-Za-z_][\w.-]{0,200})[\"']?\s*(?:=|:(?=\s))\s*([^\s#].*)"
)
_DEFAULT = re.compile(r"\{\{[^}]*\bdefault\s+[\"`]([^\"`}]+)[\"`]")
"""What a template takes if nobody gives a value."""


@dataclass(frozen=True)
class TextLine:
    """A line of a template."""

    file: str
    """Relative to PATH."""
    line: int
    key: str
    """Of what it sets."""


def literal_credentials(chart: Chart) -> Iterator[TextLine]:
    """Yield each line of a template, or of a configuration file, that has a password in it."""
    for file, lines in _texts(chart, _TEMPLATE, _CONFIG):
        name = ""
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith(("#", ";", "//")):
                continue
            match = _SETTING.match(line)
            before, name = name, ""
            if not match:
                continue
            key, value = match[1], _unquoted(match[2])
            if key == "name":
                name = value
            elif key == "value" and before:
                key = before  # - name: KEY, and below it value: VALUE
            literals = _DEFAULT.findall(match[2]) if "{{" in line else [value]
            if any(is_credential(key, one) for one in literals):
                yield TextLine(chart.path(file), number, key)


def _texts(chart: Chart, *patterns: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the chart's files of some names: path, and lines without comments of templates."""
    for file in sorted(chart.files):
        if any(pattern.fullmatch(file) for pattern in patterns):
            text = chart.text(file) or ""
            blank = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
            yield file, blank.splitlines()


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        return value[1:].split(value[0])[0]
    return re.split(r"\s#", value)[0].rstrip(" ,;")
