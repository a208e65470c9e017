"""The domain below which apps answer."""

from __future__ import annotations

from collections import Counter

from conformance.platform.discovery.cluster import Cluster, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import hosts_of


def find_domain(cluster: Cluster, findings: Findings) -> None:
    """Find it in the Secret with the cluster's variables, else by what hosts have in common."""
    for namespace, name in variable_secrets(cluster):
        if domain := cluster.secret(namespace, name).get("domain", "").strip():
            findings.put("domain", domain, f"the variable domain of Secret {namespace}/{name}")
            return
    above = Counter(host.partition(".")[2] for host in {*hosts_of(cluster)} if host.count(".") > 1)
    if not above:
        findings.miss("domain", "no Secret of the Kustomizations has it, and no Ingress a host")
        return
    domain, number = min(above.items(), key=lambda one: (-one[1], one[0]))
    hosts = f"{number} host{'s' if number > 1 else ''} of Ingresses"
    findings.put("domain", domain, f"{hosts} are below it; no Secret of the Kustomizations says it")


def variable_secrets(cluster: Cluster) -> list[tuple[str, str]]:
    """Return the Secrets whose texts Flux fills in, by namespace and name, most used first."""
    used = Counter(
        (namespace_of(one), str(source["name"]))
        for one in cluster.all("Kustomization")
        for source in (one["spec"].get("postBuild") or {}).get("substituteFrom") or ()
        if source["kind"] == "Secret"
    )
    return [secret for secret, _ in used.most_common()]
