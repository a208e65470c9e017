"""How far an app has come: levels 0 to 3, each on top of the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.rule import Rule

LEVELS: Mapping[int, str] = {
    0: "Nothing is sure yet: Flux cannot apply it as it is, or the linter could not see whether it "
    "can.",
    1: "Flux can apply it: its files are valid objects, and everything they refer to is there.",
    2: "It runs the Stackspin way: its workloads are valid and probed, with ports, an ingress with "
    "TLS and a login that fit together.",
    3: "Its data is safe: backups hold all of it, secrets are generated, containers are confined, "
    "and an upgrade keeps it.",
}
"""What an app of each level is, in one sentence. 4 to 6 would need a cluster."""

HIGHEST = max(LEVELS)


def level_of(holding: Iterable[Rule]) -> int:
    """Return the highest level that an app has, given the rules that hold it down.

    Those are the rules of severity "error" that are violated, waived or not, and every rule that
    was not run: a level is a promise, and nobody promises what nobody has looked at.
    """
    return min((rule.level for rule in holding), default=HIGHEST + 1) - 1
