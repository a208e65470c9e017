"""The packages that a run has to survive, as their README tells of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.common.settings import data_root

BROKEN = data_root() / "fixtures" / "packages-broken"


@dataclass(frozen=True)
class Expected:
    """What a run has to say of a package."""

    folder: str
    check: str
    text: str


def expectations() -> list[Expected]:
    """Return the rows of the README's table, one for each folder."""
    rows = re.findall(
        r"(?m)^\| (`.*) \| .* \| `(.*)` \| (.*) \|$", (BROKEN / "README.md").read_text()
    )
    return [
        Expected(folder, check, text)
        for folders, check, text in rows
        for folder in re.findall(r"`(.+?)`", folders)
    ]
