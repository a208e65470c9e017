"""What is done to a platform by the checks of operations, as far as that needs no cluster."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from conformance.apps.flux_package import copy_of
from conformance.capabilities.operations.helm_controller import HelmController
from conformance.capabilities.operations.image_registry import ImageRegistry
from conformance.capabilities.operations.mail_server import MailServer
from conformance.capabilities.operations.recovery import Recovery
from conformance.capabilities.operations.upgrade import CHART_VERSION, COMMITS, VERSION_2
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.common.timeouts import Timeouts
from conformance.kube.wait import WaitTimeout
from conformance.platform.changes import undo
from conformance.platform.description import Platform, Service
from conformance.platform.namespaces import RUN_LABEL
from conformance.platform.reference import reference_platform
from conformance.suite.check import NotRun

MODULE = "conformance.capabilities.operations.mail_server"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


class Node:
    """The shell of a node: what was run there; each command ends with ``status``."""

    def __init__(self, status: int = 0) -> None:
        self.ran: list[list[str]] = []
        self._status = status

    def node_run(self, argv: list[str]) -> subprocess.CompletedProcess[bytes]:
        self.ran.append(argv)
        return subprocess.CompletedProcess(argv, self._status, b"", b"no such thing")


def fails_in(outage: AbstractContextManager[None], error: AssertionError | None = None) -> None:
    """Let something be awaited in vain during an outage, or before it has begun."""
    with pytest.raises(WaitTimeout), outage:
        raise error or WaitTimeout


def a_pod(name: str, **status: Any) -> dict[str, Any]:
    containers = [{"name": "manager", "containerID": f"containerd://{name}"}]
    return {
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"containers": [{"name": "manager"}]},
        "status": {"containerStatuses": containers, **status},
    }


def controller_with(node: Node, *pods: dict[str, Any]) -> HelmController:
    kube: Any = SimpleNamespace(list=lambda *_: [*pods])
    return HelmController(kube, node, "flux-system")  # type: ignore[arg-type]


def test_the_controller_that_runs_is_killed_and_not_one_that_has_ended() -> None:
    node = Node()
    controller_with(node, a_pod("new", **READY), a_pod("old")).kill()
    [ran] = node.ran
    assert ran[-2:] == ["--signal=SIGKILL", "new"]


def test_a_controller_that_is_not_there_or_was_not_killed_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no pod with app=helm-controller"):
        controller_with(Node(), a_pod("old")).kill()
    with pytest.raises(AssertionError, match="no such thing"):
        controller_with(Node(status=1), a_pod("new", **READY)).kill()


def test_the_registry_is_reached_again_whatever_happened_meanwhile() -> None:
    node = Node()
    fails_in(ImageRegistry(node).unreachable())  # type: ignore[arg-type]
    refused, again = node.ran
    assert refused.index("--insert") == again.index("--delete")
    assert {*refused} - {"--insert"} == {*again} - {"--delete"}


def test_an_upgrade_is_slow_enough_to_be_interrupted() -> None:
    package = copy_of(Package(data_root()), "notes", "notes-operated-1", failure_after=120)
    files = package.with_commit(COMMITS["slow_upgrade"]).files
    chart = yaml.safe_load(files["charts/notes-operated-1/Chart.yaml"])
    assert (chart["version"], chart["appVersion"]) == (CHART_VERSION, VERSION_2[0])
    template = files["charts/notes-operated-1/templates/deployment.yaml"]
    probe = template.partition("readinessProbe:\n")[2].partition("{{- toYaml")[0]
    assert yaml.safe_load(probe) == {
        "httpGet": {"path": "/health/ready", "port": "http"},
        "initialDelaySeconds": 15,
    }


class Mailing:
    """A cluster with a mail server, and with Kratos, as the API has them; also its clients."""

    timeouts = Timeouts()

    run_id = "abc"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.kube = self
        self.replicas: list[int] = []
        self.notes: list[dict[str, Any]] = []
        labels = {"app.kubernetes.io/name": "mail", "version": "1"}
        template = {"metadata": {"labels": labels}}
        self._deployments = [
            {"metadata": {"name": "mail"}, "spec": {"template": template}},
            {"metadata": {"name": "other"}, "spec": {"template": {"metadata": {"labels": {}}}}},
        ]

    def get(self, _: str, kind: str, name: str, __: str) -> dict[str, Any]:
        assert name == "mail"
        selector = {"app.kubernetes.io/name": "mail"}
        return {"spec": {"selector": selector} if kind == "Service" else {"replicas": 2}}

    def list(self, _: str, kind: str, *__: object) -> list[dict[str, Any]]:
        return self._deployments if kind == "Deployment" else [a_pod("ended"), a_pod("kratos")]

    def patch(self, *body: Any) -> None:
        self.replicas.append(body[-1]["spec"]["replicas"])

    def create(self, note: dict[str, Any]) -> dict[str, Any]:
        data = {key: b64encode(text.encode()).decode() for key, text in note["stringData"].items()}
        self.notes.append({"metadata": {**note["metadata"], "name": "note"}, "data": data})
        return self.notes[-1]

    def delete(self, _: str, kind: str, name: str, __: str) -> None:
        assert (kind, name) == ("Secret", "note")
        self.notes.clear()

    def service(self, which: Service) -> SimpleNamespace:
        assert which == self.platform.single_sign_on.kratos.admin
        messages = [{"id": "4711", "subject": "Recover", "body": "code 123456"}]
        redactor = SimpleNamespace(learn_value=lambda _: None)
        kube = SimpleNamespace(redactor=redactor, timeouts=self.timeouts)
        return SimpleNamespace(ask=lambda *_, **__: messages, kube=kube)


@pytest.fixture
def mailing(monkeypatch: pytest.MonkeyPatch) -> Mailing:
    """Whatever is waited for has come."""
    rolled = {"spec": {"selector": {"matchLabels": {"app.kubernetes.io/name": "mail"}}}}
    monkeypatch.setattr(f"{MODULE}.wait", lambda *_: rolled)
    monkeypatch.setattr(f"{MODULE}.wait_each", lambda *_: [])
    return Mailing(reference_platform("stackspin.test"))


def test_the_mail_server_comes_back_whatever_happened_meanwhile(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_in(MailServer(mailing).down())  # type: ignore[arg-type]
    assert mailing.replicas == [0, 2]
    assert mailing.notes == []

    def stays(*_: object) -> None:
        if mailing.replicas[-1] == 0:
            raise WaitTimeout

    monkeypatch.setattr(f"{MODULE}.wait_each", stays)
    fails_in(MailServer(mailing).down(), AssertionError("it is still there"))  # type: ignore[arg-type]
    assert mailing.replicas == [0, 2, 0, 2]


def test_what_a_killed_run_leaves_of_the_mail_server_is_noted(mailing: Mailing) -> None:
    with MailServer(mailing).down():  # type: ignore[arg-type]
        [note] = mailing.notes
        assert note["metadata"]["labels"][RUN_LABEL] == "abc"
        undo(mailing, note)  # type: ignore[arg-type]
    assert mailing.replicas == [0, 2, 2]


def test_a_mail_server_that_nobody_described_is_left_alone(mailing: Mailing) -> None:
    login = mailing.platform.single_sign_on.model_copy(update={"mail": None})
    mailing.platform = mailing.platform.model_copy(update={"single_sign_on": login})
    unknown = r"names no mail server \(single_sign_on\.mail\)"
    with pytest.raises(NotRun, match=unknown), MailServer(mailing).down():  # type: ignore[arg-type]
        pass
    assert mailing.replicas == []


def test_kratos_log_says_that_this_mail_was_given_up(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log(*lines: str) -> Callable[..., str]:
        def line_with(*where: Any, container: str, timeout: float) -> str:
            assert (container, timeout) == ("manager", 60)
            for line in lines if where[2] == "kratos" else ():
                if all(text in line for text in where[3:]):
                    return line
            raise WaitTimeout

        return line_with

    server, another = MailServer(mailing), "4710: Message was abandoned"  # type: ignore[arg-type]
    monkeypatch.setattr(f"{MODULE}.wait_for_line", log(another, "4711: Unable to send"))
    assert server.gives_up("rosa@stackspin.test", within=60) == ""
    own = "4711: Message was abandoned because it did not deliver after 6 attempts"
    monkeypatch.setattr(f"{MODULE}.wait_for_line", log(another, own))
    assert server.gives_up("rosa@stackspin.test", within=60) == own


class Asking:
    """Two users who lost their passwords, at pages that name them."""

    def __init__(self, email: str, said: str, status: int = 200) -> None:
        self.user = SimpleNamespace(email=email)
        self.browser = SimpleNamespace(http=self)
        self.page = SimpleNamespace(status=status, text=f"<p>{said} {email}</p>")
        self.given: list[str] = []

    def give(self, _: object, *, code: str) -> None:
        self.given.append(code)

    def get(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(status_code=200 if self.given == ["123456"] else 401)

    def recovery(self) -> Recovery:
        accounts: Any = SimpleNamespace(whoami="https://dashboard.stackspin.test/sessions/whoami")
        return Recovery(accounts, self, self.page)  # type: ignore[arg-type]


def test_two_users_are_told_the_same_but_for_their_addresses() -> None:
    rita = Asking("rita@example.org", "A mail is under way to").recovery().told
    assert Asking("rosa@example.org", "A mail is under way to").recovery().told == rita
    assert Asking("rosa@example.org", "No mail goes to").recovery().told != rita
    assert Asking("rosa@example.org", "A mail is under way to", 503).recovery().told != rita


def test_the_code_in_a_mail_lets_its_user_in() -> None:
    assert Asking("rosa@example.org", "").recovery().lets_in("Your code: 123456, for 15 minutes")
    assert not Asking("rosa@example.org", "").recovery().lets_in("Your code: 654321")
    with pytest.raises(AssertionError, match="no code in the mail: Hello"):
        Asking("rosa@example.org", "").recovery().lets_in("Hello")
