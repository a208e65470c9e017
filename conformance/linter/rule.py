"""What a rule is, and the list of all."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.linter.findings import NotRun, Problem, Severity

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

Check = Callable[["AppPackage"], Iterable[Problem | NotRun]]


@dataclass(frozen=True)
class Requirement:
    """What an app needs for a level: a rule of the linter, or a check on a cluster."""

    word: ClassVar[str] = "check"

    id: str
    """A rule's family and name, ``backup.claim-label``; a check's id in the suite's reports."""
    title: str
    """The demand, as a sentence: ``A claim carries the backup set's label``; a check's promise."""
    level: int
    """1 to 6: the level that an app cannot have while this is violated. From 4 on it is a check."""
    severity: Severity

    @property
    def core(self) -> bool:
        """Whether violating it costs the level."""
        return self.severity is Severity.ERROR


@dataclass(frozen=True)
class Rule(Requirement):
    """One thing that Stackspin, or Kubernetes, or Flux needs of a package."""

    word: ClassVar[str] = "rule"

    why: str
    """What happens to people's apps or data otherwise."""
    source: str
    """Where the demand comes from: the URL of a specification or manual, or ``Stackspin``."""
    fix: str
    """What to do, in one sentence."""
    example: str
    """A few lines of YAML that are right."""
    check: Check


_RULES: dict[str, Rule] = {}


def rule(
    id: str,
    title: str,
    *,
    level: int,
    severity: Severity = Severity.ERROR,
    why: str,
    source: str,
    fix: str,
    example: str,
) -> Callable[[Check], Check]:
    """Register the decorated function as a rule's check.

    It takes an app and yields a ``Problem`` for each violation, and ``NotRun`` for what it could
    not judge. Where the rule has nothing to look at (no volumes, no login) it yields nothing.
    """

    def register(check: Check) -> Check:
        known = _RULES.get(id)
        # A module that is imported anew, as pytest's pytester has it, says the same once more.
        if known is not None and _origin(known.check) != _origin(check):
            raise ValueError(f"there is a rule {id} already")
        _RULES[id] = Rule(id, title, level, severity, why, source, fix, example.strip("\n"), check)
        return check

    return register


def _origin(check: Check) -> tuple[str, str]:
    return check.__module__, check.__qualname__


def all_rules() -> Mapping[str, Rule]:
    """Return every rule by id, families in the order of their names."""
    _import_rules()
    return dict(sorted(_RULES.items()))


@functools.cache  # a tenth of the time that it takes to judge a package is the walk
def _import_rules() -> None:
    rules = importlib.import_module("conformance.linter.rules")  # whose modules import this
    for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."):
        importlib.import_module(module.name)
