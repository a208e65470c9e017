"""What users keep when the login services or the node restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.login_services import LOGIN_SERVICES
from conformance.capabilities.single_sign_on.logins import (
    can_log_in,
)
from conformance.clusters.base import Feature
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.login_services import LoginServices
    from conformance.clusters.base import Cluster
    from conformance.services.login_pages import Walker
    from conformance.services.oidc import RelyingParty, Tokens
    from conformance.suite.parties import Parties


@check(
    "single_sign_on.survives_restart",
    promise="Users, logins and clients survive a restart of all login services.",
)
def test_survives_restart(
    parties: Parties,
    probe: RelyingParty,
    login_services: LoginServices,
) -> None:
    grace = parties.walker(parties.person("grace"))
    tokens = grace.authorize(probe).tokens()
    login_services.restart(*LOGIN_SERVICES)
    goes_on(parties, grace, probe, tokens)


@check(
    "single_sign_on.survives_node_kill",
    level="extended",
    promise="Users, logins and clients survive a kill of the node.",
    needs=[Feature.NODE_KILL],
)
def test_survives_node_kill(
    parties: Parties,
    probe: RelyingParty,
    login_services: LoginServices,
    cluster: Cluster,
) -> None:
    grace = parties.walker(parties.person("grace"))
    tokens = grace.authorize(probe).tokens()
    with login_services.outliving():
        cluster.kill_node()
        cluster.restart_node()
    goes_on(parties, grace, probe, tokens)


def goes_on(parties: Parties, walker: Walker, app: RelyingParty, tokens: Tokens) -> None:
    """Assert that the login, the tokens, the client and the user's password still work."""
    answer = walker.authorize(app)
    assert walker.asked == ["password", "consent"], f"asked again: {walker.asked}"
    assert app.verified(answer.tokens().id_token, answer.attempt.nonce)["sub"] == walker.person.id
    assert app.refresh(tokens).access_token
    assert can_log_in(parties, walker.person), "the password no longer works"
