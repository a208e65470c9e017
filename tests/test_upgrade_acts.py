"""The acts of a platform's upgrade: what is waited for, who visits, and how it ends."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from conformance.capabilities.platform_upgrade import applied, upgrade
from conformance.capabilities.platform_upgrade.applied import wait_until_applied
from conformance.capabilities.platform_upgrade.release import PURPOSE
from conformance.capabilities.platform_upgrade.upgrade import Upgrade
from conformance.capabilities.platform_upgrade.visits import pages_of_apps, seen, visited
from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.services.flux import Flux


class Flux2:
    """A cluster with one chart of the platform's repository, one of another, and their releases."""

    timeouts = Timeouts()

    def __init__(self, revision: str, attempted: str) -> None:
        self.asked: list[str] = []
        self.charts = [
            self._chart("notes", "stackspin", revision, "2.0.0"),
            self._chart("other", "elsewhere", "main@sha1:old", "1.0.0"),
        ]
        self.releases = [self._release("notes", attempted), self._release("other", "1.0.0")]

    def list(self, *_: str) -> list[dict[str, Any]]:
        return self.releases

    def patch(self, _: str, __: str, name: str, ___: str, body: dict[str, Any]) -> None:
        self.asked.append(name)
        for one in self.releases:
            if one["metadata"]["name"] == name:
                [token] = body["metadata"]["annotations"].values()
                one["status"]["lastHandledReconcileAt"] = token

    @staticmethod
    def _chart(name: str, source: str, revision: str, version: str) -> dict[str, Any]:
        return {
            "metadata": {"namespace": "flux-system", "name": name},
            "spec": {"sourceRef": {"kind": "GitRepository", "name": source}},
            "status": {
                "observedSourceArtifactRevision": revision,
                "artifact": {"revision": version},
            },
        }

    @staticmethod
    def _release(name: str, attempted: str) -> dict[str, Any]:
        return {
            "kind": "HelmRelease",
            "metadata": {"namespace": "apps", "name": name, "generation": 1},
            "spec": {},
            "status": {
                "observedGeneration": 1,
                "helmChart": f"flux-system/{name}",
                "lastAttemptedRevision": attempted,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }


@pytest.mark.parametrize(
    ("revision", "attempted", "done"),
    [
        ("main@sha1:new", "2.0.0", True),
        ("main@sha1:old", "2.0.0", False),
        ("main@sha1:new", "1.0.0", False),
    ],
)
def test_a_release_that_is_ready_for_what_was_before_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, revision: str, attempted: str, done: bool
) -> None:
    kube: Any = Flux2(revision, attempted)
    unmet: list[str] = []

    def wait_each(_: object, __: object, condition: Any, **___: object) -> list[dict[str, Any]]:
        unmet.extend(one["metadata"]["name"] for one in kube.charts if not condition.test(one))
        return kube.charts

    def wait_all(_: object, waits: list[Any], **__: object) -> None:
        there = {one["metadata"]["name"]: one for one in kube.releases}
        unmet.extend(
            one.target.name for one in waits if not one.condition.test(there[one.target.name])
        )

    monkeypatch.setattr(applied, "wait_for_all", lambda *_, **__: None)
    monkeypatch.setattr(applied, "wait_each", wait_each)
    monkeypatch.setattr(applied, "wait_all", wait_all)
    flux = Flux(kube, "flux-system", "stackspin", "stackspin")
    wait_until_applied(kube, flux, "new", print)
    assert unmet == ([] if done else ["notes"])
    assert kube.asked == ["stackspin", "notes", "other"]


def test_a_release_that_fails_time_and_again_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[Any] = []

    def wait_for_all(*_: object, **more: Any) -> None:
        lost.append(more["lost"])
        raise HarnessError("not Ready")

    monkeypatch.setattr(applied, "wait_for_all", wait_for_all)
    kube: Any = Flux2("main@sha1:new", "2.0.0")
    with pytest.raises(HarnessError):
        wait_until_applied(kube, Flux(kube, "flux-system", "stackspin", "stackspin"), "new", print)
    assert [lost[0].test({"status": {"failures": number}}) for number in (11, 12)] == [False, True]


class Web(requests.Session):
    """Answers with these statuses, 404 by default, and notes what was asked for."""

    def __init__(self, **statuses: int) -> None:
        super().__init__()
        self.statuses = statuses

    def get(self, url: Any, **_: Any) -> requests.Response:  # type: ignore[override]
        name = str(url).removeprefix("https://").partition(".")[0]
        if name == "outside":
            raise ValueError(name)
        answer = requests.Response()
        answer.status_code = self.statuses.get(name, 404)
        return answer


def test_pages_that_answer_for_themselves_are_visited() -> None:
    hosts = ["notes.test", "sso.test", "login.test", "outside.org"]
    rules = [{"host": one} for one in (*hosts, "notes.test")]
    kube: Any = SimpleNamespace(list=lambda *_: [{"spec": {"rules": [*rules, {}]}}, {"spec": {}}])
    assert pages_of_apps(kube, Web(notes=200, login=302)) == ["https://notes.test/"]


@pytest.mark.parametrize(("status", "answers"), [(200, True), (503, False)])
def test_a_page_answers_at_the_end_or_not(status: int, answers: bool) -> None:
    with visited({"https://notes.test/": Web(notes=status)}) as visitors:
        [visit] = [seen(url, one, 0.5) for url, one in visitors.items()]
    assert (visit.answers, visit.page) == (answers, "notes.test")
    assert (visit.away > 0) is not answers


class Clusters:
    """Notes which cluster is taken away."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def end(self, purpose: str) -> None:
        self.ended.append(purpose)


def begun(monkeypatch: pytest.MonkeyPatch, clusters: Any) -> Upgrade:
    """Return an upgrade of a platform at which nothing is to be waited for."""
    http = lambda: Web(sso=200)  # noqa: E731 - as Stack has it
    site = SimpleNamespace(
        kube=SimpleNamespace(timeouts=Timeouts(routing_after_restart=0.5), list=lambda *_: []),
        stack=SimpleNamespace(http=http, clients=SimpleNamespace(flux=lambda: None)),
    )
    person = SimpleNamespace(
        accounts=SimpleNamespace(issuer="https://sso.test/", whoami="https://sso.test/whoami"),
        login_client=SimpleNamespace(browser=SimpleNamespace(http=http())),
    )
    life = SimpleNamespace(site=site, person=person, seed=None)
    monkeypatch.setattr(Upgrade, "_live", lambda _: life)
    monkeypatch.setattr(upgrade.State, "of", lambda _: "after")
    releases: Any = SimpleNamespace(push=lambda _: "commit", push_back=lambda _: "earlier")
    image: Future[Any] = Future()
    return Upgrade(clusters, releases, None, image, print)  # type: ignore[arg-type]


def test_an_upgrade_that_failed_is_told_by_what_depends_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise HarnessError("HelmRelease notes: Flux has given up")

    monkeypatch.setattr(upgrade, "wait_until_applied", fails)
    made = begun(monkeypatch, Clusters())
    move = made.move.result(30)
    assert (move.state, move.problem) == ("after", "HelmRelease notes: Flux has given up")
    with pytest.raises(AssertionError, match="the upgrade failed: HelmRelease notes"):
        made.done()


def test_both_moments_are_there_when_it_went_well(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters, commits = Clusters(), []
    monkeypatch.setattr(
        upgrade, "wait_until_applied", lambda _, __, commit, ___: commits.append(commit)
    )
    made = begun(monkeypatch, clusters)
    _, move = made.done()
    assert commits == ["commit"]
    assert [visit.page for visit in move.visits] == [
        "sso.test/.well-known/openid-configuration",
        "sso.test/whoami",
    ]
    assert all(visit.answers for visit in move.visits)
    made.end()
    assert clusters.ended == [PURPOSE]


def test_the_release_before_is_pushed_when_it_is_asked_for_and_then_the_next_one_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []

    def kill(_: object) -> float:
        done.append("killed")
        return 7.0

    monkeypatch.setattr(
        upgrade, "wait_until_applied", lambda _, __, commit, ___: done.append(commit)
    )
    monkeypatch.setattr(upgrade, "outcome", lambda _, state: f"of {state}")
    monkeypatch.setattr(upgrade, "kill_node_mid_upgrade", kill)
    monkeypatch.setattr(upgrade, "wait_until_running", lambda _, since: done.append(since))
    made = begun(monkeypatch, Clusters())
    made.done()
    assert done == ["commit"]
    assert not made.again.result(30).problem
    assert made.back.result(30).outcome == "of after"
    assert done == ["commit", "earlier", "killed", "commit", 7.0]


def test_a_release_that_does_not_go_back_is_looked_at_when_flux_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def fails(_: object, __: object, commit: str, ___: object) -> None:
        if commit == "earlier":
            raise HarnessError("HelmRelease notes: Flux has given up")

    monkeypatch.setattr(upgrade, "wait_until_applied", fails)
    monkeypatch.setattr(upgrade, "wait_until_settled", lambda _: done.append("settled"))
    monkeypatch.setattr(upgrade, "outcome", lambda *_: done.append("looked at"))
    back = begun(monkeypatch, Clusters()).back.result(30)
    assert back.move.problem == "HelmRelease notes: Flux has given up"
    assert done == ["settled", "looked at"]
