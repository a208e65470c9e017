"""An app that users log in to with the platform's login, lost and restored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests

from conformance.apps.base import Login, Seed
from conformance.kube.apply import apply
from conformance.kube.conditions import condition_true
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.wait import wait_each
from conformance.services.form_browser import Page
from conformance.services.hydra import OAUTH2_CLIENT
from conformance.services.login_pages import User
from conformance.services.oidc import Client
from conformance.suite.accounts import Accounts, client_secret, oauth2_client
from conformance.suite.backed_up_app import AppBackup, BackedUpApp


@dataclass(frozen=True)
class AppWithLogin:
    """Its OAuth2Client and its client secret are in its namespace, and are lost with it."""

    app: BackedUpApp
    accounts: Accounts

    @property
    def namespace(self) -> str:
        """Where the app is; also the name of its client."""
        return self.app.namespace

    def install(self) -> Seed:
        """Register the app with the provider, install it, and put test data into it."""
        kube, name, platform = self.app.kube, self.namespace, self.accounts.clients.platform
        callback = f"https://{self.app.deployment.host}{self._login.callback}"
        client = Client(name, secrets.token_urlsafe(24), callback)
        made = [client_secret(name, client), oauth2_client(name, client, {})]
        if trusted := platform.ingress.authority:
            data = kube.get("v1", "ConfigMap", trusted, platform.apps)["data"]
            metadata = {"name": trusted}
            authority = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            made.append({**authority, "data": data})
        apply(kube, *made, namespace=name)
        self._wait_for_clients()
        return replace(self.app, values={**self.app.values, **self._values()}).install()

    def back_up(self) -> AppBackup:
        """Back up the app's namespace."""
        return self.app.back_up(self.namespace)

    def lose(self) -> list[str]:
        """Delete the app's namespace; return what is there nevertheless."""
        return self.app.lose(Ref("v1", "Namespace", self.namespace))

    def restore(self) -> Object:
        """Restore the namespace, and return the Restore; clients in it are registered again."""
        self.app.velero.restore(self.namespace, self.namespace)
        restore = self.app.velero.finished("Restore", self.namespace)
        self._wait_for_clients()
        return restore

    def log_in(self, user: User) -> tuple[Page, requests.Response]:
        """Log in; return the last page of that, and the profile that is shown afterwards."""
        login_client, url = self.accounts.login_client(user), f"https://{self.app.deployment.host}"
        page = login_client.walk(f"{url}{self._login.path}", "")
        return page, login_client.browser.http.get(f"{url}{self._login.profile}")

    def newcomer(self) -> User:
        """Make somebody who may use the app and has never been there."""
        return self.accounts.user("newcomer", may_use={self.namespace: "user"})

    @property
    def _login(self) -> Login:
        return self.app.deployment.app.login

    def _values(self) -> Mapping[str, Any]:
        """Return the chart's values that have users log in."""
        oidc = {
            "issuer": self.accounts.issuer,
            "clientId": self.namespace,
            "existingSecret": f"stackspin-{self.namespace}-oauth-variables",
            "caConfigMap": self.accounts.clients.platform.ingress.authority,
        }
        if not self._login.api_access:
            return {"oidc": oidc}
        token = secrets.token_urlsafe(24)
        self.app.kube.redactor.learn_value(token)
        return {"oidc": oidc, self._login.api_access: {"value": token}}

    def _wait_for_clients(self) -> None:
        """Return when every OAuth2Client that is in the namespace is registered."""
        kube, clients = self.app.kube, Selection(*OAUTH2_CLIENT, self.namespace)
        registered, timeout = condition_true("Ready"), kube.timeouts.oauth2_client
        wait_each(kube, clients, registered, timeout=timeout, minimum=0)
