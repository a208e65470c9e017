"""A package on a cluster, without the cluster: what is committed, attributed, compared and kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from conformance.apps.package import delivery as delivery_module
from conformance.apps.package import leftovers, time_limit
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.given import GivenApp, read_apps
from conformance.apps.package.model import Description
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import OutOfTime, TimeLimit
from conformance.common.errors import HarnessError
from conformance.common.package import Package
from conformance.common.redaction import Redactor
from conformance.common.settings import Timeouts, data_root
from conformance.kube.discovery import Resource
from conformance.kube.inventory import everything
from conformance.kube.objects import Object
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import Flux, hopeless

ROOT = "resources:\n- infrastructure\n"
NAMESPACES = ("flux-system", "stackspin-apps")
VERBS = frozenset({"list", "watch"})


def an_object(
    kind: str,
    name: str,
    namespace: str | None = "stackspin-apps",
    *,
    labels: Mapping[str, str] | None = None,
    owner: str = "",
    **fields: Any,
) -> Object:
    metadata: dict[str, Any] = {"name": name, "uid": f"uid of {kind} {name}"}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner}]
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


class FakeKube:
    """An API with objects in memory; every kind is of ``v1``."""

    timeouts = Timeouts()

    def __init__(self, *objects: Object) -> None:
        self.objects = list(objects)
        self.objects += [an_object("Namespace", name, None) for name in NAMESPACES]
        self.discovery = SimpleNamespace(
            group_versions=lambda: ["v1"],
            served=lambda _: [
                Resource("v1", "ComponentStatus", "componentstatuses", False, VERBS - {"watch"}),
                *(
                    Resource("v1", kind, kind.lower(), True, VERBS)
                    for kind in sorted({one["kind"] for one in self.objects})
                ),
            ],
        )

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> list[Object]:
        del api_version, fields
        assert kind != "ComponentStatus", "it has no version to list it at"
        return [
            one
            for one in self.objects
            if one["kind"] == kind
            and namespace in (None, one["metadata"].get("namespace"))
            and (labels is None or self._selected(one, labels))
        ]

    @staticmethod
    def _selected(one: Object, labels: str) -> bool:
        wanted = dict(part.split("=") for part in labels.split(",") if "=" in part)
        has = one["metadata"].get("labels") or {}
        return all(has.get(key) == value for key, value in wanted.items())

    def find(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> Object | None:
        found = self.list(api_version, kind, namespace)
        return next((one for one in found if one["metadata"]["name"] == name), None)

    def get(self, *ref: str | None) -> Object:
        found = self.find(*ref)  # type: ignore[arg-type]
        assert found is not None
        return found

    def create(self, item: Object, namespace: str | None = None) -> None:
        self.objects.append(an_object(item["kind"], item["metadata"]["name"], namespace))

    def delete(self, _: str, kind: str, name: str, namespace: str | None = None) -> None:
        self.objects.remove(self.get("v1", kind, name, namespace))


class FakeBranch:
    """A tracked branch; ``flux`` does what Flux would after each commit."""

    def __init__(self, kube: FakeKube, files: Mapping[str, str] | None = None) -> None:
        self.kube = kube
        self.content: dict[str, Any] = {ROOT_KUSTOMIZATION: ROOT, **(files or {})}
        self.git = SimpleNamespace(
            lock=threading.RLock(),
            files=lambda: list(self.content),
            read=lambda path: self.content[path],
        )
        self.flux_does = [lambda: None]
        self.flux = Flux(kube, "flux-system", "stackspin", "stackspin")  # type: ignore[arg-type]

    def push(self, changes: Mapping[str, Any], message: str) -> str:
        del message
        for path, content in changes.items():
            if content is None:
                del self.content[path]
            else:
                self.content[path] = content
        self.flux_does.pop(0)()
        return "abc"


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube(
        an_object("ConfigMap", "theirs"), an_object("PersistentVolumeClaim", "their-data")
    )


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[Wait]:
    """Have what is awaited be there at once; return what was awaited."""
    awaited: list[Wait] = []
    for module in (delivery_module, leftovers):
        monkeypatch.setattr(module, "wait_all", lambda _kube, waits, **_more: awaited.extend(waits))
    return awaited


def a_delivery(
    kube: FakeKube, files: Mapping[str, str] | None = None, **more: Any
) -> tuple[Delivery, FakeBranch]:
    [app] = read_apps(data_root() / "fixtures" / "packages" / "static-site")
    branch = FakeBranch(kube, files)
    return Delivery(branch, place(app), "pages", TimeLimit(1), **more), branch  # type: ignore[arg-type]


def test_a_package_is_listed_beside_its_files_and_leaves_the_repository_as_it_was(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    delivery, branch = a_delivery(kube, {"website/public/web.yaml": "of another app"})
    before = dict(branch.content)
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    listed = yaml.safe_load(branch.content[ROOT_KUSTOMIZATION])["resources"]
    assert listed == ["infrastructure", "packages/pages.yaml"]
    assert branch.content["website/public/web.yaml"] != "of another app"
    delivery.remove()
    assert yaml.safe_load(branch.content.pop(ROOT_KUSTOMIZATION)) == yaml.safe_load(ROOT)
    assert branch.content == {k: v for k, v in before.items() if k != ROOT_KUSTOMIZATION}
    assert [wait.target.kind for wait in no_waiting] == ["Kustomization"]


def test_what_has_come_since_is_the_apps_unless_flux_says_whose_it_is(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    delivery, branch = a_delivery(kube)
    of_flux = "kustomize.toolkit.fluxcd.io/name"

    def install() -> None:
        kube.objects += [
            an_object("ConfigMap", "mine", labels={of_flux: "pages"}),
            an_object("ConfigMap", "made-by-the-app"),
            an_object("ConfigMap", "of-another", labels={of_flux: "notes"}),
            an_object("ConfigMap", "elsewhere", "velero"),
            an_object("Secret", "sh.helm.release.v1.pages.v1", type="helm.sh/release.v1"),
            an_object("ClusterRole", "somebody", None),
            an_object("PersistentVolumeClaim", "pages-data"),
        ]

    branch.flux_does = [install]
    delivery.begin()
    assert {one["metadata"]["name"] for one in delivery.made()} == {
        "mine", "made-by-the-app", "pages-data",
    }  # fmt: skip
    assert [one["metadata"]["name"] for one in delivery.claims()] == ["pages-data"]


def installed(kube: FakeKube, *made: Object) -> tuple[Delivery, FakeBranch]:
    delivery, branch = a_delivery(kube)
    branch.flux_does = [lambda: kube.objects.extend(made), lambda: None]
    delivery.begin()
    return delivery, branch


def test_a_removal_tells_claims_from_what_is_left_and_from_what_is_lost(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    kept, lost = (an_object("PersistentVolumeClaim", name) for name in ("kept", "lost"))
    delivery, branch = installed(kube, kept, lost, an_object("ConfigMap", "forgotten"))

    def prune() -> None:
        kube.objects.remove(lost)
        kept["metadata"]["labels"] = {"any": "change"}

    branch.flux_does = [prune]
    remains = delivery.remove()
    assert remains.names_of_claims == ["kept"]
    assert remains.lost == ["lost"]
    assert remains.names_of_left == ["ConfigMap forgotten in stackspin-apps"]


def test_what_is_about_to_go_is_waited_for(kube: FakeKube, no_waiting: list[Wait]) -> None:
    pod = an_object("Pod", "pages-1", owner="pages")
    delivery, _ = installed(kube, pod, an_object("ConfigMap", "forgotten"))
    delivery.remove()
    assert [wait.target.name for wait in no_waiting if wait.target.kind == "Pod"] == ["pages-1"]


def test_what_hangs_says_what_to_do(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(_: object, waits: list[Wait], **__: object) -> None:
        for one in waits:
            if one.target.kind == "ConfigMap":
                raise WaitTimeout(f"Waited 120 s for {one}\n  finalizers: example.org/never")

    held = an_object("ConfigMap", "held")
    delivery, _ = installed(kube, held)
    held["metadata"]["deletionTimestamp"] = "2026-11-28T20:00:00Z"
    monkeypatch.setattr(delivery_module, "wait_all", hangs)
    with pytest.raises(WaitTimeout, match=r"ConfigMap held.*\n  To do: .*\n  finalizers: example"):
        delivery.remove()


def test_cleaning_up_leaves_nothing_of_the_app_and_all_of_the_others(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    before = list(kube.objects)
    delivery, _ = installed(
        kube, an_object("ConfigMap", "left"), an_object("PersistentVolumeClaim", "data")
    )
    assert delivery.clean_up() == []
    assert kube.objects == before


def test_what_cannot_be_cleaned_up_is_told(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise WaitTimeout("Waited 120 s for Kustomization pages to be: deleted\n  more")

    monkeypatch.setattr(delivery_module, "wait_all", never)
    monkeypatch.setattr(leftovers, "wait_all", never)
    delivery, _ = installed(kube)
    assert "Waited 120 s for Kustomization pages to be: deleted" in delivery.clean_up()


def test_nothing_is_cleaned_up_of_what_was_never_installed(kube: FakeKube) -> None:
    delivery, _ = a_delivery(kube)
    before = list(kube.objects)
    assert delivery.clean_up() == []
    assert kube.objects == before


class FakeFlux(Flux):
    """Is asked to reconcile."""

    def __init__(self) -> None:
        super().__init__(None, "flux-system", "stackspin", "stackspin")  # type: ignore[arg-type]
        self.asked: list[str] = []

    def reconcile(
        self, kind: str, name: str, namespace: str | None = None, *, force: bool = False
    ) -> str:
        del force
        self.asked.append(f"{kind} {name} in {namespace}")
        return "now"


def test_a_later_version_takes_the_place_of_the_earlier_one(
    kube: FakeKube, no_waiting: list[Wait], tmp_path: Path
) -> None:
    package = Package(data_root())
    copies = [
        reference_copy(package, "notes", "memos", tmp_path / (version or "first"), version)
        for version in (None, "2.0.0")
    ]
    first, later = (place(one) for one in copies)
    later = replace(later, files={path: text for path, text in later.files.items()
                                  if not path.endswith("NOTES.txt")})  # fmt: skip
    release = an_object("HelmRelease", "memos", status={"helmChart": "flux-system/apps-memos"})
    branch = FakeBranch(kube, {"charts/memos/Chart.yaml": "of another app"})
    branch.flux, before = FakeFlux(), dict(branch.content)  # type: ignore[attr-defined]
    branch.flux_does = [lambda: kube.objects.append(release), lambda: None, lambda: None]
    delivery = Delivery(branch, first, "memos", TimeLimit(1))  # type: ignore[arg-type]
    delivery.begin()
    assert b"version: 1.0.0" in branch.content["charts/memos/Chart.yaml"]
    words = [{"kind": "Secret", "metadata": {"name": name}} for name in ("old", "new")]
    kube.create(words[0], "stackspin-apps")
    delivery.upgrade(later, words)
    assert [one["metadata"]["name"] for one in kube.list("v1", "Secret")] == ["old", "new"]
    assert b'version: "2.0.0"' in branch.content["charts/memos/Chart.yaml"]
    assert "charts/memos/templates/NOTES.txt" not in branch.content
    assert branch.flux.asked == ["HelmRelease memos in stackspin-apps"]  # type: ignore[attr-defined]
    *_, chart, upgraded = no_waiting
    assert (chart.target.kind, chart.target.name) == ("HelmChart", "apps-memos")
    item = {"status": {"observedSourceArtifactRevision": "main@sha1:abc"}}
    assert chart.condition.test(item)
    assert "as requested at now" in str(upgraded.condition)
    kube.objects.remove(release)
    delivery.remove()
    assert yaml.safe_load(branch.content.pop(ROOT_KUSTOMIZATION)) == yaml.safe_load(ROOT)
    assert branch.content == {k: v for k, v in before.items() if k != ROOT_KUSTOMIZATION}


def test_what_flux_applies_again_it_is_asked_for_all_at_once_and_upgrades_come_after(
    kube: FakeKube, no_waiting: list[Wait], tmp_path: Path
) -> None:
    copy = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    branch = FakeBranch(kube)
    branch.flux = flux = FakeFlux()  # type: ignore[attr-defined]
    delivery = Delivery(branch, place(copy), "memos", TimeLimit(1))  # type: ignore[arg-type]
    delivery.reconcile()
    release = "HelmRelease memos in stackspin-apps"
    assert len(flux.asked) == 4
    assert flux.asked[-1] == release
    assert [wait.target.kind for wait in no_waiting] == [*3 * ["Kustomization"], "HelmRelease"]
    assert all("as requested at now" in str(wait.condition) for wait in no_waiting)


def test_only_what_was_ready_once_can_stop(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch, no_waiting: list[Wait]
) -> None:
    del no_waiting

    def never(*_: object, **__: object) -> None:
        raise WaitTimeout("Waited 20 s")

    ready = delivery_module.wait_all
    delivery, branch = a_delivery(kube)
    assert not delivery.is_there
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    monkeypatch.setattr(delivery_module, "wait_all", never)
    assert (delivery.is_there, delivery.has_stopped()) == (True, False)
    monkeypatch.setattr(delivery_module, "wait_all", ready)
    delivery.wait_ready()
    assert not delivery.has_stopped()
    monkeypatch.setattr(delivery_module, "wait_all", never)
    assert delivery.has_stopped()
    monkeypatch.setattr(delivery_module, "wait_all", ready)
    delivery.remove()
    assert not delivery.is_there


def test_an_app_of_the_same_name_is_not_replaced(kube: FakeKube) -> None:
    kube.objects.append(an_object("Kustomization", "pages", "flux-system"))
    delivery, branch = a_delivery(kube)
    with pytest.raises(HarnessError, match="Kustomization pages in flux-system already"):
        delivery.begin()
    assert branch.content == {ROOT_KUSTOMIZATION: ROOT}


def test_a_namespace_that_nobody_has_is_made_and_taken_away(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    kube.objects = [one for one in kube.objects if one["metadata"]["name"] != "stackspin-apps"]
    delivery, _ = installed(kube, an_object("ConfigMap", "kube-root-ca.crt"))
    assert kube.find("v1", "Namespace", "stackspin-apps")
    assert delivery.made() == []
    delivery.clean_up()
    assert kube.find("v1", "Namespace", "stackspin-apps") is None


def test_an_app_that_never_got_ready_is_waited_for_once(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[object] = []

    def never(*_: object, **__: object) -> None:
        waited.append(1)
        raise WaitTimeout("Waited 180 s for Deployment pages to be: rolled out")

    monkeypatch.setattr(delivery_module, "wait_all", never)
    delivery, _ = a_delivery(kube)
    for within in (20.0, None, 20.0, None):
        with pytest.raises(WaitFailed, match="Deployment pages to be"):
            delivery.wait_ready(within)
    assert len(waited) == 2
    monkeypatch.undo()
    ready, _ = a_delivery(kube)
    ready.wait_ready()
    monkeypatch.setattr(delivery_module, "wait_all", never)
    for _ in range(2):
        with pytest.raises(WaitFailed):
            ready.wait_ready()
    assert len(waited) == 4, "one that was Ready may get so again"


def test_a_stopped_app_is_not_waited_for(kube: FakeKube, no_waiting: list[Wait]) -> None:
    delivery, _ = installed(kube)
    asked, ended = [], []
    delivery.guard = SimpleNamespace(  # type: ignore[assignment]
        reason="the app was stopped, as it fills the node's disk",
        tells=lambda: asked.append(True),
        end=lambda: ended.append(True),
    )
    for wait in (delivery.wait_applied, delivery.wait_ready):
        with pytest.raises(WaitFailed, match="the app was stopped"):
            wait()
    assert no_waiting == []
    assert asked == [True, True], "who waits is told"
    delivery.clean_up()
    assert ended == [True]


def a_chart_alone(**described: Any) -> GivenApp:
    app: Any = SimpleNamespace(charts=["chart"], written=())
    given: Any = SimpleNamespace(app=app, description=Description.model_validate(described))
    return given


def test_a_flux_package_has_no_secrets_made_by_hand(tmp_path: Path) -> None:
    notes = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    assert notes.description.secrets
    assert made_by_hand(notes, "stackspin.test", Redactor()) == []


def test_secrets_made_by_hand_come_before_the_app_and_go_after_it(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    before = list(kube.objects)
    described = {"name": "admin", "data": {"password": "${generated}", "of": "${domain}"}}
    redactor = Redactor()
    [secret] = made_by_hand(a_chart_alone(secrets=[described]), "stackspin.test", redactor)
    assert secret["stringData"]["of"] == "stackspin.test"
    assert secret["stringData"]["password"] not in redactor.redact(str(secret))
    delivery, branch = a_delivery(kube, by_hand=[secret])
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    assert kube.find("v1", "Secret", "admin", "stackspin-apps")
    assert delivery.made() == []
    delivery.clean_up()
    assert kube.objects == before


def test_a_release_that_helm_refuses_to_begin_with_is_given_up() -> None:
    """Its status never gets to be of its generation."""
    release = an_object("HelmRelease", "pages")
    release |= {"status": {"observedGeneration": -1, "failures": 5}}
    assert not hopeless().test(release)
    release["status"]["failures"] = 6
    assert hopeless().test(release)
    release["status"] = {"conditions": [{"type": "Stalled", "status": "True"}]}
    assert hopeless().test(release)


def test_no_wait_is_longer_than_the_time_that_an_app_has() -> None:
    assert 0 < TimeLimit(1).at_most(300) <= 60
    assert TimeLimit(10).at_most(5) == 5
    with pytest.raises(OutOfTime, match=r"used up its 1e-09 minutes\n  To do: .*--app-time"):
        TimeLimit(1e-9).at_most(5)


def test_a_wait_that_the_apps_time_cuts_says_so_and_what_it_waited_for(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, timeout: float, **__: object) -> None:
        time.sleep(timeout)
        raise WaitTimeout(f"Waited {timeout:g} s for Kustomization pages to be: reconciled")

    delivery, _ = a_delivery(kube)
    delivery.begin()
    monkeypatch.setattr(delivery_module, "wait_all", never)
    delivery.limit = TimeLimit(0.02)
    with pytest.raises(OutOfTime, match=r"used up its 0.02 minutes\n  To do: .*\nWaited "):
        delivery.wait_applied()
    another, _ = a_delivery(FakeKube())
    another.kube.timeouts = Timeouts(stack=0.01)
    with pytest.raises(WaitTimeout, match=r"^Waited 0.01 s for Kustomization"):
        another.wait_applied()


def test_what_is_not_of_the_apps_doing_takes_none_of_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: now[0]))
    limit = TimeLimit(1)
    with limit.paused():
        now[0] += 3600
    assert limit.at_most(300) == 60
    now[0] += 61
    with pytest.raises(OutOfTime):
        limit.at_most(300)


def test_an_inventory_has_every_kind_in_the_wanted_namespaces() -> None:
    kube = FakeKube(
        an_object("ConfigMap", "a", "one"),
        an_object("Widget", "b", "two"),
        an_object("ClusterRole", "c", None),
        an_object("Event", "d", "one"),
    )
    found = everything(kube, namespaces=["one"])  # type: ignore[arg-type]
    assert {one["metadata"]["name"] for one in found} == {"a", "c", *NAMESPACES}
