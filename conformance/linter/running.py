"""Rules run on apps as they come, with a limit on their time; on many apps in several processes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.linter.deadline import CPU, TooLongError, alarmed, at_most
from conformance.linter.findings import NotRun, Problem
from conformance.linter.processes import Spread, processors

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.rule import Rule

MOST_FINDINGS = 100
"""Of one rule in one app; more would only hide the others."""
_OF_THE_TREE = (
    "kustomization", "package", "reference", "release", "schema", "secrets", "variable"
)  # fmt: skip
"""Families of rules that also judge what belongs to no app; the others are about one."""
_PART = 16
"""Apps that are worth a process: to start one takes about as long as to judge three. More at once
would only wait, with all that they render to."""


@dataclass(frozen=True)
class Answer:
    """What a rule says of an app."""

    problems: tuple[Problem, ...] = ()
    """Each once; one more than ``MOST_FINDINGS`` where there are more."""
    reasons: tuple[str, ...] = ()
    """Why it could not be judged, or not everywhere."""


_NOTHING = Answer()
Said = dict[str, Answer]
"""Id of a rule -> what it says of an app; of most there is nothing to say."""


class RuleRuns:
    """Runs rules on each app that it is given. A context manager, which leaves no process behind.

    It holds on to no app that has been judged.
    """

    def __init__(self, rules: Sequence[Rule], seconds: float) -> None:
        """``seconds`` of CPU time is what all rules may take, on each processor."""
        self._rules = rules
        self._seconds = seconds
        self._process = os.getpid()
        self._spread = Spread(self._run_part, _PART)

    def __enter__(self) -> RuleRuns:
        return self

    def __exit__(self, *_: object) -> None:
        self._spread.close()

    def add(self, app: AppPackage) -> None:
        """Have the rules run on an app, soon."""
        self._spread.add(app)

    def said(self) -> list[Said]:
        """Return what the rules say of each app, in their order, when all have been judged."""
        return [said for part in self._spread.all_made() for said in part.said]

    def _run_part(self, apps: Sequence[AppPackage]) -> _Part:
        here = os.getpid() == self._process
        used = sum(part.seconds for part in self._spread.made.values() if part.here == here)
        began = time.process_time()
        left = self._seconds - used / (1 if here else processors() - 1)
        budget = _Budget(self._seconds, began + left)
        with alarmed(CPU):
            said = [self._run_all(app, budget) for app in apps]
        spent = time.process_time() - began if budget.left > 0 else left
        return _Part(said, spent, here)

    def _run_all(self, app: AppPackage, budget: _Budget) -> Said:
        said = ((rule.id, _run(rule, app, budget)) for rule in self._rules)
        return {rule: answer for rule, answer in said if answer != _NOTHING}


@dataclass(frozen=True)
class _Part:
    """What the rules say of some apps."""

    said: list[Said]
    seconds: float
    """Of CPU time, that it took."""
    here: bool
    """Whether it was judged in the process that was given the apps, and not beside it."""


class _Budget:
    """The CPU time that is left for rules."""

    def __init__(self, seconds: float, end: float) -> None:
        """``end`` is when nothing is left of the ``seconds``, by ``time.process_time``."""
        self.seconds = seconds
        self._end = end

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
        return _NOTHING
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
