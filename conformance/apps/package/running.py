"""An app of a package that runs: what is done to it, and what is seen then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from conformance.apps.package import variables
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.live import LiveApp, Workload
from conformance.kube.conditions import Condition, matching, ready, rolled_out
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects
from conformance.kube.wait import wait, wait_each
from conformance.services.ingress import HttpClient

if TYPE_CHECKING:
    from conformance.apps.package.model.description import Description
    from conformance.clusters.base import Cluster

_REDIRECTS = range(300, 400)
_BROKEN = 500
"""Statuses from here on say that the app does not serve."""
_SHOWN = 500
"""Characters of an answer that a failure shows."""
_WRITTEN_BY_CONTROLLERS = frozenset({"metadata", "status"})


class NoHost(LookupError):
    """Nobody knows at which host the app serves."""


@dataclass(frozen=True)
class Answer:
    """What an address answered."""

    url: str
    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.url} answered HTTP {self.status}: {self.text[:_SHOWN]}"


class RunningApp:
    """An app that Flux has installed from its package."""

    def __init__(
        self, delivery: Delivery, description: Description, http: HttpClient, domain: str
    ) -> None:
        self.delivery = delivery
        self.kube = delivery.kube
        self.description = description
        self.domain = domain
        self._http = http
        self._expected: dict[str, dict[str, int]] = {}
        self._own: set[str] = set()
        self._starved: set[str] = set()
        self.is_killed = False
        """Whether somebody has killed it, and it does not run yet: it restarts for that, or not."""
        self._outlived_kill = False

    @property
    def live(self) -> LiveApp:
        """Its objects in the cluster."""
        return self.delivery.live

    @property
    def host(self) -> str:
        """Where it serves: as described, or the host of its only Ingress. Raises ``NoHost``."""
        if self.description.host is not None:
            return variables.filled(self.description.host, lambda _: self.domain)
        hosts = self.live.hosts()
        if len(hosts) != 1:
            there = f"its Ingresses have {', '.join(hosts)}" if hosts else "it has no Ingress"
            raise NoHost(f"conformance.yaml says nothing of the app's host, and {there}: add host")
        return hosts[0]

    def proof(self) -> Answer:
        """Return the answer to the request that proves that it serves.

        Raises ``AssertionError`` if that answer is another one, ``NoHost``.
        """
        answer = self.answer(self.host)
        if self.description.serves is None and answer.status == requests.codes.not_found:
            self._refuse_answer_of_ingress(answer)
        return self.proof_of(answer)

    def _refuse_answer_of_ingress(self, answer: Answer) -> None:
        nobody = self.answer(f"not-{self.host}", routed=False)
        if (nobody.status, nobody.text) == (answer.status, answer.text):
            raise AssertionError(f"the app does not serve: the ingress has no route: {answer}")

    def prove_again(self) -> None:
        """Raise ``AssertionError`` unless it serves, if anybody knows where it does."""
        with suppress(NoHost):
            self.proof()

    def proof_of(self, answer: Answer) -> Answer:
        """Return an answer that proves that the app serves; raises ``AssertionError``."""
        wanted = self.description.serves
        status = f"HTTP {wanted.status}" if wanted else f"a status below {_BROKEN}"
        served = answer.status == wanted.status if wanted else answer.status < _BROKEN
        if not served:
            raise AssertionError(f"the app does not serve ({status} is wanted): {answer}")
        if wanted and (text := self.filled(wanted.contains)) not in answer.text:
            raise AssertionError(f"the app's answer has no {text!r}: {answer}")
        return answer

    def answer(self, host: str, *, routed: bool = True) -> Answer:
        """Return what the proof's request is answered with at a host, over https.

        ``routed`` says that the host should have a route, which is waited for.
        """
        wanted = self.description.serves
        path = self.filled(wanted.path) if wanted else "/"
        redirects = wanted is not None and wanted.status not in _REDIRECTS
        url = f"https://{host}{path}"
        seconds = self.delivery.limit.at_most(self.kube.timeouts.routing_after_restart)
        try:
            if routed:
                found = self._http.get_routed(url, within=seconds, redirects=redirects)
            else:
                found = self._http.get(url, allow_redirects=redirects)
        except (requests.RequestException, ValueError) as error:  # or led out of the platform
            raise AssertionError(f"GET {url} was not answered: {error}") from error
        return Answer(url, found.status_code, found.text)

    def delete_pod(self, pod: Object, workload: Workload) -> None:
        """Delete a pod of a workload; returns when another one is Ready in its place."""
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        self.kube.delete("v1", "Pod", name, pod["metadata"]["namespace"])
        another = matching(f"not {name}", lambda item: bool(item["metadata"]["uid"] != uid))
        seconds = self.delivery.limit.at_most(self.kube.timeouts.rollout)
        wait_each(self.kube, workload.pods, another & ready(), timeout=seconds)
        wait(self.kube, workload.ref, rolled_out(), timeout=seconds)

    @contextmanager
    def killing(self) -> Iterator[None]:
        """What restarts within the body does so because somebody kills; it runs again after it."""
        self._own.update(self.restarts())
        self._starved.update(self.out_of_memory())
        self.is_killed = True
        yield
        self._expected = {pod["metadata"]["uid"]: restarts_of(pod) for pod in self.live.pods()}
        self.is_killed = False

    def outlive_node_kill(self, cluster: Cluster) -> None:
        """Kill all processes of the node at once; return when each pod is Ready again.

        Raises ``WaitTimeout``.
        """
        with self.killing():
            before = self.live.pods()
            cluster.kill_node()
            cluster.restart_node()
            self._wait_restarted(before)
        self._outlived_kill = True

    def take_node_kill(self) -> bool:
        """Return whether it has outlived a kill of the node of which nobody was told yet.

        So checks of two levels share one kill.
        """
        taken, self._outlived_kill = self._outlived_kill, False
        return taken

    def _wait_restarted(self, before: Objects) -> None:
        """Return when each pod is Ready, with its containers started anew since ``before``."""
        condition = _started_anew(before) & ready()
        seconds = self.delivery.limit.at_most(self.kube.timeouts.rollout)
        for workload in self.live.workloads():
            wait_each(self.kube, workload.pods, condition, timeout=seconds)

    def restarts(self) -> list[str]:
        """Return the containers that were restarted, by nobody's doing, with how often."""
        now = {
            f"{pod['metadata']['name']}/{container} ({times} times)"
            for pod in self.live.pods()
            for container, count in restarts_of(pod).items()
            if (times := count - self._expected.get(pod["metadata"]["uid"], {}).get(container, 0))
        }
        return sorted(self._own | now)

    def out_of_memory(self) -> list[str]:
        """Return the containers that were killed because they took too much memory."""
        now = {
            f"{pod['metadata']['name']}/{container}"
            for pod in self.live.pods()
            for container in killed_for_memory(pod)
        }
        return sorted(self._starved | now)

    def state(self) -> dict[str, Any]:
        """Return what an upgrade to the same version may not change, by object and part.

        Of Secrets there are hashes. Jobs are left out: helm runs its hooks again.
        """
        found: dict[str, Any] = {}
        for item in self.delivery.made():
            if _is_of_job(item):
                continue
            for key, value in _parts(item):
                found[f"{ref_of(item)}: {key}"] = value
        for pod in self.live.pods():
            name = pod["metadata"]["name"]
            found[f"Pod {name}: its container was started"] = sorted(restarts_of(pod).items())
        return found

    def filled(self, text: str, **more: str) -> str:
        """Return a text of the description with domain, host and ``more`` in place of variables."""
        values = {"domain": self.domain, "host": self.host, **more}
        return variables.filled(text, lambda name: values.get(name, f"${{{name}}}"))


def restarts_of(pod: Object) -> dict[str, int]:
    """Return how often each container of a pod was restarted."""
    status = pod.get("status") or {}
    statuses = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return {one["name"]: one.get("restartCount", 0) for one in statuses}


def killed_for_memory(pod: Object) -> list[str]:
    """Return the names of a pod's containers that were killed because they took too much memory."""
    status = pod.get("status") or {}
    found = []
    for one in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        ends = [(one.get(key) or {}).get("terminated") or {} for key in ("state", "lastState")]
        if any(end.get("reason") == "OOMKilled" for end in ends):
            found.append(one["name"])
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what is not as it was, a line each: ``Secret notes-token in apps: data``."""
    return sorted(
        key if key in before and key in after else f"{key} ({'new' if key in after else 'gone'})"
        for key in {*before, *after}
        if before.get(key) != after.get(key)
    )


def gone_or_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what of ``before`` is not as it was; new objects do not count."""
    return differences(before, {key: value for key, value in after.items() if key in before})


def _started_anew(before: Objects) -> Condition:
    counts = {pod["metadata"]["uid"]: restarts_of(pod) for pod in before}

    def test(pod: Object) -> bool:
        old = counts.get(pod["metadata"]["uid"])
        if old is None:
            return True
        running = {one["name"] for one in pod["status"].get("containerStatuses") or ()}
        now = restarts_of(pod)
        return all(now[name] > old.get(name, 0) for name in running)

    return matching("with its containers started anew", test)


def _is_of_job(item: Object) -> bool:
    owners = item["metadata"].get("ownerReferences") or ()
    return item["kind"] == "Job" or any(one["kind"] == "Job" for one in owners)


def _parts(item: Object) -> Iterator[tuple[str, Any]]:
    """Yield the parts of an object that its author decides on."""
    yield "generation", item["metadata"].get("generation")
    for key, value in item.items():
        if key in _WRITTEN_BY_CONTROLLERS or key in ("apiVersion", "kind"):
            continue
        if item["kind"] == "Secret":
            text = json.dumps(value, sort_keys=True)
            yield key, hashlib.sha256(text.encode()).hexdigest()
        else:
            yield key, value
