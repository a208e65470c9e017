"""A small disk under an app: in which order it is mounted, filled, freed and taken away."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.base import Instance, Seed
from conformance.apps.catalogue import NOTES
from conformance.apps.deployment import HelmDeployment
from conformance.apps.notes import Notes
from conformance.capabilities.operations import small_disk
from conformance.capabilities.operations import test_disk as checks
from conformance.capabilities.operations.small_disk import SmallDisk
from conformance.clusters.volumes import path_on_node
from conformance.common.timeouts import Timeouts

SCRIPTS = {
    small_disk._IS_MOUNTED: "look",
    small_disk._MOUNT: "mount",
    small_disk._UNMOUNT: "unmount",
    small_disk._FILL: "fill",
    small_disk._FREE: "free",
}
VOLUME = {"metadata": {"name": "pvc-1"}, "spec": {"local": {"path": "/disk/pvc-1"}}}


class Cluster:
    """A cluster with one app and its claim; ``done`` is what was done there, in order."""

    timeouts = Timeouts()

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fails = ""
        self.looks = 0
        self.looks_mounted = 2

    def node_run(self, argv: list[str]) -> subprocess.CompletedProcess[bytes]:
        _, _, script, _, *arguments = argv
        act = SCRIPTS[script]
        if act == "look":
            self.looks += 1
            assert arguments == ["pvc-1"]
            return subprocess.CompletedProcess(argv, int(self.looks > self.looks_mounted))
        self.done.append(" ".join([act, *arguments]))
        failed = act == self.fails
        return subprocess.CompletedProcess(argv, int(failed), b"42\n", b"no such disk")

    def get(self, _: str, kind: str, name: str, *namespace: str) -> dict[str, Any]:
        assert namespace in ((), ("disk-1",))
        if kind == "PersistentVolumeClaim":
            assert name == "notes-data"
            return {"spec": {"volumeName": "pvc-1"}}
        assert (kind, name) == ("PersistentVolume", "pvc-1")
        return VOLUME

    def list(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "notes-data"}}
        pod = {"metadata": {"name": "notes-1", "uid": "1"}, "spec": {"volumes": [claim]}}
        return [{**pod, "status": {"phase": "Running"}}]

    def patch(self, *which_and_body: Any) -> None:
        assert which_and_body[:-1] == ("apps/v1", "Deployment", "notes", "disk-1")
        self.done.append(f"scale {which_and_body[-1]['spec']['replicas']}")

    def delete(self, *which: Any) -> None:
        self.done.append(f"delete {which[1]} {which[2]}")


class Deployment(HelmDeployment):
    """The app, which is served at once."""

    def wait_served(self) -> Any:
        self.kube.done.append("served")  # type: ignore[attr-defined]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(small_disk, "wait", lambda *_, **__: {})
    monkeypatch.setattr(small_disk, "wait_each", lambda *_, **__: [])
    return Cluster()


@pytest.fixture
def disk(cluster: Cluster) -> SmallDisk:
    nothing: Any = None
    made = Deployment(NOTES, cluster, nothing, "disk-1", "disk-1.test", nothing, "nginx")  # type: ignore[arg-type]
    return SmallDisk(made, cluster)  # type: ignore[arg-type]


MOUNTED = [
    "scale 0",
    f"mount /disk/pvc-1 {small_disk.SIZE} {small_disk.LIFETIME}",
    "scale 1",
    "served",
]


def test_a_disk_is_mounted_while_no_pod_has_the_volume_and_taken_away(
    cluster: Cluster, disk: SmallDisk
) -> None:
    with disk.mounted():
        assert cluster.done == MOUNTED
        assert cluster.looks == 3
        with disk.full():
            assert cluster.done[4:] == ["fill /disk/pvc-1"]
        disk.replace_pod()
    assert cluster.done[5:] == ["free /disk/pvc-1", "delete Pod notes-1", "unmount /disk/pvc-1 42"]


def test_what_fails_on_a_disk_leaves_neither_the_disk_nor_what_fills_it(
    cluster: Cluster, disk: SmallDisk
) -> None:
    with pytest.raises(LookupError), disk.mounted(), disk.full():
        raise LookupError
    assert cluster.done[5:] == ["free /disk/pvc-1", "unmount /disk/pvc-1 42"]


def test_nothing_is_mounted_over_a_volume_that_is_in_use(cluster: Cluster, disk: SmallDisk) -> None:
    cluster.looks_mounted = 10**6
    cluster.timeouts = Timeouts(volume_reclaimed=0.01)
    with pytest.raises(AssertionError, match="still mounted"), disk.mounted():
        pass
    assert cluster.done == ["scale 0"]


@pytest.mark.parametrize("fails", ["mount", "fill"])
def test_a_disk_that_is_not_there_or_not_full_is_an_error(
    cluster: Cluster, disk: SmallDisk, fails: str
) -> None:
    cluster.fails = fails
    with pytest.raises(AssertionError, match="no such disk"), disk.mounted(), disk.full():
        pass
    assert ("unmount /disk/pvc-1 42" in cluster.done) == (fails == "fill")


def pod(uid: str, restarts: int = 0, *, started: bool) -> dict[str, Any]:
    statuses = [{"name": "notes", "restartCount": restarts, "started": started}]
    initial = [{"name": "migrate", "restartCount": 0, "started": False}]
    about = {"containerStatuses": statuses, "initContainerStatuses": initial}
    return {"metadata": {"uid": uid}, "status": about}


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        (pod("1", started=True), False),
        (pod("2", started=False), False),
        (pod("2", started=True), True),
        (pod("2", 1, started=False), True),
        ({"metadata": {"uid": "2"}, "status": {"phase": "Pending"}}, False),
    ],
)
def test_another_pod_was_tried_when_it_was_started_or_has_failed(
    found: dict[str, Any], tried: bool
) -> None:
    assert small_disk._tried_after(pod("1", started=True), "notes").test(found) == tried


def test_a_volume_is_a_folder_on_the_node_whatever_its_type() -> None:
    assert path_on_node(VOLUME) == "/disk/pvc-1"
    assert path_on_node({"spec": {"hostPath": {"path": "/other"}}}) == "/other"


class App:
    """notes on a disk, as a good or a bad app has it; ``room`` whether there is any."""

    def __init__(self, *, lies: bool = False, forgets: bool = False, stays: bool = False) -> None:
        self.lies, self.forgets, self.stays = lies, forgets, stays
        self.room = True
        self.there: list[str] = []

    def add_note(self, _: Instance, text: str) -> dict[str, Any]:
        if self.room:
            self.there.append(text)
        elif not self.lies:
            raise AssertionError("answered with 503 instead of 201: disk is full")
        return {"text": text}


class Box:
    """The app, and the disk that is full within ``full``."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.deployment: Any = self

    def store(self) -> Any:
        return SmallDisk.store(SimpleNamespace(deployment=SimpleNamespace(instance=None)))  # type: ignore[arg-type]

    def seed(self) -> Seed:
        self.app.there.append("seeded")
        return Seed(1, {}, {}, {"notes": [{"text": "seeded"}]})

    def full(self) -> Any:
        return self

    def __enter__(self) -> None:
        self.app.room = False

    def __exit__(self, *_: object) -> None:
        self.app.room = not self.app.stays

    def replace_pod(self) -> str:
        if self.app.forgets:
            self.app.there.clear()
        return "old"

    def wait_for_replacement(self, pod: str) -> None:
        assert pod == "old"

    def verify(self, seed: Seed, stored: list[dict[str, Any]]) -> None:
        wanted = [note["text"] for note in [*seed.records["notes"], *stored]]
        assert wanted == self.app.there, "differs"


@pytest.fixture
def evidence() -> Any:
    notes: list[str] = []
    timed: Any = lambda _: pytest.MonkeyPatch.context()  # noqa: E731 - any context will do
    return SimpleNamespace(note=notes.append, timed=timed)


def test_an_app_that_says_what_it_could_not_store_is_good(
    evidence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App()
    monkeypatch.setattr(Notes, "add_note", lambda _, *about: app.add_note(*about))
    checks.test_disk_full(Box(app), evidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (App(lies=True), "differs"),
        (App(forgets=True), "differs"),
        (App(stays=True), "with room again, the app still refuses: answered with 503"),
    ],
)
def test_an_app_that_lies_forgets_or_does_not_recover_is_found(
    app: App, why: str, evidence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notes, "add_note", lambda _, *about: app.add_note(*about))
    with pytest.raises(AssertionError, match=why):
        checks.test_disk_full(Box(app), evidence)  # type: ignore[arg-type]
