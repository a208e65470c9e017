"""What a ``conformance.yaml`` that is there already says of how a chart is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.linter.access import Value, get, mapping, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.draft.chart_values import variable_name
from conformance.linter.draft.choices import Given, SecretDraft
from conformance.linter.limits import Limits
from conformance.linter.reading.description import descriptions, read_document

_HOST = re.compile(r"(?:[a-z0-9-]|\.|\$\{domain\})+")
_LOCAL = re.compile(r"/[A-Za-z0-9._~%/?=&+-]*")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_GENERATED = "${generated}"
_DEFAULT = Limits()


def described(root: Path, app: AppPackage, limits: Limits = _DEFAULT) -> Mapping[str, Value] | None:
    """Return what the description of an app says, as it is written; None: there is none.

    Raises DescriptionError if it cannot be read.
    """
    folders = [app.path, *(chart.folder for chart in app.charts)]
    for path in descriptions(root, folders):
        document = read_document(path, limits)
        found = mapping(document.value) if document is not None else {}
        if found.get("app") in (None, app.name):
            return found
    return None


def given_in(description: Mapping[str, Value]) -> Given:
    """Return what a description says of a chart's installation."""

    def fitting(pattern: re.Pattern[str], *path: str) -> str:
        found = text(get(description, *path))
        return found if pattern.fullmatch(found) else ""

    return Given(
        host=fitting(_HOST, "host"),
        values=mapping(description.get("values")),
        made=tuple(_secrets(description)),
        redirect=fitting(_LOCAL, "login", "redirect_uri"),
        backchannel_logout=fitting(_LOCAL, "login", "backchannel_logout_uri"),
    )


def _secrets(description: Mapping[str, Value]) -> Iterator[SecretDraft]:
    """Yield the Secrets that operators make by hand and of which all values are generated.

    A package makes such Secrets itself.
    """
    for one in sequence(description.get("secrets")):
        name, data = text(get(one, "name")), mapping(get(one, "data"))
        generated = all(_KEY.fullmatch(text(key)) and data[key] == _GENERATED for key in data)
        if _NAME.fullmatch(name) and data and generated:
            variables = {key: f"${{{variable_name(name, key)}}}" for key in data}
            yield SecretDraft(name, variables)
