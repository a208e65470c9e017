"""What is read from Velero's objects, without a Velero."""

from __future__ import annotations

import gzip
import json
import threading
from types import SimpleNamespace
from typing import Any

import kube_wire as wire
import pytest
from minio.error import MinioException

from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.kube.errors import NotFound
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import Wait, WaitTimeout
from conformance.services.velero import PodVolume, Velero, seconds_taken, waits_for_data

LOG = """\
time="2026-11-25T13:00:00Z" level=info msg="Batch deleted snapshots [one two]" logSource="x.go:1"
time="2026-11-25T13:00:01Z" level=info msg="Batch deleted snapshots [three]" logSource="x.go:1"
"""


class Api:
    """Answers like ``Kube``: remembers what is created, lists what it was given."""

    timeouts = Timeouts()

    def __init__(self, *listed: dict[str, Any]) -> None:
        self.created: list[dict[str, Any]] = []
        self._listed = list(listed)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.created.append(manifest)
        return manifest

    def list(self, *_: object, labels: str) -> list[dict[str, Any]]:
        self.labels = labels
        return self._listed


def velero(kube: Any) -> Velero:
    server = Selection("v1", "Pod", "velero", "app.kubernetes.io/name=velero")
    return Velero(kube, "velero", "default", server, {"run": "abc"})


def _backup(**status: Any) -> dict[str, Any]:
    return {"kind": "Backup", "metadata": {"name": "one"}, "status": status}


def _pod_volume_backup(**status: Any) -> dict[str, Any]:
    spec = {"pod": {"namespace": "apps", "name": "notes-1"}, "volume": "data"}
    return {"spec": spec, "status": status}


def test_a_backup_of_a_set_names_namespaces_and_label() -> None:
    api = Api()
    velero(api).back_up("one", namespaces=["apps"], labels={"set": "notes"})  # type: ignore[arg-type]
    [made] = api.created
    assert made["spec"]["includedNamespaces"] == ["apps"]
    assert made["spec"]["labelSelector"] == {"matchLabels": {"set": "notes"}}
    assert made["metadata"] == {"name": "one", "namespace": "velero", "labels": {"run": "abc"}}


def test_a_restore_may_go_elsewhere() -> None:
    api = Api()
    velero(api).restore("two", "one", mapping={"apps": "copy"}, excluded=["ingresses"])  # type: ignore[arg-type]
    [made] = api.created
    assert made["spec"] == {
        "backupName": "one",
        "excludedResources": ["ingresses"],
        "namespaceMapping": {"apps": "copy"},
    }


def test_a_restore_may_write_over_what_is_there_and_leave_holes() -> None:
    api = Api()
    velero(api).restore("two", "one", existing="update", sparse=True)  # type: ignore[arg-type]
    [made] = api.created
    assert made["spec"] == {
        "backupName": "one",
        "excludedResources": [],
        "existingResourcePolicy": "update",
        "uploaderConfig": {"writeSparseFiles": True},
    }


def test_volumes_of_a_backup_that_has_just_begun() -> None:
    api = Api(_pod_volume_backup())
    assert velero(api).volumes(_backup()) == [  # type: ignore[arg-type]
        PodVolume("apps", "notes-1", "data", "New", "", 0, "")
    ]
    assert api.labels == "velero.io/backup-name=one"


class Store:
    """Has one file, as Velero writes it."""

    def __init__(self, name: str, content: bytes) -> None:
        self._files = {name: content}

    def read(self, name: str) -> bytes:
        try:
            return self._files[name]
        except KeyError:
            raise MinioException(f"{name} is not there") from None


def _results(**errors: Any) -> bytes:
    return gzip.compress(json.dumps({"errors": errors, "warnings": {"velero": ["no"]}}).encode())


def _explained(item: dict[str, Any], name: str, content: bytes) -> list[str]:
    server = Selection("v1", "Pod", "velero", "app.kubernetes.io/name=velero")
    store: Any = Store(name, content)
    kube: Any = Api()
    return Velero(kube, "velero", "default", server, {}, store).explain(item).splitlines()


def test_errors_are_told_of_what_partially_failed() -> None:
    failed = _backup(phase="PartiallyFailed", errors=3)
    errors = {"velero": ["no disk\nis left"], "namespaces": {"apps": ["a", "b"]}}
    lines = _explained(failed, "backups/one/one-results.gz", _results(**errors))
    assert lines[1:] == ["  no disk is left", "  apps: a", "  apps: b"]
    restore = failed | {"kind": "Restore"}
    lines = _explained(restore, "restores/one/restore-one-results.gz", _results(cluster=["c"]))
    assert lines[1:] == ["  c"]


def test_only_the_first_errors_are_told() -> None:
    failed = _backup(phase="PartiallyFailed", errors=12)
    many = _results(velero=[str(number) for number in range(12)])
    assert _explained(failed, "backups/one/one-results.gz", many)[-2:] == [
        "  9", "  and 2 more",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"[]"), gzip.compress(b"{}")],
    ids=["empty", "no gzip", "a list", "an empty object"],
)
def test_errors_that_cannot_be_read_are_no_error(content: bytes) -> None:
    failed = _backup(phase="PartiallyFailed", errors=1)
    for name in ("backups/one/one-results.gz", "elsewhere"):
        assert "cannot be read" in _explained(failed, name, content)[1]


def test_a_store_whose_secret_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> bytes:
        raise NotFound("GET secrets/store", 404, "NotFound", "there is no such Secret")

    monkeypatch.setattr(Store, "read", read)
    failed = _backup(phase="PartiallyFailed", errors=1)
    assert "there is no such Secret" in _explained(failed, "elsewhere", b"")[1]


def test_what_ended_well_or_never_began_has_no_errors_in_the_store() -> None:
    for phase in ("Completed", "FailedValidation"):
        assert len(_explained(_backup(phase=phase), "elsewhere", b"")) == 1


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    server.objects["pods"] = [wire.pod("velero-1")]
    server.kinds["velero.io/v1"] = [("backupstoragelocations", "BackupStorageLocation", True)]
    return server


def test_snapshots_are_forgotten_once_the_log_says_so(server: wire.WireServer, kube: Kube) -> None:
    def log(handler: wire.Handler) -> bool:
        if not handler.where.endswith("/pods/velero-1/log"):
            return False
        if handler.query.get("follow"):  # what comes after the first look
            handler.start_stream()
            for line in LOG.splitlines(keepends=True):
                handler.chunk(line.encode())
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.answer_text(200, "")
        return True

    server.intercept = log
    velero(kube).wait_forgotten("one", "three")
    assert ("GET", "/api/v1/namespaces/velero/pods/velero-1/log") in server.requests


def _location(phase: str, second: int) -> dict[str, Any]:
    return {
        "kind": "BackupStorageLocation",
        "metadata": {"name": "default", "namespace": "velero", "resourceVersion": str(second)},
        "status": {"phase": phase, "lastValidationTime": f"2026-11-25T13:00:{second:02}Z"},
    }


def test_a_location_is_found_again_by_a_look_after_the_outage(
    server: wire.WireServer, kube: Kube
) -> None:
    before = _location("Available", 10)
    server.objects["backupstoragelocations"] = [before]

    def serve(handler: wire.Handler) -> bool:
        if not handler.where.endswith("/backupstoragelocations/default"):
            return False
        handler.answer(before)
        return True

    def go_on() -> None:
        assert server.watched.wait(20)
        for location in (_location("Unavailable", 20), _location("Available", 30)):
            server.watches.put(wire.event("MODIFIED", location))

    server.intercept = serve
    threading.Thread(target=go_on, daemon=True).start()
    velero(kube).location_found_again("default")
    assert server.watches.empty(), "an answer from before the outage was taken"
    assert server.watched.is_set(), "the word from before the outage was taken"


def test_a_location_is_looked_at_when_velero_knows_its_secret(
    server: wire.WireServer, kube: Kube
) -> None:
    made, unknown, refused = (_location("Unavailable", second) for second in (10, 20, 30))
    del made["status"]
    unknown["status"]["message"] = 'unable to get key for secret: Secret "mine" not found'
    refused["status"]["message"] = "InvalidAccessKeyId"
    server.objects["backupstoragelocations"] = [made]
    server.watches.put(wire.event("MODIFIED", unknown))
    server.watches.put(wire.event("MODIFIED", refused))
    velero(kube).location_looked_at("default", "mine")
    assert server.watches.empty(), "a look without the Secret was taken"


def test_a_backup_is_synced_when_all_of_its_volumes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited: list[tuple[str, int]] = []

    def note(_: object, which: object, *__: object, minimum: int = 1, **___: object) -> object:
        awaited.append((str(which), minimum))
        return {}

    monkeypatch.setattr("conformance.services.velero.wait", note)
    monkeypatch.setattr("conformance.services.velero.wait_each", note)
    velero(Api()).synced("one", volumes=2)  # type: ignore[arg-type]
    assert awaited == [
        ("Backup one in velero", 1),
        ("PodVolumeBackup (each with velero.io/backup-name=one) in velero", 2),
    ]


def test_velero_looks_at_its_locations_when_another_pod_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = {"name": "a", "namespace": "velero", "uid": "1"}
    done: list[str] = []
    kube = SimpleNamespace(
        list=lambda *selection: [{"metadata": metadata}] if "velero" in selection else [],
        delete=lambda *ref: done.append(f"deleted {Ref(*ref)}"),
    )

    def note(_: object, waits: list[Wait], **__: object) -> None:
        done.extend(f"awaited {one}" for one in waits)

    monkeypatch.setattr("conformance.kube.pods.wait_all", note)
    velero(kube).look_now()
    which = "Pod (each with app.kubernetes.io/name=velero) in velero"
    assert done == ["deleted Pod a in velero", f"awaited {which} to be: another pod and Ready"]


@pytest.mark.parametrize(
    ("states", "waits"),
    [
        ({}, False),
        ({"migrate": {"running": {}}}, False),
        ({"restore-wait": {"waiting": {}}}, False),
        ({"restore-wait": {"running": {}}}, True),
        ({"restore-wait": {"terminated": {"exitCode": 0}}}, False),
    ],
)
def test_a_pod_waits_for_its_data_while_the_init_container_runs(
    states: dict[str, Any], waits: bool
) -> None:
    statuses = [{"name": name, "state": state} for name, state in states.items()]
    assert waits_for_data().test({"status": {"initContainerStatuses": statuses}}) is waits


def test_an_explanation_has_all_that_velero_says() -> None:
    api = Api(_pod_volume_backup(phase="Failed", message="connection refused"))
    backup = _backup(
        phase="PartiallyFailed", errors=1, failureReason="no store", validationErrors=["no bucket"]
    )
    text = velero(api).explain(backup)  # type: ignore[arg-type]
    assert text.splitlines() == [
        "Backup one is PartiallyFailed: 1 errors, 0 warnings",
        "  no store",
        "  no bucket",
        "  volume data of pod notes-1 is Failed: connection refused",
    ]


@pytest.mark.parametrize("agents", [0, 1])
def test_what_does_not_end_says_which_volumes_it_waits_for_and_who_copies_them(
    monkeypatch: pytest.MonkeyPatch, agents: int
) -> None:
    def never(*_: object, **__: object) -> None:
        raise WaitTimeout("Backup one was not Completed within 240 s")

    agent = {
        "metadata": {"name": "node-agent", "namespace": "velero"},
        "kind": "DaemonSet",
        "status": {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1},
    }
    api = Api(_pod_volume_backup(phase="Prepared"), _pod_volume_backup(phase="Completed"))
    volumes = api.list
    monkeypatch.setattr(
        api,
        "list",
        lambda version, *args, **more: (
            agents * [agent] if version == "apps/v1" else volumes(version, *args, **more)
        ),
    )
    monkeypatch.setattr("conformance.services.velero.wait", never)
    with pytest.raises(WaitTimeout) as raised:
        velero(api).finished("Backup", "one")  # type: ignore[arg-type]
    first, volume, who = str(raised.value).splitlines()
    assert first == "Backup one was not Completed within 240 s"
    assert volume == "  volume data of pod notes-1 is Prepared: no message"
    assert who.startswith(
        "  DaemonSet node-agent in velero: "
        if agents
        else "  no node agent copies volumes: there is no DaemonSet in velero"
    )


def test_seconds_are_those_between_start_and_end() -> None:
    times = {
        "startTimestamp": "2026-11-24T17:00:00Z",
        "completionTimestamp": "2026-11-24T17:01:05Z",
    }
    assert seconds_taken(_backup(**times)) == 65.0
    with pytest.raises(KeyError):
        seconds_taken(_backup())
