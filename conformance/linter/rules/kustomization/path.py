"""The folder that a Kustomization applies is in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule


@rule("kustomization.path", level=1)
def path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization whose folder is not there."""
    for one in (*app.kustomizations, *app.strays):
        if one.missing:
            near = f"; did you mean {one.folder}?" if one.folder else ""
            yield Problem(
                one.manifest.place("spec", "path"),
                f"Kustomization {one.name} applies {quoted(one.path)}, which does not exist{near}",
            )
        elif "${" in one.path:
            yield NotRun(f"where {one.path[:80]} of Kustomization {one.name} leads is not known")
        elif one.folder is None:
            yield NotRun(f"{one.path[:80]} of Kustomization {one.name} is outside of PATH")
