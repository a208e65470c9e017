"""An app's data, without a cluster: what is put in, what is found again, and what is missed."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delivered_packages import FakeKube, an_object

from conformance.apps import tree
from conformance.apps.package import own_data, sentinels
from conformance.apps.package.model.steps import Data
from conformance.apps.package.named_by_pods import named_by
from conformance.apps.package.own_data import OwnData, container_of
from conformance.apps.package.sentinels import Sentinels, plant
from conformance.apps.package.steps import StepFailed
from conformance.kube.objects import Object, Ref

NAMESPACE = "stackspin-apps"
CLAIM = Ref("v1", "PersistentVolumeClaim", "app-data", NAMESPACE)
OTHER = CLAIM._replace(name="app-cache")


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders NAMESPACE/CLAIM in the place of volumes; pods that mount them are this machine."""

    @contextmanager
    def mounted(_kube: object, _image: str, claims: Sequence[Ref]) -> Iterator[tree.Runner]:
        [namespace] = {str(claim.namespace) for claim in claims}

        def run(argv: Sequence[str], stdin: bytes) -> bytes:
            argv = [one.replace("/claims", str(tmp_path / namespace), 1) for one in argv]
            argv = [sys.executable if one == "python3" else one for one in argv]
            return subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, check=True).stdout

        yield run

    for claim in (CLAIM, OTHER):
        (tmp_path / NAMESPACE / claim.name).mkdir(parents=True)
    monkeypatch.setattr(sentinels, "mounted", mounted)
    return tmp_path


def planted(*pods: Object) -> Sentinels:
    return plant(FakeKube(*pods), "image", [CLAIM, OTHER])  # type: ignore[arg-type]


def a_pod(name: str = "app-1", *claims: str, **spec: Any) -> Object:
    volumes = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    whole = {"volumes": volumes, "containers": [{"name": "app"}], **spec}
    return an_object("Pod", name, spec=whole, status={"phase": "Running"})


def a_file(volumes: Path, planted: Sentinels, claim: Ref = CLAIM) -> Path:
    return volumes / NAMESPACE / claim.name / planted.folder / ".hidden"


def test_sentinels_are_found_as_they_were_planted(volumes: Path) -> None:
    found = planted()
    found.verify()
    found.verify_content()
    assert found.bytes > 10_000
    modes = {entry.mode for entry in found.files[CLAIM].values()}
    assert {"4750", "600", "777"} <= modes
    assert a_file(volumes, found).is_file()


def test_what_is_missing_or_other_is_named_with_its_claim(volumes: Path) -> None:
    found = planted()
    a_file(volumes, found).unlink()
    a_file(volumes, found, OTHER).write_text("something else")
    for verify in (found.verify, found.verify_content):
        with pytest.raises(tree.DataDiffers, match="2 differences") as failure:
            verify()
        assert f"app-data: {found.folder}/.hidden: missing" in str(failure.value)
        assert f"app-cache: {found.folder}/.hidden: size" in str(failure.value)
    found.without({"app-data", "app-cache"}).verify()


def test_an_app_may_take_the_files_in_its_volume_but_a_restore_may_not_change_them(
    volumes: Path,
) -> None:
    found = planted()
    a_file(volumes, found).chmod(0o666)
    found.verify_content()
    with pytest.raises(tree.DataDiffers, match="mode 644 -> 666"):
        found.verify()
    found.as_they_are().verify()


def test_an_altered_byte_is_noticed_and_put_right_by_the_second(volumes: Path) -> None:
    del volumes
    found = planted()
    found.alter({})
    with pytest.raises(tree.DataDiffers, match="sha256"):
        found.verify()
    found.alter({})
    found.verify()


def test_sentinels_are_looked_for_where_they_were_restored(volumes: Path) -> None:
    found = planted()
    (volumes / NAMESPACE).rename(volumes / "copy")
    found.verify({NAMESPACE: "copy"})
    (volumes / NAMESPACE / CLAIM.name).mkdir(parents=True)
    (volumes / NAMESPACE / OTHER.name).mkdir()
    with pytest.raises(tree.DataDiffers, match="missing"):
        found.verify()


@pytest.mark.parametrize("group", [os.getgid(), None])
def test_what_kubelet_does_for_the_group_of_a_pods_volumes_is_no_difference(
    volumes: Path, group: int | None
) -> None:
    pods = [a_pod("app-1", CLAIM.name, securityContext={"fsGroup": group})] if group else []
    found = planted(*pods)
    for path in (a_file(volumes, found), a_file(volumes, found).parent / "empty folder"):
        mask = 0o2770 if path.is_dir() else 0o660
        os.chown(path, -1, os.getgid())
        path.chmod(path.stat().st_mode & 0o7777 | mask)
    files = dict(found.files[CLAIM])
    for path in (f"{found.folder}/.hidden", f"{found.folder}/empty folder"):
        files[path] = replace(files[path], gid=12345)
    before = replace(found, files={**found.files, CLAIM: files})
    if group:
        before.verify()
    else:
        with pytest.raises(tree.DataDiffers, match="mode 644 -> 664"):
            before.verify()


def test_the_pod_that_mounts_claims_is_beside_the_app_and_asks_nothing_of_its_image() -> None:
    kube = FakeKube(a_pod("app-1", CLAIM.name, nodeName="node-2"), a_pod("other-1", "other"))
    pod = sentinels._pod(kube, "image:1", [CLAIM, OTHER])  # type: ignore[arg-type]
    [container] = pod["spec"]["containers"]
    assert container["image"] == "image:1"
    assert [one["mountPath"] for one in container["volumeMounts"]] == [
        "/claims/app-data", "/claims/app-cache",
    ]  # fmt: skip
    assert "node-2" in str(pod["spec"]["affinity"])
    assert "labels" not in pod["metadata"]
    alone = sentinels._pod(FakeKube(), "image:1", [CLAIM])  # type: ignore[arg-type]
    assert "affinity" not in alone["spec"]


class Http:
    """What answers the steps, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.cookies = SimpleNamespace(clear=lambda: None)
        self.status = 201
        self.later: list[int] = []
        """Statuses of the next answers, before the others."""

    @contextmanager
    def request(self, method: str, url: str, **more: Any) -> Iterator[Any]:
        self.asked.append((method, url, more.get("auth")))
        content = b'{"id": 7}'
        status = self.later.pop(0) if self.later else self.status
        yield SimpleNamespace(status_code=status, iter_content=lambda _: [content])


def an_app(*objects: Object, hosts: Sequence[str] = ("app.test",)) -> Any:
    kube = FakeKube(*objects)
    live = SimpleNamespace(
        ingresses=lambda: kube.list("", "Ingress"), pods=lambda: kube.list("", "Pod")
    )
    where = SimpleNamespace(namespace=NAMESPACE)
    return SimpleNamespace(kube=kube, live=live, delivery=where, host=hosts[0])


SECRET = an_object("Secret", "admin", data={"password": base64.b64encode(b"secret").decode()})
DATA = Data.model_validate(
    {
        "seed": [
            {
                "request": "POST /items",
                "user": "admin",
                "password": "${secret:admin/password}",
                "json": {"name": "${seed}"},
                "status": 201,
                "save": {"item": "id"},
            }
        ],
        "verify": [{"request": "GET /items/${item}"}],
    }
)


def test_what_was_saved_when_data_was_put_in_is_used_to_find_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_data, "SOON", 0.0)
    http = Http()
    own = OwnData(an_app(SECRET), DATA, http, "test")  # type: ignore[arg-type]
    own.put()
    own.verify()
    assert http.asked == [
        ("POST", "https://app.test/items", ("admin", "secret")),
        ("GET", "https://app.test/items/7", None),
    ]
    http.status = 404
    with pytest.raises(StepFailed, match=r"verify step 1 .*status 404"):
        own.verify()


def test_data_may_be_there_a_little_later_than_the_answer() -> None:
    http = Http()
    own = OwnData(an_app(SECRET), DATA, http, "test")  # type: ignore[arg-type]
    own.put()
    http.later = [404, 404]
    own.verify()
    assert http.later == []
    assert [method for method, *_ in http.asked] == ["POST", "GET", "GET", "GET"]


def test_while_the_ingress_knows_no_ready_pod_nothing_is_said_of_the_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_data, "SOON", 0.0)
    http, app = Http(), an_app(SECRET)
    own = OwnData(app, DATA, http, "test")  # type: ignore[arg-type]
    own.put()
    http.status = 503
    app.prove_again = lambda: setattr(http, "status", 200)
    own.verify()
    http.status = 503
    app.prove_again = lambda: setattr(http, "status", 404)
    with pytest.raises(StepFailed, match=r"verify step 1 .*status 404"):
        own.verify()


def test_of_an_app_whose_data_nobody_described_nothing_is_asked() -> None:
    own = OwnData(an_app(), None, None, "test")  # type: ignore[arg-type]
    own.put()
    own.verify()


def test_a_secret_that_is_not_there_is_named() -> None:
    own = OwnData(an_app(), DATA, Http(), "test")  # type: ignore[arg-type]
    with pytest.raises(StepFailed, match="Secret admin with the key password is expected"):
        own.put()


def behind(service: str) -> list[Object]:
    backend = {"service": {"name": service}}
    spec = {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}
    selector = {"selector": {"app": "web"}}
    return [an_object("Ingress", "web", spec=spec), an_object("Service", service, spec=selector)]


def test_commands_run_behind_the_ingress_unless_another_container_is_named() -> None:
    database = a_pod("database-1", containers=[{"name": "postgres"}])
    web = a_pod("web-1", containers=[{"name": "web"}, {"name": "sidecar"}])
    web["metadata"]["labels"] = {"app": "web"}
    app = an_app(database, web, *behind("web"))
    assert container_of(app, None) == (web, "web")
    assert container_of(app, "sidecar") == (web, "sidecar")
    assert container_of(app, "postgres") == (database, "postgres")
    assert container_of(an_app(database), None) == (database, "postgres")
    with pytest.raises(AssertionError, match="no pod with a container php runs"):
        container_of(app, "php")
    database["status"]["phase"] = "Pending"
    with pytest.raises(AssertionError, match="no pod of the app runs"):
        container_of(an_app(database), None)


def test_a_command_that_fails_is_a_failure_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data.model_validate({"seed": [{"run": ["app", "add"]}], "verify": [{"run": ["x"]}]})
    seen = []

    def execute(_kube: object, *where: str, **more: Any) -> Any:
        seen.append((*where, more["container"]))
        return SimpleNamespace(check=lambda: (_ for _ in ()).throw(AssertionError("status 1")))

    monkeypatch.setattr(own_data, "execute", execute)
    own = OwnData(an_app(a_pod()), data, Http(), "test")  # type: ignore[arg-type]
    with pytest.raises(StepFailed, match=r"seed step 1 \(run app add\).*status 1"):
        own.put()
    assert seen == [(NAMESPACE, "app-1", ["app", "add"], "app")]


def test_what_pods_name_is_found_wherever_their_specs_name_it() -> None:
    volumes = [
        {"name": "a", "configMap": {"name": "config"}},
        {"name": "b", "secret": {"secretName": "password"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "client"}}]}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "app-data"}},
    ]
    reference = {"secretKeyRef": {"name": "token", "key": "x"}}
    container = {
        "env": [{"name": "TOKEN", "valueFrom": reference}],
        "envFrom": [{"configMapRef": {"name": "environment"}}],
    }
    spec = {
        "volumes": volumes,
        "containers": [container],
        "initContainers": [container],
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccountName": "app",
    }
    found = named_by([a_pod(**spec), a_pod()])
    assert {(one.kind, one.name) for one in found} == {
        ("ConfigMap", "config"), ("ConfigMap", "environment"), ("Secret", "client"),
        ("Secret", "password"), ("Secret", "registry"), ("Secret", "token"),
        ("ServiceAccount", "app"), ("ServiceAccount", "default"),
    }  # fmt: skip
    assert {one.namespace for one in found} == {NAMESPACE}
    assert len(found) == len(set(found))
