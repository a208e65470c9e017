"""Every dependsOn names a Kustomization or HelmRelease that exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, did_you_mean, quoted
from conformance.linter.flux import platform
from conformance.linter.flux.kustomizations import is_flux_kustomization
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule


@rule("reference.depends-on", level=1)
def depends_on(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each dependency that does not exist."""
    names = {one.name for one in app.everything() if is_flux_kustomization(one)}
    releases = {one.name for one in app.everything() if one.kind == "HelmRelease"}
    checked: list[tuple[Manifest, Collection[str]]] = [
        (one.manifest, names | platform.KUSTOMIZATIONS) for one in app.kustomizations
    ]
    checked += [(one.manifest, releases) for one in app.releases]
    for manifest, known in checked:
        for index, entry in enumerate(sequence(manifest.get("spec", "dependsOn"))):
            name = text(get(entry, "name"))
            if not name or name in known:
                continue
            near = did_you_mean(name, known)
            if app.part and not near:
                yield NotRun(f"{quoted(name)} is not in PATH: it is not known whether it exists")
            else:
                yield Problem(
                    manifest.place("spec", "dependsOn", index),
                    f"{manifest.kind} {manifest.name} depends on {quoted(name)}, which is neither"
                    f" in the package nor Stackspin's{near}",
                )
