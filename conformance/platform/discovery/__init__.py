"""A description of the platform on a cluster, found by what runs there; nothing is changed."""

from __future__ import annotations

from conformance.platform.discovery.backups import find_backup
from conformance.platform.discovery.cluster import Cluster, read_cluster
from conformance.platform.discovery.domain import find_domain
from conformance.platform.discovery.features import find_features
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.flux import find_flux
from conformance.platform.discovery.infrastructure import find_ingress, find_storage
from conformance.platform.discovery.login import find_administrators, find_mail, find_needs
from conformance.platform.discovery.namespaces import find_namespaces
from conformance.platform.discovery.ory import HYDRA, KRATOS, find_ory
from conformance.platform.discovery.pages import find_dashboard, find_issuer, find_pages
from conformance.platform.discovery.web import Web, web_of
from conformance.platform.discovery.writing import written

__all__ = ["Cluster", "Findings", "Web", "discover", "read_cluster", "web_of", "written"]


def discover(cluster: Cluster, web: Web) -> Findings:
    """Return what a cluster's objects and the platform's discovery document say."""
    findings = Findings()
    find_domain(cluster, findings)
    find_flux(cluster, findings)
    authority = find_issuer(cluster, web, findings)
    find_dashboard(cluster, findings)
    find_pages(cluster, findings)
    for software in (KRATOS, HYDRA):
        find_ory(cluster, software, findings)
    find_needs(cluster, findings)
    find_administrators(cluster, findings)
    find_mail(cluster, findings)
    find_ingress(cluster, authority, findings)
    find_storage(cluster, findings)
    find_backup(cluster, findings)
    find_features(cluster, web, findings)
    find_namespaces(cluster, findings)
    for kind, why in cluster.unread.items():
        findings.remarks.append(f"Objects of kind {kind} could not be read: {why}")
    for group in sorted(cluster.unserved):
        why = "its CRDs are not installed, or the API server has just started"
        findings.remarks.append(f"The cluster serves no {group}: {why}.")
    return findings
