"""``--explain RULE``: what a rule wants, why, and how it looks when it is right.

Of a check on a cluster: what it promises, for which level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from conformance.linter.findings import Severity
from conformance.linter.levels import LEVELS
from conformance.linter.views.look import Look

if TYPE_CHECKING:
    from conformance.linter.on_cluster.promises import Promise
    from conformance.linter.rule import Requirement, Rule

_CONSEQUENCES = {
    Severity.ERROR: "An app that violates it stays below level {level}: ",
    Severity.WARNING: "A warning, which costs no level. It belongs to level {level}: ",
    Severity.NOTE: "A note, which costs no level. It belongs to level {level}: ",
}
_WAIVED_DAYS = 90
_OTHER_COMMANDS = {
    "app_data.survives_upgrade": "stackspin-conformance app PATH --cluster --previous EARLIER",
}


def explain(rule: Rule, look: Look, today: date) -> str:
    """Return the explanation of one rule."""
    return "\n".join(_explanation(rule, look, today)) + "\n"


def explain_check(check: Promise, look: Look) -> str:
    """Return what a check on a cluster promises, and what it is good for."""
    stays = f'An app of which this is not true stays below level {check.level}: "{{}}"'
    told = {
        "To run it:": _OTHER_COMMANDS.get(check.id, "stackspin-conformance app PATH --cluster"),
        "How it is checked:": check.source,
        "To leave it out for a while:": "under skip in the app's conformance.yaml, with a reason "
        "and an end.",
    }
    lines = [
        f"{look.styled(f'check[{check.id}]', 'bold')}{look.styled(f': {check.title}', 'bold')}",
        "",
        look.wrapped([(stays.format(LEVELS[check.level]), "")], 0),
        "",
        *(look.wrapped([(name, "bold"), (text, "")], 0, 1) for name, text in told.items()),
    ]
    return "\n".join(lines) + "\n"


def explain_family(family: str, rules: Sequence[Requirement], look: Look) -> str:
    """Return the rules of a family, or the checks of a capability, a line each."""
    width = max(len(rule.id) for rule in rules)
    title = f"The {rules[0].word}s of the family {family}"
    if family == "all":
        title = "All rules, and the checks on a cluster"
    lines = [look.styled(title, "bold"), ""]
    for rule in rules:
        start = look.styled(f"{rule.id:<{width}}", rule.severity.value)
        text = look.wrapped([(rule.title, ""), (f"(level {rule.level})", "dim")], width + 2)
        lines.append(f"{start}  {text}")
    return (
        "\n".join([*lines, "", f"The whole text of a {rules[0].word}: --explain {rules[0].id}"])
        + "\n"
    )


def _explanation(rule: Rule, look: Look, today: date) -> Iterator[str]:
    kind = rule.severity.value
    yield f"{look.styled(f'{kind}[{rule.id}]', kind)}{look.styled(f': {rule.title}', 'bold')}"
    yield ""
    yield look.wrapped([(rule.prose.why, "")], 0)
    yield ""
    consequence = _CONSEQUENCES[rule.severity].format(level=rule.level)
    yield look.wrapped([(f'{consequence}"{LEVELS[rule.level]}"', "")], 0)
    yield ""
    yield look.wrapped([("To do:", "fix"), (rule.prose.fix, "")], 0, 1)
    yield ""
    yield look.styled("For example:", "bold")
    yield ""
    for line in rule.prose.example.splitlines():
        code, hash_, comment = line.partition("# ")
        yield f"    {code}{look.styled(hash_ + comment, 'dim')}".rstrip()
    yield ""
    yield look.wrapped([("Source:", "bold"), (rule.prose.source, "")], 0, 1)
    if rule.core:
        until = today + timedelta(days=_WAIVED_DAYS)
        yield look.wrapped(
            [("To accept it for a while:", "bold"), (f"--waive '{rule.id}=REASON,{until}'", "")],
            0,
            1,
        )
