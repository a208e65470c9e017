"""Patterns for private keys that nobody has learnt, as texts and logs hold them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

_END_OF_LINE = r"""(?=[ \t]*(?:[\r\n\\"'<%\x1b]|\Z))"""
_BODY = r"[A-Za-z0-9+/]"
_KEY = r"[A-Z0-9 +%]{1,60}PRIVATE(?: |\+|%(?:25){0,3}20)KEY-----"
_OTHER = r"(?:(?!-----)[\s\S])"
_PREFIXED_LINE = (
    rf"{_OTHER}{{1,120}}?(?:(?<!{_BODY})|(?<=\\n)){_BODY}{{40,80}}+={{0,2}}{_END_OF_LINE}"
)
"""A full line of a key, after what a logger writes before each line of a message."""

PEM = (
    rf"-----BEGIN{_KEY}[\sA-Za-z0-9+/=\\%]*"
    rf"(?:{_PREFIXED_LINE}){{0,200}}"
    rf"(?:{_OTHER}{{0,240}}?-----END{_KEY})?"
)
"""A key in PEM, also in JSON, a URL, or with a prefix on each line; of one cut off, what is there.

Bounded: at most 200 prefixed lines (RSA of 8192 bits has 107) of 200 characters. What is matched
always is after the first line of a key, so no text is looked at twice.
"""


def base64_pem() -> Iterator[str]:
    """Yield patterns for private keys in base64, as kubeconfigs and Secrets hold them.

    They may be wrapped, at 64 or 76 columns: a first line that is short tells so.
    """
    new_line = r"(?:\r|\\{1,16}r)?(?:\n|\\{1,16}n)[ \t]*"
    wrapped = (
        rf"{_BODY}{{0,44}}+(?:{new_line}{_BODY}{{40,80}}+{_END_OF_LINE})+"
        rf"(?:{new_line}{_BODY}{{1,80}}+={{0,2}}{_END_OF_LINE})?"
    )
    for algorithm in ("", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "):
        start = f"-----BEGIN {algorithm}PRIVATE KEY-----"
        whole = start[: len(start) // 3 * 3].encode()
        yield rf"{re.escape(base64.b64encode(whole).decode())}(?:{wrapped}|{_BODY}*=*)"
