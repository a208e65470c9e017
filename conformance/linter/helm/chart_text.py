"""A chart's templates as text: passwords that stand in them, and values made by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.linter.access import get
from conformance.linter.app import AppPackage, Chart
from conformance.linter.facts.credentials import is_credential, kind_of

_TEMPLATE = re.compile(r"templates/(?!tests?/).*\.(ya?ml|tpl)")
_CONFIG = re.compile(r"(?!ci/|charts/|crds/|templates/)(.*/)?[^/]*\.(env|ini|toml|conf|properties)")
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_SETTING = re.compile(
    r"\s*(?:-\s+)?[\"']?([A-Za-z_][\w.-]{0,200})[\"']?\s*(?:=|:(?=\s))\s*([^\s#].*)"
)
_RANDOM = re.compile(
    r"\b(rand(?:AlphaNum|Alpha|Numeric|Ascii|Bytes)|uuidv4|"
    r"gen(?:PrivateKey|CA|CAWithKey|SelfSignedCert|SelfSignedCertWithKey|SignedCert|"
    r"SignedCertWithKey))\b"
)
_KEPT = re.compile(r"\blookup\s|\.Release\.IsInstall\b")
_INSTALL_ONLY = re.compile(r"helm\.sh/hook[\"']?:\s*[\"']?pre-install[\"']?\s*$", re.MULTILINE)
_SECRET = re.compile(r"^kind:\s*[\"']?Secret\b", re.MULTILINE)
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]*)\"")
_VALUE = re.compile(r"\.Values((?:\.\w+)+)")
_ABOVE = 3
"""Lines above a random value in which ``if`` or ``with`` may name the value that replaces it."""


@dataclass(frozen=True)
class TextLine:
    """A line of a template."""

    file: str
    """Relative to PATH."""
    line: int
    key: str
    """Of what it sets; or the function that it calls."""


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
            if "{{" not in line and is_credential(key, value):
                yield TextLine(chart.path(file), number, key)


def chance(app: AppPackage, chart: Chart) -> Iterator[TextLine]:
    """Yield each value that a chart makes anew whenever it is rendered.

    Not so where it looks up what is there, makes it for the first installation only, or where
    the HelmReleases of the chart give the value.
    """
    for file, lines in _texts(chart, _TEMPLATE):
        content = "\n".join(lines)
        if _KEPT.search(content) or _INSTALL_ONLY.search(content):
            continue
        secret = bool(_SECRET.search(content))
        block = ""
        for number, line in enumerate(lines, 1):
            defined = _DEFINE.search(line)
            block = defined[1] if defined else block
            match = _RANDOM.search(line)
            if not match or "{{" not in line:
                continue
            key = line.partition(":")[0].strip()
            about = secret or kind_of(key) or kind_of(block.rpartition(".")[2])
            if (about or match[1].startswith("gen")) and not _is_given(app, chart, lines, number):
                yield TextLine(chart.path(file), number, match[1])


def _is_given(app: AppPackage, chart: Chart, lines: list[str], number: int) -> bool:
    """Return whether each HelmRelease of the chart gives a value that is used instead."""
    near = "\n".join(lines[max(0, number - 1 - _ABOVE) : number])
    paths = [tuple(path[1:].split(".")) for path in _VALUE.findall(near)]
    releases = [one for one in app.releases if one.chart is chart]
    return bool(releases) and all(
        any(isinstance(get(one.values, *path), str) and get(one.values, *path) for path in paths)
        for one in releases
    )


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
