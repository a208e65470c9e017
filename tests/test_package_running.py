"""What is seen of an app that runs: its answers, its restarts, and its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from delivered_packages import FakeKube, an_object

from conformance.apps.package.model.description import Description
from conformance.apps.package.running import (
    Answer,
    NoHost,
    RunningApp,
    differences,
    killed_for_memory,
)
from conformance.apps.package.time_limit import TimeLimit
from conformance.apps.package.usage import image_sizes, memory_peaks, warnings_about
from conformance.capabilities.app_runs.neighbours import Neighbours, state_of
from conformance.kube.objects import Object


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
    app.delivery.live = SimpleNamespace(pods=lambda: pods)  # type: ignore[assignment]
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


def test_a_kill_of_the_node_is_taken_by_one_other_check(monkeypatch: pytest.MonkeyPatch) -> None:
    app, done = running(), []
    app.delivery.live = SimpleNamespace(pods=list, workloads=lambda: ["web"])  # type: ignore[assignment]
    monkeypatch.setattr(app, "_wait_restarted", lambda _: done.append("Ready"))
    cluster = SimpleNamespace(
        kill_node=lambda: done.append("killed"), restart_node=lambda: done.append("restarted")
    )
    assert not app.take_node_kill()
    app.outlive_node_kill(cluster)  # type: ignore[arg-type]
    assert done == ["killed", "restarted", "Ready"]
    assert app.take_node_kill()
    assert not app.take_node_kill()


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
    beside = frozenset({"flux-system", "stackspin-apps", "neighbour-1"})
    before = state_of(kube, beside)  # type: ignore[arg-type]
    neighbours = Neighbours(kube, None, "", beside, before)  # type: ignore[arg-type]
    kube.objects.append(an_object("ConfigMap", "of-the-app"))
    kube.objects.remove(pod)
    assert neighbours.changes() == []
    theirs["data"] = {"greeting": "mine"}
    kube.objects.remove(secret)
    assert neighbours.changes() == [
        "ConfigMap neighbour in stackspin-apps is changed",
        "Secret neighbour in neighbour-1 is gone",
    ]
