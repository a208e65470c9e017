"""Admin APIs: nobody but the dashboard and the operator gets at users and clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.catalogue import NOTES
from conformance.capabilities.single_sign_on.enforcement import enforces_policies
from conformance.capabilities.single_sign_on.policies import admin_peers
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
    http, domain, login = accounts.http(), accounts.domain, accounts.clients.platform.single_sign_on
    hydra, kratos = login.hydra.admin.name, login.kratos.admin.name
    for url in (
        f"{accounts.issuer}admin/clients",
        f"{accounts.issuer}admin/oauth2/auth/sessions/login",
        f"{accounts.dashboard}/admin/identities",
        f"{accounts.dashboard}/admin/sessions",
        *(f"https://{name}.{domain}/admin/clients" for name in (hydra, "hydra")),
        *(f"https://{name}.{domain}/admin/identities" for name in (kratos, "kratos")),
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
    login = app_sessions.accounts.clients.platform.single_sign_on
    admin_apis = {"hydra": login.hydra.admin, "kratos": login.kratos.admin}
    for name, admin in admin_apis.items():
        peers = admin_peers(kube, admin)
        assert peers <= set(login.administrators), f"{name}'s admin API is open to {sorted(peers)}"
    enforced = enforces_policies(app_sessions, kube, namespace)
    reached = [
        admin.name
        for admin in admin_apis.values()
        if app_sessions.reaches(NOTES, f"{admin.name}.{admin.namespace}", admin.port)
    ]
    hydra = login.hydra.public
    public = f"{hydra.name}.{hydra.namespace}"
    reaches_public = app_sessions.reaches(NOTES, public, hydra.port)
    assert reaches_public, f"notes does not even reach {public}"
    assert not (enforced and reached), f"notes reaches {reached}, with NetworkPolicies enforced"
    outcome = "enforced" if enforced else f"not enforced: notes reaches {reached}"
    evidence.note(f"On this {cluster.provider} cluster the NetworkPolicies are {outcome}.")
