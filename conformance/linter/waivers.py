"""``--waive RULE=reason,until``: a finding that somebody has decided to live with for a while."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.linter.rule import Rule

FORM = "RULE=reason,until"
LONGEST = timedelta(days=731)
"""Nobody knows today why a waiver of more than two years should still hold at its end."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Waiver:
    """One accepted violation. It is shown, and it raises no level."""

    rule: str
    reason: str
    until: date
    """The last day on which it holds."""


def parse_waiver(text: str, rules: Mapping[str, Rule], today: date) -> Waiver:
    """Return what one ``--waive`` says; the date stands after the last comma.

    Raises ValueError with what is wrong and how to write it.
    """
    name, equals, rest = text.partition("=")
    reason, comma, ending = rest.rpartition(",")
    name, reason, ending = name.strip(), reason.strip(), ending.strip()
    example = f"{today + timedelta(days=90)}"
    if not equals:
        raise ValueError(f'"{text}" is not of the form {FORM}')
    if family := [one for one in rules if one.partition(".")[0] == name]:
        raise ValueError(f"{name} is a family: waive one of its rules, {', '.join(family)}")
    if name not in rules:
        raise ValueError(unknown_rule(name, rules))
    if not comma or not _DATE.fullmatch(ending):
        raise ValueError(
            f"the waiver of {name} has no end date: write it at the end, after a comma, "
            f"as in {name}={reason or ending or 'reason'},{example}"
        )
    if not reason:
        raise ValueError(f"the waiver of {name} has no reason: write {name}=reason,{ending}")
    try:
        until = date.fromisoformat(ending)
    except ValueError:
        raise ValueError(
            f"the waiver of {name} ends on {ending}, which is not a valid date"
        ) from None
    if until < today:
        raise ValueError(
            f"the waiver of {name} ended on {until}: fix the package, or choose a new date"
        )
    if until - today > LONGEST:
        raise ValueError(
            f"the waiver of {name} would be valid until {until}: two years are the maximum, "
            f"as in {name}={reason},{example}"
        )
    return Waiver(name, reason, until)


def parse_waivers(texts: Iterable[str], rules: Mapping[str, Rule], today: date) -> list[Waiver]:
    """Return the waivers. Raises ValueError, also where a rule is waived twice."""
    found: dict[str, Waiver] = {}
    for text in texts:
        waiver = parse_waiver(text, rules, today)
        if waiver.rule in found:
            raise ValueError(f"{waiver.rule} is waived twice: one reason and one date are enough")
        found[waiver.rule] = waiver
    return list(found.values())


def unknown_rule(name: str, rules: Iterable[str]) -> str:
    """Return the sentence about a rule, or a family of rules, that there is not."""
    known = [*rules, *dict.fromkeys(one.partition(".")[0] for one in rules)]
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return f'there is no rule "{name}"; did you mean {" or ".join(near)}?'
    families = ", ".join(dict.fromkeys(one.partition(".")[0] for one in rules))
    return f'there is no rule "{name}"; the families are {families}'
