"""What the checks of an app's login share: its clients at the provider, and its login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.apps.package.client import AppClient, clients_of
from conformance.apps.package.login import AppLogin
from conformance.apps.package.running import NoHost
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.apps.package.running import RunningApp
    from conformance.kube.client import Kube
    from conformance.services.login_pages import User
    from conformance.suite.accounts import Accounts


@pytest.fixture(scope=shared)
def app_clients(delivered: RunningApp, kube: Kube) -> list[AppClient]:
    """The clients by which people log in to the app, as its package has them."""
    delivery = delivered.delivery
    return list(clients_of(kube, delivery.placement.app, delivery.branch.flux.namespace))


@pytest.fixture
def told_within(kube: Kube) -> float:
    """Seconds in which the app knows that somebody has logged out, or is disabled."""
    return kube.timeouts.back_channel


@pytest.fixture
def login(running: RunningApp, accounts: Accounts) -> AppLogin:
    """The app's login, as it is described; the app serves."""
    described = running.description.login
    assert described is not None, "a check of logins needs the ability"
    try:
        running.answer(running.host)
    except NoHost as error:
        not_run(str(error))
    return AppLogin(running, described, accounts.page)


@pytest.fixture
def client(
    login: AppLogin,  # noqa: ARG001 - the app runs, and its host is known
    running: RunningApp,
    app_clients: list[AppClient],
) -> AppClient:
    """The client by which people log in to the app."""
    if not app_clients:
        not_run("the package has no OAuth2Client")
    return next((one for one in app_clients if one.leads_to(running.host)), app_clients[0])


@pytest.fixture
def member(client: AppClient, accounts: Accounts) -> User:
    """A user with a role for the app."""
    return accounts.user("mia", may_use={client.credentials().client_id: "user"})
