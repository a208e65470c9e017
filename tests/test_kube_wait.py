"""Waiting on a watch, whatever the connection does."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kube_wire as wire
import pytest

from conformance.common.errors import HarnessError
from conformance.common.load import Load, LoadMeter
from conformance.common.settings import PROJECT_ROOT
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.kube.conditions import deleted, exists, image_unavailable, ready
from conformance.kube.errors import Forbidden
from conformance.kube.explain import explain
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout, wait, wait_all, wait_each

POD = Ref("v1", "Pod", "web", "n")
PODS = Selection("v1", "Pod", "n")


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    server.objects["pods"] = [wire.pod()]
    return server


def once_watched(server: wire.WireServer, act: Callable[..., object], *arguments: object) -> None:
    """Call ``act`` in the background as soon as the server has seen a watch."""

    def run() -> None:
        assert server.watched.wait(20)
        act(*arguments)

    threading.Thread(target=run, daemon=True).start()


def test_returns_on_the_event_and_bookmarks_are_none(server: wire.WireServer, kube: Kube):
    bookmark = {"kind": "Pod", "metadata": {"resourceVersion": "8"}}

    def happen() -> None:
        server.watches.put(wire.event("BOOKMARK", bookmark))
        server.watches.put(wire.event("MODIFIED", wire.pod()))
        time.sleep(0.1)
        happened.append(time.monotonic())
        server.watches.put(wire.event("MODIFIED", wire.pod(ready="True", phase="Running")))

    happened: list[float] = []
    once_watched(server, happen)
    found = wait(kube, POD, ready(), timeout=20)
    assert time.monotonic() - happened[0] < 15
    assert found["status"]["phase"] == "Running"
    assert server.lists("pods") == 1


@pytest.mark.parametrize("interruption", [wire.gone(), wire.CUT, wire.END])
def test_lists_again_after_an_interruption(server: wire.WireServer, kube: Kube, interruption):
    def interrupt() -> None:
        server.objects["pods"] = [wire.pod(ready="True")]  # missed: only a new list tells
        server.watches.put(interruption)

    once_watched(server, interrupt)
    wait(kube, POD, ready(), timeout=20)
    assert server.lists("pods") == 2


def test_lists_again_when_the_watch_is_refused_as_too_old(server: wire.WireServer, kube: Kube):
    def refuse(handler: wire.Handler) -> bool:
        if handler.query.get("watch"):
            server.objects["pods"] = [wire.pod(ready="True")]
            handler.fail(410, "Expired", "too old resource version")
            return True
        return False

    server.intercept = refuse
    wait(kube, POD, ready(), timeout=20)


def test_bounded_while_the_server_is_silent_trickles_or_does_not_answer(
    server: wire.WireServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
):
    def silent(_: wire.Handler) -> bool:
        return False  # the watch stays open, nothing is queued

    def trickling(handler: wire.Handler) -> bool:
        return bool(handler.query.get("watch")) and handler.trickle()

    over = threading.Event()

    def not_answering(handler: wire.Handler) -> bool:
        return handler.where.endswith("/pods") and not over.wait(20)

    def deaf_to_questions(handler: wire.Handler) -> bool:
        return handler.where.endswith(("/secrets", "/events")) and not over.wait(20)

    monkeypatch.setattr("conformance.kube.explain._SECONDS", 0.2)
    for behaviour in (silent, trickling, not_answering, deaf_to_questions):
        server.intercept = behaviour
        started = time.monotonic()
        with pytest.raises(WaitTimeout, match=r"Waited 0\.4 s for Pod web in n to be: Ready"):
            wait(kube, POD, ready(), timeout=0.4)
        assert time.monotonic() - started < 10
    over.set()


@pytest.fixture
def unheard() -> Iterator[socket.socket]:
    """A port of ours at which nobody listens, until a server of ours does."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept


def test_survives_a_server_that_goes_away_and_comes_back(tmp_path: Path, unheard: socket.socket):
    port = unheard.getsockname()[1]
    kube = Kube(wire.write_kubeconfig(tmp_path, port))
    found: list[float] = []

    def follow() -> None:
        wait(kube, POD, ready(), timeout=20)
        found.append(time.monotonic())

    waiting = threading.Thread(target=follow, daemon=True)
    waiting.start()
    first = wire.WireServer(port, pods=[wire.pod()])
    assert first.watched.wait(20)
    first.close()
    time.sleep(0.3)
    second = wire.WireServer(port, pods=[wire.pod(ready="True")])
    back = time.monotonic()
    waiting.join(20)
    second.close()
    assert found, "it was never seen again"
    assert found[0] - back < 5


def test_a_refusal_is_no_reason_to_wait(server: wire.WireServer, kube: Kube):
    def refuse(handler: wire.Handler) -> bool:
        if handler.where.endswith("/pods"):
            handler.fail(403, "Forbidden", 'pods is forbidden: User "u" cannot list')
            return True
        return False

    server.intercept = refuse
    with pytest.raises(Forbidden, match="cannot list"):
        wait(kube, POD, ready(), timeout=20)


def test_a_kind_served_later_is_waited_for(server: wire.WireServer, kube: Kube):
    server.objects["widgets"] = [wire.pod("w")]
    kinds = {"example.test/v1": [("widgets", "Widget", True)]}
    threading.Timer(0.2, server.kinds.update, [kinds]).start()
    wait(kube, Ref("example.test/v1", "Widget", "w", "n"), exists(), timeout=20)


def test_deleted_is_true_of_what_never_was(kube: Kube):
    assert wait(kube, Ref("v1", "Pod", "other", "n"), deleted(), timeout=1) == {}
    assert wait(kube, Ref("none/v1", "None", "other", "n"), deleted(), timeout=1) == {}


def test_deleted_returns_on_the_event(server: wire.WireServer, kube: Kube):
    once_watched(server, server.watches.put, wire.event("DELETED", wire.pod()))
    assert wait_each(kube, PODS, deleted(), timeout=20) == []


def test_of_a_selection_every_object_must_be_so(server: wire.WireServer, kube: Kube):
    server.objects["pods"] = [wire.pod("a", ready="True"), wire.pod("b")]
    with pytest.raises(WaitTimeout, match=r"\(1 of 2 are not\)"):
        wait_each(kube, PODS, ready(), timeout=0.1)
    server.objects["pods"] = [wire.pod("a", ready="True")]
    with pytest.raises(WaitTimeout):
        wait_each(kube, PODS, ready(), timeout=0.1, minimum=2)
    found = wait_each(kube, PODS, ready(), timeout=0.1)
    assert [item["metadata"]["name"] for item in found] == ["a"]


def failing_pod() -> wire.Object:
    waiting = {"reason": "ErrImagePull", "message": "pull of notes:9 refused"}
    container = {"name": "app", "ready": False, "restartCount": 0, "state": {"waiting": waiting}}
    return wire.pod(containerStatuses=[container])


def test_a_wait_without_a_time_out_of_its_own_has_the_clients(
    server: wire.WireServer, tmp_path: Path
):
    kube = Kube(server.kubeconfig(tmp_path), timeouts=Timeouts(pod_ready=0.1))
    with pytest.raises(WaitTimeout, match=r"Waited 0\.1 s for Pod web in n"):
        wait(kube, POD, ready())
    with pytest.raises(WaitTimeout, match=r"Waited 0\.1 s for Pod web in n"):
        wait_all(kube, [Wait(POD, ready())])
    kube.close()


def test_fails_at_once_on_what_cannot_get_better(server: wire.WireServer, kube: Kube):
    server.watches.put(wire.event("MODIFIED", failing_pod()))
    server.watches.put(wire.event("MODIFIED", wire.pod(ready="True")))  # too late to be seen
    with pytest.raises(WaitFailed, match="image unavailable") as failure:
        wait(kube, POD, ready(), timeout=60, fail_on=image_unavailable())
    assert not isinstance(failure.value, WaitTimeout)


def test_one_failure_ends_the_waits_beside_it(server: wire.WireServer, kube: Kube):
    server.objects["pods"] = [failing_pod(), wire.pod("slow")]
    with pytest.raises(WaitFailed, match="Pod web"):
        wait_all(
            kube,
            [
                Wait(Ref("v1", "Pod", name, "n"), ready(), fail_on=image_unavailable())
                for name in ("slow", "web")
            ],
            timeout=60,
        )
    assert server.lists("secrets") == 1, "both explain themselves: the other has timed out, too"


def test_what_is_found_meanwhile_ends_the_waits(
    server: wire.WireServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.kube.wait._LOOK", 0.05)
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            raise WaitFailed("nobody will ever bring that image")

    server.objects["pods"] = [wire.pod()]
    with pytest.raises(WaitFailed, match="nobody will ever"):
        wait_all(kube, [Wait(POD, ready())], timeout=60, meanwhile=look)
    wait_all(kube, [Wait(POD, exists())], timeout=60, meanwhile=look)
    assert len(looks) == 3, "what is there already needs no look"


def test_an_interruption_ends_all_waits(
    server: wire.WireServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert server.watched.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.wait", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        wait_all(kube, [Wait(POD, ready())], timeout=60)
    assert time.monotonic() - began < 30


WAITS_FOR_EVER = """
import sys, threading, time
from pathlib import Path
from conformance.kube.client import Kube
from conformance.kube.conditions import exists
from conformance.kube.objects import Ref
from conformance.kube.wait import Wait, wait_all

def step():
    wait_all(Kube(Path(sys.argv[1])), [Wait(Ref("v1", "Pod", "web", "n"), exists())], timeout=3600)

threading.Thread(target=step, daemon=True).start()
while not any(one.name.startswith("wait") for one in threading.enumerate()):
    time.sleep(0.05)
print("waits")
"""


def test_a_process_ends_though_a_step_of_it_waits_for_a_cluster_that_is_gone(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    kubeconfig = wire.write_kubeconfig(tmp_path, port)
    run = subprocess.run(
        [sys.executable, "-c", WAITS_FOR_EVER, kubeconfig],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    assert run.stdout == b"waits\n"


def test_a_time_out_explains_itself_without_secrets(server: wire.WireServer, kube: Kube):
    running = {"name": "app", "ready": False, "restartCount": 2, "state": {"running": {}}}
    item = wire.pod(
        containerStatuses=[running],
        conditions=[
            {
                "type": "Ready",
                "status": "False",
                "reason": "ContainersNotReady",
                "message": "hunter22!",
            }
        ],
    )
    server.objects["pods"] = [item]
    server.logs["web"] = "connecting with hunter22!\nrefused\n"
    server.objects["secrets"] = [{"metadata": {"name": "s"}, "data": {"password": "aHVudGVyMjIh"}}]
    server.objects["events"] = [
        {
            "metadata": {"name": "e"},
            "type": "Warning",
            "reason": "Unhealthy",
            "message": "probe failed: 503",
            "involvedObject": {"kind": "Pod", "name": "web"},
            "lastTimestamp": "2026-11-23T21:00:00Z",
        }
    ]
    with pytest.raises(WaitTimeout) as failure:
        wait(kube, POD, ready(), timeout=0.1)
    text = str(failure.value)
    assert "hunter22!" not in text
    for part in (
        "Waited 0.1 s for Pod web in n to be: Ready",
        "Ready=False (ContainersNotReady): ***",
        "container app: running, restarted 2 times, not ready",
        "Unhealthy",
        "probe failed: 503",
        "connecting with ***",
    ):
        assert part in text


@pytest.mark.parametrize(("pressure", "told"), [(97.0, True), (12.0, False)])
def test_a_time_out_says_if_this_machine_was_busy(
    kube: Kube, monkeypatch: pytest.MonkeyPatch, pressure: float, told: bool
) -> None:
    monkeypatch.setattr(LoadMeter, "read", lambda _: Load("CPU pressure", pressure, 14.2, 2))
    with pytest.raises(WaitTimeout) as failure:
        wait(kube, POD, ready(), timeout=0.1)
    lines = str(failure.value).splitlines()
    busy = (
        "  this machine was busy (CPU pressure 97 %, load average 14.2): "
        "if it is only slow, give --timeout-factor=3"
    )
    assert (lines[1] == busy) == told
    assert ("busy" in str(failure.value)) == told


def test_what_cannot_be_explained_says_nothing_of_how_to_fix_the_api_server(
    kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        raise HarnessError("the API server does not answer", "Check that it is running.")

    monkeypatch.setattr("conformance.kube.explain.learn_secrets", slow)
    text = explain(kube, "Waited 5 s for Pod web", [wire.pod()], None, list)
    assert text.splitlines() == [
        "Waited 5 s for Pod web",
        "  more could not be read: the API server does not answer",
    ]
