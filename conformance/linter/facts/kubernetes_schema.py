"""What the API server of the pinned Kubernetes says to an object, and whether it has its kind.

Kubernetes' own kinds by ``schemas/kubernetes.json``, those of Flux, Velero, Hydra Maester and the
secret generator by ``schemas/crds.json``. Of any other kind only the metadata is known.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any
from weakref import WeakKeyDictionary

from conformance.common.pins import pin
from conformance.linter.access import text
from conformance.linter.facts import object_names
from conformance.linter.facts.beyond_schemas import beyond_schemas
from conformance.linter.facts.schema_types import Schema
from conformance.linter.facts.structural import OBJECT_META, Checker
from conformance.linter.facts.violations import Verdict, Violation, nearest
from conformance.linter.findings import quoted
from conformance.linter.flux.platform import CERT_MANAGER
from conformance.linter.flux.variables import is_encrypted
from conformance.linter.manifest import Manifest
from conformance.linter.schemas.removed import BEGINS, ENDS, NOTES, PRODUCTS, REMOVED
from conformance.linter.versions import PINNED, PRODUCT, Versions, minor

_SCHEMAS = File(__file__).parents[1] / "schemas"
KUBERNETES = _SCHEMAS / "kubernetes.json"
CRDS = _SCHEMAS / "crds.json"
SERVED = "x-kubernetes-group-version-kind"
"""In a schema: the kinds that an object of it may have."""
_META: Schema = {"$ref": f"#/$defs/{OBJECT_META}"}
_FOREIGN: Schema = {"properties": {"metadata": _META}}
"""Of a kind that nobody here knows."""
_ENDING = "k8s.io"


@dataclass(frozen=True)
class Version:
    """One version of a kind."""

    schema: Schema
    deprecated: bool = False


Kinds = Mapping[str, Mapping[str, Mapping[str, Version]]]
"""Group -> kind -> version; the core group is the empty one."""


@dataclass(frozen=True)
class Advice:
    """Something about an ``apiVersion``, and what to write instead."""

    message: str
    fix: str


def pinned() -> tuple[int, int]:
    """Return major and minor version of the Kubernetes that this suite starts."""
    major, minor = pin("kubernetes").version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


_ENCRYPTED = re.compile(r"ENC\[.*,type:(\w+)\]", re.DOTALL)
"""A value that SOPS has encrypted, and what type it had."""


def validate(manifest: Manifest) -> list[Violation]:
    """Return why the API server would refuse an object; nothing for kinds that are not known.

    Nor is anything said about an ``apiVersion`` that ``unserved`` has something to say about.
    """
    for key in ("apiVersion", "kind"):
        if not text(manifest.get(key)):
            return [Violation((), f'an object without "{key}"', f'Add "{key}".')]
    manifest = _decrypted(manifest)
    strange = _strange(manifest)
    if strange:
        return [strange]
    return [*_verdict(manifest).violations, *beyond_schemas(manifest)]


def checked_as(value: object, definition: str) -> tuple[Violation, ...]:
    """Return what is wrong with a part of an object, such as ``io.k8s.api.core.v1.Probe``."""
    return _checker().check(value, {"$ref": f"#/$defs/{definition}"}).violations


def _decrypted(manifest: Manifest) -> Manifest:
    """Return an object as SOPS leaves it when Flux has decrypted it, as far as a schema sees that.

    Its values are only known to have a type; those of ``data`` are base64 of something.
    """
    if not is_encrypted(manifest):
        return manifest
    value = {key: item for key, item in manifest.value.items() if key != "sops"}
    return replace(manifest, value=_typed(value))


def _typed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    match = _ENCRYPTED.fullmatch(value) if isinstance(value, str) else None
    return {"int": 1, "float": 1.0, "bool": True}.get(match[1], "c29wcw==") if match else value


def invalid_names(manifest: Manifest) -> list[Violation]:
    """Return the names and labels of an object that the API server would refuse."""
    return list(object_names.invalid(manifest, _verdict(manifest).metadata))


def unserved(manifest: Manifest, versions: Versions = PINNED) -> Advice | None:
    """Return what to do about an ``apiVersion`` that the cluster does not have, or no more."""
    api, kind = manifest.api_version, manifest.kind
    group, version = manifest.group, api.rpartition("/")[2]
    known = kinds().get(group, {})
    product = PRODUCTS.get(group, PRODUCT)
    asked = versions.of(product)
    last, first = _listed(kind, REMOVED.get(api), ENDS.get(api)), _listed(kind, BEGINS.get(api))
    if asked and first and asked < minor(first):
        return Advice(
            f"{kind} of {quoted(api)} is new in {product} {first}",
            f"Write an older apiVersion, or require {product} {first}.",
        )
    gone = last is not None and (asked is None or asked >= minor(last))
    if not gone and (last or version in known.get(kind, {}) or kind not in known):
        return None
    says = f"{kind} of {quoted(api)} was removed in {product} {last}"
    if last is None:
        says = f"{kind} has no version {quoted(version)} in {product}"
    instead = _home(kind)
    if not instead:
        return Advice(f"{says}, without a replacement", f"Remove the {kind}.")
    note = NOTES.get(kind, "")
    return Advice(says, f"Write apiVersion: {instead}.{' ' if note else ''}{note}")


def _listed(kind: str, *lists: Mapping[str, str] | None) -> str | None:
    """Return what the first list says of a kind, or of all kinds."""
    found = (one.get(kind) or one.get("*") for one in lists if one)
    return next((one for one in found if one), None)


def deprecated(manifest: Manifest, versions: Versions = PINNED) -> Advice | None:
    """Return what to write instead of an ``apiVersion`` that will go, but is still served."""
    group, kind = manifest.group, manifest.kind
    version = kinds().get(group, {}).get(kind, {}).get(manifest.api_version.rpartition("/")[2])
    if version is None or not version.deprecated or unserved(manifest, versions):
        return None
    product = PRODUCTS.get(group, PRODUCT)
    instead = _home(kind, group)
    asked, first = versions.of(product), _listed(kind, BEGINS.get(instead))
    if asked and first and asked < minor(first):
        return None  # There is nothing else yet.
    says = f"{kind} of {quoted(manifest.api_version)} is deprecated: a later {product} removes it"
    return Advice(says, f"Write apiVersion: {instead}.")


@functools.cache
def kinds() -> Kinds:
    """Return all kinds that are known."""
    found: dict[str, dict[str, dict[str, Version]]] = {}
    for schema in _definitions().values():
        served = schema.get(SERVED, ())
        if len(served) == 1:  # others are no objects of their own: DeleteOptions, WatchEvent
            one = served[0]
            versions = found.setdefault(one["group"], {}).setdefault(one["kind"], {})
            versions[one["version"]] = Version(schema)
    for group, its_kinds in json.loads(CRDS.read_bytes()).items():
        for kind, its_versions in its_kinds.items():
            for name, one in its_versions.items():
                schema = dict(one["schema"])
                schema["properties"] = {**schema.get("properties", {}), "metadata": _META}
                versions = found.setdefault(group, {}).setdefault(kind, {})
                versions[name] = Version(schema, one.get("deprecated", False))
    return found


@functools.cache
def api_versions() -> tuple[str, ...]:
    """Return what a chart finds in ``.Capabilities.APIVersions``: each version, and its kinds.

    As Helm asks an API server for them (``apps/v1`` and ``apps/v1/Deployment``):
    https://helm.sh/docs/chart_template_guide/builtin_objects/
    """
    served = [
        (f"{group}/{version}" if group else version, kind)
        for group, its_kinds in kinds().items()
        for kind, versions in its_kinds.items()
        for version in versions
    ]
    served += [
        (f"{group}/{version}", kind)
        for group, versions in CERT_MANAGER.items()
        for version, its_kinds in versions.items()
        for kind in its_kinds
    ]
    return tuple(dict.fromkeys(one for name, kind in served for one in (name, f"{name}/{kind}")))


@functools.cache
def _definitions() -> Mapping[str, Schema]:
    definitions: Mapping[str, Schema] = json.loads(KUBERNETES.read_bytes())
    return definitions


@functools.cache
def _checker() -> Checker:
    return Checker(_definitions())


_OF_FLUX = ".toolkit.fluxcd.io"
_VERDICTS: WeakKeyDictionary[Manifest, Verdict] = WeakKeyDictionary()
"""Several rules ask about the same object."""


def _verdict(manifest: Manifest) -> Verdict:
    if manifest not in _VERDICTS:
        versions = kinds().get(manifest.group, {}).get(manifest.kind, {})
        version = versions.get(manifest.api_version.rpartition("/")[2])
        schema = _FOREIGN if version is None else version.schema
        secret = manifest.kind == "Secret"
        _VERDICTS[manifest] = _checker().check(manifest.value, schema, secret=secret)
        if version is None and versions and manifest.group.endswith(_OF_FLUX):
            _VERDICTS[manifest] = _by_types(manifest, versions)
    return _VERDICTS[manifest]


def _by_types(manifest: Manifest, versions: Mapping[str, Version]) -> Verdict:
    """Return what is wrong with an object of a version that is gone, and has no schema here.

    Fields come and go with versions, but keep their types.
    """
    oldest = next((one for name, one in versions.items() if "beta" in name), None)
    schema = (oldest or next(iter(versions.values()))).schema
    verdict = _checker().check(manifest.value, schema)
    wrong = tuple(one for one in verdict.violations if one.wrong_type)
    return replace(verdict, violations=wrong)


def _home(kind: str, group: str | None = None) -> str:
    """Return the best ``apiVersion`` that has a kind; empty if none has."""

    def rank(version: str) -> tuple[bool, bool, str]:
        return "alpha" not in version, "beta" not in version, version

    found = [
        (rank(version), f"{one}/{version}" if one else version)
        for one, members in kinds().items()
        if group in (None, one)
        for version in members.get(kind, {})
    ]
    return max(found)[1] if found else ""


def _strange(manifest: Manifest) -> Violation | None:
    """Return what is wrong with a kind or a group that does not exist."""
    group, kind, api = manifest.group, manifest.kind, manifest.api_version
    known = kinds()
    home = _home(kind)
    if _removed(api, kind):
        return None
    if group in known:
        if kind in known[group] or kind == "List":
            return None
        says = f"there is no kind {quoted(kind)} in {quoted(api)}"
        if home:
            return Violation(("apiVersion",), says, f"Write apiVersion: {home}.")
        meant = nearest(kind, list(known[group]))
        fix = f"Write kind: {meant}." if meant else "Correct apiVersion or kind."
        return Violation(("kind",), f'{says}; did you mean "{meant}"?' if meant else says, fix)
    # The group of a custom resource has a dot; those of Kubernetes' own without one are known.
    alike = home and group.endswith(_ENDING) and nearest(group, [home.rpartition("/")[0]])
    if "." in group and not alike:
        return None
    says = f"there is no API group {quoted(group)}"
    fix = f"Write apiVersion: {home}." if home else "Correct apiVersion."
    return Violation(("apiVersion",), says, fix)


def _removed(api: str, kind: str) -> bool:
    return bool(REMOVED.get(api, {}).keys() & {kind, "*"})


__all__ = [
    "Advice",
    "Violation",
    "checked_as",
    "deprecated",
    "invalid_names",
    "kinds",
    "pinned",
    "unserved",
    "validate",
]
