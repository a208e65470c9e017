"""Who takes part in the single sign-on checks: users with an account, and apps that let them in.

Both are made as the platform makes them: users by Kratos's admin API as the dashboard does, apps
by an OAuth2Client and the Secret that it names. They share a file's checks; a check that changes
one makes its own.
"""

from __future__ import annotations

import functools
import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from conformance.kube.apply import apply
from conformance.kube.conditions import (
    Condition,
    condition_false,
    condition_true,
    deleted,
    matching,
)
from conformance.kube.objects import Ref
from conformance.kube.wait import WaitFailed, wait
from conformance.platform.features import GENERATOR, PlatformFeature
from conformance.services import self_service
from conformance.services.form_browser import FormBrowser, Page
from conformance.services.hydra import OAUTH2_CLIENT
from conformance.services.login_pages import LoginClient, User, login_form, shown
from conformance.services.oidc import Client, Provider, RelyingParty
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux
    from conformance.services.hydra import Hydra
    from conformance.services.ingress import HttpClient
    from conformance.services.kratos import Kratos
    from conformance.services.mail import Mails

SCOPE = "openid profile email stackspin_roles offline_access"

_numbers = itertools.count(1)


@dataclass
class Accounts:
    """Maker of users and apps on one platform; ``close`` takes them away again."""

    clients: Clients
    http: Callable[[], HttpClient]
    namespace: str
    apps: Mapping[str, str]
    """What the reference apps are called on the platform."""
    other_dashboard: str | None = None
    """Address of a dashboard in place of the reference one."""
    kratos: Kratos = field(init=False)
    hydra: Hydra = field(init=False)
    _users: list[User] = field(default_factory=list)
    _apps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kratos, self.hydra = self.clients.kratos(), self.clients.hydra()

    @property
    def kube(self) -> Kube:
        """The cluster that the platform is on."""
        return self.clients.kube

    @property
    def domain(self) -> str:
        """The platform's."""
        return self.clients.platform.domain

    @property
    def issuer(self) -> str:
        """The provider's identifier."""
        return self.clients.platform.single_sign_on.issuer

    @property
    def dashboard(self) -> str:
        """The address of the dashboard, without a slash at the end."""
        return (self.other_dashboard or self.clients.platform.single_sign_on.dashboard).rstrip("/")

    def page(self, name: str) -> str:
        """Return the address of a page of the platform's, as platform.yaml calls it."""
        return self.clients.platform.single_sign_on.page(name, self.dashboard)

    @property
    def whoami(self) -> str:
        """The address at which Kratos says who is in front of a browser."""
        return f"{self.page('kratos').rstrip('/')}/sessions/whoami"

    @functools.cached_property
    def mail(self) -> Mails:
        """Every mail that the platform sends."""
        return self.clients.mail()

    @functools.cached_property
    def provider(self) -> Provider:
        """The provider, as its discovery document describes it."""
        return Provider(self.http(), self.issuer)

    def user(
        self,
        nick: str,
        *,
        may_use: Mapping[str, str] | None = None,
        name: str = "",
        verified: bool = False,
    ) -> User:
        """Make a user with a role in each app of ``may_use``, by default in the reference apps.

        Apps made by ``app`` before are among the default. ``verified``: the user has proved to own
        the address. Not run where nobody knows how to log the user in, or no address is verified.
        """
        self._refuse_unknown_pages()
        if may_use is None:
            may_use = dict.fromkeys([*self.apps.values(), *self._apps], "user")
        email = f"{nick}-{self.clients.run_id}-{next(_numbers)}@{self.domain}"
        password, name = secrets.token_urlsafe(18), name or nick.title()
        identity = self.kratos.create(email, password, name, may_use, verified=verified)
        self._users.append(User(identity.id, email, name, password))
        if verified and not identity.verified:
            not_run("Kratos' identity schema names no address that can be verified")
        return self._users[-1]

    def _refuse_unknown_pages(self) -> None:
        """End the check as not run if the login page is one that the suite cannot use.

        One that is broken is no such page: the check says what is wrong there.
        """
        if PlatformFeature.REFERENCE_DASHBOARD in self.clients.platform.features:
            return
        page = self._login_page
        if page.status == requests.codes.ok and login_form(page) is None:
            not_run(
                f"{page.url.partition('?')[0]} has no form with the fields identifier and password "
                "of Kratos, nor is it about a flow of Kratos': how does a user log in there?"
            )

    @functools.cached_property
    def _login_page(self) -> Page:
        browser = FormBrowser(self.http(), self_service.endpoints(self.page))
        return browser.open(self.page("login"))

    def login_client(self, user: User) -> LoginClient:
        """Put a user in front of a browser without a window that nobody has used before."""
        return LoginClient(FormBrowser(self.http(), self_service.endpoints(self.page)), user)

    def disable(self, user: User) -> None:
        """Disable somebody's account as administrators do, by the dashboard's page.

        Not run where that is another dashboard's, whose pages nobody here knows.
        """
        admin = self.login_client(self.user("ada", may_use={"dashboard": "admin"}))
        admin.log_in(admin.browser.open(self.page("login")))
        page = admin.browser.open(f"{self.dashboard}/users/{user.id}")
        if GENERATOR not in page.text:
            not_run(f"{page.url} is not the reference dashboard's: how is a user disabled there?")
        page = admin.give(page, action="disable")
        if (state := self.kratos.get(user.id).state) != "inactive":
            raise AssertionError(f"the account is {state}: {shown(page)}")

    def app(self, hint: str, **spec: Any) -> RelyingParty:  # noqa: ANN401 - OAuth2Client's spec
        """Register an app by an OAuth2Client; returns when Hydra knows it.

        ``spec`` changes the OAuth2Client's. Raises ``WaitTimeout``.
        """
        name = f"{hint}-{self.clients.run_id}-{next(_numbers)}"
        client = Client(name, secrets.token_urlsafe(24), f"https://{name}.{self.domain}/callback")
        apply(
            self.kube,
            client_secret(name, client),
            oauth2_client(name, client, spec),
            namespace=self.namespace,
        )
        self._apps.append(name)
        self._wait_for_app(name, condition_true("Ready"))
        return RelyingParty(self.http(), self.provider, client)

    def change_app(self, app: RelyingParty, **spec: Any) -> None:  # noqa: ANN401
        """Change an app's OAuth2Client; returns when Hydra has the change."""
        name = app.client.client_id
        self.kube.patch(*OAUTH2_CLIENT, name, self.namespace, {"spec": spec})
        self._wait_for_app(name, condition_true("Ready"))

    def rotate_secret(self, app: RelyingParty) -> RelyingParty:
        """Replace an app's client secret; return the app with it, once Hydra knows it."""
        name = app.client.client_id
        client = replace(app.client, client_secret=secrets.token_urlsafe(24))
        [secret] = apply(self.kube, client_secret(name, client), namespace=self.namespace)
        version = secret["metadata"]["resourceVersion"]
        known = matching(
            "of the new Secret", lambda item: bool(item["status"]["secretVersion"] == version)
        )
        self._wait_for_app(name, known & condition_true("Ready"))
        return RelyingParty(self.http(), self.provider, client)

    def refused_app(self, hint: str, **spec: Any) -> str:  # noqa: ANN401
        """Make an OAuth2Client that cannot be fulfilled; return why, in its status's words."""
        try:
            self.app(hint, **spec)
        except WaitFailed:
            item = self.kube.get(*OAUTH2_CLIENT, self._apps[-1], self.namespace)
            return str(item["status"]["reconciliationError"]["description"])
        raise AssertionError("the OAuth2Client is Ready")

    def remove_app(self, app: RelyingParty) -> None:
        """Delete an app's OAuth2Client; returns when it is gone with all that belongs to it."""
        name = app.client.client_id
        self._apps.remove(name)
        client = Ref(*OAUTH2_CLIENT, name, self.namespace)
        self.kube.delete(*client)
        wait(self.kube, client, deleted(), timeout=self.kube.timeouts.oauth2_client)

    def _wait_for_app(self, name: str, condition: Condition) -> None:
        client = Ref(*OAUTH2_CLIENT, name, self.namespace)
        refused = condition_false("Ready")
        wait(
            self.kube, client, condition, timeout=self.kube.timeouts.oauth2_client, fail_on=refused
        )

    def close(self) -> None:
        """Take away what was made."""
        for name in self._apps:
            self.kube.delete(*OAUTH2_CLIENT, name, self.namespace)
        for user in self._users:
            self.kratos.delete(user.id)


def client_secret(name: str, client: Client) -> dict[str, Any]:
    """Return the Secret that an app package has beside its OAuth2Client."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"stackspin-{name}-oauth-variables"},
        "stringData": {"client_id": client.client_id, "client_secret": client.client_secret},
    }


def oauth2_client(name: str, client: Client, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an OAuth2Client as an app package has it."""
    return {
        "apiVersion": OAUTH2_CLIENT[0],
        "kind": OAUTH2_CLIENT[1],
        "metadata": {"name": name},
        "spec": {
            "clientName": name,
            "grantTypes": ["authorization_code", "refresh_token"],
            "responseTypes": ["code"],
            "redirectUris": [client.redirect_uri],
            "postLogoutRedirectUris": [client.redirect_uri.replace("/callback", "/")],
            "scope": SCOPE,
            "secretName": f"stackspin-{name}-oauth-variables",
            "tokenEndpointAuthMethod": "client_secret_post",
            **spec,
        },
    }


@pytest.fixture(scope=shared)
def accounts(
    single_sign_on: Flux,  # noqa: ARG001 - Kratos, Hydra, mail, dashboard
    stack: Stack,
    clients: Clients,
    settings: Settings,
    namespaces: Callable[[str], str],
    names_of_apps: Mapping[str, str],
) -> Iterator[Accounts]:
    """Maker of the users and apps of a file's checks."""
    namespace = namespaces("sso")
    made = Accounts(clients, stack.http, namespace, names_of_apps, settings.dashboard_url)
    yield made
    made.close()


@pytest.fixture(scope=shared)
def relying_party(accounts: Accounts) -> RelyingParty:
    """An app in the hands of the checks: no pods, only a client of the provider."""
    return accounts.app("probe")


@pytest.fixture(scope=shared)
def other_app(accounts: Accounts) -> RelyingParty:
    """Another app beside ``relying_party``."""
    return accounts.app("other")


@pytest.fixture(scope=shared)
def login_client(
    accounts: Accounts, relying_party: RelyingParty, other_app: RelyingParty
) -> LoginClient:
    """Somebody who may use every app, in front of a browser without a window."""
    del relying_party, other_app  # the user gets roles in them when it is made
    return accounts.login_client(accounts.user("alice"))
