"""One result, seen in several ways: terminal, JSON, JUnit, HTML.

Everything that comes from a package passes ``shown`` before a person sees it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.linter.findings import Place, Severity

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Finding
    from conformance.linter.rule import Requirement

_FEW = 3
"""That many rules are named, more are counted."""


_ENDED = {
    "pass": "passed",
    "fail": "failed",
    "not run": "not run",
    "waived": "waived",
    "not applicable": "not applicable",
}
_SAME_CAUSE = " (reported at "
"""In the reason of a check that failed as one before it did, as in what both of them need."""
_YAML = (".yaml", ".yml")


def where(place: Place, app: AppResult) -> str:
    """Return a place as one opens it: file, line, beginning with the PATH that was given."""
    file = joined_path(app.root, place.file or app.app.path)
    return f"{file}:{place.line}" if place.line else file


def sentence(finding: Finding) -> str:
    """Return the message with the object before it, unless it begins with the object itself."""
    kind, _, name = finding.place.object.partition(" ")
    named = f"{kind} {name.rpartition('/')[2]}".strip()
    if not named or finding.message.startswith((f"{named} ", f"{named}'")):
        return finding.message
    return f"{finding.place.object}: {finding.message.removeprefix(f'{named}: ')}"


def joined_path(root: str, file: str) -> str:
    """Return a file below the PATH that was given."""
    if file in ("", ".") or (root.rpartition("/")[2] == file and file.endswith(_YAML)):
        return root
    return file if root in ("", ".") else f"{root.rstrip('/')}/{file}"


def link(path: Path, start: Path) -> str:
    """Return a file of a run's report relative to the folder ``start``, which the view is in."""
    return Path(os.path.relpath(path, start)).as_posix()


def level_name(app: AppResult) -> str:
    """Return ``level 2``, or that none is claimed."""
    return "no level" if app.level is None else f"level {app.level}"


def colour(app: AppResult) -> str:
    """Return how an app is doing: ``fail``, ``partial`` if it could have a higher level, ``pass``.

    It fails only by an error that nobody has waived.
    """
    if app.failed:
        return "fail"
    return "pass" if app.level == app.highest else "partial"


def has_more(app: AppResult) -> bool:
    """Return whether there is more to say of an app than its level."""
    return bool(app.findings or app.not_run or app.remark or app.checks or app.not_judged)


def not_judged(app: AppResult) -> list[tuple[str, str]]:
    """Return which levels the run on a cluster says nothing of, ``level 4``, and why."""
    found: dict[str, list[int]] = {}
    for level, reason in app.not_judged.items():
        found.setdefault(reason, []).append(level)
    return [(levels_named(levels), reason) for reason, levels in found.items()]


def verdicts(app: AppResult) -> list[str]:
    """Return how the checks on the cluster ended: ``10 checks passed``, ``1 failed``."""
    count = Counter(_ENDED.get(one.verdict, one.verdict) for one in app.checks)
    order = {word: place for place, word in enumerate(_ENDED.values())}
    words = sorted(count, key=lambda word: order.get(word, len(order)))
    told = [f"{count[word]} {word}" for word in words]
    return [f"{counted(count[words[0]], 'check')} {words[0]}", *told[1:]] if words else []


def same_cause(app: AppResult) -> list[Finding]:
    """Return the failed checks whose cause another one tells."""
    failed = [one for one in app.findings if one.failed]
    repeated = [one for one in failed if one.failed and _SAME_CAUSE in one.failed.reason]
    # The other one may be of another app.
    return repeated if len(repeated) < len(failed) else repeated[1:]


def cause(finding: Finding, app: AppResult) -> Hashable:
    """Return what findings of several apps have in common that are one cause in one place."""
    found = (app.root, finding.rule.id, finding.place.file, finding.place.line, finding.message)
    return id(finding) if finding.failed or not finding.place.file else (*found, finding.kind)


def reasons(app: AppResult) -> list[tuple[str, list[Requirement]]]:
    """Return why rules and checks were not run, each cause once, with its rules.

    Most causes are a chart that is elsewhere; a rule may add what it does not know without it.
    """
    causes = [cause for one in app.app.installations for cause in one.missing]
    found: dict[str, dict[str, Requirement]] = {}
    for rule, reason in app.not_run:
        cause = next((one for one in causes if reason.startswith(one)), reason)
        found.setdefault(cause, {})[rule.id] = rule
    return [(cause, list(rules.values())) for cause, rules in found.items()]


def to_mend(app: AppResult) -> list[Requirement]:
    """Return what the next level takes and is violated; nothing where something was not run."""
    if app.level is None:
        return []
    following = app.level + 1
    if any(rule.level == following for rule, _ in app.not_run):
        return []
    found = (one.rule for one in app.findings if one.rule.core and one.rule.level == following)
    return list({rule.id: rule for rule in found}.values())


def counted(number: int, word: str) -> str:
    """Return ``1 error``, ``2 errors``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def tally(findings: Iterable[Finding]) -> list[str]:
    """Return how many findings there are of each kind: ``2 errors``, ``1 waived``."""
    count = Counter(one.kind for one in findings)
    words = [counted(count[one.value], one.value) for one in Severity if count[one.value]]
    return [*words, *(f"{count[word]} {word}" for word in ("known", "waived") if count[word])]


def levels_tally(apps: Sequence[AppResult]) -> list[str]:
    """Return how many apps have each level, the highest first: ``23 at level 3``."""
    count = Counter(app.level for app in apps if app.level is not None)
    return [f"{number} at level {level}" for level, number in sorted(count.items(), reverse=True)]


def rules_named(rules: Sequence[Requirement]) -> str:
    """Return a few rules by their ids, many by number: ``14 rules of levels 2 and 3``."""
    if len(rules) <= _FEW:
        return ", ".join(rule.id for rule in rules)
    words = " and ".join(sorted({f"{rule.word}s" for rule in rules}, reverse=True))
    return f"{len(rules)} {words} of {levels_named({rule.level for rule in rules})}"


def first_rules(rules: Sequence[Requirement]) -> str:
    """Return a few rules by their ids, and how many more there are."""
    more = f" and {len(rules) - _FEW} more" if len(rules) > _FEW else ""
    return ", ".join(rule.id for rule in rules[:_FEW]) + more


def levels_named(levels: Iterable[int]) -> str:
    """Return ``level 2``, ``levels 2 and 3``."""
    *others, last = sorted(levels)
    if not others:
        return f"level {last}"
    return f"levels {', '.join(map(str, others))} and {last}"
