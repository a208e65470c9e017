"""What a chart makes anew at each upgrade, although the Secret of its installation is there.

Found by rendering: the chart is rendered twice as an upgrade, and ``lookup`` of a Secret returns
one with everything that the chart's own Secrets hold. What differs then differs at each upgrade,
however many helpers stand between ``lookup`` and the value.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.linter.access import Path, mapping, text, walk
from conformance.linter.app import Chart
from conformance.linter.facts.credentials import kind_of
from conformance.linter.helm.rendered import objects_of
from conformance.linter.limits import Limits
from conformance.linter.manifest import HOOK, Manifest
from conformance.linter.reading import archive

_RANDOM = re.compile(
    rb"\b(rand(AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|uuidv4|derivePassword|"
    rb"gen(PrivateKey|CA|CAWithKey|SelfSignedCert|SelfSignedCertWithKey|SignedCert|"
    rb"SignedCertWithKey))\b"
)
_LOOKUP = re.compile(rb'\blookup\s+(?!"[^"]*"\s+"(?!Secret")[^"]*")(?=["$.(])')
"""A ``lookup`` of a Secret, or of what a variable says."""
_ACTION = re.compile(rb"\{\{.*?\}\}", re.DOTALL)
_SALTED = re.compile(rb'(?<![.\w"-])(?:(htpasswd)(?=\s+["$.(])|bcrypt(?=[\s|)}]))')
"""A hash of a password, with a salt that is another one each time: it is as good as the last."""
_SLOW_KEY = re.compile(rb'\bgenPrivateKey\s+"rsa"')
"""An RSA key of 4096 bits takes seconds to make, and is as good as any that differs."""
_ARCHIVE = re.compile(r"((?:.*/)?charts/)[^/]+\.tgz")
_DEPTH = 3
"""Charts in charts in charts that are unpacked."""

Render = Callable[[Mapping[str, bytes]], Mapping[str, str]]
"""Renders the files of a chart as an upgrade. Raises RenderError."""


def is_random(chart: Chart, limits: Limits) -> Mapping[str, bytes] | None:
    """Return the chart's files with its packed charts unpacked, if it makes anything by chance."""
    files = _unpacked(chart.files, limits, _DEPTH)
    templates = (content for path, content in files.items() if "templates/" in path)
    return files if any(_RANDOM.search(content) for content in templates) else None


def changing(
    files: Mapping[str, bytes],
    chart: Chart,
    installed: Sequence[Manifest],
    render: Render,
    limits: Limits,
) -> list[tuple[Manifest, Path]]:
    """Return the values that differ between two upgrades, and the objects that they stand in.

    ``files`` are of ``is_random``; ``installed`` is what the installation made. Raises RenderError.
    """
    prepared = {path: _looked_up(path, content, installed) for path, content in files.items()}
    one, other = render(prepared), render(prepared)
    if one == other:
        return []
    first, second = (objects_of(found, chart, limits)[0] for found in (one, other))
    before = {str(manifest): manifest for manifest in first}
    return [
        (manifest, path)
        for manifest in second
        if str(manifest) in before and _renewed(manifest)
        for path in _differences(before[str(manifest)], manifest)
    ]


def _renewed(manifest: Manifest) -> bool:
    """Return whether an upgrade writes an object: a hook of installations is left alone."""
    hooks = text(manifest.annotations.get(HOOK))
    return not hooks or "upgrade" in hooks


def _differences(one: Manifest, other: Manifest) -> Iterator[Path]:
    """Yield where passwords, tokens and keys differ; chance may restart pods, and that is fine."""
    if other.kind == "Secret":
        for part in ("data", "stringData"):
            for key, value in mapping(other.get(part)).items():
                if one.get(part, key) != value:
                    yield part, key
        return
    for path, value in walk(other.value):
        if isinstance(value, str) and path[:2] != ("metadata", "annotations"):
            name = other.get(*path[:-1], "name") if path[-1] == "value" else path[-1]
            if kind_of(str(name)) and one.get(*path) != value:
                yield path


def _looked_up(path: str, content: bytes, installed: Sequence[Manifest]) -> bytes:
    if "templates/" not in path:
        return content
    content = _SLOW_KEY.sub(b'genPrivateKey "ed25519"', content)
    content = _ACTION.sub(lambda action: _SALTED.sub(_unhashed, action[0]), content)
    if not _LOOKUP.search(content):
        return content
    # ``coalesce`` returns the first of its arguments that is not empty, here never the last four.
    secret = json.dumps(_secret(installed), ensure_ascii=True).replace("`", "\\u0060")
    found = b"coalesce (fromJson `" + secret.encode("ascii") + b"`) "
    return _LOOKUP.sub(lambda _: found, content)


def _unhashed(function: re.Match[bytes]) -> bytes:
    """Return the function that gives a user and a password where one gives a hash of it."""
    return b'printf "%s:%s"' if function[1] else b'printf "%s"'


def _secret(installed: Sequence[Manifest]) -> Mapping[str, Any]:
    """Return a Secret with all that the Secrets of an installation hold."""
    data: dict[str, str] = {}
    for one in installed:
        if one.kind == "Secret":
            plain = mapping(one.get("stringData")).items()
            encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain}
            data |= {key: text(value) for key, value in mapping(one.get("data")).items()} | encoded
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "kept", "labels": {}, "annotations": {}},
        "type": "Opaque",
        "data": data,
    }


def _unpacked(files: Mapping[str, bytes], limits: Limits, depth: int) -> Mapping[str, bytes]:
    """Return the files of a chart, those in packed charts included."""
    found: dict[str, bytes] = {}
    for path, content in files.items():
        match = _ARCHIVE.fullmatch(path)
        if match is None or depth == 0:
            found[path] = content
            continue
        packed = archive.unpack(io.BytesIO(content), limits, lambda _file, _why: None)
        inner = {name: data for name, data in packed.items() if "/" in name}
        found |= {
            f"{match[1]}{name}": data for name, data in _unpacked(inner, limits, depth - 1).items()
        }
    return found
