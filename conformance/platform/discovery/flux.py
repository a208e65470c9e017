"""Where Flux runs, and what it installs the platform from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, labels_of, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import running

CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller")
_APPLIED_BY = "kustomize.toolkit.fluxcd.io"


def find_flux(cluster: Cluster, findings: Findings) -> None:
    """Find Flux's namespace, the Kustomization that applied the others, and its source."""
    counted = Counter(namespace_of(pod) for pod in running(cluster, *CONTROLLERS))
    if counted:
        [(namespace, _)] = counted.most_common(1)
        findings.put("flux.namespace", namespace, f"pods run {_words(CONTROLLERS)} in it")
    else:
        findings.miss("flux.namespace", f"no pod runs {_words(CONTROLLERS)}")
    root, applied = root_of(cluster)
    if root is None:
        for key in ("flux.source", "flux.root"):
            findings.miss(key, "no Kustomization of the cluster applied another one")
        return
    _find_source(cluster, root, findings)
    found = f"the Kustomization that applied {applied} others, by their label"
    findings.put("flux.root", name_of(root), f"{found} {_APPLIED_BY}/name")


def root_of(cluster: Cluster) -> tuple[Object | None, int]:
    """Return the Kustomization that applied most others, by itself or by these; and how many."""
    everything = {(namespace_of(one), name_of(one)): one for one in cluster.all("Kustomization")}

    def above(key: tuple[str, str]) -> Iterator[tuple[str, str]]:
        seen = {key}
        while key in everything:
            labels = labels_of(everything[key])
            key = (
                labels.get(f"{_APPLIED_BY}/namespace", ""),
                labels.get(f"{_APPLIED_BY}/name", ""),
            )
            if key in seen:
                return
            seen.add(key)
            yield key

    counted = Counter(key for one in sorted(everything) for key in above(one) if key in everything)
    if not counted:
        return None, 0
    [(key, applied)] = counted.most_common(1)
    tops = [one for one, number in counted.items() if number == applied]
    # A chain of Kustomizations that each applied one: the first has no other above it.
    key = min(tops, key=lambda one: (len([*above(one)]), one))
    return everything[key], applied


def _find_source(cluster: Cluster, root: Object, findings: Findings) -> None:
    reference = root["spec"]["sourceRef"]
    if reference["kind"] != "GitRepository":
        findings.miss("flux.source", f"{name_of(root)} comes from an {reference['kind']}")
        return
    namespace = reference.get("namespace") or namespace_of(root)
    how = f"the source of Kustomization {name_of(root)}"
    if source := cluster.find("GitRepository", reference["name"], namespace):
        branch = (source["spec"].get("ref") or {}).get("branch")
        how += f", branch {branch}" if branch else ""
        how += "; it is suspended now, which is no failure" if source["spec"].get("suspend") else ""
    findings.put("flux.source", reference["name"], how)


def _words(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
