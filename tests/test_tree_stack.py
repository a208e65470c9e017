"""Which Flux a tree gets, and in which order things are there."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.common.settings import Settings
from conformance.common.timeouts import Timeouts
from conformance.platform.steps import Steps
from conformance.platform.tree import stack
from conformance.platform.tree.given import GivenTree, given_tree
from conformance.platform.tree.stack import TreeStack
from tests.maintainers_tree import FILES, write

CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"


def tree(folder: Path, **files: str) -> GivenTree:
    found = given_tree(Settings(platform_repository=str(write(folder, {**FILES, **files}))))
    assert found is not None
    return found


def manifests(given: GivenTree) -> Any:
    return TreeStack._flux_manifests(SimpleNamespace(_tree=given, _components=None))  # type: ignore[arg-type]


def test_without_its_own_a_tree_gets_the_suites_flux(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "flux_manifests", lambda _, namespace: [namespace])
    assert manifests(tree(tmp_path)) == ["flux-system"]


def test_a_trees_own_flux_is_what_it_gets(tmp_path: Path) -> None:
    given = tree(tmp_path, **{"flux2/flux/gotk-components.yaml": f"{CRD}---\n"})
    assert [one["kind"] for one in manifests(given)] == ["CustomResourceDefinition"]


def test_what_the_tree_changes_of_its_flux_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rendered(_: object, folder: Path, what: str) -> list[str]:
        assert (folder / "gotk-components.yaml").is_file()
        return [what]

    monkeypatch.setattr(stack, "rendered", rendered)
    files = {"gotk-components.yaml": CRD, "kustomization.yaml": "resources: []\n"}
    given = tree(tmp_path, **{f"flux2/flux/{name}": text for name, text in files.items()})
    assert manifests(given) == ["flux2/flux of the tree"]


def test_another_release_is_pushed_when_its_images_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    before, after = tree(tmp_path / "before"), tree(tmp_path / "after", **{"flux2/new.yaml": "{}"})

    def bring(_: object, branch: str, files: dict[str, bytes], __: str) -> None:
        done.append(f"{branch}: {'flux2/new.yaml' in files}")

    monkeypatch.setattr(stack, "bring_to", bring)
    server = SimpleNamespace(head=lambda branch: f"head of {branch}")
    stub = SimpleNamespace(
        install=lambda: done.append("install"),
        _context=SimpleNamespace(images=lambda names: done.append(f"{len(names) > 0}")),
        _steps=SimpleNamespace(run=lambda *_: server),
        _serve=None,
        _tree=before,
    )
    assert TreeStack.push_release(stub, after) == "head of main"  # type: ignore[arg-type]
    assert done == ["install", "True", "main: True"]


def test_flux_begins_when_all_that_it_needs_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    setup = tmp_path / "setup"
    setup.mkdir()
    (setup / "a.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: elsewhere}\n")
    given = given_tree(
        Settings(platform_repository=str(write(tmp_path / "mine")), platform_setup=setup)
    )
    assert given is not None

    def image(name: str) -> Future[None]:
        pushed: Future[None] = Future()
        done.append(f"push {name}")
        pushed.set_result(None)
        return pushed

    def apply(_: object, *items: Any) -> None:
        done.extend(f"{one['kind']} {one['metadata']['name']}" for one in items)

    made = object.__new__(TreeStack)
    kube = SimpleNamespace(
        timeouts=Timeouts(), redactor=SimpleNamespace(allow=lambda *_: None), find=lambda *_: None
    )
    cluster = SimpleNamespace(node_address="10.1.2.3", kubelet_root="/var/lib/kubelet")
    vars(made).update(
        _tree=given,
        _given=given,
        _kube=kube,
        _cluster=cluster,
        _steps=Steps(),
        _settings=Settings(),
        _say=lambda _: None,
        _context=SimpleNamespace(image=image),
    )
    server = SimpleNamespace(head=lambda _: "abc")
    steps = {"_serve": server, "_dns": None, "_controllers": None, "_controllers_ready": None}
    for name, result in steps.items():
        monkeypatch.setattr(
            made, name, lambda name=name, result=result: done.append(name) or result
        )
    monkeypatch.setattr(made, "_compare", lambda: b"trusted")
    monkeypatch.setattr(stack, "apply", apply)
    monkeypatch.setattr(stack, "wait", lambda *_: None)
    waited: list[Any] = []
    monkeypatch.setattr(stack, "wait_for_all", lambda _, commits, *__: waited.append(commits))
    made.install()
    begins = done.index("GitRepository stackspin")
    before = {*done[:begins]}
    assert {"_serve", "_dns", "_controllers", "_controllers_ready"} <= before
    assert {"Secret elsewhere", "Secret stackspin-cluster-variables"} <= before
    assert {"push image-git-server", "push image-source-controller"} <= before
    assert done[begins:] == ["GitRepository stackspin", "Kustomization stackspin"]
    assert waited == [{"stackspin": "abc"}]
    assert made.authority == b"trusted"
