"""Writes the schemas that the linter reads anew: ``kubernetes.json``, ``crds.json``.

    python -m conformance.linter.write_schemas

To be run after Kubernetes, or a component that brings kinds, was pinned at another version; a test
says so. It needs the extras ``cluster`` and ``tests``. The schemas of Kubernetes' own kinds come
from the package kubernetes-validate, which has 108 MB of them for a dozen versions, where the
linter needs one; the others come from the components' own Go modules, whose hashes stand in the
wrappers' go.sum, and from ``charts/operator``. What only people read (descriptions) and what only
the cluster writes (status of custom resources) is left out. ``sources.json`` says what was taken.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from conformance.common import settings
from conformance.components import golang
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import GoPart
from conformance.components.processes import Runner
from conformance.components.recipe import Sources
from conformance.linter.facts.kubernetes_schema import CRDS, KUBERNETES, SERVED, pinned

FOLDER = KUBERNETES.parent
MODULES = ("helm-controller", "kustomize-controller", "source-controller", "velero")
LICENCE = "Apache-2.0"
"""Of all of ``MODULES``, and of Kubernetes."""
Schema = dict[str, Any]

_KEPT = frozenset(
    {"type", "format", "pattern", "enum", "required", "nullable", "minimum", "maximum",
     "minLength", "maxLength", "minItems", "maxItems"}
)  # fmt: skip
_DROPPED = frozenset(
    {"description", "default", "x-kubernetes-list-type", "x-kubernetes-map-type",
     "x-kubernetes-validations"}
)  # fmt: skip
_RULES = {
    "(has(self.chart) && !has(self.chartRef)) || (!has(self.chart) && has(self.chartRef))": {
        "exactlyOne": ["chart", "chartRef"]
    },
}
"""Rules in CEL that a packager may well violate, in words that the linter understands."""

_OPEN: Schema = {"type": "object"}
_UPSTREAM: Mapping[tuple[str, str], Schema] = {
    # What ory/hydra-maester and mittwald/kubernetes-secret-generator know beside the reference
    # implementation: packages for Stackspin may use it.
    ("hydra.ory.sh", "OAuth2Client"): {
        "hydraAdmin": _OPEN,
        "deletionPolicy": {"type": "string", "enum": ["Delete", "Orphan"]},
    },
    ("secretgenerator.mittwald.de", "StringSecret"): {
        "templates": {"type": "array", "items": _OPEN},
    },
}
_UPSTREAM_KINDS = {"secretgenerator.mittwald.de": ("v1alpha1", ("SSHKeyPair",))}


class UnknownKeywordError(Exception):
    """A schema says something that the linter would not understand."""


def compact(schema: Mapping[str, Any], where: str = "") -> Schema:
    """Return a structural schema as the linter reads it: closed, unless it says otherwise.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
    """
    result: Schema = {key: schema[key] for key in schema if key in _KEPT}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") is True
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: compact(one, f"{where}.{name}") for name, one in value.items()}
        elif key in ("items", "additionalProperties"):
            result[key] = value if isinstance(value, bool) else compact(value, f"{where}.{key}")
        elif key == "x-kubernetes-int-or-string":
            result["type"] = ["integer", "string"]
        elif key == "anyOf" and schema.get("x-kubernetes-int-or-string"):
            pass
        elif key not in _KEPT | _DROPPED and key != "x-kubernetes-preserve-unknown-fields":
            raise UnknownKeywordError(f"{key} at {where}")
    for rule in schema.get("x-kubernetes-validations", ()):
        result |= _RULES.get(" ".join(rule["rule"].split()), {})
    if result.get("type") == "object" and "additionalProperties" not in result and not open_ended:
        result["additionalProperties"] = False
    given = {name for name, one in schema.get("properties", {}).items() if "default" in one}
    if "required" in result:
        result["required"] = [name for name in result["required"] if name not in given]
    return result


def kinds_of(definitions: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return group -> kind -> version -> ``schema`` (and ``deprecated``) of definitions."""
    result: dict[str, dict[str, Any]] = {}
    for definition in definitions:
        spec = definition["spec"]
        group, kind = spec["group"], spec["names"]["kind"]
        versions = {}
        for version in spec["versions"]:
            if version["served"]:
                schema = compact(version["schema"]["openAPIV3Schema"], f"{kind}/{version['name']}")
                schema["properties"] |= {"metadata": {}, "status": {}}
                more = _UPSTREAM.get((group, kind), {})
                if more:
                    schema["properties"]["spec"]["properties"] |= more
                versions[version["name"]] = {
                    "schema": schema,
                    **({"deprecated": True} if version.get("deprecated") else {}),
                }
        result.setdefault(group, {})[kind] = versions
    for group, (version, kinds) in _UPSTREAM_KINDS.items():
        for kind in kinds if group in result else ():
            result[group][kind] = {version: {"schema": _OPEN}}
    return result


def definitions_in(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the custom resource definitions in the YAML files of a folder and below it."""
    for file in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document and document.get("kind") == "CustomResourceDefinition":
                yield document


def kubernetes_folder() -> Path:
    """Return kubernetes-validate's folder of the pinned Kubernetes, or of the newest before it.

    Raises ModuleNotFoundError if kubernetes-validate is not installed.
    """
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("kubernetes-validate is not installed: it is in the extra tests")
    folders = {}
    for folder in (Path(spec.origin).parent / "kubernetes-json-schema").glob("v*-local-strict"):
        major, minor = folder.name.removeprefix("v").split("-")[0].split(".")[:2]
        folders[int(major), int(minor)] = folder
    return folders[max(version for version in folders if version <= pinned())]


def kubernetes_definitions(folder: Path) -> dict[str, Schema]:
    """Return the schemas in a folder of kubernetes-validate by name, each with its kind."""
    definitions = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
    return {name: _without_prose(schema) for name, schema in definitions.items()}


def _without_prose(schema: Schema) -> Schema:
    """Leave out what only people and kubectl read."""
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _without_prose(one) for name, one in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _without_prose(value)
        elif key != "description" and (key == SERVED or not key.startswith("x-kubernetes-")):
            result[key] = value
    return result


def operator_definitions() -> Path:
    """Return the folder with the definitions of this project's own operator."""
    return settings.data_root() / "charts" / "operator" / "crds"


def dumped(data: object) -> str:
    """Return JSON, the same for the same data, a line for each member of the outermost."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    if isinstance(data, Mapping):
        lines = (
            f"{json.dumps(key)}:{json.dumps(data[key], sort_keys=True, separators=(',', ':'))}"
            for key in sorted(data)
        )
        text = "{\n" + ",\n".join(lines) + "\n}"
    return text + "\n"


def main() -> None:
    """Write all three files."""
    kubernetes = kubernetes_folder()
    runner = Runner()
    found: list[Mapping[str, Any]] = list(definitions_in(operator_definitions()))
    sources: dict[str, Any] = {
        "kubernetes": {
            "version": kubernetes.name.removesuffix("-local-strict"),
            "source": f"kubernetes-validate {metadata.version('kubernetes-validate')} of PyPI",
            "licence": LICENCE,
        },
        "operator": {"source": "charts/operator/crds of this project", "licence": "its own"},
    }
    for name in MODULES:
        part = CATALOGUE[name]
        assert isinstance(part, GoPart)  # noqa: S101 - for mypy
        module = _module(part, runner)
        for copy, folder in part.folders.items():
            if copy.startswith("manifests/crd"):
                found += definitions_in(module / folder)
        sources[name] = {"version": part.version, "source": part.module, "licence": LICENCE}
    KUBERNETES.write_text(dumped(kubernetes_definitions(kubernetes)))
    CRDS.write_text(dumped(kinds_of(found)))
    (FOLDER / "sources.json").write_text(dumped(sources))


def _module(part: GoPart, runner: Runner) -> Path:
    """Return the folder of a part's Go module, fetched and verified if need be."""
    go = golang.toolchain()
    env = golang.environment(settings.cache_dir(), golang.proxy_setting(go, runner))
    with tempfile.TemporaryDirectory() as scratch:
        for file in ("go.mod", "go.sum"):
            shutil.copyfile(Sources().wrappers / part.wrapper / file, Path(scratch) / file)
        runner.run([go, "mod", "download", part.module], env=env, cwd=Path(scratch))
        answer = runner.run(
            [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", part.module],
            env=env,
            cwd=Path(scratch),
        )
    return Path(answer.strip())


if __name__ == "__main__":
    main()
