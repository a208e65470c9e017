"""What a rule is, and the list of all."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from conformance.linter.findings import NotRun, Problem, Severity

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Check = Callable[["AppPackage"], Iterable[Problem | NotRun]]


@dataclass(frozen=True)
class Requirement(ABC):
    """What an app needs for a level: a rule of the linter, or a check on a cluster."""

    word: ClassVar[str]

    id: str
    """A rule's family and name, ``backup.claim-label``; a check's id in the suite's reports."""
    level: int
    """1 to 6: the level that an app cannot have while this is violated. From 4 on it is a check."""
    severity: Severity

    @property
    @abstractmethod
    def title(self) -> str:
        """The demand, as a sentence: ``A claim carries the backup set's label``."""

    @property
    def core(self) -> bool:
        """Whether violating it costs the level."""
        return self.severity is Severity.ERROR


@dataclass(frozen=True)
class Prose:
    """What people read of a rule: a YAML file beside its module."""

    title: str
    """The demand, as a sentence; it is also the first line of the module's docstring."""
    why: str
    """What happens to people's apps or data otherwise."""
    source: str
    """Where the demand comes from: the URL of a specification or manual, or ``Stackspin``."""
    fix: str
    """What to do, in one sentence."""
    example: str
    """A few lines of YAML that are right."""


@dataclass(frozen=True)
class Rule(Requirement):
    """One thing that Stackspin, or Kubernetes, or Flux needs of a package."""

    word: ClassVar[str] = "rule"

    check: Check
    read: Callable[[], Prose]
    """Reads its prose, when it is asked for: most runs need that of few rules."""

    @cached_property
    def prose(self) -> Prose:
        """What people read of it."""
        return self.read()

    @property
    def title(self) -> str:
        """The demand, as a sentence."""
        return self.prose.title


_RULES: dict[str, Rule] = {}


def rule(id: str, *, level: int, severity: Severity = Severity.ERROR) -> Callable[[Check], Check]:
    """Register the decorated function as a rule's check.

    It takes an app and yields a ``Problem`` for each violation, and ``NotRun`` for what it could
    not judge. Where the rule has nothing to look at (no volumes, no login) it yields nothing. The
    rule's prose is beside its module, in a file of the same name with the ending ``.yaml``.
    """

    def register(check: Check) -> Check:
        known = _RULES.get(id)
        # A module that is imported anew, as pytest's pytester has it, says the same once more.
        if known is not None and _origin(known.check) != _origin(check):
            raise ValueError(f"there is a rule {id} already")
        module = sys.modules[check.__module__].__file__
        _RULES[id] = Rule(id, level, severity, check, partial(read_prose, f"{module}"))
        return check

    return register


def read_prose(module: str) -> Prose:
    """Return the prose beside a rule's module, given the module's file.

    Raises OSError, yaml.YAMLError or TypeError if it is not there, or not whole.
    """
    text = Path(module).with_suffix(".yaml").read_text(encoding="utf-8")
    prose = yaml.load(text, _LOADER)  # noqa: S506 - a safe one
    return Prose(**{key: value.rstrip("\n") for key, value in prose.items()})


def _origin(check: Check) -> tuple[str, str]:
    return check.__module__, check.__qualname__


def all_rules() -> Mapping[str, Rule]:
    """Return every rule by id, families in the order of their names."""
    _import_rules()
    return dict(sorted(_RULES.items()))


@cache  # a tenth of the time that it takes to judge a package is the walk
def _import_rules() -> None:
    rules = importlib.import_module("conformance.linter.rules")  # whose modules import this
    for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."):
        importlib.import_module(module.name)
