"""Trees of Flux packages, written for a test, and the apps that the linter finds in them."""

from __future__ import annotations

from pathlib import Path

import yaml

from conformance.linter.app import AppPackage
from conformance.linter.detection import detect
from conformance.linter.reading.tree import Tree


class NoCharts:
    def render(self, *_, **__):
        raise AssertionError("there is no chart to render")


def apps_in(root: Path) -> list[AppPackage]:
    return [one for one in detect(Tree.read(root), NoCharts()) if not one.rest]


def rest_in(root: Path) -> AppPackage | None:
    found = detect(Tree.read(root), NoCharts())
    return next((one for one in found if one.rest), None)


def write(root: Path, files: dict[str, object]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        documents = content if isinstance(content, list) else [content]
        text = content if isinstance(content, str) else yaml.safe_dump_all(documents)
        file.write_text(text)
    return root


def kustomization(name: str, path: str, *, sources=(), depends=(), repository="apps"):
    spec = {
        "interval": "5m",
        "path": path,
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": repository},
        "dependsOn": [{"name": one} for one in depends],
    }
    if sources:
        spec["postBuild"] = {
            "substituteFrom": [
                dict(zip(("kind", "name"), one.split(), strict=True)) for one in sources
            ]
        }
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": spec,
    }


def release(name: str, **spec: object):
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": {
            "chart": {
                "spec": {
                    "chart": name,
                    "version": "1.0.0",
                    "sourceRef": {"kind": "HelmRepository", "name": name},
                }
            },
            **spec,
        },
    }


def config_map(name: str, namespace: str = "apps", **data: str):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def string_secret(name: str, *fields: str):
    return {
        "apiVersion": "secretgenerator.mittwald.de/v1alpha1",
        "kind": "StringSecret",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"fields": [{"fieldName": field} for field in fields]},
    }
