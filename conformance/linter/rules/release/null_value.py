"""A key of the values that stands there empty has nothing to erase.

Whether the values of a release mean what they seem to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, walk
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Release


_NOTHING = re.compile(r"""\s*(- )?['"]?[^'":#]+['"]?:\s*(#.*)?""")
"""A line with a key and no value; who writes ``null`` or ``~`` means it."""


_OWN_NAMES = re.compile(
    r"(.*_)?env|extraenv\w*|env(ironment)?(vars|variables)?|\w*(labels|annotations)|nodeselector",
    re.IGNORECASE,
)
"""Keys of mappings whose own keys are anybody's."""


@rule("release.null-value", level=2, severity=Severity.WARNING)
def null_value(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each empty key that erases something, or may: of a chart that is not here."""
    for release in app.releases:
        for source in release.sources:
            document = source.document
            if document is None:
                continue
            lines = app.texts.get(document.file, "").split("\n")
            for path, value in walk(document.value):
                if value is not None or not path or get(release.values, *path) is not None:
                    continue
                line = document.line(path)
                written = lines[line - 1] if 0 < line <= len(lines) else ""
                if _erases(release, path) and _NOTHING.fullmatch(written):
                    yield Problem(
                        release.place(*path),
                        f"{'.'.join(map(str, path))} is empty: that is null, which removes "
                        "the chart's defaults",
                    )


def _erases(release: Release, path: tuple[str | int, ...]) -> bool:
    if isinstance(path[-1], int):
        return False
    if release.chart is None:
        # What people name themselves has no default, as far as anybody can tell.
        return not any(_OWN_NAMES.fullmatch(str(key)[:99]) for key in path[:-1])
    values = release.chart.values
    return values is not None and get(values.value, *path) not in (None, {}, [], "")
