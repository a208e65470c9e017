"""What an upgrade changes in the cluster: a readable difference of objects, without secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from conformance.common.redaction import MASK, Redactor, names_a_secret
from conformance.common.visible import shown
from conformance.linter.access import mapping
from conformance.linter.facts.changes import key_of, pairs
from conformance.linter.findings import NotRun
from conformance.linter.views import counted

if TYPE_CHECKING:
    from conformance.linter.facts.changes import Pair
    from conformance.linter.manifest import Manifest
    from conformance.linter.result import AppResult, Result

_CONTEXT = 2
"""Lines around a change."""
_SETTING = re.compile(r"""(?m)^(\s*["']?([\w.-]+)["']?\s*[:=][ \t]*)\S.*$""")
"""A line of a configuration file."""


def to_changes(result: Result) -> str:
    """Return the changes of all apps, as unified differences of YAML, an object at a time."""
    return "\n".join(line for app in result.apps for line in _app(app)) + "\n"


def _app(app: AppResult) -> Iterator[str]:
    yield f"# {shown(app.name)}"
    if app.app.previous is None:
        yield f"# {shown(app.remark) or 'not compared with an earlier version'}"
        return
    told: set[tuple[str, ...]] = set()
    compared = False
    for pair in pairs(app.app):
        if isinstance(pair, NotRun):
            yield f"# not compared: {shown(pair.reason)}"
            continue
        compared = True
        for reason in pair.missing:
            yield f"# not compared in full: {shown(reason)}"
        for lines in _objects(pair):
            # Several sets of values give the same objects.
            if tuple(lines) not in told:
                told.add(tuple(lines))
                yield from lines
    if compared:
        yield f"# {counted(len(told), 'object')} changed" if told else "# no object changed"


def _objects(pair: Pair) -> Iterator[list[str]]:
    before = {key_of(one): one for one in reversed(pair.before)}
    now = {key_of(one): one for one in reversed(pair.now)}
    redactor = Redactor()
    for one in (*before.values(), *now.values()):
        if one.kind == "Secret":
            redactor.learn(one.value)
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old is not None and new is not None and old.value == new.value:
            continue
        yield list(_difference(now.get(key) or before[key], old, new, redactor))


def _difference(
    one: Manifest, old: Manifest | None, new: Manifest | None, redactor: Redactor
) -> Iterator[str]:
    word = "added" if old is None else "removed" if new is None else "changed"
    texts = (_lines(old, None, redactor), _lines(new, old, redactor))
    found = difflib.unified_diff(*texts, n=_CONTEXT, lineterm="")
    changes = [line for line in found if not line.startswith(("---", "+++"))]
    yield ""
    yield f"## {shown(str(one))}: {word}"
    yield from map(_visible, changes) if changes else ["only in what is not shown here"]


def _lines(manifest: Manifest | None, before: Manifest | None, redactor: Redactor) -> list[str]:
    if manifest is None:
        return []
    safe = redactor.redact_object(_without_secrets(manifest))
    if manifest.kind == "Secret":
        safe |= _hidden(manifest, before)
    written = yaml.dump(safe, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return written.splitlines()


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _hidden(secret: Manifest, before: Manifest | None) -> Mapping[str, Any]:
    """Return a Secret's values as no more than whether they were others before."""
    hidden = {}
    for part in ("data", "stringData"):
        values = mapping(secret.get(part))
        same = mapping(None if before is None else before.get(part))
        if values:
            hidden[part] = {
                key: f"{MASK} (another value)" if key in same and same[key] != value else MASK
                for key, value in values.items()
            }
    return hidden


def _without_secrets(manifest: Manifest) -> Any:
    """Return an object without the passwords that stand in it, under names that say so."""

    def masked(value: Any) -> Any:
        if isinstance(value, Mapping):
            hides = "value" in value and names_a_secret(str(value.get("name", "")))
            return {
                key: MASK
                if (hides and key == "value") or (text_kind and _is_secret(key, item))
                else masked(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [masked(item) for item in value]
        return _SETTING.sub(_mask_setting, value) if isinstance(value, str) else value

    # Elsewhere a key such as secretName says where a password is, and is none.
    text_kind = manifest.kind in ("ConfigMap", "HelmRelease")
    return masked(manifest.value)


def _is_secret(key: object, value: object) -> bool:
    return isinstance(value, str) and "\n" not in value and names_a_secret(str(key))


def _mask_setting(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if names_a_secret(match[2]) else match[0]


def _visible(line: str) -> str:
    return line[:1] + shown(line[1:])
