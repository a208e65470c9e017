"""Fixtures of the single sign-on checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from conformance.capabilities.single_sign_on.app_sessions import AppSessions
from conformance.capabilities.single_sign_on.login_services import SHORT, LoginServices
from conformance.capabilities.single_sign_on.secret_generator import (
    SecretGenerator,
    pods_of_generator,
)
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.flux import Flux
    from conformance.suite.accounts import Accounts


@pytest.fixture(scope=shared)
def app_sessions(accounts: Accounts, reference_apps: Callable[[], None]) -> AppSessions:
    """The sessions of users at the reference apps."""
    reference_apps()
    for name in accounts.apps.values():
        accounts.http().get_routed(f"https://{name}.{accounts.domain}/")
    return AppSessions(accounts)


@pytest.fixture(scope=shared)
def login_services(single_sign_on: Flux, accounts: Accounts) -> LoginServices:
    """Kratos, Hydra, their database and the dashboard, as pods and releases."""
    return LoginServices(single_sign_on, accounts)


@pytest.fixture(scope=shared)
def secret_generator(
    single_sign_on: Flux,  # noqa: ARG001 - needs generated Secrets
    kube: Kube,
) -> SecretGenerator:
    """The operator that makes Secrets."""
    if not (pods := pods_of_generator(kube)):
        not_run("no ClusterRole lets a pod write the status of StringSecrets: who makes Secrets?")
    return SecretGenerator(kube, pods)


@pytest.fixture(scope=shared)
def short_lived(login_services: LoginServices) -> Iterator[LoginServices]:
    """Codes, challenges and fresh logins are old when they are used: for a run's last checks."""
    selfservice: dict[str, Any] = {
        "methods": {"code": {"config": {"lifespan": SHORT}}},
        "flows": {"settings": {"privileged_session_max_age": SHORT}},
    }
    ttl = {"auth_code": SHORT, "login_consent_request": SHORT}
    changes = {"hydra": {"ttl": ttl}, "kratos": {"selfservice": selfservice}}
    with login_services.configured(changes):
        yield login_services
