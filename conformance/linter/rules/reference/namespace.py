"""Objects of an app are in a namespace that exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from conformance.linter.access import text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, did_you_mean, quoted
from conformance.linter.flux import platform
from conformance.linter.rule import rule

_OF_KUBERNETES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


@rule("reference.namespace", level=1)
def namespace(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object in a namespace that is nobody's and looks like a mistyped one."""
    made = {one.name for one in app.everything() if one.kind == "Namespace"}
    homes = Counter(one.namespace for one in app.everything() if one.namespace)
    known = made | platform.NAMESPACES
    common = {name for name, times in homes.items() if times > 1}
    for one in app.written:
        name = one.namespace
        near = did_you_mean(name, known | (common - {name}))
        if name and name not in known and homes[name] == 1 and near:
            yield Problem(
                one.place("metadata", "namespace"),
                f"{one.kind} {one.name} is in namespace {quoted(name)}, which nothing else is"
                f" in{near}",
            )
    yield from _targets(app, known | _OF_KUBERNETES)


def _targets(app: AppPackage, known: Collection[str]) -> Iterator[Problem | NotRun]:
    """Yield each namespace that the app is to be installed into, and that nobody makes."""
    own = {id(one) for k in app.kustomizations for one in k.members}
    known = {*known, *(one.name for one in app.objects("Namespace"))}
    known |= {one.namespace for one in app.neighbours if id(one) not in own}
    targets = [one.manifest for one in app.kustomizations]
    targets += [
        one.manifest
        for one in app.releases
        if one.manifest.get("spec", "install", "createNamespace") is not True
    ]
    for one in targets:
        name = text(one.get("spec", "targetNamespace"))
        if not name or name in known:
            continue
        near = did_you_mean(name, known)
        if app.kustomizations and (near or not app.part):
            yield Problem(
                one.place("spec", "targetNamespace"),
                f"{one.kind} {one.name} installs into namespace {quoted(name)}, which neither the"
                f" package nor Stackspin makes{near}",
                "Add a Namespace to the package, correct the name, or have Helm make it "
                "(spec.install.createNamespace).",
            )
        else:
            yield NotRun(f"namespace {name} is not in PATH: it is not known whether it exists")
