"""Flux can build the folder of a Kustomization."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.kustomization.shared import KUSTOMIZATION


@rule(
    "kustomization.resources",
    "Flux can build the folder of a Kustomization",
    level=1,
    why="kustomize accepts or refuses a folder as a whole: if one file is missing or is not an "
    "object, nothing of the app is applied.",
    source=f"{KUSTOMIZATION}#generating-a-kustomizationyaml-file",
    fix="List in kustomization.yaml exactly the files that exist; without a kustomization.yaml, "
    "keep other YAML out of the folder.",
    example="""
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - release.yaml
  - pvc.yaml
""",
)
def resources(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what kustomize would stop at, in the app's folders and in those that lead to them."""
    for kustomization in app.kustomizations:
        yield from kustomization.problems
    yield from app.above
