"""Which registries are asked for parts: mirrors, logins, and a registry of one's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulling import HELM, Bench, pulling

from conformance.common.errors import HarnessError
from conformance.components import prepare, publish
from conformance.components.progress import Progress
from conformance.components.registries import Host, Registries, mirrors
from conformance.oci.reference import Reference


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with pulling(tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("docker.io", "does not say what is where"),
        ("docker.io=", "does not say what is where"),
        ("dokcer.io=mirror.example", r"nothing is pulled from 'dokcer.io'(.|\n)*write docker.io"),
    ],
)
def test_a_mirror_that_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(HarnessError, match=words):
        mirrors([text])


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("mirror.example", Host("mirror.example", "", True)),
        ("mirror.example:5000/hub/x/", Host("mirror.example:5000", "hub/x", True)),
        ("http://mirror.example", Host("mirror.example", "", False)),
        ("https://mirror.example/hub", Host("mirror.example", "hub", True)),
        ("localhost:5000", Host("localhost:5000", "", False)),
        ("127.0.0.1:5000/docker.io", Host("127.0.0.1:5000", "docker.io", False)),
    ],
)
def test_a_mirror_is_asked_by_https_but_on_this_machine(text: str, host: Host) -> None:
    assert Host.parse(text) == host


def test_a_login_that_cannot_be_read_is_said_once_and_what_is_public_is_pulled(
    bench: Bench, monkeypatch
) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    monkeypatch.setenv("DOCKER_CONFIG", str(bench.folder))
    (bench.folder / "config.json").write_text("{")
    bench.components("pull").require("helm")
    assert bench.output.getvalue().count("no login at 127.0.0.1") == 1


def test_the_login_of_a_mirror_is_used(bench: Bench, monkeypatch) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.stub.login = "ann:secret"
    auth = base64.b64encode(b"ann:secret").decode()
    monkeypatch.setenv("DOCKER_CONFIG", str(bench.folder))
    with pytest.raises(HarnessError, match="no registry gives"):
        bench.components("pull").require("helm")
    (bench.folder / "config.json").write_text(
        json.dumps({"auths": {bench.stub.address: {"auth": auth}}})
    )
    bench.components("pull").require("helm")
    assert bench.made == []


def test_docker_io_is_asked_where_it_is() -> None:
    client, wanted = Registries((), print).locate(Reference.parse("docker.io/library/x:1"))
    assert client.address == "registry-1.docker.io"
    assert wanted == Reference("library/x", "1", None)


def test_what_no_upstream_publishes_goes_from_machine_to_machine(bench: Bench, monkeypatch) -> None:
    here = bench.components("build")
    here.require("kind", "image-git-server")
    sent: dict[str, Path] = {}

    class Uploading:
        def exists(self, reference: str) -> bool:
            return reference in sent

        def push_layout(self, layout: Path, reference: str) -> None:
            sent[reference] = layout
            name, _, tag = reference.partition(":")
            bench.stub.add(f"ours/{name}", tag, layout)

    monkeypatch.setattr(Host, "client", lambda *_: Uploading())
    pushed = publish.push(here, Host.parse("127.0.0.1:1/ours"), (), Progress(bench.output))
    monkeypatch.undo()
    monkeypatch.setattr(prepare, "ensure_packages", lambda *_args, **_more: None)
    assert pushed == ["image-git-server", "kind"]
    bench.made.clear()
    own = f"own={bench.stub.address}/ours"
    there = bench.components("pull", own, cache="elsewhere")
    assert there.binary("kind").read_text() == "made"
    assert there.binary("kind").stat().st_mode & 0o111
    assert there.describe()[0]["source"].startswith("sigs.k8s.io/kind, as own/kind@sha256:")
    assert there.entry("kind").name == here.entry("kind").name
    layout = there.image_layout("image-git-server")
    assert (layout / "index.json").read_text() == (
        here.image_layout("image-git-server") / "index.json"
    ).read_text()
    assert bench.made == []
    with pytest.raises(HarnessError, match="helm was not built on this machine"):
        publish.push(here, Host("x"), ("helm",), Progress(bench.output))
