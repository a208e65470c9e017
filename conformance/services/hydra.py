"""Hydra's admin API: the clients of the platform. https://www.ory.sh/docs/hydra/reference/api"""

from __future__ import annotations

import math
import time
from typing import Any

from conformance.kube.objects import Selection
from conformance.services.in_cluster import InClusterService, ServiceRefused

OAUTH2_CLIENT = ("hydra.ory.sh/v1alpha1", "OAuth2Client")
"""The resource of which the platform makes a client of Hydra."""
LOGOUT_SENT = "Back-Channel Logout Request"
"""In Hydra's log when a logout token was taken, and when it was not."""


class Hydra:
    """The admin API of a Hydra, whose pods are ``pods``. Methods raise ``ServiceRefused``."""

    def __init__(self, admin: InClusterService, pods: Selection) -> None:
        self._api = admin
        self._pods = pods

    def client(self, client_id: str) -> dict[str, Any] | None:
        """Return a client's registration, None if there is none."""
        try:
            return dict(self._api.ask("GET", f"/admin/clients/{client_id}"))
        except ServiceRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    def change(self, client_id: str, field: str, value: object) -> None:
        """Change one field of a client's registration behind the operator's back."""
        patch = [{"op": "replace", "path": f"/{field}", "value": value}]
        self._api.ask("PATCH", f"/admin/clients/{client_id}", body=patch)

    def consents(self, subject: str) -> list[dict[str, Any]]:
        """Return what a user has granted to which app."""
        return list(self._api.ask("GET", "/admin/oauth2/auth/sessions/consent", subject=subject))

    def end_logins(self, subject: str) -> None:
        """End a user's logins as their own logout would: the apps that they are at are told."""
        sessions = {
            consent["consent_request"]["login_session_id"] for consent in self.consents(subject)
        }
        for session in sessions:
            self._api.ask("DELETE", "/admin/oauth2/auth/sessions/login", sid=session)

    def logouts_sent(self, client_id: str) -> list[str]:
        """Return what Hydra has logged of each logout token that it sent to a client: a line each.

        It sends them beside its answers, and tells nobody else what became of them.
        """
        logs = [
            self._api.kube.logs(pod["metadata"]["namespace"], pod["metadata"]["name"])
            for pod in self._api.kube.list(*self._pods)
        ]
        return [
            line
            for line in "\n".join(logs).splitlines()
            if f'"client_id":"{client_id}"' in line and LOGOUT_SENT in line
        ]

    def is_active(self, token: str) -> bool:
        """Whether an access or refresh token is worth anything (RFC 7662)."""
        return bool(self._introspected(token)["active"])

    def lifetime(self, token: str) -> float:
        """Return the seconds from the issue of a valid access or refresh token to its end.

        Of one that never expires Hydra says that it ends when it is issued: ``math.inf``.
        """
        answer = self._introspected(token)
        return max(0, answer["exp"] - answer["iat"]) or math.inf

    def _introspected(self, token: str) -> dict[str, Any]:
        return dict(self._api.ask("POST", "/admin/oauth2/introspect", form={"token": token}))

    def expires(self, token: str, within: float) -> bool:
        """Whether a token is worth nothing any more within so many seconds.

        Asks again and again, as no event tells when it expires; Hydra keeps times to the second.
        Given up only for what was asked after that: an answer may take longer than the time.
        """
        deadline = time.monotonic() + within
        while True:
            late = time.monotonic() > deadline
            if (expired := not self.is_active(token)) or late:
                return expired
            time.sleep(0.1)
