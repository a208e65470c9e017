"""Flux is told how to decrypt what SOPS has encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.findings import NotRun, Problem
from conformance.linter.flux.variables import is_encrypted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.decryption", level=1)
def decryption(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each encrypted object of a Kustomization that does not decrypt."""
    for kustomization in app.kustomizations:
        if text(kustomization.manifest.get("spec", "decryption", "provider")) == "sops":
            continue
        for one in kustomization.members:
            if not is_encrypted(one):
                continue
            if app.part:
                yield NotRun(
                    f"what applies Kustomization {kustomization.name} may be outside of PATH, and"
                    " add spec.decryption"
                )
            else:
                yield Problem(
                    one.place(),
                    f"{one.kind} {one.name} is encrypted by SOPS, and Kustomization"
                    f" {kustomization.name} has no spec.decryption",
                )
