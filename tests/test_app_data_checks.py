"""The set of an app's claims, its backup, and its data's loss, without a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from delivered_packages import FakeKube, an_object

from conformance.apps.tree import DataDiffers
from conformance.capabilities.app_data import backups, data, elsewhere
from conformance.capabilities.app_data.backups import (
    AppBackup,
    Beside,
    back_up_namespaces,
    back_up_set,
    backup_set_of,
    restore_beside,
)
from conformance.capabilities.app_data.data import AppData
from conformance.capabilities.app_data.elsewhere import (
    bring_images,
    carry,
    restored,
    wait_ready_at,
)
from conformance.common.backup_labels import BACKUP_EXCLUDES, BACKUP_SET, BACKUP_VOLUMES
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.wait import WaitTimeout
from conformance.services.velero import COMPLETED, RESTORE_NAME, PodVolume

NAMESPACE = "stackspin-apps"
SET = {BACKUP_SET: "app"}


def a_claim(name: str = "app-data", labels: Mapping[str, str] | None = None) -> Object:
    fields = {"spec": {"volumeName": f"pv-{name}"}}
    return (
        an_object("PersistentVolumeClaim", name, labels=SET if labels is None else labels) | fields
    )


def a_pod(name: str, volumes: Mapping[str, str], **annotations: str) -> Object:
    spec = {
        "volumes": [
            {"name": volume, "persistentVolumeClaim": {"claimName": claim}}
            for volume, claim in volumes.items()
        ],
        "containers": [{"envFrom": [{"secretRef": {"name": "password"}}]}],
    }
    pod = an_object("Pod", name, labels=SET, spec=spec)
    pod["metadata"]["annotations"] = annotations
    return pod


def copied(pod: str, volume: str, phase: str = COMPLETED) -> PodVolume:
    return PodVolume(NAMESPACE, pod, volume, phase, "", 1000, "snapshot")


class Velero:
    """Has copied some volumes, and remembers what it was told."""

    def __init__(self, *volumes: PodVolume) -> None:
        self._volumes = volumes
        self.told: list[Any] = []

    def back_up(self, name: str, **more: Any) -> None:
        self.told.append((name, more))

    def restore(self, name: str, _backup: str, **more: Any) -> None:
        self.told.append((name, more))

    def finished(self, kind: str, name: str) -> Object:
        return {"kind": kind, "metadata": {"name": name}, "status": {"phase": COMPLETED}}

    def volumes(self, _: Object) -> list[PodVolume]:
        return list(self._volumes)


class Sentinels:
    """Files whose state is told."""

    def __init__(self) -> None:
        self.failure: str = ""
        self.asked: list[str] = []

    def verify_content(self) -> None:
        self.asked.append("content")
        if self.failure:
            raise DataDiffers("sentinel files", [self.failure])

    def verify(self) -> None:
        self.asked.append("all")

    def without(self, claims: frozenset[str]) -> Sentinels:
        self.asked.append(f"without {sorted(claims)}")
        return self

    def as_they_are(self) -> Sentinels:
        self.asked.append("as they are")
        return self


def an_app(*objects: Object) -> Any:
    kube = FakeKube(*objects)
    workload = SimpleNamespace(
        ref=Ref("apps/v1", "Deployment", "app", NAMESPACE),
        pods=Selection("v1", "Pod", NAMESPACE, "app=app"),
    )
    return SimpleNamespace(
        kube=kube,
        delivery=SimpleNamespace(
            name="My app", claims=lambda: kube.list("", "PersistentVolumeClaim")
        ),
        live=SimpleNamespace(pods=lambda: kube.list("", "Pod"), workloads=lambda: [workload]),
        prove_again=lambda: None,
    )


def some_data(*objects: Object) -> AppData:
    own = SimpleNamespace(verify=lambda: None)
    return AppData(an_app(*objects), own, Sentinels())  # type: ignore[arg-type]


def test_claims_are_in_one_set() -> None:
    assert backup_set_of([a_claim(), a_claim("cache", {})]) == "app"
    with pytest.raises(AssertionError, match=r"no claim of app-data, cache has the label"):
        backup_set_of([a_claim("cache", {}), a_claim(labels={})])
    with pytest.raises(AssertionError, match=r"several sets .*\['app', 'other'\]"):
        backup_set_of([a_claim(), a_claim("cache", {BACKUP_SET: "other"})])


def test_a_backup_of_the_set_says_what_it_lacks() -> None:
    listed = {BACKUP_VOLUMES: "data"}
    pod = a_pod("app-1", {"data": "app-data"}, **listed)
    velero = Velero(copied("app-1", "data"))
    made = back_up_set(velero, some_data(a_claim(), pod))  # type: ignore[arg-type]
    [(name, told)] = velero.told
    assert name.startswith("my-app-")
    assert told == {"namespaces": [NAMESPACE], "labels": SET}
    assert made.complete
    assert (made.bytes, made.left_out) == (1000, frozenset())
    for volumes in ([], [copied("app-1", "data", "Failed")], [copied("other-1", "data")]):
        made = back_up_set(Velero(*volumes), some_data(a_claim(), pod))  # type: ignore[arg-type]
        assert not made.complete
        assert made.lack.startswith("claim app-data (volume data of pod app-1) is not in")


def test_a_backup_of_the_namespaces_has_other_apps_in_it_and_needs_no_set() -> None:
    pod = a_pod("app-1", {"data": "app-data"}, **{BACKUP_VOLUMES: "data"})
    pod["metadata"]["labels"] = {}
    known = some_data(a_claim(labels={}), pod)
    velero = Velero(copied("app-1", "data"), copied("other-1", "data"))
    made = back_up_namespaces(velero, known)  # type: ignore[arg-type]
    [(_, told)] = velero.told
    assert told == {"namespaces": [NAMESPACE], "labels": None}
    assert (made.complete, made.bytes) == (True, 1000)
    made = back_up_namespaces(Velero(copied("other-1", "data")), known)  # type: ignore[arg-type]
    assert made.missing == ("claim app-data (volume data of pod app-1) is not in the backup",)
    assert made.bytes == 0


def test_a_claim_that_nobody_mounts_is_in_no_backup() -> None:
    pod = a_pod("app-1", {"data": "app-data"}, **{BACKUP_VOLUMES: "data"})
    known = some_data(a_claim(), a_claim("app-old"), pod)
    made = back_up_set(Velero(copied("app-1", "data")), known)  # type: ignore[arg-type]
    assert made.missing == (
        "claim app-old is mounted by no pod that runs, so nobody copies its data",
    )


def test_a_claim_that_is_left_out_on_purpose_is_not_missing() -> None:
    annotations = {BACKUP_VOLUMES: "data", BACKUP_EXCLUDES: "cache"}
    pod = a_pod("app-1", {"data": "app-data", "cache": "app-cache"}, **annotations)
    known = some_data(a_claim(), a_claim("app-cache"), pod)
    made = back_up_set(Velero(copied("app-1", "data")), known)  # type: ignore[arg-type]
    assert made.complete
    assert made.left_out == {"app-cache"}


def test_beside_the_app_go_its_data_and_what_its_pods_name(monkeypatch: pytest.MonkeyPatch) -> None:
    applied = []
    monkeypatch.setattr(
        backups, "apply", lambda _, item, namespace: applied.append((item, namespace))
    )
    secret = an_object("Secret", "password", data={"password": "eA=="}, type="Opaque")
    known = some_data(a_claim(), a_pod("app-1", {"data": "app-data"}), secret)
    velero = Velero()
    backup = AppBackup(velero.finished("Backup", "b"), (NAMESPACE,), (), (), frozenset(), 0)
    begun = restore_beside(velero, known, backup, lambda hint: f"{hint}-1")  # type: ignore[arg-type]
    assert begun == Beside("b-beside", {NAMESPACE: "data-copy-1"})
    [(item, namespace)] = applied
    assert (item["kind"], item["metadata"], item["data"]) == (
        "Secret", {"name": "password"}, {"password": "eA=="},
    )  # fmt: skip
    assert namespace == "data-copy-1"
    assert velero.told[0][1]["included"] == ("persistentvolumeclaims", "persistentvolumes", "pods")


def test_what_has_lost_data_once_says_so_from_then_on() -> None:
    known = some_data()
    known.verify()
    assert not known.lost
    known.sentinels.failure = "app-data: x: missing"  # type: ignore[attr-defined]
    with pytest.raises(DataDiffers):
        known.verify()
    assert known.lost == "sentinel files: 1 difference"


def test_restored_data_is_compared_with_what_it_was_when_it_was_backed_up() -> None:
    known = some_data()
    known.settle()
    known.verify_restored(frozenset({"cache"}))
    assert known.sentinels.asked == ["content", "as they are", "without ['cache']", "all"]  # type: ignore[attr-defined]


def test_workloads_and_claims_are_lost_with_their_pods_and_volumes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(data, "lose", lambda _, doomed, claims: lost.extend([*doomed, claims]))
    monkeypatch.setattr(data, "wait_each", lambda _, pods, *__, **___: lost.append(pods.labels))
    known = some_data(a_claim())
    known.destroy()
    workload, claim, claims, pods = lost
    assert (workload.kind, claim.kind, claim.name) == (
        "Deployment", "PersistentVolumeClaim", "app-data",
    )  # fmt: skip
    assert claims == [a_claim()]
    assert pods == "app=app"


def test_restored_pods_are_deleted_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    restored, own, of_another = (a_pod(name, {}) for name in ("restored", "own", "another"))
    restored["metadata"]["labels"] = {"app": "app", RESTORE_NAME: "app-1"}
    of_another["metadata"]["labels"] = {"app": "app", RESTORE_NAME: "app-2"}
    known, waited = some_data(restored, own, of_another), []
    known.app.delivery.namespaces = {NAMESPACE}  # type: ignore[misc]
    monkeypatch.setattr(data, "wait_each", lambda _, pods, *__, **___: waited.append(pods.labels))
    known.delete_restored("app-1")
    assert known.app.kube.list("v1", "Pod") == [own, of_another]
    assert waited == [f"{RESTORE_NAME}=app-1"]


class Images:
    """A registry; ``copied`` are the images that were sent from it to another one."""

    def __init__(self, *images: str) -> None:
        self.images = list(images)
        self.copied: list[str] = []

    def exists(self, image: str) -> bool:
        return image in self.images

    def copy_to(self, other: Images, image: str) -> None:
        self.copied.append(image)
        other.images.append(image)


def test_images_that_only_the_first_registry_has_are_brought_to_the_other() -> None:
    pod = a_pod("app-1", {})
    pod["spec"]["initContainers"] = [{"image": "shared:1"}]
    pod["spec"]["containers"] = [{"image": "docker.io/own/app:1"}, {"image": "ghcr.io/far/away:2"}]
    here = Images("docker.io/own/app:1", "docker.io/library/shared:1")
    site = SimpleNamespace(registry=Images("docker.io/library/shared:1"))
    for _ in range(2):
        bring_images([pod], here, site)  # type: ignore[arg-type]
    assert here.copied == ["docker.io/own/app:1"]


def test_what_was_restored_elsewhere_is_taken_away_again(monkeypatch: pytest.MonkeyPatch) -> None:
    velero = Velero()
    stack = SimpleNamespace(clients=SimpleNamespace(velero=lambda: velero))
    came = {RESTORE_NAME: "b"}
    kube = FakeKube(
        an_object("ConfigMap", "theirs"), an_object("ConfigMap", "platforms", labels={"any": "x"})
    )
    kube.objects.append(an_object("Namespace", NAMESPACE, None))
    before = list(kube.objects)
    backup = AppBackup(velero.finished("Backup", "b"), (NAMESPACE, "wiki"), (), (), frozenset(), 0)
    there: Future[Any] = Future()
    there.set_result(SimpleNamespace(kube=kube, stack=stack))
    monkeypatch.setattr(elsewhere, "carry_backup", lambda *_: 1000)
    carried = carry(backup, SimpleNamespace(), Images(), there)  # type: ignore[arg-type]
    assert velero.told == [("b", {"excluded": ("helmreleases.helm.toolkit.fluxcd.io",)})]
    assert carried.bytes == 1000
    with restored(carried) as restore:
        assert restore["metadata"]["name"] == "b"
        kube.objects += [a_claim(labels=came), an_object("Namespace", "wiki", None)]
    assert kube.objects == before


@pytest.mark.parametrize(
    ("needs_login", "asked"), [(False, [None]), (True, [60.0, "single sign-on", None])]
)
def test_an_app_that_waits_for_the_login_provider_elsewhere_gets_it(
    needs_login: bool, asked: list[object]
) -> None:
    known, done = some_data(), []

    def wait_ready(within: float | None = None) -> None:
        done.append(within)
        if "single sign-on" not in done:
            raise WaitTimeout("not Ready")

    site = SimpleNamespace(
        stack=SimpleNamespace(single_sign_on=lambda: done.append("single sign-on"))
    )
    known.app.delivery.wait_ready = wait_ready  # type: ignore[method-assign]
    known.app.delivery.placement = SimpleNamespace(needs_login=needs_login)  # type: ignore[assignment]
    try:
        wait_ready_at(site, known)  # type: ignore[arg-type]
    except WaitTimeout:
        assert not needs_login
    assert done == asked
