"""How a value is written in other formats, and one regular expression for many of them."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

_DEEPEST = 16
"""Backslashes before a character: JSON in JSON has 3 before a quote, once more has 7, then 15."""
_QUOTES = {"&quot;": r"(?:quot|#34|#x22);", "&#x27;": r"(?:#x27|#39|apos);"}
_ONE = rf"{'|'.join(_QUOTES)}|%[0-9A-Fa-f]{{2}}"
_TOKEN = re.compile(rf"\\+(?:{_ONE}|[^\\])|{_ONE}|.", re.DOTALL)
"""What has several spellings, or one character."""


def written_forms(value: str) -> Iterator[str]:
    """Yield the value as it is written in URLs, HTML, Python, JSON and base64."""
    yield value
    yield quote(value)
    yield quote(value, safe="")
    yield quote(value, safe="!'()*")  # as encodeURIComponent does in browsers
    yield quote_plus(value)
    if "\n" not in value:  # not of a whole file, which would be one more long form
        yield quote_plus(value).replace("+", "%2B")  # which is encoded again
    yield html.escape(value)
    yield repr(value)[1:-1]
    for escaped in (json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]):
        yield escaped
        yield html.escape(escaped)
    for character in "<>&":  # as Go's encoding/json does
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    yield escaped
    for text in (value, value + "\n"):
        data = text.encode(errors="surrogateescape")
        yield base64.b64encode(data).decode().rstrip("=")
        yield base64.urlsafe_b64encode(data).decode().rstrip("=")


def any_of(words: Iterable[str]) -> str:
    """Return one regular expression for all words, common prefixes shared, longest match first.

    A plain alternation tries thousands of words at every position of a log. What is escaped once
    in a word may be escaped more often in the text, as in a log line in JSON that has a body in
    JSON or a URL in a URL, and a quote in HTML may be any of its entities.
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for token in _TOKEN.findall(word):
            node = node.setdefault(token, {})
        node[""] = {}
    return _trie_pattern(root)


def _trie_pattern(node: dict[str, Any]) -> str:
    prefix = ""
    while len(node) == 1 and "" not in node:
        ((token, node),) = node.items()
        prefix += _spellings(token)
    branches = [_spellings(token) + _trie_pattern(child) for token, child in node.items() if token]
    if not branches:
        return prefix
    optional = "?" if "" in node else ""
    return f"{prefix}(?:{'|'.join(branches)}){optional}"


@cache
def _spellings(token: str) -> str:
    """Return a pattern that begins with a literal character: others are then skipped quickly."""
    if len(token) == 1:
        return re.escape(token)
    if token in _QUOTES:
        return "&" + _QUOTES[token]
    if token.startswith("%"):
        digits = "".join(f"[{one.upper()}{one.lower()}]" if one > "9" else one for one in token[1:])
        return rf"%(?:25){{0,3}}{digits}"
    escaped = token.lstrip("\\")
    backslashes = len(token) - len(escaped)
    more = max(0, _DEEPEST - backslashes)
    return rf"{re.escape(token[:backslashes])}\\{{0,{more}}}{_spellings(escaped)}"
