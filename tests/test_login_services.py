"""Other settings of the login services: they go again, and replace none of somebody else's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.single_sign_on import login_services
from conformance.capabilities.single_sign_on.login_services import LoginServices
from conformance.kube.objects import Ref
from conformance.platform.namespaces import RUN_LABEL
from conformance.platform.reference import reference_platform
from conformance.suite.check import NotRun

KRATOS = Ref("v1", "ConfigMap", "stackspin-kratos-override", "stackspin")
HYDRA = Ref("v1", "ConfigMap", "stackspin-hydra-override", "stackspin")
CHANGES: dict[str, Any] = {"hydra": {"ttl": {}}, "kratos": {"selfservice": {}}}


class Cluster:
    """An API that has ConfigMaps, and Flux, which fails to upgrade if it is told to."""

    def __init__(self) -> None:
        self.there: dict[Ref, dict[str, Any]] = {}
        self.fails = False

    def find(self, *which: Any) -> dict[str, Any] | None:
        return self.there.get(Ref(*which))

    def delete(self, *which: Any) -> None:
        self.there.pop(Ref(*which), None)

    def apply(self, _: object, item: dict[str, Any]) -> None:
        metadata = item["metadata"]
        self.there[Ref("v1", "ConfigMap", metadata["name"], metadata["namespace"])] = item

    def upgrade(self, *_: object) -> None:
        if self.fails and self.there:
            raise TimeoutError


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(login_services, "apply", made.apply)
    monkeypatch.setattr(LoginServices, "upgrade", made.upgrade)
    monkeypatch.setattr(LoginServices, "wait_served", lambda _: None)
    return made


def services(cluster: Cluster, *, without_override: str = "") -> LoginServices:
    platform = reference_platform("stackspin.test")
    clients = SimpleNamespace(platform=platform, run_id="abc")
    flux: Any = SimpleNamespace(ref=lambda kind, name, space: Ref("v2", kind, name, space))
    made = LoginServices(flux, SimpleNamespace(kube=cluster, clients=clients))  # type: ignore[arg-type]
    if without_override:
        workload = made._workloads[without_override]
        made._workloads[without_override] = workload.model_copy(update={"override": ""})
    return made


def test_other_settings_are_there_within_the_body_alone(cluster: Cluster) -> None:
    with services(cluster).configured(CHANGES):
        assert cluster.there.keys() == {KRATOS, HYDRA}
    assert not cluster.there


def test_other_settings_go_if_flux_cannot_make_them(cluster: Cluster) -> None:
    cluster.fails = True
    with pytest.raises(TimeoutError), services(cluster).configured(CHANGES):
        pass
    assert not cluster.there


def test_nothing_is_left_where_one_service_cannot_be_configured(cluster: Cluster) -> None:
    asked = services(cluster, without_override="kratos").configured(CHANGES)
    with pytest.raises(NotRun, match="overrides the values of kratos"), asked:
        pass
    assert not cluster.there


def test_settings_of_the_platforms_own_stay(cluster: Cluster) -> None:
    own = {"metadata": {"name": KRATOS.name}, "data": {"values.yaml": "mail: {}"}}
    cluster.there[KRATOS] = own
    asked = services(cluster).configured(CHANGES)
    with pytest.raises(NotRun, match="ConfigMap stackspin-kratos-override"), asked:
        pass
    assert cluster.there == {KRATOS: own}


def test_what_a_killed_run_has_left_is_replaced(cluster: Cluster) -> None:
    cluster.there[KRATOS] = {"metadata": {"labels": {RUN_LABEL: "of-another-run"}}}
    with services(cluster).configured(CHANGES):
        assert cluster.there[KRATOS]["metadata"]["labels"] == {RUN_LABEL: "abc"}
    assert not cluster.there
