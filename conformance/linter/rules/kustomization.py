"""Whether Flux's Kustomizations find their folders, and all that is to be applied from them."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import get, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity, did_you_mean, quoted
from conformance.linter.pods import WORKLOADS
from conformance.linter.rule import rule

_INSTALLS = frozenset({"HelmRelease", *WORKLOADS})
KUSTOMIZATION = "https://fluxcd.io/flux/components/kustomize/kustomizations/"


@rule(
    "kustomization.path",
    "The folder that a Kustomization applies is in the repository",
    level=1,
    why="Flux reports 'path not found' and applies nothing.",
    source=f"{KUSTOMIZATION}#path",
    fix="Correct spec.path: it starts at the root of the repository.",
    example="""
spec:
  path: ./flux2/apps/notes
""",
)
def path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization whose folder is not there."""
    for one in (*app.kustomizations, *app.strays):
        if one.missing:
            near = f"; did you mean {one.folder}?" if one.folder else ""
            yield Problem(
                one.manifest.place("spec", "path"),
                f"Kustomization {one.name} applies {quoted(one.path)}, which does not exist{near}",
            )
        elif one.folder is None:
            yield NotRun(f"{one.path[:80]} of Kustomization {one.name} is outside of PATH")


@rule(
    "kustomization.order",
    "A Kustomization depends on the one that creates its variables",
    level=2,
    severity=Severity.WARNING,
    why="Without the dependency, the first installation fails until the secrets happen to exist, "
    "and on removal the secrets may be deleted first.",
    source=f"{KUSTOMIZATION}#dependencies",
    fix="Add the Kustomization that creates the secrets to dependsOn.",
    example="""
dependsOn:
  - name: notes-secrets
""",
)
def order(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Kustomization whose variables another one makes that it does not wait for."""
    makers = {
        f"{'ConfigMap' if one.kind == 'ConfigMap' else 'Secret'} {one.name}": other.name
        for other in app.kustomizations
        for one in other.members
        if one.kind in ("ConfigMap", "StringSecret", "BasicAuth")
    }
    for kustomization in app.kustomizations:
        depends = {
            text(get(entry, "name"))
            for entry in sequence(kustomization.manifest.get("spec", "dependsOn"))
        }
        for source in kustomization.sources:
            maker = makers.get(source.name, kustomization.name)
            mistyped = any(did_you_mean(one, [maker]) for one in depends)
            if maker not in depends | {kustomization.name} and not mistyped:
                yield Problem(
                    source.place,
                    f"Kustomization {kustomization.name} takes variables from {source.name}, which"
                    f" Kustomization {maker} makes, and does not depend on {maker}",
                    f"Add {maker} to dependsOn of {kustomization.name}.",
                )
                depends.add(maker)


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


@rule(
    "kustomization.unlisted",
    "A kustomization.yaml names every object in its folder",
    level=2,
    severity=Severity.WARNING,
    why="In a folder with a kustomization.yaml, Flux applies only the files named there: a "
    "forgotten file is not in the cluster, and nobody gets a message.",
    source=f"{KUSTOMIZATION}#generating-a-kustomizationyaml-file",
    fix="Add the file to resources of the kustomization.yaml in its folder, or delete it.",
    example="""
resources:
  - release.yaml
  - pvc.yaml
""",
)
def unlisted(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object that is left out."""
    for one in app.unlisted:
        yield Problem(
            one.place(),
            f"{one.kind} {one.name} is not applied: the kustomization.yaml in its folder does not"
            " name this file",
        )


@rule(
    "kustomization.applied",
    "A Kustomization applies the app",
    level=1,
    severity=Severity.WARNING,
    why="Flux applies what Kustomizations lead to. An app beside the others that none leads to is "
    "never installed, and nobody gets a message.",
    source=f"{KUSTOMIZATION}#path",
    fix="Add a Kustomization whose spec.path is the app's folder, and name it where the other apps "
    "are named.",
    example="""
kind: Kustomization
metadata:
  name: notes
spec:
  path: ./flux2/apps/notes
""",
)
def applied(app: AppPackage) -> Iterator[Problem]:
    """Yield what nothing of the tree applies, where others are applied; of an app one problem."""
    if app.unapplied:
        first = next((one for one in app.written if one.kind in _INSTALLS), app.written[0])
        yield Problem(
            first.place(), f"no Kustomization of the tree leads to {first.kind} {first.name}"
        )
    for one in app.idle:
        yield Problem(one.place(), f"no Kustomization of the tree leads to {one.kind} {one.name}")
