"""Kratos's admin API: the users of the platform. https://www.ory.sh/docs/kratos/reference/api"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from conformance.services.in_cluster import InClusterService, ServiceRefused

_PAGE = 250
"""Users in one answer."""
_AT_A_TIME = 8
"""Requests: Kratos removes users one by one only."""


@dataclass(frozen=True)
class Identity:
    """A user, as Kratos has them."""

    id: str
    email: str
    name: str
    state: str
    """active or inactive."""
    roles: Mapping[str, str]
    """Role by app."""
    credentials: frozenset[str] = field(default=frozenset())
    """Kinds of credentials that are set: password, totp, lookup_secret ..."""
    verified: bool = False
    """Whether the user has proved to own the address."""


class Kratos:
    """The admin API of a Kratos. Methods raise ``ServiceRefused``.

    Users are made with ``marks`` in their metadata, which only administrators see.
    """

    def __init__(self, admin: InClusterService, marks: Mapping[str, str]) -> None:
        self._redactor = admin.kube.redactor
        self._api = admin
        self._marks = dict(marks)

    def create(
        self,
        email: str,
        password: str,
        name: str,
        roles: Mapping[str, str],
        *,
        verified: bool = False,
    ) -> Identity:
        """Make a user with a password and with these roles by app.

        ``verified``: with an address that counts as verified. Kratos forgets that if its identity
        schema does not say that the address can be.
        """
        self._redactor.learn_value(password)
        address = {"value": email, "verified": verified, "via": "email"}
        body = {
            "schema_id": "default",
            "traits": {"email": email, "name": name},
            "credentials": {"password": {"config": {"password": password}}},
            "metadata_public": {"stackspin_roles": dict(roles)},
            "metadata_admin": self._marks,
            **({"verifiable_addresses": [address]} if verified else {}),
        }
        return _identity(self._api.ask("POST", "/admin/identities", body=body))

    def create_each(self, names: Mapping[str, str]) -> None:
        """Make users without a password or a role by one request: ``names`` by e-mail address.

        Raises ``AssertionError`` with the first that Kratos did not make.
        """
        identities = [
            {
                "create": {
                    "schema_id": "default",
                    "traits": {"email": email, "name": name},
                    "metadata_admin": self._marks,
                }
            }
            for email, name in names.items()
        ]
        made = self._api.ask(
            "PATCH",
            "/admin/identities",
            body={"identities": identities},
            timeout=self._api.kube.timeouts.transfer,
        )
        failed = [one for one in made["identities"] if one["action"] != "create"]
        assert not failed, f"Kratos did not make {len(failed)} users: {failed[0]}"  # noqa: S101

    def get(self, identity_id: str) -> Identity:
        """Return one user."""
        return _identity(self._api.ask("GET", f"/admin/identities/{identity_id}"))

    def find(self, email: str) -> Identity | None:
        """Return the user with this address, None if there is none."""
        found = self._api.ask("GET", "/admin/identities", credentials_identifier=email)
        return self.get(found[0]["id"]) if found else None

    def marked(self) -> list[str]:
        """Return the ids of the users that have these marks, whatever their values."""
        return [
            one["id"]
            for one in self._everybody()
            if self._marks.keys() <= (one.get("metadata_admin") or {}).keys()
        ]

    def set_state(self, identity_id: str, state: str) -> None:
        """Make a user active or inactive."""
        patch = [{"op": "replace", "path": "/state", "value": state}]
        self._api.ask("PATCH", f"/admin/identities/{identity_id}", body=patch)

    def delete(self, identity_id: str) -> None:
        """Remove a user, also one who is gone already."""
        try:
            self._api.ask("DELETE", f"/admin/identities/{identity_id}")
        except ServiceRefused as refusal:
            if refusal.status != 404:
                raise

    def delete_each(self, emails: Collection[str]) -> None:
        """Remove the users who have one of these addresses."""
        found = [one["id"] for one in self._everybody() if one["traits"].get("email") in emails]
        with ThreadPoolExecutor(_AT_A_TIME) as executor:
            list(executor.map(self.delete, found))

    def sessions(self, identity_id: str) -> list[dict[str, Any]]:
        """Return a user's sessions that have not ended."""
        path = f"/admin/identities/{identity_id}/sessions"
        try:
            return list(self._api.ask("GET", path, active="true") or ())
        except ServiceRefused as refusal:
            if refusal.status == 404:  # nobody has logged in yet
                return []
            raise

    def _everybody(self) -> Iterator[Mapping[str, Any]]:
        for users in self._api.pages("/admin/identities", page_size=_PAGE):
            yield from users


def _identity(found: Mapping[str, Any]) -> Identity:
    traits = found["traits"]
    public = found.get("metadata_public") or {}
    return Identity(
        id=found["id"],
        email=traits["email"],
        name=traits.get("name", ""),
        state=found.get("state", "active"),
        roles=dict(public.get("stackspin_roles") or {}),
        credentials=frozenset(found.get("credentials") or ()),
        verified=any(
            address["value"] == traits["email"].lower() and address["verified"]
            for address in found.get("verifiable_addresses") or ()
        ),
    )
