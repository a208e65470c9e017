"""How far an app has come: levels 0 to 6, each on top of the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.rule import Requirement

LEVELS: Mapping[int, str] = {
    0: "Nothing is sure yet: Flux cannot apply it as it is, or the linter could not see whether it "
    "can.",
    1: "Flux can apply it: its files are valid objects, and everything they refer to is there.",
    2: "It runs the Stackspin way: its workloads are valid and probed, with ports, an ingress with "
    "TLS and a login that fit together.",
    3: "Its data is safe: backups hold all of it, secrets are generated, containers are confined, "
    "and an upgrade keeps it.",
    4: "It runs on Stackspin: Flux installs it, it answers at its host, goes on after the loss of "
    "a pod or the node, and leaves other apps alone.",
    5: "Its data survives: upgrades, removal and a restored backup bring back every file of it.",
    6: "People log in once: Stackspin's single sign-on lets in everybody who may use it, and "
    "nobody else.",
}
"""What an app of each level is, in one sentence."""

STATIC = 3
"""The highest level that its files can show; those above it need a run on a cluster."""
HIGHEST = max(LEVELS)


def level_of(holding: Iterable[Requirement], highest: int = STATIC) -> int:
    """Return the highest level that an app has, given what holds it down.

    Those are the rules and checks of severity "error" that are violated, waived or not, and all
    that were not run: a level is a promise, and nobody promises what nobody has looked at. For the
    same reason it is not above ``highest``, the highest level that was looked at.
    """
    return min((one.level - 1 for one in holding if one.level <= highest), default=highest)
