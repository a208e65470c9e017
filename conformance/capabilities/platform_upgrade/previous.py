"""The release before of the reference platform, made of the present one.

There is none with a tag: what it differs in is in fixtures/platforms/previous.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from conformance.common.package import Package

if TYPE_CHECKING:
    from conformance.kube.objects import Object

VERSION = "0.0.1"
"""Of each of its charts: older than any."""
_DIFFERENCES = Path("fixtures", "platforms", "previous.yaml")


def previous_release(folder: Path) -> Path:
    """Make charts/ and fixtures/ of that release in a folder, and return it."""
    root = Package.copy(folder).root
    for file in (root / "charts").glob("*/Chart.yaml"):
        _change(file, {"version": VERSION})
    differences: Object = yaml.safe_load((root / _DIFFERENCES).read_text(encoding="utf-8"))
    for chart, values in differences.items():
        _change(root / "charts" / chart / "values.yaml", values)
    return root


def _change(file: Path, changes: Mapping[str, object]) -> None:
    content = _laid_over(yaml.safe_load(file.read_text(encoding="utf-8")), changes)
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _laid_over(below: object, value: object) -> object:
    """Return a value with another over it, as helm lays values over each other."""
    if not (isinstance(below, Mapping) and isinstance(value, Mapping)):
        return value
    return {**below, **{key: _laid_over(below.get(key), one) for key, one in value.items()}}
