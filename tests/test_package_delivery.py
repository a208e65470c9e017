"""A package on a cluster, without the cluster: what is committed, attributed, compared and kept."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from conformance.apps.package import delivery as delivery_module
from conformance.apps.package import leftovers
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.given import GivenApp, read_apps
from conformance.apps.package.model import Description
from conformance.apps.package.override import (
    given_values,
    override_in,
    refuses_unknown,
    takes_overrides,
)
from conformance.apps.package.package_images import full_name, unpacked
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.running import (
    Answer,
    NoHost,
    RunningApp,
    differences,
    killed_for_memory,
)
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import OutOfTime, TimeLimit
from conformance.apps.package.usage import image_sizes, memory_peaks, warnings_about
from conformance.capabilities.app_runs.neighbours import Neighbours, state_of_neighbours
from conformance.common.errors import HarnessError
from conformance.common.package import Package
from conformance.common.redaction import Redactor
from conformance.common.settings import Timeouts, data_root
from conformance.kube.discovery import Resource
from conformance.kube.inventory import everything
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import hopeless

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


def running(
    described: Mapping[str, Any] | None = None, hosts: Iterable[str] = ("pages.test",)
) -> RunningApp:
    live = SimpleNamespace(hosts=lambda: list(hosts))
    fake = SimpleNamespace(live=live, kube=None)
    description = Description.model_validate(described or {})
    return RunningApp(fake, description, None, "test")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("described", "status", "text", "problem"),
    [
        ({}, 200, "", ""),
        ({}, 404, "", ""),
        ({}, 302, "", ""),
        ({}, 502, "Bad Gateway", "the app does not serve .*below 500.*HTTP 502: Bad Gateway"),
        ({"serves": {"path": "/ok", "contains": "OK"}}, 200, "all OK", ""),
        ({"serves": {"path": "/ok"}}, 404, "", "HTTP 200 is wanted"),
        (
            {"serves": {"path": "/ok", "contains": "at ${host}"}},
            200,
            "at home",
            "no 'at pages.test'",
        ),
    ],
)
def test_an_answer_proves_that_an_app_serves_or_not(
    described: Mapping[str, Any], status: int, text: str, problem: str
) -> None:
    answer = Answer("https://pages.test/", status, text)
    if not problem:
        assert running(described).proof_of(answer) is answer
        return
    with pytest.raises(AssertionError, match=problem):
        running(described).proof_of(answer)


class Web:
    """Answers by host; what it has no answer for is the ingress's own 404."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers

    def get(self, url: str, **_: Any) -> Any:
        host = url.removeprefix("https://").partition(".")[0]
        status, text = self.answers.get(host, (404, "page not found"))
        return SimpleNamespace(status_code=status, text=text)

    get_routed = get


@pytest.mark.parametrize(
    ("pages", "problem"),
    [((404, "no such page"), ""), ((404, "page not found"), "the ingress has no route")],
)
def test_what_the_ingress_itself_answers_is_no_proof(pages: tuple[int, str], problem: str) -> None:
    app = running()
    app._http = Web(pages=pages)  # type: ignore[assignment]
    app.kube = FakeKube()  # type: ignore[assignment]
    app.delivery.limit = TimeLimit(1)
    if not problem:
        assert app.proof().text == "no such page"
        return
    with pytest.raises(AssertionError, match=problem):
        app.proof()


def test_the_host_is_the_described_one_or_that_of_the_only_ingress() -> None:
    assert running({"host": "site.${domain}"}).host == "site.test"
    assert running().host == "pages.test"
    with pytest.raises(NoHost, match="it has no Ingress: add host"):
        _ = running(hosts=()).host
    with pytest.raises(NoHost, match=r"a\.test, b\.test"):
        _ = running(hosts=("a.test", "b.test")).host


def test_differences_name_objects_and_parts_but_no_values() -> None:
    before = {"Secret a: data": "x", "Secret b: data": "x", "Pod c: started": 1}
    after = {"Secret a: data": "y", "Pod c: started": 1, "Pod d: started": 1}
    assert differences(before, after) == [
        "Pod d: started (new)", "Secret a: data", "Secret b: data (gone)",
    ]  # fmt: skip
    assert differences(before, before) == []


def a_pod(uid: str = "1", restarts: int = 0, reason: str = "") -> Object:
    last = {"terminated": {"reason": reason}} if reason else {}
    status = {"name": "web", "restartCount": restarts, "lastState": last}
    pod = an_object("Pod", f"pages-{uid}", status={"containerStatuses": [status]})
    pod["spec"] = {"nodeName": "node", "containers": [{"name": "web", "image": "x/pages:1"}]}
    return pod


def test_restarts_by_a_kill_are_told_from_an_apps_own() -> None:
    app = running()
    pods = [a_pod(restarts=2)]
    app.live = SimpleNamespace(pods=lambda: pods)  # type: ignore[assignment]
    with app.killing():
        pods[:] = [a_pod("2", restarts=4)]
    assert app.restarts() == ["pages-1/web (2 times)"]
    pods[:] = [a_pod("2", restarts=5, reason="OOMKilled")]
    assert app.restarts() == ["pages-1/web (2 times)", "pages-2/web (1 times)"]
    assert app.out_of_memory() == ["pages-2/web"]
    assert not app.is_killed
    with pytest.raises(AssertionError), app.killing():
        raise AssertionError("it does not run again")
    assert app.is_killed


def test_who_was_killed_for_memory_is_named() -> None:
    assert killed_for_memory(a_pod(reason="OOMKilled")) == ["web"]
    assert killed_for_memory(a_pod(reason="Error")) == []
    assert killed_for_memory({"metadata": {}}) == []


METRICS = """
# TYPE peak gauge
peak{container="web",namespace="stackspin-apps",pod="pages-1"} 2.097152e+06 17
peak{container="",namespace="stackspin-apps",pod="pages-1"} 4.1e+06 17
peak{container="web",namespace="other",pod="pages-1"} 1 17
""".replace("peak", "container_memory_max_usage_bytes")


def test_memory_and_images_are_measured_of_the_apps_own_containers() -> None:
    kube = FakeKube()
    kube.transport = SimpleNamespace(request=lambda *_: METRICS.encode())  # type: ignore[attr-defined]
    assert memory_peaks(kube, [a_pod()]) == {"pages-1/web": 2.0}  # type: ignore[arg-type]
    images = [{"names": ["x/pages@sha256:1", "x/pages:1"], "sizeBytes": 1024**2}]
    kube.objects.append(an_object("Node", "node", None, status={"images": images}))
    assert image_sizes(kube, [a_pod()]) == {"x/pages:1": 1.0}  # type: ignore[arg-type]


def test_warnings_are_those_about_the_apps_objects() -> None:
    def event(about: str) -> Object:
        involved = {"kind": "Pod", "name": about}
        more = {"reason": "BackOff", "message": f"of {about}", "involvedObject": involved}
        return an_object("Event", about, type="Warning", **more)

    kube = FakeKube(event("pages-1"), event("notes-1"))
    [line] = warnings_about(kube, [a_pod()])  # type: ignore[arg-type]
    assert "of pages-1" in line


def test_neighbours_are_compared_with_what_they_were() -> None:
    theirs = an_object("ConfigMap", "neighbour", data={"greeting": "hello"})
    secret = an_object("Secret", "neighbour", "neighbour-1", data={"password": "x"})
    pod = an_object("Pod", "neighbour", "neighbour-1")
    kube = FakeKube(theirs, secret, pod)
    before = state_of_neighbours(kube, "neighbour-1")  # type: ignore[arg-type]
    neighbours = Neighbours(kube, None, "", "neighbour-1", before)  # type: ignore[arg-type]
    kube.objects.append(an_object("ConfigMap", "of-the-app"))
    kube.objects.remove(pod)
    assert neighbours.changes() == []
    theirs["data"] = {"greeting": "mine"}
    kube.objects.remove(secret)
    assert neighbours.changes() == [
        "ConfigMap neighbour in stackspin-apps is changed",
        "Secret neighbour in neighbour-1 is gone",
    ]


def test_an_inventory_has_every_kind_in_the_wanted_namespaces() -> None:
    kube = FakeKube(
        an_object("ConfigMap", "a", "one"),
        an_object("Widget", "b", "two"),
        an_object("ClusterRole", "c", None),
        an_object("Event", "d", "one"),
    )
    found = everything(kube, namespaces=["one"])  # type: ignore[arg-type]
    assert {one["metadata"]["name"] for one in found} == {"a", "c", *NAMESPACES}


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_the_reference_apps_take_overrides(app: str, tmp_path: Path) -> None:
    placement = place(reference_copy(Package(data_root()), app, f"{app}-given", tmp_path))
    [release] = placement.releases
    assert takes_overrides(release)
    assert not refuses_unknown(release)
    assert f"ConfigMap stackspin-{app}-given-override" in [one.name for one in release.sources]


def test_values_of_a_release_are_read_where_helm_keeps_them() -> None:
    config = {"config": {"global": {"stackspinConformance": "abc123"}, "title": "x"}}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(config).encode())))
    labels = {"owner": "helm", "name": "notes", "status": "deployed"}
    secret = an_object("Secret", "s", labels=labels, data={"release": packed.decode()})
    release = an_object("HelmRelease", "notes", spec={})
    kube, where = FakeKube(secret, release), Ref("v1", "HelmRelease", "notes", "stackspin-apps")
    assert given_values(kube, where)["title"] == "x"  # type: ignore[arg-type]
    assert override_in(kube, where) == "abc123"  # type: ignore[arg-type]
    kube.objects.remove(secret)
    assert override_in(kube, where) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("stackspin/notes:1", "docker.io/stackspin/notes:1"),
        ("ghcr.io/a/b:2", "ghcr.io/a/b:2"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
    ],
)
def test_an_image_has_the_name_that_the_node_asks_for(image: str, full: str) -> None:
    assert full_name(image) == full


def an_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_an_oci_archive_and_a_docker_archive_become_layouts(tmp_path: Path) -> None:
    index = {"schemaVersion": 2, "manifests": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}
    oci = an_archive(tmp_path / "oci.tar", {"index.json": json.dumps(index).encode()})
    unpacked(oci, "docker.io/a/b:1", tmp_path / "first")
    [only] = json.loads((tmp_path / "first" / "index.json").read_text())["manifests"]
    assert only["digest"] == "sha256:1"
    manifest = json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode()
    files = {"manifest.json": manifest, "c.json": b"{}", "l.tar": b"layer"}
    docker = an_archive(tmp_path / "docker.tar", files)
    unpacked(docker, "docker.io/a/b:1", tmp_path / "second")
    assert (tmp_path / "second" / "oci-layout").is_file()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "docker.tar", "first", "oci.tar", "second",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"README": b"x"}, "is no OCI or docker archive"),
        ({"../out": b"x"}, "cannot be read as an image"),
        ({"manifest.json": b"[]"}, "cannot be read as an image"),
    ],
)
def test_an_archive_that_is_no_image_is_told(
    files: Mapping[str, bytes], problem: str, tmp_path: Path
) -> None:
    archive = an_archive(tmp_path / "bad.tar", files)
    with pytest.raises(HarnessError, match=problem):
        unpacked(archive, "docker.io/a/b:1", tmp_path / "image")
    assert {one.name for one in tmp_path.iterdir()} <= {"bad.tar", "image"}


def test_a_chart_alone_gets_a_flux_package_with_the_values_of_its_description(
    tmp_path: Path,
) -> None:
    described = tmp_path / "conformance.yaml"
    described.write_text("values: {title: 'Polls at ${host}'}")
    [app] = read_apps(data_root() / "fixtures" / "packages" / "single-chart")
    plain = place(app)
    assert plain.problems == ()
    assert plain.kustomizations == ["polls", "polls-secrets", "add-polls"]
    app = type(app)(app.root, app.tree, app.app, described)
    [release] = place(app).releases
    assert [one.name for one in release.sources][:3] == [
        "ConfigMap stackspin-polls-values",
        "ConfigMap stackspin-polls-described",
        "ConfigMap stackspin-polls-override",
    ]
    assert release.values["title"].startswith("Polls at polls.")
