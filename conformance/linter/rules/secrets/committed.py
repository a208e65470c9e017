"""The repository holds no Secret in plain text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import (
    Lines,
    Setting,
    object_settings,
    settings_of,
)
from conformance.linter.facts.credentials import is_credential
from conformance.linter.findings import Problem, quoted
from conformance.linter.reading.documents import Document
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import literals

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


@rule("secrets.committed", level=3)
def committed(app: AppPackage) -> Iterator[Problem]:
    """Yield each credential in a Secret that is written, or given to a StringSecret as it is."""
    chain = logins.holders(app)
    for one in app.written:
        settings: list[Setting] = []
        if one.kind == "Secret" and one.get("sops") is None:
            if (one.file, str(one)) not in chain:
                settings = list(object_settings(one, "stringData"))
                yield from _encoded(app, one)
        elif one.kind in ("StringSecret", "BasicAuth"):
            settings = list(object_settings(one, "spec", "data"))
        yield from literals(app, settings, f"in {one.kind} {one.name}")


def _encoded(app: AppPackage, secret: Manifest) -> Iterator[Problem]:
    """Yield each credential in the ``data`` of a Secret, which is base64."""
    lines = Lines(app)
    for one in object_settings(secret, "data"):
        if not lines.written(one.place, one.value):
            continue
        for key, value in _contents(one):
            if is_credential(key, value):
                message = f"{quoted(key)} is written in Secret {secret.name}, only in base64"
                yield Problem(lines.located(one), message)


def _contents(encoded: Setting) -> Iterator[tuple[str, str]]:
    """Yield what base64 says: the value itself, and what it sets if it is a file."""
    try:
        value = base64.b64decode(encoded.value, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    yield encoded.key, value
    if "\n" in value.strip():
        document = Document(encoded.place.file, {encoded.key: value})
        for one in settings_of(document, encoded.place.object):
            yield one.key, one.value
