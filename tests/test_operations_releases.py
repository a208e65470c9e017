"""Many releases at once: what is committed for them, and that it goes again."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from conformance.capabilities.operations import many_releases
from conformance.capabilities.operations import test_many_releases as checks
from conformance.capabilities.operations.many_releases import ManyReleases
from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import WaitTimeout
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import API_VERSIONS

NAME = "many-abc-1"
ENTRY = f"flux2/apps/{NAME}.yaml"
TEMPLATE = many_releases.TEMPLATE.read_text(encoding="utf-8")
LEFT = r"Not all of 2 releases .* still 2 of kind HelmChart: apps-many-abc-1-000, apps-many-abc-1"


class Branch:
    """A branch that Flux tracks, its repository and a cluster that makes what is in it.

    ``held`` are the kinds whose objects keep their finalizers, whatever Flux is asked.
    """

    namespace = "apps"
    timeouts = Timeouts()
    source = root = "stackspin"
    held: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.git = self.kube = self.flux = self
        self.lock = threading.RLock()
        self.tree: dict[str, str] = {ROOT_KUSTOMIZATION: "resources: [apps/notes.yaml]\n"}
        self.there: dict[Ref, dict[str, Any]] = {}
        self.add("ConfigMap", "another", {})
        self.uninstalled: list[str] = []

    def add(self, kind: str, name: str, labels: dict[str, str], number: str = "") -> None:
        version = API_VERSIONS.get(kind, "v1")
        metadata = {"name": name, "namespace": "apps", "labels": labels}
        about = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {}}
        self.there[Ref(version, kind, name, "apps")] = {**about, "data": {"number": number}}

    def read(self, path: str) -> str:
        return self.tree[path]

    def files(self) -> list[str]:
        return [*self.tree]

    def push(self, changes: dict[str, str | None], _: str) -> str:
        for path, text in changes.items():
            if text is None:
                del self.tree[path]
            else:
                self.tree[path] = text
        releases = yaml.safe_load_all(self.tree.get(ENTRY, ""))
        for release in filter(None, releases):
            name, labels = release["metadata"]["name"], release["metadata"]["labels"]
            self.add("HelmRelease", name, labels)
            chart = release["spec"]["chart"]["metadata"]["labels"]
            self.add("HelmChart", f"apps-{name}", chart)
            installed = yaml.safe_load(TEMPLATE.replace("{{ .Chart.Name }}", NAME))
            number = release["spec"]["values"]["number"]
            self.add("ConfigMap", name, installed["metadata"]["labels"], number)
            self.add("Secret", f"sh.helm.release.v1.{name}.v1", {"owner": "helm", "name": name})
        return "abc"

    commit = push

    def reconcile(self, *_: str) -> None:
        pass

    def ref(self, kind: str, name: str) -> Ref:
        return Ref(API_VERSIONS[kind], kind, name, "apps")

    def list(self, *selection: Any) -> list[dict[str, Any]]:
        wanted = Selection(*selection)
        return [
            item
            for ref, item in self.there.items()
            if (ref.kind, ref.namespace) == (wanted.kind, wanted.namespace)
            and selects(wanted.labels or "", item["metadata"]["labels"])
        ]

    def patch(self, *ref_and_body: Any) -> None:
        *which, body = ref_and_body
        ref = Ref(*which)
        self.there[ref]["spec"].update(body.get("spec", {}))
        if body.get("metadata") == {"finalizers": None}:
            del self.there[ref]

    def delete(self, *which: Any) -> None:
        ref = Ref(*which)
        if ref.kind in self.held:
            return
        if ref.kind == "HelmRelease" and not self.there[ref]["spec"].get("suspend"):
            self.uninstalled.append(ref.name)
        del self.there[ref]


def selects(selector: str, labels: dict[str, str]) -> bool:
    found = re.fullmatch(r"owner=helm,name in \((.*)\)", selector)
    if found:
        return labels.get("name") in found[1].split(",")
    key, _, value = selector.partition("=")
    return labels.get(key) == value


@pytest.fixture
def branch(monkeypatch: pytest.MonkeyPatch) -> Branch:
    def wait_each(kube: Branch, selection: Selection, *_: Any, timeout: float) -> None:
        assert timeout == many_releases.FLUX_SECONDS
        if kube.list(*selection):
            raise WaitTimeout("they are there")

    monkeypatch.setattr(many_releases, "wait_each", wait_each)
    monkeypatch.setattr(many_releases, "wait", lambda *_, **__: {})
    return Branch()


def releases(branch: Branch, number: int) -> ManyReleases:
    return ManyReleases(branch, NAME, number)  # type: ignore[arg-type]


def test_each_release_is_another_of_one_chart(branch: Branch) -> None:
    releases(branch, 200).push()
    assert yaml.safe_load(branch.tree[ROOT_KUSTOMIZATION])["resources"] == [
        "apps/notes.yaml",
        "apps/many-abc-1.yaml",
    ]
    found = [*yaml.safe_load_all(branch.tree[ENTRY])]
    assert len({one["metadata"]["name"] for one in found}) == 200
    assert len({one["spec"]["values"]["number"] for one in found}) == 200
    [chart] = {one["spec"]["chart"]["spec"]["chart"] for one in found}
    assert f"{chart.removeprefix('./')}/Chart.yaml" in branch.tree


def test_only_their_own_config_maps_are_counted(branch: Branch) -> None:
    made = releases(branch, 2)
    made.push()
    assert made.installed() == {"0", "1"}


def test_nothing_of_them_stays_in_the_branch_or_the_cluster(branch: Branch) -> None:
    before, there = dict(branch.tree), dict(branch.there)
    made = releases(branch, 3)
    made.push()
    made.remove()
    assert branch.tree.keys() == before.keys()
    assert yaml.safe_load(branch.tree[ROOT_KUSTOMIZATION]) == {"resources": ["apps/notes.yaml"]}
    assert branch.there == there
    assert branch.uninstalled == []
    made.remove()


def test_a_removal_that_was_interrupted_after_its_commit_goes_on(branch: Branch) -> None:
    there = dict(branch.there)
    made = releases(branch, 3)
    made.push()
    del branch.tree[ENTRY]
    made.remove()
    assert branch.there == there


def test_flux_is_not_waited_for_that_does_not_answer(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_: object, timeout: float) -> None:
        assert timeout == many_releases.FLUX_SECONDS
        raise WaitTimeout("the Kustomization is as it was")

    there = dict(branch.there)
    made = releases(branch, 3)
    made.push()
    branch.held = ("HelmRelease", "HelmChart")
    monkeypatch.setattr(many_releases, "wait", no_answer)
    made.remove()
    assert branch.there == there


def test_a_removal_that_gives_up_says_what_is_left(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = releases(branch, 2)
    made.push()
    branch.held = ("HelmChart",)
    monkeypatch.setattr(branch, "patch", lambda *_: None)
    with pytest.raises(HarnessError, match=LEFT):
        made.remove()
    assert not branch.list("v1", "Secret", "apps", "owner=helm,name in (many-abc-1-000)")


def test_a_busy_machine_is_waited_for_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = SimpleNamespace(read=lambda: SimpleNamespace(slowdown=3.0))
    monkeypatch.setattr(checks, "LoadMeter", lambda: meter)
    many = MagicMock(number=1)
    many.installed.return_value = {"0"}
    many.memory.return_value = {"flux/manager": 100.0}
    checks.test_many_releases(many, MagicMock())
    [timeout] = many.wait_applied.call_args.kwargs.values()
    assert timeout > 3 * checks.PATIENCE
