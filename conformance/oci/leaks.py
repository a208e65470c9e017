"""What an image must not carry: secrets, and settings of the address of a package index.

Whoever can pull an image can read every file of every layer, deleted ones included, and its whole
configuration and history. A package index in it names an internal host, or holds a password, and
makes the app's updates depend on the builder's network.
"""

from __future__ import annotations

import base64
import enum
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, BinaryIO

from conformance.common.transcript import record
from conformance.oci.layers import LayerFile, Limits, read_layers

SETTING_FILE_BYTES = 256 * 1024
"""How much of a settings file is read for its meaning; values are looked for in all of it."""
OVERLAP_BYTES = 8 * 1024
"""Kept from one chunk to the next, longer than any private key of 4,096 bits or planted value."""


class Kind(enum.Enum):
    """What was found."""

    SECRET = "secret"  # noqa: S105 - the word, not one
    PACKAGE_INDEX = "package index setting"


@dataclass(frozen=True)
class Leak:
    """Something the image must not carry; its text never repeats the secret."""

    kind: Kind
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.what} in {self.where}"


ELF_MAGIC = b"\x7fELF"
"""Of programs and libraries; those for TLS hold published keys for their self-tests."""
DEBIAN_HOSTS = ("deb.debian.org", "security.debian.org")
"""Hosts of the sources that Debian's own base images carry."""

PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+(?:[\w-]+: [^\n]*\n\s*)*[A-Za-z0-9+/=\s]{64}"
)
CREDENTIAL_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@'\"$]+:[^\s/@'\"$]+@", re.IGNORECASE)
SECRET_NAME = re.compile(
    r"\b\w*(?:PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY|ACCESS_KEY|CREDENTIALS?)=[^\s$'\"]",
    re.IGNORECASE,
)
INDEX_SETTING = re.compile(
    r"\b(?:(?:PIP|UV)_(?:\w*INDEX\w*|FIND_LINKS|TRUSTED_HOST)|(?:NPM_CONFIG|YARN)_\w*REGISTRY\w*|"
    r"GOPROXY|CARGO_REGISTRIES_\w+|BUNDLE_MIRROR\w*|(?:https?|ftp|all)_proxy)=[^\s]"
    r"|--(?:extra-)?index-url\b|--find-links\b|--trusted-host\b|--registry[= ]https?:"
    r"|Acquire::[\w:]*Proxy",
    re.IGNORECASE,
)
APT_PROXY = re.compile(r"^\s*[^#/\s].*(?:proxy|verify-peer)", re.IGNORECASE | re.MULTILINE)
APT_URI = re.compile(r"\b([a-z][a-z0-9+.-]*):(/\S*)", re.IGNORECASE)
MEANINGFUL_LINE = re.compile(r"^\s*[^#;\s]", re.MULTILINE)


def _says_anything(text: str) -> bool:
    return MEANINGFUL_LINE.search(text) is not None


def _names_other_apt_source(text: str) -> bool:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"^Signed-By:.*$", "", lines, flags=re.MULTILINE)
    for scheme, rest in APT_URI.findall(lines):
        url = urllib.parse.urlsplit(f"{scheme}:{rest}")
        if url.scheme not in ("http", "https") or url.netloc not in DEBIAN_HOSTS:
            return True
    return False


def _sets_apt_proxy(text: str) -> bool:
    return APT_PROXY.search(text) is not None


@dataclass(frozen=True)
class _FileRule:
    kind: Kind
    patterns: tuple[str, ...]
    what: str
    matches: Callable[[str], bool] = _says_anything


FILE_RULES = (
    _FileRule(
        Kind.SECRET,
        (
            "*/.netrc",
            "*/.git-credentials",
            "*/.pgpass",
            "*/.docker/config.json",
            "*/.aws/credentials",
            "*/.kube/config",
            "*/.env",
            "*/.htpasswd",
            "*/.ssh/id_*",
            "run/secrets/*",
            "etc/apt/auth.conf",
            "etc/apt/auth.conf.d/*",
        ),
        "a credentials file",
    ),
    _FileRule(
        Kind.PACKAGE_INDEX,
        (
            "*/pip.conf",
            "*/pip.ini",
            "*/.pypirc",
            "*/.pydistutils.cfg",
            "*/uv.toml",
            "*/.npmrc",
            "etc/npmrc",
            "*/.yarnrc",
            "*/.yarnrc.yml",
            "*/.condarc",
            "*/.gemrc",
            "*/.bundle/config",
            "*/.cargo/config.toml",
            "*/.config/go/env",
            "*/.m2/settings.xml",
            "*/.netrc",
            "etc/apt/auth.conf",
            "etc/apt/auth.conf.d/*",
        ),
        "a package manager's settings file",
    ),
    _FileRule(
        Kind.PACKAGE_INDEX,
        ("etc/apt/sources.list", "etc/apt/sources.list.d/*", "etc/apt/mirrors/*"),
        "an apt source that is not Debian's own",
        _names_other_apt_source,
    ),
    _FileRule(
        Kind.PACKAGE_INDEX,
        ("etc/apt/apt.conf", "etc/apt/apt.conf.d/*"),
        "an apt proxy or certificate setting",
        _sets_apt_proxy,
    ),
    _FileRule(
        Kind.SECRET,
        ("etc/*", "root/*", "home/*", "srv/*", "opt/*", "app/*", "usr/local/*"),
        "a URL with a password",
        lambda text: CREDENTIAL_URL.search(text) is not None,
    ),
)


def forms_of(value: bytes) -> tuple[bytes, ...]:
    """Return the forms in which a value may hide: plain, hexadecimal, in a URL, base64.

    Base64 of a longer text holds the value at one of three alignments; each is cut to what does not
    depend on its neighbours.
    """
    forms = {value, value.hex().encode(), value.hex().upper().encode()}
    forms.add(urllib.parse.quote(value, safe="").encode())
    for offset in range(3):
        usable = len(value) - (3 - offset) % 3
        aligned = value[(3 - offset) % 3 :][: usable - usable % 3]
        forms |= {base64.b64encode(aligned), base64.urlsafe_b64encode(aligned)}
    return tuple(form for form in forms if len(form) >= 4)


def _text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _scan_file(file: LayerFile, planted: Mapping[str, tuple[bytes, ...]]) -> Iterator[Leak]:
    found: set[str] = set()
    head, tail = b"", str(file.path).encode("utf-8", "surrogateescape") + b"\n"
    for chunk in chain([b""], file.chunks):
        if len(head) < SETTING_FILE_BYTES:
            head += chunk[: SETTING_FILE_BYTES - len(head)]
        window = tail + chunk
        found |= {name for name, forms in planted.items() if any(form in window for form in forms)}
        program = head.startswith(ELF_MAGIC)
        if not program and b"PRIVATE KEY-----" in window and PRIVATE_KEY.search(window):
            found.add("a private key")
        tail = window[-OVERLAP_BYTES:]
    for what in sorted(found):
        yield Leak(Kind.SECRET, str(file), what)
    path = str(file.path)
    rules = [r for r in FILE_RULES if any(fnmatchcase("/" + path, "/" + p) for p in r.patterns)]
    text = _text_of(head) if rules else ""
    for rule in rules:
        if rule.matches(text):
            yield Leak(rule.kind, str(file), rule.what)


def _strings(value: object, where: str) -> Iterator[tuple[str, str]]:
    """Yield every string of a JSON document with its place; a mapping's entries as KEY=value."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str):
                yield f"{where}.{key}", f"{key}={inner}"
            else:
                yield from _strings(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{where}[{number}]")
    elif isinstance(value, str):
        yield where, value


def _scan_configuration(
    config: Mapping[str, Any], planted: Mapping[str, tuple[bytes, ...]]
) -> Iterator[Leak]:
    for place, text in _strings(config, ""):
        where = f"the image configuration at {place}"
        data = text.encode("utf-8", "replace")
        for name, forms in planted.items():
            if any(form in data for form in forms):
                yield Leak(Kind.SECRET, where, name)
        if PRIVATE_KEY.search(data):
            yield Leak(Kind.SECRET, where, "a private key")
        if CREDENTIAL_URL.search(text):
            yield Leak(Kind.SECRET, where, "a URL with a password")
        if SECRET_NAME.search(text):
            yield Leak(Kind.SECRET, where, "a password, token or key in a variable")
        if INDEX_SETTING.search(text):
            yield Leak(Kind.PACKAGE_INDEX, where, "the address of a package index")


def find_leaks(
    config: Mapping[str, Any],
    layers: Iterable[BinaryIO],
    *,
    planted: Mapping[str, bytes] | None = None,
    limits: Limits | None = None,
) -> list[Leak]:
    """Return every leak in an image's configuration, history and layers, deleted files included.

    ``planted`` maps what a value is called in the finding to the value. Archives inside a layer
    are searched as plain bytes. Raises ``LayerRefused`` when a layer exceeds the limits.
    """
    hidden = {name: forms_of(value) for name, value in (planted or {}).items()}
    leaks = list(_scan_configuration(config, hidden))
    files = layer = 0
    for file in read_layers(layers, limits or Limits()):
        leaks.extend(_scan_file(file, hidden))
        files, layer = files + 1, file.layer
    asked = f"look for leaks in an image: its configuration, {files} files of {layer} layers"
    record(asked, f"{len(leaks)} found")
    return leaks
