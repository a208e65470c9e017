"""What an app is at the provider: its OAuth2Client, and the Secret that this names."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.kube.conditions import condition_true
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.linter.app import AppPackage
from conformance.linter.facts.logins import clients, for_people
from conformance.services.hydra import OAUTH2_CLIENT
from conformance.services.oidc import Client

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_ID_KEYS = ("client_id", "CLIENT_ID")
_SECRET_KEYS = ("client_secret", "CLIENT_SECRET")
"""As Stackspin's packages write them, and as Hydra Maester does."""
_DEFAULT_METHOD = "client_secret_basic"
"""Hydra's, of a client that says nothing of it."""
_WITHOUT_SECRET = ("none", "private_key_jwt")
_SECRET_BYTES = 32


@dataclass(frozen=True)
class AppClient:
    """A client of the provider, by which people log in to an app."""

    kube: Kube
    ref: Ref
    """Its OAuth2Client."""

    def __str__(self) -> str:
        return str(self.ref)

    def wait_ready(self, seconds: float) -> None:
        """Return when the platform has registered it. Raises ``WaitTimeout``, saying why not.

        What is refused is tried again: the provider may have been away.
        """
        wait(self.kube, self.ref, condition_true("Ready"), timeout=seconds)

    @property
    def redirect_uris(self) -> list[str]:
        """Its redirect URIs, as they are written."""
        return list(self._spec.get("redirectUris") or ())

    @property
    def has_secret(self) -> bool:
        """Whether the app proves its identity by a secret."""
        return self._method not in _WITHOUT_SECRET

    def leads_to(self, host: str) -> bool:
        """Whether the provider sends people back to this host."""
        return any(urlsplit(one).hostname == host for one in self.redirect_uris)

    def credentials(self) -> Client:
        """Return by what the provider knows the app, as its Secret has it now."""
        data = self._secret()
        redirect_uri = next(iter(self.redirect_uris), "")
        return Client(
            _first(data, _ID_KEYS), _first(data, _SECRET_KEYS), redirect_uri, self._method
        )

    def replace_secret(self) -> None:
        """Write a new client secret into its Secret, as an operator does."""
        data = self._secret()
        key = next((one for one in _SECRET_KEYS if one in data), _SECRET_KEYS[0])
        value = secrets.token_hex(_SECRET_BYTES)
        self.kube.redactor.learn_value(value)
        name = self._spec["secretName"]
        change = {"stringData": {key: value}}
        self.kube.patch("v1", "Secret", name, self.ref.namespace, change)

    @property
    def _spec(self) -> dict[str, Any]:
        return dict(self.kube.get(*self.ref)["spec"])

    @property
    def _method(self) -> str:
        return str(self._spec.get("tokenEndpointAuthMethod") or _DEFAULT_METHOD)

    def _secret(self) -> dict[str, str]:
        """Return the values of its Secret. Raises ``NotFound``."""
        found = self.kube.get("v1", "Secret", self._spec["secretName"], self.ref.namespace)
        values = {
            key: base64.b64decode(value).decode()
            for key, value in (found.get("data") or {}).items()
        }
        for key in _SECRET_KEYS:
            self.kube.redactor.learn_value(values.get(key, ""))
        return values


def clients_of(kube: Kube, app: AppPackage, home: str) -> Iterator[AppClient]:
    """Yield the clients by which people log in to an app, of its package as it is installed.

    ``home`` is the namespace of those that name none: that of its Kustomizations.
    """
    for one in clients(app):
        if for_people(one):
            yield AppClient(kube, Ref(*OAUTH2_CLIENT, one.name, one.namespace or home))


def _first(data: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((data[key] for key in keys if data.get(key)), "")
