"""Admin APIs: nobody but the dashboard and the operator gets at users and clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.catalogue import NOTES
from conformance.capabilities.single_sign_on.enforcement import enforces_policies
from conformance.capabilities.single_sign_on.policies import (
    ADMIN_SERVICES,
    MAY_ADMINISTER,
    NAMESPACE,
    OPEN_SERVICE,
    admin_peers,
)
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.admin_apis_closed",
    promise="The admin APIs, which need no password, cannot be reached from outside the cluster.",
)
def test_admin_apis_closed(accounts: Accounts) -> None:
    http, domain = accounts.http(), accounts.domain
    for url in (
        f"{accounts.issuer}admin/clients",
        f"{accounts.issuer}admin/oauth2/auth/sessions/login",
        f"{accounts.dashboard}/admin/identities",
        f"{accounts.dashboard}/admin/sessions",
        *(f"https://{name}.{domain}/admin/clients" for name in ("hydra-admin", "hydra")),
        *(f"https://{name}.{domain}/admin/identities" for name in ("kratos-admin", "kratos")),
        f"https://mail.{domain}/api/v1/messages",
    ):
        answer = http.get(url)
        assert answer.status_code == 404, f"{url} answers {answer.status_code}: {answer.text[:100]}"


@check(
    "single_sign_on.admin_apis_for_dashboard_alone",
    promise="In the cluster, only the dashboard and the operator may use the admin APIs.",
)
def test_admin_apis_for_dashboard_alone(
    app_sessions: AppSessions, cluster: Cluster, kube: Kube, namespace: str, evidence: EvidenceBox
) -> None:
    for name in ADMIN_SERVICES:
        peers = admin_peers(kube, name)
        assert peers <= MAY_ADMINISTER, f"{name}'s admin API is open to {sorted(peers)}"
    enforced = enforces_policies(app_sessions, kube, namespace)
    reached = [
        name
        for name in ADMIN_SERVICES.values()
        if app_sessions.reaches(NOTES, f"{name}.{NAMESPACE}")
    ]
    assert app_sessions.reaches(NOTES, f"{OPEN_SERVICE}.{NAMESPACE}"), (
        f"notes does not even reach {OPEN_SERVICE}"
    )
    assert not (enforced and reached), f"notes reaches {reached}, with NetworkPolicies enforced"
    outcome = "enforced" if enforced else f"not enforced: notes reaches {reached}"
    evidence.note(f"On this {cluster.provider} cluster the NetworkPolicies are {outcome}.")
