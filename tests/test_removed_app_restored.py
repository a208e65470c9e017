"""The restore of an app that is not in Git any more, as far as that needs no cluster."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from asked_velero import AskedVelero

from conformance.capabilities.backup_restore import removed_app
from conformance.capabilities.backup_restore.removed_app import RemovedApp
from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Object, Ref


def a_secret(value: str) -> Object:
    data = {"password": base64.b64encode(value.encode()).decode()}
    labels = {removed_app.OF_KUSTOMIZATION: "notes-secrets"}
    return {"metadata": {"name": "variables", "namespace": "flux", "labels": labels}, "data": data}


class Cluster:
    """Flux's namespace with one Secret, and what was asked for."""

    timeouts = Timeouts()

    def __init__(self) -> None:
        self.secret = a_secret("old")
        self.there: set[Ref] = set()
        self.deleted: list[str] = []

    def list(self, _: str, kind: str, namespace: str, labels: str) -> list[Object]:
        assert (kind, namespace) == ("Secret", "flux")
        assert labels == "kustomize.toolkit.fluxcd.io/name=notes-secrets"
        return [self.secret]

    def find(self, *ref: str) -> Object | None:
        if ref[1] == "Secret":
            return self.secret
        return {"kind": ref[1]} if Ref(*ref) in self.there else None

    def delete(self, *ref: str) -> bool:
        self.deleted.append(ref[2])
        return True


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def removed(cluster: Cluster) -> RemovedApp:
    def ref(kind: str, name: str, namespace: str = "flux") -> Ref:
        return Ref("v1", kind, name, namespace)

    flux = SimpleNamespace(namespace="flux", ref=ref)
    branch = SimpleNamespace(kube=cluster, flux=flux)
    app: Any = SimpleNamespace(name="notes", namespace="apps", branch=branch)
    return RemovedApp(app, AskedVelero())  # type: ignore[arg-type]


def test_the_secrets_of_an_app_are_restored_before_the_app(removed: RemovedApp) -> None:
    removed.restore()
    velero: Any = removed.velero
    assert velero.asked == [
        ("restore", "notes-secrets", "notes-secrets", {"included": ["secrets"]}),
        ("finished", "notes-secrets"),
        ("restore", "notes", "notes", {}),
        ("finished", "notes"),
    ]


def test_other_secrets_are_told_from_the_old_ones(removed: RemovedApp, cluster: Cluster) -> None:
    before = removed.back_up()
    assert [*before] == ["flux/variables"]
    assert removed.secrets() == before
    cluster.secret = a_secret("new")
    assert removed.secrets() != before


def test_flux_holds_an_app_by_any_of_its_objects(removed: RemovedApp, cluster: Cluster) -> None:
    assert removed.held_by_flux() == []
    cluster.there.add(Ref("v1", "HelmRelease", "notes", "apps"))
    assert removed.held_by_flux() == ["HelmRelease notes in apps"]


def test_what_only_a_restore_made_is_deleted(
    removed: RemovedApp, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def everything(_: object, *, labels: str, namespaces: set[str]) -> list[Object]:
        asked.append(labels)
        assert namespaces == {"apps", "flux"}
        return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": labels[-7:]}}]

    monkeypatch.setattr(removed_app, "everything", everything)
    removed.delete_restored()
    assert asked == [
        "app.kubernetes.io/instance=notes",
        "kustomize.toolkit.fluxcd.io/name=notes-secrets",
    ]
    assert cluster.deleted == ["e=notes", "secrets"]
