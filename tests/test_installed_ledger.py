"""A run's ledger on a platform of others: one run at a time, and nothing of it left."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.kube.errors import Conflict, NotFound, Unreachable
from conformance.kube.objects import Ref
from conformance.platform.changes import put_back
from conformance.platform.clients import Clients
from conformance.platform.installed import homes, leftovers
from conformance.platform.installed.foreign import foreign
from conformance.platform.installed.ledger import LEASE_SECONDS, Ledger, refuse_beside_another_run
from conformance.platform.namespaces import RUN_LABEL
from conformance.platform.reference import reference_platform
from conformance.services.in_cluster import ServiceRefused

PLATFORM = reference_platform("example.org")
LABELS = {RUN_LABEL: "r1"}
ENDED = {"phase": "Completed"}


def item(
    kind: str,
    name: str,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"{kind}/{namespace}/{name}", "labels": dict(labels or {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


class Api:
    """Objects by kind; what is deleted is gone, unless it ``hangs``."""

    timeouts = Timeouts()

    def __init__(
        self,
        *items: dict[str, Any],
        hangs: tuple[str, ...] = (),
        refuses: tuple[str, ...] = (),
    ) -> None:
        self.items = list(items)
        self.hangs = hangs
        self.refuses = refuses
        self.created: list[dict[str, Any]] = []

    def list(
        self, _: str, kind: str, namespace: str | None = None, labels: str | None = None
    ) -> list[dict[str, Any]]:
        return [
            one
            for one in self.items
            if one["kind"] == kind
            and namespace in (None, one["metadata"].get("namespace"))
            and (labels is None or labels in one["metadata"]["labels"])
        ]

    def find(
        self, version: str, kind: str, name: str, namespace: str | None = None
    ) -> dict[str, Any] | None:
        found = self.list(version, kind, namespace)
        return next((one for one in found if one["metadata"]["name"] == name), None)

    def delete(self, version: str, kind: str, name: str, namespace: str | None = None) -> bool:
        found = self.find(version, kind, name, namespace)
        if found is None or name in self.hangs:
            return False
        self.items.remove(found)
        return True

    def patch(
        self, version: str, kind: str, name: str, namespace: str | None, body: dict[str, Any]
    ) -> None:
        """Let go of what hangs on its finalizer, or scale it."""
        found = self.find(version, kind, name, namespace)
        if found is None:
            raise NotFound("PATCH", 404, "NotFound", "there is none")
        if name in self.refuses:
            raise Conflict("PATCH", 409, "Conflict", "not now")
        if "spec" in body:
            found["spec"].update(body["spec"])
            return
        assert body == {"metadata": {"finalizers": None}}
        self.items.remove(found)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.created.append(manifest)
        if "stringData" in manifest:
            texts = manifest["stringData"].items()
            data = {key: b64encode(text.encode()).decode() for key, text in texts}
            metadata = manifest["metadata"]
            labels, namespace = metadata["labels"], metadata["namespace"]
            self.items.append(item("Secret", "note", namespace, labels, data=data))
            return self.items[-1]
        if manifest["kind"] == "DeleteBackupRequest":
            self.delete("", "Backup", manifest["spec"]["backupName"])
        return manifest


class Users:
    def __init__(self, *ids: str) -> None:
        self.ids = list(ids)

    def kratos(self) -> Users:
        return self

    @property
    def platform(self) -> Any:
        return PLATFORM

    def marked(self) -> list[str]:
        return list(self.ids)

    def delete(self, identity: str) -> None:
        self.ids.remove(identity)


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Removes what is there from an API; returns what is left."""

    def still_there(api: Api, items: list[dict[str, Any]], _: float) -> list[str]:
        named = [(one["kind"], one["metadata"]["name"]) for one in items]
        there = [(one["kind"], one["metadata"]["name"]) for one in api.items]
        return [name for kind, name in named if (kind, name) in there]

    monkeypatch.setattr(leftovers, "_still_there", still_there)
    monkeypatch.setattr(leftovers, "wait_all", lambda *_, **__: None)

    def remove(api: Api, *users: str) -> tuple[list[str], Users]:
        some = Users(*users)
        left = leftovers.remove(cast(Kube, api), cast(Clients, some), lambda _: None)
        return left, some

    return remove


def test_everything_with_the_label_goes_and_nothing_else(removed: Any) -> None:
    foreign_ones = [
        item("Namespace", "velero"),
        item("BackupStorageLocation", "default", "velero"),
        item("Backup", "nightly", "velero", spec={"storageLocation": "default"}),
        item("BackupRepository", "theirs", "velero", {"velero.io/volume-namespace": "wiki"}),
        item("PersistentVolume", "theirs", spec={"claimRef": {"namespace": "wiki"}}),
        item("Secret", "cloud", "velero"),
        item("ConfigMap", "stackspin-kratos-override", "stackspin"),
    ]
    api = Api(
        *foreign_ones,
        item("Namespace", homes.RUN, labels=LABELS),
        item("Namespace", "sso-r1-1", labels=LABELS),
        item("Backup", "mine", "velero", LABELS, spec={"storageLocation": "default"}, status=ENDED),
        item("Backup", "lost", "velero", LABELS, spec={"storageLocation": "bad"}),
        item("BackupStorageLocation", "bad", "velero", LABELS),
        item("ConfigMap", "stackspin-hydra-override", "stackspin", LABELS),
        item("Schedule", "hourly", "velero", LABELS),
        item("Restore", "back", "velero", LABELS),
        item("Secret", "wrong", "velero", LABELS),
        item("BackupRepository", "mine", "velero", {"velero.io/volume-namespace": "gone-r1-2"}),
        item(
            "PersistentVolume",
            "mine",
            spec={
                "claimRef": {"namespace": "sso-r1-1"},
                "persistentVolumeReclaimPolicy": "Retain",
            },
        ),
    )
    left, users = removed(api, "ada", "bob")
    assert left == []
    assert api.items == foreign_ones
    assert users.ids == []
    requests = [one["spec"]["backupName"] for one in api.created]
    assert requests == ["mine"], "one in a location that is the run's own goes with that"


def test_a_backup_that_velero_still_makes_is_told_and_not_waited_for(removed: Any) -> None:
    where, made = {"storageLocation": "default"}, {"status": {"phase": "InProgress"}}
    api = Api(
        item("BackupStorageLocation", "default", "velero"),
        item("Backup", "stuck", "velero", LABELS, spec=where, **made),
        item("Backup", "mine", "velero", LABELS, spec=where, status=ENDED),
    )
    [left], _ = removed(api)
    assert left.startswith("Backup stuck in velero: Velero is still making it")
    assert [one["spec"]["backupName"] for one in api.created] == ["mine"]


def test_namespaces_go_even_if_kratos_does_not_answer(
    removed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Users) -> list[str]:
        raise ServiceRefused("GET /admin/identities", 503, "not now")

    monkeypatch.setattr(Users, "marked", silent)
    api = Api(item("Namespace", homes.RUN, labels=LABELS))
    left, _ = removed(api, "ada")
    [told] = left
    assert told.startswith("users: Kratos does not answer: GET /admin/identities")
    assert api.items == []


def test_what_does_not_go_is_named(removed: Any) -> None:
    api = Api(item("Namespace", "stuck", labels=LABELS), hangs=("stuck",))
    assert removed(api)[0] == ["stuck"]


def test_a_kustomization_whose_health_flux_waits_for_is_let_go(removed: Any) -> None:
    theirs = item("Kustomization", "wiki", "flux-system")
    mine = item("Kustomization", "notes-r1", homes.RUN)
    api = Api(item("Namespace", homes.RUN, labels=LABELS), theirs, mine, hangs=("notes-r1", "wiki"))
    assert removed(api)[0] == []
    assert api.items == [theirs]


MAIL = Ref("apps/v1", "Deployment", "mail", "stackspin")


def note_of(which: Ref, patch: dict[str, Any]) -> dict[str, Any]:
    """Return what a run that changes an object has noted meanwhile."""
    api = Api()
    clients: Any = SimpleNamespace(kube=api, run_id="r1")
    with put_back(clients, which, patch):
        [note] = api.items
    assert api.items == []
    return note


def test_what_a_killed_run_has_changed_is_put_back(removed: Any) -> None:
    mail = item("Deployment", "mail", "stackspin", spec={"replicas": 0, "paused": False})
    api = Api(mail, note_of(MAIL, {"spec": {"replicas": 2}}))
    assert removed(api)[0] == []
    assert api.items == [mail]
    assert mail["spec"] == {"replicas": 2, "paused": False}


def test_what_is_gone_meanwhile_is_not_put_back(removed: Any) -> None:
    api = Api(note_of(MAIL, {"spec": {"replicas": 2}}))
    assert removed(api)[0] == []
    assert api.items == []


def test_what_cannot_be_put_back_is_named_and_stays_noted(removed: Any) -> None:
    mail = item("Deployment", "mail", "stackspin", spec={"replicas": 0})
    api = Api(mail, note_of(MAIL, {"spec": {"replicas": 2}}), refuses=("mail",))
    [told] = removed(api)[0]
    assert told.startswith("Deployment mail in stackspin is not as it was before")
    assert len(api.items) == 2


def lease(age: float) -> dict[str, Any]:
    renewed = (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    spec = {
        "holderIdentity": "run abc on ci",
        "leaseDurationSeconds": LEASE_SECONDS,
        "acquireTime": "2026-11-29T00:00:00.000000Z",
        "renewTime": renewed,
    }
    return item("Lease", "run", homes.RUN, spec=spec)


def test_a_run_that_goes_on_keeps_others_away() -> None:
    with pytest.raises(HarnessError, match="run abc on ci is on this platform, since 2026-11-29"):
        refuse_beside_another_run(cast(Kube, Api(lease(LEASE_SECONDS / 2))))


@pytest.mark.parametrize("there", [(), (lease(LEASE_SECONDS * 2),)])
def test_a_run_that_was_killed_keeps_nobody_away(there: tuple[dict[str, Any], ...]) -> None:
    refuse_beside_another_run(cast(Kube, Api(*there)))


def test_of_two_that_begin_at_once_one_is_refused() -> None:
    class Raced(Api):
        def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            assert manifest["kind"] == "Namespace"
            raise Conflict("POST", 409, "AlreadyExists", "it exists")

    ledger = Ledger(cast(Kube, Raced()), cast(Clients, Users()), "r1", lambda _: None)
    with pytest.raises(HarnessError, match="has just begun"):
        ledger.begin()


def test_a_run_begins_on_nothing_that_a_killed_one_has_left(
    removed: Any,
) -> None:
    del removed  # what is there is looked at at once
    stuck = item("Namespace", homes.RUN, labels=LABELS)
    api = Api(stuck, lease(LEASE_SECONDS * 2), hangs=(homes.RUN,))
    said: list[str] = []
    ledger = Ledger(cast(Kube, api), cast(Clients, Users()), "r2", said.append)
    with pytest.raises(HarnessError, match=homes.RUN) as caught:
        ledger.begin()
    assert "platform clean" in caught.value.fix
    assert "killed" in said[0]


def test_a_cluster_that_is_gone_at_the_end_is_one_line_of_the_report() -> None:
    class Gone(Api):
        def list(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
            raise Unreachable("https://10.0.0.1:6443 does not answer", "is it running?")

    ledger = Ledger(cast(Kube, Gone()), cast(Clients, Users()), "r1", lambda _: None)
    [line] = ledger.end(None)
    assert "platform clean" in line
    assert "10.0.0.1:6443 does not answer" in line


def test_what_is_left_and_what_was_changed_is_said_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = seen(item("Secret", "gone", "a"), monkeypatch=monkeypatch)
    seen(monkeypatch=monkeypatch)
    monkeypatch.setattr("conformance.platform.installed.ledger.remove", lambda *_: ["Backup mine"])
    said: list[str] = []
    ledger = Ledger(cast(Kube, Api()), cast(Clients, Users()), "r1", said.append)
    assert ledger.end(before) == [
        "left on the platform: Backup mine",
        "not the run's, and not as before: Secret gone in a is gone",
    ]
    assert said == [
        "platform: removing what the run has made, then looking whether the rest is as before"
    ]


def seen(*items: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("conformance.platform.installed.foreign.everything", lambda _: list(items))
    return foreign(cast(Kube, None))


def test_what_is_not_the_runs_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = item("ConfigMap", "kept", "a", data={"one": "1"}, status={"n": 1})
    changed = item("ConfigMap", "changed", "a", data={"one": "1"})
    gone = item("Secret", "gone", "a")
    of_another = item("Pod", "made", "a")
    of_another["metadata"]["ownerReferences"] = [{"name": "x"}]
    before = seen(kept, changed, gone, of_another, monkeypatch=monkeypatch)
    after = seen(
        {**kept, "status": {"n": 2}},
        {**changed, "data": {"one": "2"}},
        item("Secret", "new", "a"),
        item("Namespace", "own", labels=LABELS),
        item("Secret", "in-own", "own"),
        item("Backup", "own", "velero", LABELS),
        monkeypatch=monkeypatch,
    )
    said = before.changes_to(after)
    assert said == [
        "ConfigMap changed in a was changed",
        "Secret gone in a is gone",
        "Secret new in a is new",
    ]
    assert before.changes_to(before) == []


def test_what_a_platform_does_by_itself_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def backup(name: str, expires: str, labels: dict[str, str]) -> dict[str, Any]:
        return item("Backup", name, "velero", labels, status={"expiration": expires})

    of_schedule = {"velero.io/schedule-name": "daily"}
    before = seen(
        backup("daily-1", "2020-01-01T00:00:00Z", of_schedule),
        backup("daily-2", "2999-01-01T00:00:00Z", of_schedule),
        monkeypatch=monkeypatch,
    )
    after = seen(
        backup("daily-3", "2999-01-01T00:00:00Z", of_schedule),
        backup("by-hand", "2999-01-01T00:00:00Z", {}),
        item("Secret", "sh.helm.release.v1.hydra.v2", "stackspin", type="helm.sh/release.v1"),
        item("DeleteBackupRequest", "daily-1", "velero"),
        monkeypatch=monkeypatch,
    )
    assert before.changes_to(after) == [
        "Backup by-hand in velero is new",
        "Backup daily-2 in velero is gone",
    ]
