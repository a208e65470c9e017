"""Every sourceRef names a source in the package, or the repository itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.linter.access import Path, get, sequence, text
from conformance.linter.app import SOURCE_KINDS, AppPackage
from conformance.linter.findings import NotRun, Place, Problem, did_you_mean
from conformance.linter.flux import platform
from conformance.linter.flux.kustomizations import is_flux_kustomization
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule


@rule("reference.source", level=1)
def source(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source that does not exist."""
    known = {
        (one.kind, one.namespace, one.name) for one in app.everything() if one.kind in SOURCE_KINDS
    }
    known |= {
        ("ExternalArtifact", one.namespace, text(get(artifact, "name")))
        for one in app.everything()
        if one.kind == "ArtifactGenerator"
        for artifact in sequence(one.get("spec", "artifacts"))
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
        if namespaces and not namespace:
            continue  # what applies the object gives it a namespace
        same = [n for k, _, n in known if k == kind]
        same += [*own, *platform.SOURCES] if kind == "GitRepository" else []
        if namespaces:
            yield Problem(
                place,
                f"{kind} {name} is in namespace {sorted(namespaces)[0]}, but is expected in"
                f" {namespace or '(none)'}",
                f"Add namespace: {sorted(namespaces)[0]} to the sourceRef.",
            )
        elif same and (did_you_mean(name, same) or not app.part):
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
