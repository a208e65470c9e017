"""Whether everything that a Flux package refers to is in it, or is Stackspin's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from conformance.linter.access import Path, get, sequence, text
from conformance.linter.app import SOURCE_KINDS, AppPackage, Release
from conformance.linter.facts.cluster import similar
from conformance.linter.findings import NotRun, Place, Problem, did_you_mean, quoted
from conformance.linter.flux import platform
from conformance.linter.flux.kustomizations import is_flux_kustomization
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule

SUBSTITUTION = (
    "https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution"
)
KUSTOMIZATION = "https://fluxcd.io/flux/components/kustomize/kustomizations/"
HELM_RELEASE = "https://fluxcd.io/flux/components/helm/helmreleases/"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OVERRIDE = "-override"
_OF_KUBERNETES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


@rule(
    "reference.depends-on",
    "Every dependsOn names a Kustomization or HelmRelease that exists",
    level=1,
    why="An object that depends on something missing is never applied: the app is not installed, "
    "and only a status says 'dependency not found'.",
    source=f"{KUSTOMIZATION}#dependencies",
    fix="Correct the name, or remove the entry.",
    example="""
dependsOn:
  - name: single-sign-on
  - name: notes-secrets
""",
)
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
            if name and name not in known:
                yield Problem(
                    manifest.place("spec", "dependsOn", index),
                    f"{manifest.kind} {manifest.name} depends on {quoted(name)}, which is neither"
                    f" in the package nor Stackspin's{did_you_mean(name, known)}",
                )


@rule(
    "reference.values-from",
    "Values that a HelmRelease needs are in the package, in its namespace",
    level=1,
    why="helm-controller does not install a release whose values it cannot read.",
    source=f"{HELM_RELEASE}#values-references",
    fix="Correct kind, name or valuesKey, put the object into the HelmRelease's namespace, or "
    "mark it optional: true if people add it by hand.",
    example="""
valuesFrom:
  - kind: ConfigMap
    name: stackspin-notes-values
""",
)
def values_from(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source of values that is missing or cannot be read."""
    for release in app.releases:
        for source in release.sources:
            if source.problem:
                yield Problem(source.place, source.problem)
            elif source.manifest is None and not source.optional:
                yield Problem(
                    source.place,
                    f"HelmRelease {release.name} needs {source.name}, which is not in"
                    f" namespace {release.manifest.namespace or '(none)'}"
                    f"{_where(app, source.name)}",
                )


def _where(app: AppPackage, name: str) -> str:
    found = {f"{one.kind} {one.name}": one.namespace for one in app.everything()}
    if name in found:
        return f" but in {found[name] or '(none)'}"
    kind = name.partition(" ")[0]
    return did_you_mean(name, (other for other in found if other.startswith(f"{kind} ")))


@rule(
    "reference.override",
    "Overrides have the names that their HelmRelease expects",
    level=2,
    why="Overrides are optional: if the name or namespace is not the one that the HelmRelease "
    "expects, the operator's configuration is ignored without a message.",
    source="Stackspin",
    fix="Name the ConfigMap and Secret stackspin-APP-override, and put them into the "
    "HelmRelease's namespace.",
    example="""
valuesFrom:
  - kind: ConfigMap
    name: stackspin-notes-values
  - kind: ConfigMap
    name: stackspin-notes-override
    optional: true
  - kind: Secret
    name: stackspin-notes-override
    optional: true
""",
)
def override(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield overrides that are not the app's, and objects that no HelmRelease takes."""
    for release in app.releases:
        expected = _override_names(release)
        for source in release.sources:
            name = source.name.partition(" ")[2]
            meant = "override" in name or did_you_mean(name, expected)
            if source.optional and source.manifest is None and name not in expected and meant:
                yield Problem(
                    source.place,
                    f"HelmRelease {release.name} takes optional values from {source.name}, where"
                    f" people put theirs into {sorted(expected)[0]}",
                    f"Name it {sorted(expected)[0]}.",
                )
    yield from _misnamed_overrides(app) if app.rest else _lost_overrides(app)


def _misnamed_overrides(app: AppPackage) -> Iterator[Problem]:
    """Yield overrides of no app whose names are nearly what a HelmRelease expects."""
    wanted = {
        text(get(entry, "name"))
        for one in app.everything()
        if one.kind == "HelmRelease"
        for entry in sequence(one.get("spec", "valuesFrom"))
    }
    stems = {_stem(one): one for one in wanted if one.endswith(_OVERRIDE)}
    for one in app.written:
        if one.kind not in ("ConfigMap", "Secret") or not one.name.endswith(_OVERRIDE):
            continue
        near = similar(_stem(one.name), stems)
        if one.name not in wanted and near:
            yield Problem(
                one.place("metadata", "name"),
                f"no HelmRelease takes values from {one.kind} {one.name}; did you mean"
                f" {stems[near]}?",
            )


def _stem(name: str) -> str:
    return name.removeprefix("stackspin-").removesuffix(_OVERRIDE)


def _override_names(release: Release) -> set[str]:
    """Return the names that a release's overrides may have."""
    apps = {release.name, text(release.manifest.get("spec", "releaseName")) or release.name}
    for source in release.sources:
        found = re.fullmatch(r"ConfigMap stackspin-(.+)-values", source.name)
        if found and not source.optional:
            apps.add(found[1])
    return {f"stackspin-{one}-override" for one in apps}


def _lost_overrides(app: AppPackage) -> Iterator[Problem]:
    wanted: Mapping[tuple[str, str], str] = {
        (source.name, release.manifest.namespace): release.name
        for release in app.releases
        for source in release.sources
    }
    names = {name for name, _ in wanted}
    for one in app.everything():
        if one.kind not in ("ConfigMap", "Secret") or not one.name.endswith("override"):
            continue
        name = f"{one.kind} {one.name}"
        if (name, one.namespace) in wanted:
            continue
        if name in names:
            homes = ", ".join(sorted(space for other, space in wanted if other == name))
            yield Problem(
                one.place("metadata", "namespace"),
                f"{name} is in namespace {one.namespace or '(none)'}, where no HelmRelease uses"
                f" it: its HelmRelease is in {homes}",
            )
        elif one in app.written and app.releases:
            yield Problem(
                one.place("metadata", "name"),
                f"no HelmRelease of the app takes values from {name}{did_you_mean(name, names)}",
            )


@rule(
    "reference.source",
    "Every sourceRef names a source in the package, or the repository itself",
    level=1,
    why="Flux cannot fetch a chart or folder from a source that it does not know.",
    source=f"{HELM_RELEASE}#chart-template",
    fix="Add the HelmRepository, or correct the name and namespace of the sourceRef.",
    example="""
sourceRef:
  kind: HelmRepository
  name: forgejo
  namespace: flux-system
""",
)
def source(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source that does not exist."""
    known = {
        (one.kind, one.namespace, one.name) for one in app.everything() if one.kind in SOURCE_KINDS
    }
    own = _own_repository(app)
    for manifest, place, ref in _source_refs(app):
        kind, name = text(get(ref, "kind")), text(get(ref, "name"))
        namespace = text(get(ref, "namespace")) or manifest.namespace
        if (kind, namespace, name) in known or not name:
            continue
        if kind == "GitRepository" and name in platform.SOURCES | own:
            if namespace in ("flux-system", "") or not (known or own):
                continue
            namespaces = {"flux-system"}
        else:
            namespaces = {space for k, space, n in known if (k, n) == (kind, name)}
        same = [n for k, _, n in known if k == kind]
        same += [*own, *platform.SOURCES] if kind == "GitRepository" else []
        if namespaces:
            yield Problem(
                place,
                f"{kind} {name} is in namespace {sorted(namespaces)[0]}, but is expected in"
                f" {namespace or '(none)'}",
                f"Add namespace: {sorted(namespaces)[0]} to the sourceRef.",
            )
        elif same:
            yield Problem(
                place,
                f"{kind} {name} is not in the package{did_you_mean(name, same)}",
            )
        else:
            yield NotRun(f"{kind} {name} is not in PATH: it is not known whether it exists")


def _source_refs(app: AppPackage) -> Iterator[tuple[Manifest, Place, object]]:
    for one in app.kustomizations:
        place = one.manifest.place("spec", "sourceRef")
        yield one.manifest, place, one.manifest.get("spec", "sourceRef")
    for release in app.releases:
        paths: tuple[Path, ...] = (("spec", "chart", "spec", "sourceRef"), ("spec", "chartRef"))
        for path_ in paths:
            ref = release.manifest.get(*path_)
            if ref is not None:
                yield release.manifest, release.manifest.place(*path_), ref


def _own_repository(app: AppPackage) -> set[str]:
    """Return the GitRepository that the tree itself is: what most of its Kustomizations name.

    Whoever installs it registers it in the cluster, so it need not be in the tree.
    """
    path_ = ("spec", "sourceRef", "name")
    own = Counter(text(one.manifest.get(*path_)) for one in app.kustomizations)
    all_ = Counter(text(one.get(*path_)) for one in app.everything() if is_flux_kustomization(one))
    common = {name for name, _ in own.most_common(1) if name}
    return {one for one in common if all_[one] > 1 or not did_you_mean(one, all_)}


@rule(
    "reference.chart",
    "The chart that a HelmRelease takes from the repository exists",
    level=1,
    why="helm-controller cannot install a chart that is not in the repository.",
    source=f"{HELM_RELEASE}#chart-template",
    fix="Correct spec.chart.spec.chart: it is a path from the root of the repository.",
    example="""
chart:
  spec:
    chart: ./charts/notes
""",
)
def chart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release whose chart should be in the tree and is not."""
    for release in app.releases:
        if release.broken:
            name = text(release.manifest.get("spec", "chart", "spec", "chart"))
            yield Problem(
                release.manifest.place("spec", "chart", "spec", "chart"),
                f"chart {quoted(name)} of HelmRelease {release.name} is not in the repository",
            )


@rule(
    "reference.namespace",
    "Objects of an app are in a namespace that exists",
    level=1,
    why="Kubernetes refuses an object in a namespace that does not exist; Flux then fails to "
    "apply the whole Kustomization.",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
    fix="Correct the namespace.",
    example="""
metadata:
  namespace: stackspin-apps
""",
)
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
        if app.kustomizations:
            yield Problem(
                one.place("spec", "targetNamespace"),
                f"{one.kind} {one.name} installs into namespace {quoted(name)}, which neither the"
                f" package nor Stackspin makes{did_you_mean(name, known)}",
                "Add a Namespace to the package, correct the name, or have Helm make it "
                "(spec.install.createNamespace).",
            )
        else:
            yield NotRun(f"namespace {name} is not in PATH: it is not known whether it exists")
