"""What must be there before parts are obtained: somebody who has them, disk space, packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.common import disk_space
from conformance.common.settings import CACHE_VARIABLE
from conformance.components.debian import ensure_packages
from conformance.components.parts import Part
from conformance.components.ways import MADE, NOWHERE, Ways, nowhere


def prepare(missing: Sequence[Part], ways: Ways, cache: Path, say: Callable[[str], None]) -> None:
    """Fail before any work if one of these parts cannot be obtained; install what it takes.

    Raises HarnessError: no registry gives it, too little space, a package that is not there.
    """
    if lost := [one.name for one in missing if ways.of(one).how == NOWHERE]:
        raise nowhere(lost)
    what = ", ".join(one.name for one in missing)
    needed = sum(ways.space(one) for one in missing) << 20
    disk_space.require(what, needed, cache, CACHE_VARIABLE)
    made = [one for one in missing if ways.of(one).how == MADE and one.packages]
    ensure_packages(
        {name: sign for one in made for name, sign in one.packages.items()},
        why=f"build {', '.join(one.name for one in made)}",
        say=say,
    )
