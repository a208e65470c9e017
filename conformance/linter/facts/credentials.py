"""What is a password, token or key, and whether it is written where everybody can read it.

Told by the key's last words and the value's shape. A name of a Secret, of a key in one, or of a
file is no credential: packages have far more of these than of passwords, so in doubt it is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORD = re.compile(r"(\w*(password|passwd)|pass|passphrase|pwd)")
_TOKEN = re.compile(r"\w*(secret|token)|jwt|salt|pepper")
_KEY = re.compile(
    r"(secret|private|encryption|signing|api|app|master|crypto?|cookie|session|hash|jwt)key(base)?"
)
_NOT_ITSELF = frozenset(
    {
        "allow", "change", "create", "disable", "enable", "existing", "forgot", "generate", "has",
        "hide", "is", "no", "require", "reset", "show", "skip", "use", "with", "without",
    }
)  # fmt: skip
"""First words of keys that say something about a credential: ``existingSecret``, ``useToken``."""
_NAMES_INSIDE = re.compile(
    r"(secret|password|existing)[-_]?\w*(keys|ref|names?)$|^(keys|keyMapping|existingSecret\w*)$",
    re.IGNORECASE,
)
"""Keys of mappings whose values are names: ``secretKeys``, ``secretKeyRef``."""
_EMPTY = frozenset(
    {"", "true", "false", "null", "none", "nil", "~", "yes", "no", "auto", "default"}
)
_ELSEWHERE = re.compile(
    r"\$\(|\$\{|\$\w|\{\{|\{\w+\}$|#\{|(__|@)\w+\1$|%\(|%[A-Z_]+%|<[^>]*>$|/|\./|file:|vault:|env:|ENC\[|ref\+|secretref|\*+$"
)
"""What stands for a value that is elsewhere, or for none."""
_BAD = re.compile(
    r"(change|replace|fill)[-_ ]?(me|this|it|in)?[-_ ]?\w*|your[-_ ].*|(my|super)[-_ ]?secret.*|"
    r"insecure.*|not[-_ ]so[-_ ]secret.*",
    re.IGNORECASE,
)
_BAD_SECRET = re.compile(r"secret|password|passwd|1234\d*", re.IGNORECASE)
_RANDOM = re.compile(r"[A-Za-z0-9+/_=.~!@#$%^&*-]+")
_LOGIN_IN_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,200}:([^\s@/]{1,200})@", re.IGNORECASE
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_HTPASSWD = re.compile(r"[^\s:]+:(\$(apr1|2[aby]|5|6)\$|\{SHA\})\S+")
_REGISTRY = re.compile(r"\.?dockerconfig(json)?|\.dockercfg")
_SHORTEST_RANDOM = 12
_SHORTEST_PASSWORD = 3


def words_of(key: str) -> list[str]:
    """Return the words of a key, small: ``postgresPassword`` has two. Numbers are left out."""
    return [word.lower() for word in _WORDS.findall(key[:200]) if not word.isdigit()]


def kind_of(key: str) -> str:
    """Return ``password``, ``token`` or ``key`` for the key of a credential; else nothing."""
    words = words_of(key)
    if not words or words[0] in _NOT_ITSELF:
        return ""
    if _PASSWORD.fullmatch(words[-1]):
        return "password"
    if _TOKEN.fullmatch(words[-1]) and "existing" not in words:
        return "token"
    if any(_KEY.fullmatch("".join(words[-count:])) for count in (1, 2, 3)):
        return "key"
    return ""


def is_credential(key: str, value: str, *, parents: Iterable[object] = ()) -> bool:
    """Return whether a key's value is a credential itself.

    ``parents`` are the keys around it.
    """
    value = value.strip()
    if _PRIVATE_KEY.search(value) or _HTPASSWD.fullmatch(value):
        return True
    login = _LOGIN_IN_URL.search(value[:2000])
    if login:
        return not _ELSEWHERE.match(login[1]) and login[1].lower() not in ("password", "pass")
    if value.lower() in _EMPTY or _ELSEWHERE.match(value) or "://" in value:
        return False
    if any(isinstance(one, str) and _NAMES_INSIDE.search(one[:200]) for one in parents):
        return False
    if _REGISTRY.fullmatch(key):
        return len(value) > len("{}")
    return _looks_it(kind_of(key), value)


def _looks_it(kind: str, value: str) -> bool:
    """Return whether a value may be a credential of a kind."""
    if kind == "password":
        # Text in a label, or a number of something, is none.
        return len(value) >= _SHORTEST_PASSWORD and not re.search(r"\s", value)
    if kind:
        bad = _BAD.fullmatch(value) or (kind == "token" and _BAD_SECRET.fullmatch(value))
        return bool(bad) or _is_random(value)
    return False


def _is_random(value: str) -> bool:
    """Return whether a value looks made by chance: no name of anything, no text."""
    if not _SHORTEST_RANDOM <= len(value) <= 10_000 or not _RANDOM.fullmatch(value):
        return False
    letters = re.sub(r"[^A-Za-z]", "", value)
    if not any(char.isdigit() for char in value):
        # Words joined by hyphens are a name, mixed case without digits is one, too, unless long.
        return bool(
            len(value) >= 24
            and not re.search(r"[-_.]", value)
            and letters not in (letters.lower(), letters.upper())
        )
    parts = re.split(r"[-_.]", value)
    named = all(re.fullmatch(r"[a-z]*[0-9]{0,3}|[A-Z]+|v?[0-9]+", part) for part in parts)
    return bool(letters) and not named
