"""Rules run on apps, with a limit on their time; on many apps in several processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.linter.deadline import CPU, TooLongError, alarmed, at_most
from conformance.linter.findings import NotRun, Problem
from conformance.linter.processes import spread

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.rule import Rule

MOST_FINDINGS = 100
"""Of one rule in one app; more would only hide the others."""
_OF_THE_TREE = (
    "kustomization", "package", "reference", "release", "schema", "secrets", "variable"
)  # fmt: skip
"""Families of rules that also judge what belongs to no app; the others are about one."""
_PART = 32
"""Apps that are worth a process: to start one takes about as long as to judge three."""


@dataclass(frozen=True)
class Answer:
    """What a rule says of an app."""

    problems: tuple[Problem, ...] = ()
    """Each once; one more than ``MOST_FINDINGS`` where there are more."""
    reasons: tuple[str, ...] = ()
    """Why it could not be judged, or not everywhere."""


def run_rules(
    apps: Sequence[AppPackage], rules: Sequence[Rule], seconds: float
) -> list[list[Answer]]:
    """Return for each app what each rule says of it.

    ``seconds`` of CPU time is what all rules may take, in each process.
    """
    return spread(apps, partial(_run_here, rules=rules, seconds=seconds), _PART)


def _run_here(
    apps: Sequence[AppPackage], *, rules: Sequence[Rule], seconds: float
) -> list[list[Answer]]:
    budget = _Budget(seconds)
    with alarmed(CPU):
        return [[_run(rule, app, budget) for rule in rules] for app in apps]


class _Budget:
    """The CPU time that is left for rules."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.process_time() + seconds

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - time.process_time()

    def spend(self) -> None:
        """Leave nothing: an alarm may come a little early."""
        self._end = 0.0


def _run(rule: Rule, app: AppPackage, budget: _Budget) -> Answer:
    problems: dict[Problem, None] = {}
    reasons: list[str] = []
    if app.rest and rule.id.partition(".")[0] not in _OF_THE_TREE:
        return Answer()
    left = budget.left
    if left <= 0:
        return Answer(reasons=(f"the rules before it used up the time of {budget.seconds:g} s",))
    try:
        with at_most(left, CPU):
            for one in rule.check(app):
                if isinstance(one, NotRun):
                    reasons.append(one.reason)
                else:
                    problems[one] = None
                if len(problems) > MOST_FINDINGS:
                    break
    except TooLongError:
        budget.spend()
        reasons.append(f"the time for all rules, {budget.seconds:g} s, ran out while this rule ran")
    except Exception as error:
        reasons.append(defect(error))
    return Answer(tuple(problems), tuple(reasons))


def defect(error: Exception) -> str:
    """Return what to report; never the error's own words, which may hold a secret's value."""
    where = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "conformance" in Path(code.co_filename).parts:
            where = f" in {Path(code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"internal error ({type(error).__name__}{where}): please report it"
