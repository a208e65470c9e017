"""``${variables}`` that Flux fills in after kustomize: where they come from, where they are used.

https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from conformance.linter.access import get, mapping, sequence, text, walk
from conformance.linter.app import SubstituteSource, Variable
from conformance.linter.findings import Place
from conformance.linter.flux import platform
from conformance.linter.flux.made_secrets import made_secrets
from conformance.linter.flux.substitution import Use, uses
from conformance.linter.manifest import Manifest

_PUBLIC = re.compile(r"^(.*_)?(client_id|user(name)?|domain|email|name|host|port)$")
SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
"""Label or annotation with ``disabled``: Flux leaves the object's variables alone."""


def substitutes_nothing(manifest: Manifest) -> bool:
    """Return whether Flux is told to leave an object's variables alone."""
    marks = (manifest.annotations.get(SUBSTITUTE), manifest.labels.get(SUBSTITUTE))
    return "disabled" in marks


def uses_of(manifest: Manifest) -> Iterator[tuple[Use, Place]]:
    """Yield the variables in an object as written, and where each is."""
    if substitutes_nothing(manifest):
        return
    for path, value in walk(manifest.value):
        if isinstance(value, str) and "${" in value:
            for use in uses(value):
                place = manifest.place(*path)
                if manifest.document is not None:
                    place = replace(place, line=manifest.document.line_in(path, use.offset))
                yield use, place


def generated_value(source: str, field: str) -> str:
    """Return what stands for a generated secret: 32 characters, always the same."""
    return hashlib.sha256(f"{source}/{field}".encode(errors="replace")).hexdigest()[:32]


def definitions(manifest: Manifest) -> Mapping[str, Mapping[str, Variable]]:
    """Return the sources of variables that an object as written makes: name -> its variables."""
    if manifest.kind == "ConfigMap":
        name = f"ConfigMap {manifest.name}"
        return {name: _literals(name, manifest.get("data"), secret=False)}
    name = f"Secret {manifest.name}"
    if manifest.kind == "Secret":
        return {name: _of_secret(name, manifest)}
    if manifest.kind == "StringSecret":
        fields = [text(get(one, "fieldName")) for one in sequence(manifest.get("spec", "fields"))]
        return {
            name: {
                **_literals(name, manifest.get("spec", "data"), secret=True),
                **{field: _generated(name, field) for field in fields if field},
            }
        }
    if manifest.kind == "BasicAuth":
        user = text(manifest.get("spec", "username")) or "admin"
        return {
            name: {
                "username": Variable("username", name, user, secret=False),
                **{field: _generated(name, field) for field in ("password", "auth")},
            }
        }
    if manifest.kind == "OAuth2Client":
        name = f"Secret {text(manifest.get('spec', 'secretName'))}"
        return {name: {field: _generated(name, field) for field in ("client_id", "client_secret")}}
    return {
        f"Secret {one.name}": {key: _generated(f"Secret {one.name}", key) for key in one.keys or ()}
        for one in made_secrets(manifest)
    }


def _of_secret(name: str, secret: Manifest) -> Mapping[str, Variable]:
    if is_encrypted(secret):
        parts = (secret.get("data"), secret.get("stringData"))
        return {key: _generated(name, key) for part in parts for key in mapping(part)}
    plain = {key: _decoded(item) for key, item in mapping(secret.get("data")).items()}
    return _literals(name, {**plain, **mapping(secret.get("stringData"))}, secret=True)


def is_encrypted(manifest: Manifest) -> bool:
    """Return whether SOPS has encrypted an object; Flux decrypts it when it is told how."""
    return isinstance(manifest.get("sops"), Mapping)


def _is_open(manifest: Manifest, name: str) -> bool:
    """Return whether an operator's Secret may have keys that nobody knows here."""
    return any(one.keys is None and f"Secret {one.name}" == name for one in made_secrets(manifest))


def _generated(source: str, field: str) -> Variable:
    value = generated_value(source, field)
    return Variable(field, source, value, secret=not _PUBLIC.match(field), generated=True)


def _literals(source: str, data: object, secret: bool) -> Mapping[str, Variable]:
    return {
        key: Variable(key, source, str(value), secret=secret and not _PUBLIC.match(key))
        for key, value in mapping(data).items()
        if isinstance(value, str | int | float)
    }


def _decoded(value: object) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


class Sources:
    """All sources of variables in a tree."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], list[tuple[Manifest, Mapping[str, Variable]]]] = {}

    def add(self, manifest: Manifest) -> None:
        """Learn what an object as written defines."""
        for name, variables in definitions(manifest).items():
            self._written.setdefault((name, manifest.namespace), []).append((manifest, variables))

    def of(
        self, kustomization: Manifest, near: Callable[[Manifest], bool]
    ) -> tuple[tuple[SubstituteSource, Manifest | None], ...]:
        """Return the entries of a Kustomization's ``postBuild``, and the objects behind them.

        ``near`` says whether an object may be in the Kustomization's own cluster.
        Values are as written: their own variables are not filled in.
        """
        found: list[tuple[SubstituteSource, Manifest | None]] = []
        for index, entry in enumerate(
            sequence(kustomization.get("spec", "postBuild", "substituteFrom"))
        ):
            name = f"{text(get(entry, 'kind'))} {text(get(entry, 'name'))}"
            place = kustomization.place("spec", "postBuild", "substituteFrom", index)
            optional = get(entry, "optional") is True
            manifest, variables = self._find(name, kustomization.namespace, near)
            known = manifest is not None or platform.provides_source(name)
            open_ended = manifest is not None and _is_open(manifest, name)
            source = SubstituteSource(name, place, optional, variables, known, open_ended)
            found.append((source, manifest))
        inline = kustomization.get("spec", "postBuild", "substitute")
        if mapping(inline):
            name = "postBuild.substitute"
            place = kustomization.place("spec", "postBuild", "substitute")
            variables = _literals(name, inline, secret=False)
            found.append((SubstituteSource(name, place, False, variables, True), None))
        return tuple(found)

    def _find(
        self, name: str, namespace: str, near: Callable[[Manifest], bool]
    ) -> tuple[Manifest | None, Mapping[str, Variable]]:
        for where in (namespace, ""):
            found = [one for one in self._written.get((name, where), ()) if near(one[0])]
            # A StringSecret wins over the OAuth2Client that uses its Secret.
            made = [one for one in found if one[0].kind != "OAuth2Client"]
            if found:
                return (made or found[:1])[-1]
        return None, {}
