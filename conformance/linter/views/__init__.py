"""One result, seen in several ways: terminal, JSON, JUnit, HTML.

Everything that comes from a package passes ``shown`` before a person sees it: a name may hold what
moves a terminal's cursor, or turns the reading direction around.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from conformance.linter.findings import Place, Severity
from conformance.linter.levels import HIGHEST

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Finding
    from conformance.linter.rule import Rule

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # seen as nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffc\ufffe\uffff"  # directions, joiners
    "\ud800-\udfff\ue000-\uf8ff"  # half characters, and what each font shows in its own way
    "\U000e0000-\U0010ffff]"
)
_FEW = 3
"""That many rules are named, more are counted."""


_YAML = (".yaml", ".yml")


def shown(text: str) -> str:
    """Return a text on one line in which every invisible character is seen: ``\\x1b``."""
    return _INVISIBLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    number = ord(found.group())
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


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


def level_name(app: AppResult) -> str:
    """Return ``level 2``, or that none is claimed."""
    return "no level" if app.level is None else f"level {app.level}"


def reasons(app: AppResult) -> list[tuple[str, list[Rule]]]:
    """Return why rules were not run, each cause once, with its rules.

    Most causes are a chart that is elsewhere; a rule may add what it does not know without it.
    """
    causes = [cause for one in app.app.installations for cause in one.missing]
    found: dict[str, dict[str, Rule]] = {}
    for rule, reason in app.not_run:
        cause = next((one for one in causes if reason.startswith(one)), reason)
        found.setdefault(cause, {})[rule.id] = rule
    return [(cause, list(rules.values())) for cause, rules in found.items()]


def to_mend(app: AppResult) -> list[Rule]:
    """Return the violated rules that the next level takes; none where something was not run."""
    if app.level is None or app.level == HIGHEST:
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
    count = Counter("waived" if one.waiver else one.severity.value for one in findings)
    words = [counted(count[one.value], one.value) for one in Severity if count[one.value]]
    return [*words, f"{count['waived']} waived"] if count["waived"] else words


def levels_tally(apps: Sequence[AppResult]) -> list[str]:
    """Return how many apps have each level, the highest first: ``23 at level 3``."""
    count = Counter(app.level for app in apps if app.level is not None)
    return [f"{number} at level {level}" for level, number in sorted(count.items(), reverse=True)]


def rules_named(rules: Sequence[Rule]) -> str:
    """Return a few rules by their ids, many by number: ``14 rules of levels 2 and 3``."""
    if len(rules) <= _FEW:
        return ", ".join(rule.id for rule in rules)
    levels = [str(level) for level in sorted({rule.level for rule in rules})]
    of = f"level {levels[0]}"
    if len(levels) > 1:
        of = f"levels {', '.join(levels[:-1])} and {levels[-1]}"
    return f"{len(rules)} rules of {of}"
