"""While Flux installs a tree, it is said what became Ready, and what waits for what."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.kube.conditions import matching
from conformance.kube.wait import WaitTimeout
from conformance.platform.tree import progress
from conformance.platform.tree.progress import Progress, wait_for_all
from conformance.platform.tree.stack import bring_to
from conformance.services.git import Credential, GitServer, Repository

VERSIONS = {
    "HelmRepository": "source.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
}


def item(kind: str, name: str, ready: str = "False", message: str = "", **more: Any) -> Any:
    condition = {"type": "Ready", "status": ready, "message": message, "observedGeneration": 1}
    return {
        "apiVersion": VERSIONS[kind],
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {},
        "status": {"observedGeneration": 1, "conditions": [condition], **more},
    }


class Api:
    timeouts = Timeouts()
    redactor = Redactor()

    def __init__(self, *items: Any) -> None:
        self.items = [*items]

    def list(self, _: str, kind: str, *__: Any, **___: Any) -> list[Any]:
        return [one for one in self.items if one["kind"] == kind]


def looking(api: Api) -> tuple[Progress, list[str]]:
    said: list[str] = []
    return Progress(cast(Kube, api), said.append), said


def test_what_became_ready_is_said_once() -> None:
    api = Api(item("Kustomization", "nginx", "True"), item("HelmRelease", "nginx"))
    look, said = looking(api)
    look.look()
    look.look()
    assert said == ["platform: Ready: nginx (1 of 2)"]
    api.items[1] = item("HelmRelease", "nginx", "True")
    look.look()
    assert said[1:] == ["platform: Ready: HelmRelease nginx (2 of 2)"]


def test_when_nothing_becomes_ready_it_is_said_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = [item("Kustomization", f"k{n}", message="dependency\nlong") for n in range(5)]
    look, said = looking(Api(*waiting))
    look.look()
    assert said == []
    monkeypatch.setattr(progress, "_QUIET_SECONDS", -1)
    look.look()
    assert said == [
        "platform: waiting for k0: dependency; k1: dependency; k2: dependency; and 2 more"
    ]


def test_a_source_that_cannot_be_had_is_named_before_what_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_QUIET_SECONDS", -1)
    suspended = item("HelmRepository", "given", message="never looked at")
    suspended["spec"]["suspend"] = True
    look, said = looking(
        Api(
            item("Kustomization", "sso", message="waits"),
            item("HelmRelease", "hydra", message="no chart"),
            item("HelmRepository", "ory", message="no such host"),
            suspended,
            item("HelmRepository", "other", "True"),
        )
    )
    look.look()
    assert said == [
        "platform: waiting for HelmRepository ory: no such host; HelmRelease hydra: no chart; "
        "sso: waits"
    ]


def because(reason: str, found: Any) -> Any:
    found["status"]["conditions"][0]["reason"] = reason
    return found


PATH = "kustomization path not found: stat /tmp/k/apps/velerro: no such file or directory"
TWO_MISTAKES = (
    because("Progressing", item("Kustomization", "add-pages", "Unknown", "in progress")),
    because("DependencyNotReady", item("Kustomization", "apps", message="dependency")),
    because("ArtifactFailed", item("Kustomization", "b", message="Source artifact not found, ...")),
    because("HealthCheckFailed", item("Kustomization", "nginx", message="timeout")),
    because("ArtifactFailed", item("Kustomization", "velero", message=PATH)),
    because("SourceNotReady", item("HelmRelease", "pages", message="HelmChart is not ready")),
    because("ChartPullError", item("HelmRepository", "pages", message="no chart pagess")),
)


def test_an_error_is_named_before_what_waits_for_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_QUIET_SECONDS", -1)
    look, said = looking(Api(*TWO_MISTAKES))
    look.look()
    assert said == [
        f"platform: waiting for HelmRepository pages: no chart pagess; velero: {PATH}; "
        "nginx: timeout; and 4 more"
    ]


def test_errors_are_explained_and_what_waits_is_only_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise WaitTimeout("not in time")

    monkeypatch.setattr(progress, "wait_all", never)
    with pytest.raises(HarnessError) as late:
        wait_for_all(cast(Kube, Api(*TWO_MISTAKES)), {}, 900.0, lambda _: None)
    lines = late.value.message.splitlines()
    assert lines[1:5] == [
        "  HelmRepository pages: no chart pagess",
        f"  velero: {PATH}",
        "  nginx: timeout",
        "  in progress, or waiting: HelmRelease pages, add-pages, apps, b",
    ]
    assert "  Kustomization velero in flux-system:" in lines
    assert "  Kustomization add-pages in flux-system:" not in lines


def test_a_release_that_was_given_up_does_not_hide_another_error() -> None:
    api = Api()
    look, _ = looking(api)
    api.items = [stalled("hydra", "2026-11-29T10:00:00Z"), *TWO_MISTAKES]
    with pytest.raises(HarnessError, match=r"^HelmRelease hydra: Flux has given up\n") as lost:
        look.look()
    assert f"  velero: {PATH}" in lost.value.message.splitlines()


def test_what_is_suspended_is_not_waited_for() -> None:
    suspended = item("Kustomization", "optional")
    suspended["spec"]["suspend"] = True
    assert progress.is_done(suspended)
    assert not progress.is_done(item("Kustomization", "nginx"))


def stalled(name: str, since: str) -> Any:
    found = item("HelmRelease", name)
    condition = {"type": "Stalled", "status": "True", "lastTransitionTime": since}
    found["status"]["conditions"].append({**condition, "observedGeneration": 1})
    return found


def test_a_release_that_flux_gave_up_ends_the_wait() -> None:
    api = Api(item("HelmRelease", "nginx", failures=6))
    look, _ = looking(api)
    look.look()
    api.items = [stalled("nginx", "2026-11-29T10:00:00Z")]
    with pytest.raises(HarnessError, match="HelmRelease nginx: Flux has given up"):
        look.look()


def test_what_was_given_up_before_may_be_mended_by_the_tree() -> None:
    api = Api(stalled("nginx", "2026-11-29T10:00:00Z"))
    look, _ = looking(api)
    look.look()
    api.items = [stalled("nginx", "2026-11-29T10:05:00Z")]
    with pytest.raises(HarnessError, match="given up"):
        look.look()


def test_what_is_lost_ends_the_wait_unless_it_was_so_before() -> None:
    often = matching("failed 6 times", lambda one: bool(one["status"]["failures"] >= 6))
    before = item("HelmRelease", "old", failures=6)
    api = Api(before, item("HelmRelease", "nginx", failures=5))
    look = Progress(cast(Kube, api), print, often)
    look.look()
    api.items[1] = item("HelmRelease", "nginx", "True", failures=6)
    look.look()
    api.items[1] = item("HelmRelease", "nginx", failures=6)
    with pytest.raises(HarnessError, match=r"^HelmRelease nginx: fails time and again"):
        look.look()


def test_a_platform_that_does_not_get_ready_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise WaitTimeout("not in time")

    monkeypatch.setattr(progress, "wait_all", never)
    api = Api(
        item("Kustomization", "sso", message="health check failed"),
        item("HelmRelease", "hydra", message="no such image"),
        item("Kustomization", "nginx", "True"),
    )
    with pytest.raises(HarnessError) as late:
        wait_for_all(cast(Kube, api), {}, 900.0, lambda _: None)
    lines = late.value.message.splitlines()
    assert lines[:3] == [
        "the platform is not Ready after 900 s",
        "  HelmRelease hydra: no such image",
        "  sso: health check failed",
    ]


def test_a_branch_is_brought_to_a_tree_and_what_is_gone_there_goes(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path], check=True)
    nobody = Credential("nobody", "")
    repository = Repository(str(tmp_path), nobody, nobody)
    server = cast(GitServer, repository)
    bring_to(server, "v2", {"a.yaml": b"1", "b.yaml": b"1"}, "first")
    first = repository.head("v2")
    bring_to(server, "v2", {"a.yaml": b"1", "b.yaml": b"1"}, "same")
    assert repository.head("v2") == first
    bring_to(server, "v2", {"a.yaml": b"2"}, "second")
    assert repository.files("v2") == ["a.yaml"]
    assert repository.read("a.yaml", "v2") == "2"
    bring_to(server, "conformance-vendor", {"c.yaml": b"1"}, "another")
    assert repository.files("conformance-vendor") == ["c.yaml"]
    repository.close()
