"""Charts that have no Flux package, and what ``app --init`` makes of copies of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml
from linter_packages import GOOD

from conformance.apps.package.description import read_description
from conformance.apps.package.model.description import Description
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.draft.init import Draft
from conformance.linter.lint import AppResult, lint

CHARTS = {
    "notes": PROJECT_ROOT / "charts" / "notes",
    "wordpress": PROJECT_ROOT / "charts" / "wordpress",
    "polls": GOOD / "single-chart",
    "board": GOOD / "flux-app" / "charts" / "board",
    "wiki": GOOD / "existing-claims" / "helm" / "wiki",
    "pad": GOOD / "no-login" / "charts" / "pad",
}
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{host: {{ HOST }}}]
"""
"""A template: an Ingress whose host is to be filled in."""


def copied(source: Path, folder: Path) -> Path:
    undescribed = shutil.ignore_patterns("conformance.yaml")
    return shutil.copytree(source, folder / source.name, ignore=undescribed)


def only(path: Path) -> AppResult:
    [found] = lint(path).apps
    return found


def read(root: Path, draft: Draft) -> Description:
    [path] = [path for path in draft.files if path.endswith("conformance.yaml")]
    return read_description(root / path)


def write_chart(
    folder: Path, values: str, template: str, name: str = "shop-front", **files: str
) -> Path:
    """Write a chart with one template into a folder of its own; return that one."""
    root = folder / "chart"
    (root / "templates").mkdir(parents=True)
    metadata = {"apiVersion": "v2", "name": name, "version": "0.1.0"}
    (root / "Chart.yaml").write_text(yaml.safe_dump(metadata))
    (root / "values.yaml").write_text(values)
    (root / "templates" / "all.yaml").write_text(template)
    for path, text in files.items():
        (root / path).write_text(text)
    return root


def values_in(files: Any, name: str) -> Any:
    """Return the values that a drafted package gives to its chart."""
    text = files[f"flux2/apps/{name}/values-configmap.yaml"]
    return yaml.safe_load(yaml.safe_load(text)["data"]["values.yaml"])
