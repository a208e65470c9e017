"""What is done to the cluster when apps are removed from the tracked branch."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.tracked import TrackedBranch
from conformance.kube.objects import Object, Ref
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import API_VERSIONS, Flux

RELEASE = Ref(API_VERSIONS["HelmRelease"], "HelmRelease", "notes-a", "apps")


class Kube:
    """An API with one release, which keeps what is asked of it."""

    def __init__(self, release: Object | None) -> None:
        self.release = release
        self.asked: list[tuple[str, Ref]] = []

    def find(self, *ref: Any) -> Object | None:
        return self.release if Ref(*ref) == RELEASE else None

    def patch(self, *ref_and_body: Any) -> None:
        *ref, body = ref_and_body
        if "suspend" in body.get("spec", {}):
            self.asked.append((f"suspend {body['spec']['suspend']}", Ref(*ref)))

    def delete(self, *ref: Any) -> None:
        self.asked.append(("delete", Ref(*ref)))


@pytest.mark.parametrize(
    ("release", "asked"),
    [
        ({"spec": {"suspend": True}}, ["suspend False", "commit", "delete"]),
        ({"spec": {}}, ["commit", "delete"]),
        (None, ["commit", "delete"]),
    ],
)
def test_a_release_is_deleted_and_not_left_suspended(
    release: Object | None, asked: list[str]
) -> None:
    kube = Kube(release)

    def commit(changes: Any, message: str) -> None:
        del changes, message
        kube.asked.append(("commit", RELEASE))

    git: Any = SimpleNamespace(
        lock=threading.Lock(),
        read=lambda _: "resources: [notes-a.yaml]",
        files=lambda: [ROOT_KUSTOMIZATION, "notes-a.yaml"],
        commit=commit,
    )
    app: Any = SimpleNamespace(
        name="notes-a",
        package=SimpleNamespace(entry="notes-a.yaml"),
        committed=SimpleNamespace(files={"notes-a.yaml": ""}),
        claims=list,
    )
    flux = Flux(kube, "flux-system", "stackspin", "stackspin")  # type: ignore[arg-type]
    TrackedBranch(kube, git, flux, "apps").remove([app])  # type: ignore[arg-type]
    assert kube.asked == [(what, RELEASE) for what in asked]
