"""Whether what generates passwords works, keeps them, and makes one for each purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.facts.credentials import words_of
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.flux import platform
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Variable
    from conformance.linter.facts.configuration import Setting
    from conformance.linter.manifest import Manifest

_CONTROLLER = "https://github.com/mittwald/kubernetes-secret-generator"
_ENCODINGS = ("base64", "base64url", "base32", "hex", "raw")
_LENGTH = re.compile(r"[1-9][0-9]{0,5}[bB]?")
_IN_ADDRESS = r"\w://[^\s/@:]*:[^\s/@]*\$\{{{}\b"
_SHORTEST = 16
_SHORTEST_BYTES = 12
_PLATFORM_SECRETS = "Secret stackspin-single-sign-on-variables"
_PLATFORM_PASSWORDS = ("userbackend_admin_password",)


@rule(
    "secrets.generator",
    "A StringSecret says what to generate",
    level=3,
    why="A value that the StringSecret cannot generate is missing in its Secret: the variable is "
    "then empty, and the app starts with an empty password or not at all.",
    source=_CONTROLLER,
    fix="Give each value its own field under spec.fields.",
    example="""
spec:
  data:
    username: notes
  fields:
    - fieldName: password
      encoding: hex
      length: "32"
""",
)
def generator(app: AppPackage) -> Iterator[Problem]:
    """Yield each StringSecret and BasicAuth that does not make what it seems to."""
    for one in app.objects("StringSecret", "BasicAuth"):
        if one.get("spec") is None:
            if one.kind == "StringSecret":
                yield Problem(
                    one.place(), f"{one.kind} {one.name} has no spec: it generates nothing"
                )
            continue
        if one.kind == "BasicAuth":
            yield from _wrong_value(one, ("spec",))
            continue
        fields = sequence(one.get("spec", "fields"))
        if one.get("spec", "fields") == [] and not mapping(one.get("spec", "data")):
            yield Problem(
                one.place("spec", "fields"),
                f"{one.kind} {one.name} has no fields: it generates nothing",
            )
        seen: set[str] = set()
        for index, field in enumerate(fields):
            yield from _wrong_field(app, one, index, mapping(field), seen)


def _wrong_field(
    app: AppPackage, one: Manifest, index: int, field: object, seen: set[str]
) -> Iterator[Problem]:
    place = one.place("spec", "fields", index, "fieldName")
    name = text(get(field, "fieldName"))
    if get(field, "fieldName") == "":
        yield Problem(place, "the field has an empty name")
    elif name in seen:
        yield Problem(place, f"there are two fields {quoted(name)}")
    elif name and name in mapping(one.get("spec", "data")):
        yield Problem(
            place,
            f"field {quoted(name)} is also under spec.data: that value is used, and nothing "
            "is generated",
        )
    seen.add(name)
    if get(field, "encoding") == "raw" and name in _used(app):
        yield Problem(
            one.place("spec", "fields", index, "encoding"),
            f"field {quoted(name)} is raw: its bytes can break the YAML that uses it",
        )
    yield from _wrong_value(one, ("spec", "fields", index))


def _used(app: AppPackage) -> set[str]:
    return {use.name for one in app.kustomizations for use in one.uses}


def _wrong_value(one: Manifest, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with a length and encoding."""
    length, encoding = one.get(*path, "length"), one.get(*path, "encoding")
    if isinstance(length, str) and length and not _LENGTH.fullmatch(length):
        yield Problem(
            one.place(*path, "length"),
            f"length {quoted(length)} is neither a number of characters nor of bytes (32B): "
            "nothing is generated",
        )
    if isinstance(encoding, str) and encoding and encoding not in _ENCODINGS:
        yield Problem(
            one.place(*path, "encoding"),
            f"encoding {quoted(encoding)} is none of {', '.join(_ENCODINGS)}",
        )


@rule(
    "secrets.url-safe",
    "A password in an address has no characters that end it",
    level=3,
    why="base64, which a StringSecret uses unless told otherwise, has /, + and =. In an address "
    "such as postgresql://user:password@host they end the password: the app reaches its database "
    "in some installations only.",
    source="https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
    fix="Write encoding: hex for the field of the StringSecret.",
    example="""
fields:
  - fieldName: database_password
    encoding: hex
    length: "32"
""",
)
def url_safe(app: AppPackage) -> Iterator[Problem]:
    """Yield each use of a password in base64 as a part of an address."""
    lines = Lines(app)
    for kustomization in app.kustomizations:
        unsafe = {
            name
            for source in kustomization.sources
            for name in source.variables
            if _is_base64(app, source.name, name)
        }
        for use in kustomization.uses:
            line = lines.at(use.place.file, use.place.line)
            if use.name in unsafe and re.search(_IN_ADDRESS.format(re.escape(use.name)), line):
                yield Problem(
                    use.place,
                    f"${{{use.name}}} is generated as base64, and stands in an address: its /, + or"
                    " = end the password there",
                )


def _is_base64(app: AppPackage, source: str, name: str) -> bool:
    """Return whether a StringSecret generates a variable with characters that addresses end at."""
    for one in app.everything():
        if one.kind == "StringSecret" and f"Secret {one.name}" == source:
            for field in sequence(one.get("spec", "fields")):
                if get(field, "fieldName") == name:
                    return (get(field, "encoding") or "base64") in ("base64", "raw")
    return False


@rule(
    "secrets.length",
    "A generated value cannot be guessed",
    level=3,
    severity=Severity.WARNING,
    why="A short password can be found by trying; nobody has to type this one, so it may be long.",
    source=_CONTROLLER,
    fix='Leave length out (the default is 40), or write length: "32".',
    example="""
fields:
  - fieldName: password
    length: "32"
""",
)
def length(app: AppPackage) -> Iterator[Problem]:
    """Yield each field that is short."""
    for one in app.objects("StringSecret", "BasicAuth"):
        paths: list[Path] = [("spec",)]
        if one.kind == "StringSecret":
            paths = [
                ("spec", "fields", index)
                for index in range(len(sequence(one.get("spec", "fields"))))
            ]
        for path in paths:
            given = text(one.get(*path, "length"))
            if not _LENGTH.fullmatch(given):
                continue
            in_bytes = given[-1] in "bB" or one.get(*path, "encoding") == "raw"
            if int(given.rstrip("bB")) < (_SHORTEST_BYTES if in_bytes else _SHORTEST):
                yield Problem(
                    one.place(*path, "length"), f"length {quoted(given)} is short for a password"
                )


@rule(
    "secrets.regenerated",
    "A generated password does not change by itself",
    level=3,
    why="A password that changes by itself locks the app out of its own database, and people out "
    "of the app. Flux repeats that order again and again.",
    source=_CONTROLLER,
    fix="Remove it. To change a password once, delete the Secret by hand.",
    example="""
kind: StringSecret
spec:
  fields:
    - fieldName: password
      length: "32"
""",
)
def regenerated(app: AppPackage) -> Iterator[Problem]:
    """Yield each order to make new values."""
    annotation = "secret-generator.v1.mittwald.de/regenerate"
    for one in app.objects("StringSecret", "BasicAuth", "Secret"):
        if one.get("spec", "forceRegenerate") is True:
            yield Problem(
                one.place("spec", "forceRegenerate"),
                f"forceRegenerate gives {one.kind} {one.name} new passwords each time",
            )
        if annotation in one.annotations:
            yield Problem(
                one.place("metadata", "annotations", annotation),
                f"the annotation {annotation} gives {one.kind} {one.name} new passwords whenever "
                "Flux applies it",
            )


@rule(
    "secrets.unstable-template",
    "A chart generates no new password at each upgrade",
    level=3,
    why="Helm renders the chart again for each upgrade: the Secret gets a new password, the "
    "database keeps the old one, and the app cannot access its data.",
    source="https://helm.sh/docs/chart_template_guide/function_list/#lookup",
    fix="Take the password from a value or an existing Secret; or look up the existing Secret "
    "before generating one.",
    example="""
{{- $old := lookup "v1" "Secret" .Release.Namespace "notes" }}
data:
  {{- if $old }}
  password: {{ $old.data.password }}
  {{- else }}
  password: {{ randAlphaNum 32 | b64enc }}
  {{- end }}
""",
)
def unstable_template(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that differs between two upgrades, once for all sets of values."""
    places = {place: None for one in app.installations for place in one.renewed}
    for place in places:
        yield Problem(place, "this value is another one after each upgrade")
    for why in dict.fromkeys(one.undecided for one in app.installations if one.undecided):
        yield NotRun(f"{why}: it is not known whether it makes new passwords")
    for reason in dict.fromkeys(one.chart_missing for one in app.releases if one.chart is None):
        yield NotRun(f"{reason}: it is not known whether it generates new passwords")


@rule(
    "secrets.reused",
    "One password has one purpose",
    level=3,
    severity=Severity.WARNING,
    why="If it leaks in one place, the other is open, too; and one cannot be changed without the "
    "other.",
    source="Stackspin",
    fix="Give the StringSecret a separate field for each purpose.",
    example="""
fields:
  - fieldName: database_password
  - fieldName: session_key
""",
)
def reused(app: AppPackage) -> Iterator[Problem]:
    """Yield each generated variable that surely has two purposes."""
    settings = logins.app_settings(app)
    for variable in _generated(app):
        purposes: dict[str, Setting] = {}
        for one in settings:
            purpose = _purpose(one) if variable.value in one.value else ""
            if purpose:
                purposes.setdefault(purpose, one)
        if len(purposes) > 1:
            (first, _), (second, last) = list(purposes.items())[:2]
            yield Problem(
                Lines(app).located(last),
                f"${{{variable.name}}} is both the {first} and the {second}",
            )


def _generated(app: AppPackage) -> list[Variable]:
    found = {
        (variable.source, variable.name): variable
        for kustomization in app.kustomizations
        for source in kustomization.sources
        for variable in source.variables.values()
        if variable.generated and len(variable.value) >= _SHORTEST
    }
    return list(found.values())


_DATABASE = frozenset(
    {"database", "db", "postgresql", "postgres", "mariadb", "mysql", "mongodb", "sql"}
)
_SIGNING = re.compile(
    r"jwt(secret|key)?|(cookie|session|signing|encryption|crypto?|hash|secret|app)"
    r"(secret|key|keybase)"
)


def _purpose(setting: Setting) -> str:
    """Return what a setting is for, where its keys say so beyond doubt."""
    words = [word for key in (*setting.path, setting.key) for word in words_of(str(key))]
    last = words[-1] if words else ""
    if last in ("salt", "pepper"):
        return "salt"
    if any(_SIGNING.fullmatch("".join(words[-count:])) for count in (1, 2, 3)):
        return "signing key"
    if last not in ("password", "passwd", "pass", "pwd"):
        return ""
    if _DATABASE & set(words):
        return "password of the database"
    if "admin" in words or "administrator" in words:
        return "password of the administrator"
    return "password of the cache" if {"redis", "valkey"} & set(words) else ""


@rule(
    "secrets.platform-secret",
    "Apps do not use the platform's own passwords",
    level=3,
    severity=Severity.WARNING,
    why="This is the password of Stackspin's first administrator. If an app gets it, it is in the "
    "app's database and configuration: a flaw in the app then opens the platform.",
    source="Stackspin",
    fix="Generate a password for the app, in its own field of the app's StringSecret.",
    example="""
kind: StringSecret
metadata:
  name: stackspin-notes-variables
spec:
  fields:
    - fieldName: admin_password
""",
)
def platform_secret(app: AppPackage) -> Iterator[Problem]:
    """Yield each setting with it."""
    if not any(one.name == _PLATFORM_SECRETS for k in app.kustomizations for one in k.sources):
        return
    lines = Lines(app)
    for setting in logins.app_settings(app):
        for name in _PLATFORM_PASSWORDS:
            if platform.placeholder(name) in setting.value:
                yield Problem(
                    lines.located(setting),
                    f"${{{name}}} is the password of Stackspin's administrator",
                )
