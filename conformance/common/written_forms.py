"""How a value is written in other formats, and one regular expression for many of them."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus


def written_forms(value: str) -> Iterator[str]:
    """Yield the value as it is written in URLs, HTML, Python, JSON and base64."""
    yield value
    yield quote(value)
    yield quote(value, safe="")
    yield quote_plus(value)
    yield html.escape(value)
    yield repr(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    escaped = json.dumps(value)[1:-1]
    yield escaped
    for character in "<>&":  # as Go's encoding/json does
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    yield escaped
    for text in (value, value + "\n"):
        data = text.encode(errors="surrogateescape")
        yield base64.b64encode(data).decode().rstrip("=")
        yield base64.urlsafe_b64encode(data).decode().rstrip("=")


def any_of(words: Iterable[str]) -> str:
    """Return one regular expression for all words, common prefixes shared, longest match first.

    A plain alternation tries thousands of words at every position of a log.
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return _trie_pattern(root)


def _trie_pattern(node: dict[str, Any]) -> str:
    prefix = ""
    while len(node) == 1 and "" not in node:
        ((character, node),) = node.items()
        prefix += re.escape(character)
    branches = [
        re.escape(character) + _trie_pattern(child)
        for character, child in node.items()
        if character
    ]
    if not branches:
        return prefix
    optional = "?" if "" in node else ""
    return f"{prefix}(?:{'|'.join(branches)}){optional}"
