"""Nothing secret in what people read: logs, objects, time-out texts, reports."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.common.private_keys import PEM, base64_pem
from conformance.common.written_forms import any_of, written_forms

MASK = "***"
SHORTEST = 4
"""Shorter values are not learnt: masking them would make every text unreadable."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PUBLIC_KEY = re.compile(
    r"^(.*_)?(domain|host(name)?|ip_address|client[-_]?id|user(name)?|namespace|admin_email"
    r"|org_name)$"
    r"|^(postgres_db|(mysql|mariadb)_database|(existing|.+_)?(claim|secret)_?name"
    r"|existing_?(claim|config_?map|secret))$"
    r"|^(ca|tls)\.crt$",
    re.IGNORECASE,
)
"""Keys of Secrets whose values are no secrets; learning them would hide host names and addresses.

They name hosts, users, databases (https://hub.docker.com/_/postgres, .../mariadb) and objects, as
charts' values do (``existingClaim``), and clients, as Hydra Maester does (``CLIENT_ID``).
Stackspin keeps the platform's domain and address in a Secret beside real ones.
"""
_SECRET_KEY = re.compile(r"pass|secret|token|key|credential|auth|cookie|salt|dsn", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"""^\s*["']?([\w.\-]+)["']?\s*[:=]\s*["']?(.+?)["']?,?\s*$""")
_JWT = r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"
_USER_INFO = r"(?<=://)[^/\s:@\"']*:[^@\s/\"']+(?=@)"
"""A password in a URL. The user may be empty, as in Redis' own form, ``redis://:password@host``."""
_AUTHORIZATION = r"(?<=[Bb]earer )[A-Za-z0-9._~+/\-]{16,}=*|(?<=[Bb]asic )[A-Za-z0-9+/]{6,}=*"
OPAQUE = r"ory_[a-z]{2}_(?=[a-z_.\-]{0,64}[A-Z0-9*])[A-Za-z0-9_.*\-]{16,}"
"""Codes and tokens of Hydra (``ory_ac_``, ``ory_at_``, ``ory_rt_``) and Kratos (``ory_st_``).

https://github.com/ory/fosite/blob/v0.49.0/handler/oauth2/strategy_hmacsha_prefixed.go
https://github.com/ory/kratos/blob/v1.3.1/x/token_prefixes.go
"""
_QUOTE = r"(?:\\*[\"']|&(?:quot|#34|#39|#x27);)"
_EQUALS = r"(?:=|%(?:25)*3[Dd])"
_IS = rf"(?:{_QUOTE}?(?:, ?{_QUOTE}?| )value)?(?:{_EQUALS}{_QUOTE}?|{_QUOTE}? ?[:=] ?{_QUOTE}?)"
"""Between a name and its value: in an address, a header, JSON, ``repr``, a field of a form."""
_RANDOM = r"(?=[a-z_.\-]{0,64}[A-Z0-9%*])(?:[A-Za-z0-9_.~+/|=*\-]|%(?!(?:25)*26)){16,}"
"""Longer than most words, and unlike a name in source code. ``%26`` ends it: a nested address."""
_NAMED = (
    r"(?:(?:login|consent|logout|device)_(?:challenge|verifier)|code_verifier|csrfmiddlewaretoken"
    r"|session(?:id|_token)?|PHPSESSID|wordpress_(?:sec_|logged_in_)?[0-9a-f]{32}"
    r"|(?:ory_kratos|ory_hydra|csrf_token|__Host-|__Secure-|mod_auth_openidc_)[A-Za-z0-9_\-]{0,80})"
    rf"{_IS}(?P<named>{_RANDOM})"
)
"""What Hydra's redirects carry, and the cookies and fields that a browser proves itself by."""
_IN_ADDRESS = (
    rf"code(?<=[?&#;6Ff]code){_EQUALS}(?P<code>[A-Za-z0-9_.\-]{{6,}})"
    rf"|(?:state(?<=[?&#;6Ff]state)|token(?<=[?&#;6Ff]token)){_EQUALS}(?P<parameter>{_RANDOM})"
)
"""Parameters whose names mean other things elsewhere. Before them: ``?``, ``&amp;``, ``%26``."""
_COOKIES = (
    rf"[Cc](?:ookie|OOKIE){_QUOTE}?(?:\s?[:=]\s?\[?{_QUOTE}?|\s)"
    rf"(?P<cookies>[^\s;=\"'\\]+=(?:[^\"'\\\n\]]|{_QUOTE}, ?{_QUOTE})+)"
)
_SHAPES = re.compile("|".join((OPAQUE, _NAMED, _IN_ADDRESS, _COOKIES)))
_NO_HEADER = re.compile("|".join((OPAQUE, _NAMED, _IN_ADDRESS)))
_COOKIE = re.compile(
    r"(?<![^\s;,\"'])(?!(?:domain|path|expires|samesite|max-age)=)([^\s;,=\"']+=)[^\s;,\"'\\]{8,}",
    re.IGNORECASE,
)
"""One cookie in a header, none of its attributes."""
_CHUNK = 1 << 20
_OVERLAP = 1 << 16
"""Characters of a stream held back, because a value may go on in the next chunk."""


def names_a_secret(name: str) -> bool:
    """Whether what has this name is to be hidden, as far as a name can tell."""
    return bool(_SECRET_KEY.search(name))


@dataclass(frozen=True)
class Known:
    """What a redactor knows, to be taken over by that of another process. Holds secrets."""

    forms: frozenset[str] = field(repr=False)
    multiline: frozenset[str] = field(repr=False)
    public: frozenset[str]

    def since(self, earlier: Known) -> Known:
        """Return what has come to be known since ``earlier``."""
        return Known(
            self.forms - earlier.forms,
            self.multiline - earlier.multiline,
            self.public - earlier.public,
        )


class Redactor:
    """Learns secret values and hides every form of them. Thread-safe.

    Private keys in PEM, JSON Web Tokens, Ory's tokens, passwords and login parameters in URLs,
    cookies and Authorization headers are hidden without having been learnt.
    """

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._multiline: set[str] = set()
        self._public: set[str] = {"true", "false", "null", "none"}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def allow(self, *values: str) -> None:
        """Never hide these, though some Secret holds them: the platform's domain, an address.

        That is so in whatever form they are written, also if they were learnt before.
        """
        with self._lock:
            new = set(values) - self._public
            self._public |= new
            public = {form for value in new for form in written_forms(value)}
            if not public.isdisjoint(self._forms):
                self._forms -= public
                self._pattern = None

    def learn(self, secret: Mapping[str, Any]) -> None:
        """Learn the values of a Secret, and what is secret inside values that hold documents."""
        kind = secret.get("type", "")
        if kind == "helm.sh/release.v1":
            return  # a whole release, compressed: hidden where the object is
        plain: dict[str, str] = dict(secret.get("stringData") or {})
        for key, stored in (secret.get("data") or {}).items():
            try:
                plain[key] = base64.b64decode(stored, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                self._add({str(stored).rstrip("=")})
        for key, value in plain.items():
            if kind == "kubernetes.io/service-account-token" and key != "token":
                continue
            if not _PUBLIC_KEY.search(key):
                self.learn_value(value)
                for inner in _inner_values(value):
                    self.learn_value(inner)
        user = plain.get("username") or plain.get("user")
        if user and plain.get("password"):
            self.learn_value(f"{user}:{plain['password']}")

    def learn_value(self, value: str) -> None:
        """Learn one value in all the forms it is written in, if it has 4 characters or more."""
        for text in {value, value.strip()}:
            if len(text) >= SHORTEST and not self._is_public(text):
                self._add(set(written_forms(text)))
        lines = [line.strip() for line in value.strip().splitlines()]
        if len(lines) > 1:
            with self._lock:
                self._multiline.add(r"\s*\n\s*".join(re.escape(line) for line in lines))
                self._pattern = None
            # A line alone is telling where it is one long word, as in PEM and password files.
            long = {line for line in lines if len(line) >= 16 and " " not in line}
            self._add({line for line in long if not self._is_public(line)})

    def learnt(self, shortest: int) -> list[str]:
        """Return what is hidden because it was learnt, in every form of that many characters."""
        with self._lock:
            return [form for form in self._forms if len(form) >= shortest]

    def known(self) -> Known:
        """Return all that was learnt, and what is never hidden."""
        with self._lock:
            return Known(
                frozenset(self._forms), frozenset(self._multiline), frozenset(self._public)
            )

    def take_over(self, known: Known) -> None:
        """Hide what another redactor hides; neither hides what is public to one of them."""
        with self._lock:
            new = known.forms - self._forms, known.multiline - self._multiline
            if not any(new) and known.public <= self._public:
                return  # nothing new: the pattern stays
            self._public |= known.public
            public = {form for value in self._public for form in written_forms(value)}
            self._forms = (self._forms | known.forms) - public
            self._multiline |= known.multiline
            self._pattern = None

    def redact(self, text: str) -> str:
        """Return the text with every secret replaced by ``***``."""
        return _SHAPES.sub(_without_value, self._compiled().sub(_replacement, text))

    def redact_object(self, item: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return a copy of an API object (or a part, or a list of objects) without secrets."""
        if isinstance(item, str):
            return self.redact(item)
        if isinstance(item, list):
            return [self.redact_object(part) for part in item]
        if not isinstance(item, Mapping):
            return item
        copy = {key: self.redact_object(value) for key, value in item.items()}
        if item.get("kind") == "Secret":
            for part in ("data", "stringData"):
                if isinstance(item.get(part), Mapping):
                    copy[part] = dict.fromkeys(item[part], MASK)
            annotations = (copy.get("metadata") or {}).get("annotations") or {}
            if _LAST_APPLIED in annotations:
                annotations[_LAST_APPLIED] = MASK
        return copy

    def redact_file(self, path: Path) -> None:
        """Replace the file's content by its redacted form, in bounded memory; bytes stay bytes."""
        partial = path.with_name(f".{path.name}.redacted")
        text = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
        with path.open(**text) as source, partial.open("w", **text) as target:  # type: ignore[call-overload]
            chunks = iter(lambda: source.read(_CHUNK), "")
            for piece in _stream(
                _SHAPES, _without_value, _stream(self._compiled(), _replacement, chunks)
            ):
                target.write(piece)
        partial.chmod(path.stat().st_mode)
        partial.replace(path)

    def _is_public(self, text: str) -> bool:
        with self._lock:
            return text in self._public or text.lower() in self._public

    def _add(self, forms: set[str]) -> None:
        with self._lock:
            if not forms <= self._forms:
                self._forms |= forms
                self._pattern = None

    def _compiled(self) -> re.Pattern[str]:
        with self._lock:
            if self._pattern is None:
                parts = [PEM, *base64_pem(), _JWT, _USER_INFO, _AUTHORIZATION]
                parts += sorted(self._multiline, key=len, reverse=True)
                if self._forms:
                    parts.append(any_of(self._forms))
                self._pattern = re.compile("|".join(parts))
            return self._pattern


def _stream(
    pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str], chunks: Iterable[str]
) -> Iterator[str]:
    held = ""
    for chunk in chunks:
        held += chunk
        cut = max(0, len(held) - _OVERLAP)
        position, done = 0, []
        for match in pattern.finditer(held):
            if match.start() >= cut:
                break
            done += [held[position : match.start()], replacement(match)]
            position = match.end()
        yield "".join(done) + held[position : max(cut, position)]
        held = held[max(cut, position) :]
    yield pattern.sub(replacement, held)


def _replacement(match: re.Match[str]) -> str:
    found = match.group()
    before = match.string[max(0, match.start() - 6) : match.start()].lower()
    if before == "basic " and not _is_credentials(found):
        return found  # "Basic authentication" is no header
    return MASK


def _without_value(match: re.Match[str]) -> str:
    """Return what was found with its name, which tells the reader what was there."""
    part = match.lastgroup
    if part is None:
        return MASK
    name = match.string[match.start() : match.start(part)]
    if part == "cookies":
        # A header ends where its line does: in some logs other things follow.
        return name + _NO_HEADER.sub(_without_value, _COOKIE.sub(rf"\1{MASK}", match[part]))
    return name + MASK


def _is_credentials(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False


def _inner_values(document: str) -> Iterator[str]:
    """Yield what is secret in a document kept in a Secret: values.yaml, JSON, ``KEY=value`` lines.

    Not every value there is (``replicas``, ``title``): those under a telling key, and long words.
    """
    if "\n" not in document.strip() and not document.lstrip().startswith(("{", "[")):
        return
    try:
        yield from _leaves(yaml.safe_load(document), "")
    except yaml.YAMLError:
        for line in document.splitlines():
            if match := _ASSIGNMENT.match(line):
                yield from _leaves(match[2], match[1])


def _leaves(node: object, key: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, key)
    elif isinstance(node, str) and "\n" in node:
        yield node
        yield from _inner_values(node)
    elif node is not None and not isinstance(node, bool) and not _PUBLIC_KEY.search(key):
        text = str(node)
        if names_a_secret(key) or (len(text) >= 16 and " " not in text):
            yield text
