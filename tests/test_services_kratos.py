"""Kratos' users as its admin API has them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.common.redaction import Redactor
from conformance.common.timeouts import Timeouts
from conformance.services.in_cluster import ServiceRefused
from conformance.services.kratos import Kratos

MARKS = {"run": "abc"}


class Admin:
    """The admin API of a Kratos that refuses whom it is told to."""

    def __init__(self, refused: str = "") -> None:
        self.kube = SimpleNamespace(redactor=Redactor(), timeouts=Timeouts())
        self.users: dict[str, dict[str, Any]] = {}
        self._refused = refused

    def ask(self, method: str, path: str, **more: Any) -> Any:
        if method == "PATCH":
            return {"identities": [self._made(one["create"]) for one in more["body"]["identities"]]}
        assert method == "DELETE"
        if self.users.pop(path.rpartition("/")[2], None) is None:
            raise ServiceRefused(path, 404, "")
        return None

    def pages(self, path: str, *, page_size: int) -> Iterator[list[dict[str, Any]]]:
        assert path == "/admin/identities"
        users = [{"id": number, **user} for number, user in self.users.items()]
        for first in range(0, len(users), page_size):
            yield users[first : first + page_size]

    def _made(self, user: dict[str, Any]) -> dict[str, Any]:
        if user["traits"]["email"] == self._refused:
            return {"action": "error", "error": {"reason": "it is no address"}}
        number = str(len(self.users))
        self.users[number] = user
        return {"action": "create", "identity": number}


def kratos_of(admin: Any) -> Kratos:
    return Kratos(admin, MARKS)


def test_many_users_are_made_with_the_runs_marks_and_removed_by_their_addresses() -> None:
    admin = Admin()
    kratos = kratos_of(admin)
    kratos.create_each({"zoe@example.org": "Zoe"})
    admin.users["a robot"] = {"traits": {"name": "of another identity schema"}}
    many = {f"user-{number}@example.org": f"User {number}" for number in range(500)}
    kratos.create_each(many)
    assert len(kratos.marked()) == 501
    assert admin.users["2"]["traits"] == {"email": "user-0@example.org", "name": "User 0"}
    kratos.delete_each(many.keys())
    assert [*admin.users] == ["0", "a robot"]


def test_a_user_whom_kratos_refuses_is_an_error() -> None:
    kratos = kratos_of(Admin(refused="yan@example.org"))
    with pytest.raises(AssertionError, match=r"did not make 1 users: .*it is no address"):
        kratos.create_each({"zoe@example.org": "Zoe", "yan@example.org": "Yan"})
