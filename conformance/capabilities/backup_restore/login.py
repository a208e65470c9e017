"""An app that people log in to with the platform's login, lost and restored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from conformance.apps.deployment import HelmDeployment
from conformance.apps.notes import Notes
from conformance.apps.tracked import APPS_NAMESPACE
from conformance.capabilities.backup_restore.journeys import Journey, Place, lose
from conformance.kube.apply import apply
from conformance.kube.conditions import condition_true
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.platform.reference.bootstrap import AUTHORITY
from conformance.services.login_pages import shown
from conformance.services.oidc import Client
from conformance.suite.parties import (
    OAUTH2_CLIENT,
    Parties,
    client_secret,
    oauth2_client,
)


@dataclass(frozen=True)
class LoginPaths:
    """Where an app lets people in, and tells them who they are."""

    login: str
    callback: str
    """To which the provider sends people back."""
    profile: str
    """Has the address of who is logged in."""


PATHS = {
    "notes": LoginPaths("/login", "/oidc/callback", "/api/me"),
    "wordpress": LoginPaths("/wp-login.php", "/oidc/redirect_uri", "/wp-admin/profile.php"),
}


class AppWithLogin(Journey):
    """Its OAuth2Client and its client secret are in its namespace, and are lost with it."""

    steps = ("_register", "_install", "_back_up_namespace", "_lose", "_restore")

    def __init__(self, deployment: HelmDeployment, place: Place, parties: Parties) -> None:
        login = {
            "issuer": parties.issuer,
            "clientId": deployment.namespace,
            "existingSecret": f"stackspin-{deployment.namespace}-oauth-variables",
            "caConfigMap": AUTHORITY,
        }
        values = {**place.values, "oidc": login}
        if isinstance(deployment.app, Notes):  # with a login, its API is not open to everybody
            token = secrets.token_urlsafe(24)
            deployment.kube.redactor.learn_value(token)
            values["apiToken"] = {"value": token}
        super().__init__(deployment, replace(place, values=values))
        self._parties = parties
        self._paths = PATHS[deployment.app.name]

    def log_in(self) -> None:
        """Log in as somebody who has never been there; AssertionError if the app knows nobody."""
        self.seed()
        person = self._parties.person("restored", may_use={self.namespace: "user"})
        walker, url = self._parties.walker(person), f"https://{self.deployment.host}"
        page = walker.walk(f"{url}{self._paths.login}", "")
        profile = walker.agent.http.get(f"{url}{self._paths.profile}")
        assert profile.ok, f"not logged in, but {shown(page)}"
        assert person.email in profile.text, f"not known as {person.email}, but {shown(page)}"

    def restored(self) -> Object:
        """Return the restore of what was lost; all data was found in it."""
        return self._reach(self._restore)

    def _register(self) -> None:
        kube, name = self.deployment.kube, self.namespace
        authority = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": AUTHORITY},
            "data": kube.get("v1", "ConfigMap", AUTHORITY, APPS_NAMESPACE)["data"],
        }
        callback = f"https://{self.deployment.host}{self._paths.callback}"
        client = Client(name, secrets.token_urlsafe(24), callback)
        made = (authority, client_secret(name, client), oauth2_client(name, client, {}))
        apply(kube, *made, namespace=name)
        self._wait_for_client()

    def _back_up_namespace(self) -> Object:
        return self._back_up(self.namespace)

    def _lose(self) -> list[str]:
        doomed = Ref("v1", "Namespace", self.namespace)
        return lose(self.deployment.kube, self.namespace, [doomed])

    def _restore(self) -> Object:
        velero = self.place.velero
        excluded = self.place.defect.get("excluded", "").split()
        velero.restore(self.namespace, self.namespace, excluded=excluded)
        restore = velero.completed("Restore", self.namespace)
        if not excluded:
            self._wait_for_client()
        self._verify(self.deployment.instance)
        return restore

    def _wait_for_client(self) -> None:
        client = Ref(*OAUTH2_CLIENT, self.namespace, self.namespace)
        kube = self.deployment.kube
        wait(kube, client, condition_true("Ready"), timeout=kube.timeouts.oauth2_client)
