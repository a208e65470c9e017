"""A YAML parser's complaints in words of people who write YAML."""

from __future__ import annotations

import yaml

_NO_CONTENT = "did not find expected node content"
_TAB = "the line is indented with a tab: YAML needs spaces"
_PLAIN_WORDS = {
    "found a tab character that violates indentation": _TAB,
    "did not find expected alphabetic or numeric character": (
        'a value that starts with "*" or "&" needs quotes'
    ),
    "mapping values are not allowed in this context": (
        'a ": " is not allowed here: the line is indented too far, or a value with ": " needs '
        "quotes"
    ),
    "did not find expected key": (
        "the line does not fit the lines above it: its indentation, or a quote in the middle of it"
    ),
    "could not find expected ':'": 'a key without ": " after it, or text that is not indented',
    "did not find expected '-' indicator": "the line does not fit the list above it",
    "found unexpected end of stream": "a quotation mark is never closed",
    "found unexpected document indicator": "a quotation mark is never closed",
    _NO_CONTENT: "a value is missing between brackets",
    "did not find expected ',' or ']'": 'a "[" is never closed, or a "," is missing',
    "did not find expected ',' or '}'": (
        'a "{" is never closed, or a "," is missing; a value that starts with "{{" needs quotes'
    ),
    "did not find expected <document start>": (
        "text after the end of the document: its indentation does not fit the lines above it"
    ),
    "found unknown escape character": (
        'a backslash without meaning in double quotes: write "\\\\", or use single quotes'
    ),
    "found undefined tag handle": 'a value that starts with "!" needs quotes',
    "block sequence entries are not allowed in this context": (
        'a list item ("- ") is not allowed here: put it on its own line'
    ),
}
_STARTED_EARLIER = frozenset(
    (
        "could not find expected ':'",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "found unexpected end of stream",
        "found unexpected document indicator",
    )
)
"""Problems that a parser notices after the line that has to be edited."""


def explained(error: yaml.MarkedYAMLError, text: str, line: int) -> tuple[int, str]:
    """Return the line to edit, counted from 0, and what is wrong there.

    ``line`` is the one to name where the parser names none.
    """
    problem = str(error.problem or "it is broken")
    mark = error.problem_mark
    if problem in _STARTED_EARLIER and error.context_mark is not None:
        mark = error.context_mark
    message = _PLAIN_WORDS.get(problem, problem)
    if mark is None:
        return line, message
    if problem == "found character that cannot start any token":
        character = text[mark.index : mark.index + 1]
        message = f'a value that starts with "{character}" needs quotes'
        if character == "\t":
            message = _TAB
    if problem == _NO_CONTENT and text[mark.index : mark.index + 3] in ("", "---", "..."):
        last = text[: mark.index].rstrip()
        return last.count("\n"), 'a "[" or "{" is never closed'
    return mark.line, message
