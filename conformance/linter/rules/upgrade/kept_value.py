"""The given values of a generated secret do not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.changes import (
    against_previous,
    key_of,
)
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_secrets import GENERATORS

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.kept-value", level=3, severity=Severity.WARNING)
@against_previous
def kept_value(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each given value that is another one now."""
    old = {key_of(one): one for one in before.written if one.kind in GENERATORS}
    for new in app.written:
        was = old.get(key_of(new))
        if was is None or new.get("spec", "forceRegenerate") is True:
            continue
        for path in (("spec", "username"), *(("spec", "data", key) for key in _data(new))):
            value = was.get(*path)
            if value is not None and str(value) != str(new.get(*path)):
                key = str(path[-1])
                yield Problem(
                    new.place(*path),
                    f"{key} was {quoted(value, key)}, and is {quoted(new.get(*path), key)} now: "
                    "servers that have the app keep the old value",
                )


def _data(manifest: Manifest) -> Mapping[str, object]:
    return mapping(manifest.get("spec", "data"))
