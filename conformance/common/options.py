"""Options: each is declared once, on the field of ``Settings`` that it sets.

From there come the flags of pytest and of the console script, the environment variables, what the
report says of a run, and docs/options.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT_PREFIX = "STACKSPIN_CONFORMANCE_"


@dataclass(frozen=True)
class Option:
    """What there is to know of an option but its name."""

    help: str
    default: str
    """What holds without it, in words where that is no fixed value."""
    choices: tuple[str, ...] = ()
    reported: bool = True
    """Whether the report says what it was: not of paths, which are of one machine."""
    of_pytest_kind: bool = False
    """Whether pytest-kind declares it to pytest already."""
    switch: bool = False
    """Whether it has no value; then there is no environment variable for it either."""
    path: bool = False
    several: bool = False
    """Whether it may be repeated; its variable has the values with separators between them. Those
    that are choices may also stand behind one another, with commas."""
    separator: str = os.pathsep
    number: bool = False
    """Whether its value is a number above 0."""
    field: str = ""
    """Its field of ``Settings``."""

    @property
    def flag(self) -> str:
        """Return it as it is written on a command line."""
        return f"--{self.field.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Return the name of its environment variable."""
        return f"{ENVIRONMENT_PREFIX}{self.field.upper()}"

    @property
    def key(self) -> str:
        """Return its name in the report."""
        first, *others = self.field.split("_")
        return first + "".join(word.title() for word in others)


def option(value: Any, text: str, default: str = "", **more: Any) -> Any:  # noqa: ANN401 - a field
    """Return a field of ``Settings`` that is set by an option; ``value`` holds without it."""
    made = Option(help=text, default=default or str(value), **more)
    if callable(value):
        return dataclasses.field(default_factory=value, metadata={"option": made})
    return dataclasses.field(default=value, metadata={"option": made})


def options(settings: type) -> list[Option]:
    """Return the options that set the fields of a class, in their order."""
    return [
        dataclasses.replace(each.metadata["option"], field=each.name)
        for each in dataclasses.fields(settings)
        if "option" in each.metadata
    ]


def variable_of(settings: type, field: str) -> str:
    """Return the name of the environment variable that sets a field."""
    return _option_of(settings, field).variable


def add_argument(
    parser: argparse._ActionsContainer,
    settings: type,
    field: str,
    text: str = "",
    **other: Any,  # noqa: ANN401
) -> None:
    """Let a command of the console script have an option, too; ``other`` is what is so here alone.

    Its help is the option's own unless there is a ``text``, its default the field's own unless
    ``other`` has one. An empty default of ``other`` leaves it to the command what holds then.
    """
    each = _option_of(settings, field)
    text = text or each.help
    shown = f" (default: {other.get('default') or each.default})"
    if each.switch:
        parser.add_argument(each.flag, help=text + shown, action="store_true", **other)
        return
    told = {
        "default": getattr(settings, field, None),
        "choices": each.choices or None,
        **other,
    }
    if told["choices"] and "metavar" in told:
        text = f"{text}: {', '.join(told['choices'])}"
    parser.add_argument(each.flag, help=text + shown, **told)


def read(
    settings: type, given: Callable[[str], object], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values of the fields for which there is an option or a variable.

    ``given`` returns what the command line has for a field. An option wins over the environment.
    Raises ``ValueError`` for a value that is not one of the option's choices, or not a number where
    one is needed.
    """
    found: dict[str, Any] = {}
    for each in options(settings):
        value, name = given(each.field), each.flag
        if not value and not each.switch:
            value, name = environment.get(each.variable), each.variable
        if not value:
            continue
        if each.several:
            values = value.split(each.separator) if isinstance(value, str) else list(value)  # type: ignore[call-overload]
            if each.choices:
                values = dict.fromkeys(part for one in values for part in one.split(","))
            found[each.field] = tuple(_value(each, one, name) for one in values if one)
        else:
            found[each.field] = _value(each, value, name)
    return found


def _option_of(settings: type, field: str) -> Option:
    [each] = [each for each in options(settings) if each.field == field]
    return each


def _value(each: Option, value: object, name: str) -> object:
    """Return a value as its field wants it; ``name`` is the flag or variable that has it."""
    if each.choices and value not in each.choices:
        raise ValueError(f"{name}={value}: choose from {', '.join(each.choices)}")
    if each.path:
        return Path(str(value)).absolute()
    return _number(each, value) if each.number else value


def _number(each: Option, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise ValueError(f"{each.flag}={value}: give a number above 0")
    return number


def table(settings: type) -> str:
    """Return all options as a table in Markdown."""
    lines = ["| Option | Environment variable | Without it | What it is |", "|---|---|---|---|"]
    for each in options(settings):
        text = each.help if not each.choices else f"{each.help} ({', '.join(each.choices)})"
        if each.several:
            text += "; several with commas" if each.choices else "; may be repeated"
        variable = "" if each.switch else f"`{each.variable}`"
        lines.append(f"| `{each.flag}` | {variable} | {each.default} | {text} |")
    return "\n".join(lines) + "\n"
