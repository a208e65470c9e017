"""What users keep when the login services or the node restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.logins import (
    can_log_in,
)
from conformance.clusters.base import Feature
from conformance.platform.generated_secrets import changed, digests, generated_secrets
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.login_services import LoginServices
    from conformance.capabilities.single_sign_on.secret_generator import SecretGenerator
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty, Tokens
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.survives_restart",
    promise="Users, logins and clients survive a restart of all login services.",
    touches="platform",
    effect="restarts all services that a login needs",
)
def test_survives_restart(
    accounts: Accounts,
    relying_party: RelyingParty,
    login_services: LoginServices,
) -> None:
    grace = accounts.login_client(accounts.user("grace"))
    tokens = grace.authorize(relying_party).tokens()
    login_services.restart()
    goes_on(accounts, grace, relying_party, tokens)


@check(
    "single_sign_on.survives_node_kill",
    level="extended",
    promise="Users, logins and clients survive a kill of the node.",
    needs=[Feature.NODE_KILL],
)
def test_survives_node_kill(
    accounts: Accounts,
    relying_party: RelyingParty,
    login_services: LoginServices,
    cluster: Cluster,
) -> None:
    grace = accounts.login_client(accounts.user("grace"))
    tokens = grace.authorize(relying_party).tokens()
    with login_services.outliving():
        cluster.kill_node()
        cluster.restart_node()
    goes_on(accounts, grace, relying_party, tokens)


@check(
    "single_sign_on.generated_secrets_stable",
    promise="A restart of the operator that generates Secrets changes none of them.",
    touches="platform",
    effect="restarts the operator that generates Secrets",
)
def test_generated_secrets_stable(
    secret_generator: SecretGenerator, kube: Kube, clients: Clients, namespace: str
) -> None:
    secret_generator.make("before", namespace)
    names = generated_secrets(kube, [*clients.platform.namespaces, namespace])
    before = digests(kube, names)
    secret_generator.restart(namespace)
    after = digests(kube, before)
    found = changed(before, after, namespace)
    assert not found, f"the restart has changed {', '.join(found)}"


def goes_on(
    accounts: Accounts, login_client: LoginClient, app: RelyingParty, tokens: Tokens
) -> None:
    """Assert that the login, the tokens, the client and the user's password still work."""
    answer = login_client.authorize(app)
    assert login_client.asked == ["password", "consent"], f"asked again: {login_client.asked}"
    assert (
        app.verified(answer.tokens().id_token, answer.attempt.nonce)["sub"] == login_client.user.id
    )
    assert app.refresh(tokens).access_token
    assert can_log_in(accounts, login_client.user), "the password no longer works"
