"""An admission policy of a twin: awaited, and gone afterwards whatever happened meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.kube.objects import Object
from conformance.suite import altered_objects
from conformance.suite.admission import enforced

POLICY = "MutatingAdmissionPolicy"
BINDING = "MutatingAdmissionPolicyBinding"


class ApiServer:
    """One that notices a policy at the second look at it, if at all."""

    def __init__(self, *, notices: bool = True) -> None:
        self.timeouts = SimpleNamespace(admission=0.05, kind_served=0)
        self.there: dict[str, Object] = {}
        self.order: list[str] = []
        self._notices = notices
        self._looks = 0

    def patch(
        self,
        _version: str,
        kind: str,
        _name: str,
        _namespace: str | None,
        body: Object,
        *_: Any,
        **__: Any,
    ) -> Object:
        self.there[kind] = body
        return body

    def delete(self, _version: str, kind: str, *_: Any) -> None:
        if self.there.pop(kind, None):
            self.order.append(kind)

    def in_effect(self) -> bool:
        self._looks += 1
        return self._notices and self._looks > 1 and BINDING in self.there

    def with_policy(self) -> Any:
        change = dict.fromkeys(("group", "resource", "when", "field", "value"), "x")
        return enforced(self, altered_objects.POLICY, "twin", self.in_effect, **change)  # type: ignore[arg-type]


def test_a_policy_has_an_effect_in_the_body_and_is_gone_afterwards() -> None:
    server = ApiServer()
    with server.with_policy():
        assert server.in_effect()
    assert (server.there, server.order[-1]) == ({}, "ConfigMap")


def test_a_policy_is_gone_after_an_error() -> None:
    server = ApiServer()
    with pytest.raises(KeyError), server.with_policy():
        raise KeyError
    assert server.there == {}


def test_a_policy_without_effect_is_an_error_and_is_taken_away() -> None:
    server = ApiServer(notices=False)
    with pytest.raises(AssertionError, match="no effect"), server.with_policy():
        pytest.fail("the body began")
    assert server.there == {}


def test_a_policy_that_stays_is_an_error() -> None:
    server = ApiServer()
    with pytest.raises(AssertionError, match="still has an effect"), server.with_policy():
        server.delete = lambda *_: None  # type: ignore[method-assign]
