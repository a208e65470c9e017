"""Parts are pulled where a registry has them, and nothing is pulled or built that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulling import HELM, NODE, REGISTRIES, Bench, pulling

from conformance.common.errors import HarnessError
from conformance.components import registries
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import CPart, GoPart


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with pulling(tmp_path, monkeypatch) as made:
        yield made


def test_a_program_is_a_file_of_upstreams_image(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled helm")
    components = bench.components("pull")
    assert components.binary("helm").read_text() == "pulled helm"
    assert components.binary("helm").stat().st_mode & 0o111
    assert bench.made == []
    assert "components: helm pulled in" in bench.output.getvalue()


def test_an_image_is_pulled_and_keeps_its_name(bench: Bench) -> None:
    bench.publish("docker.io/coredns/coredns:1.14.7", coredns="pulled")
    layout = bench.components("pull").image_layout("image-coredns")
    (described,) = json.loads((layout / "index.json").read_text())["manifests"]
    name = described["annotations"]["io.containerd.image.name"]
    assert name == "registry.k8s.io/coredns/coredns:v1.14.7"
    assert bench.made == []


def test_programs_of_several_images_make_one_part(bench: Bench) -> None:
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        bench.publish(
            f"registry.k8s.io/{name}:v1.36.3", **{f"usr__local__bin__{name}": f"pulled {name}"}
        )
    bench.publish("registry.k8s.io/kubectl:v1.36.3", bin__kubectl="pulled kubectl")
    bench.publish(NODE, usr__bin__kubelet="pulled kubelet", usr__bin__kubeadm="pulled kubeadm")
    components = bench.components("pull")
    found = {path.name: path.read_text() for path in components.path("kubernetes").iterdir()}
    assert found == {
        name: f"pulled {name}"
        for name in CATALOGUE["kubernetes"].commands  # type: ignore[attr-defined]
    }
    before = len(bench.asked)
    components.require("kubeadm", "image-kube-apiserver")
    assert len(bench.asked) == before  # what is pulled is kept
    assert bench.made == []


def test_a_missing_program_is_said_with_its_image(bench: Bench) -> None:
    bench.publish(HELM, usr__local__bin__helm="elsewhere")
    with pytest.raises(HarnessError, match=f"the image {HELM} has no /usr/bin/helm"):
        bench.components("pull").require("helm")
    assert bench.made == []


def test_without_any_registry_all_is_built_and_that_is_said_once(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(registries, "PROBE_SECONDS", 5.0)
    bench.stub.answer = lambda _: 404
    components = bench.components()
    components.require("image-coredns", "helm")
    assert bench.made == ["coredns", "debian-files", "image-coredns", "helm"]
    said = bench.output.getvalue()
    assert said.count("no registry answers (docker.io (at 127.0.0.1:") == 1
    assert len(bench.stub.asked) == len(REGISTRIES)
    components.require("etcd")
    assert len(bench.stub.asked) == len(REGISTRIES)


def test_a_registry_that_is_silent_is_not_waited_for(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(registries, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(registries, "in_thread", lambda *_: registries.BuildingFuture())
    bench.components().require("helm")
    assert bench.made == ["helm"]


def test_what_one_registry_has_not_is_built(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.components().require("helm", "etcd")
    assert bench.made == ["etcd"]


def test_build_asks_no_registry(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.components("build").require("helm", "image-coredns")
    assert bench.stub.asked == []
    assert "helm" in bench.made


@pytest.mark.parametrize("parts", ["auto", "pull"])
def test_what_is_in_the_cache_is_used_as_it_is(bench: Bench, parts: str) -> None:
    bench.components("build").require("helm", "image-coredns")
    built = list(bench.made)
    bench.publish(HELM, usr__bin__helm="pulled")
    assert (bench.components(parts).path("helm") / "helm").read_text() == "made"
    bench.components(parts).require("image-coredns")
    assert bench.stub.asked == []
    assert bench.made == built


def test_what_was_pulled_is_used_again_but_not_where_all_is_to_be_built(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.components("pull").require("helm")
    asked = len(bench.stub.asked)
    assert bench.components("auto").is_present("helm")
    bench.components("auto").require("helm")
    assert len(bench.stub.asked) == asked
    assert not bench.components("build").is_present("helm")
    bench.components("build").require("helm")
    assert bench.made == ["helm"]


def test_pull_names_all_that_no_registry_gives_before_anything_is_made(bench: Bench) -> None:
    bench.publish("docker.io/library/debian:bookworm-slim", etc__debian_version="12")
    with pytest.raises(HarnessError) as caught:
        bench.components("pull").require("image-git-server", "kind", "etcd", "kubectl")
    assert caught.value.message.splitlines()[1:] == [
        "  kind: upstream has no image",
        "  etcd: needs quay.io/coreos/etcd:v3.6.0",
        "  kubectl: needs registry.k8s.io/kubectl:v1.36.3",
    ]
    assert "--mirror=own=HOST" in caught.value.fix
    assert bench.made == []


def test_pull_never_compiles(bench: Bench) -> None:
    """Whatever no registry has: what needs a compiler is refused, the rest is made."""
    for name in CATALOGUE:
        bench.made.clear()
        refused = ""
        try:
            bench.components("pull", cache=f"cache-{name}").require(name)
        except HarnessError as error:
            refused = error.message
        assert bool(refused) != bool(bench.made), name
        assert not refused or "compiles nothing" in refused, name
        assert not any(isinstance(CATALOGUE[made], GoPart | CPart) for made in bench.made), name


def test_what_is_made_from_a_pulled_part_is_not_taken_for_what_is_made_from_a_built_one(
    bench: Bench,
) -> None:
    bench.publish("docker.io/library/debian:bookworm-slim", etc__debian_version="12")
    first = bench.components()
    first.require("image-git-server")
    assert bench.made == ["image-git-server"]
    bench.components().require("image-git-server")
    assert bench.made == ["image-git-server"]
    built = bench.components("build")
    built.require("image-git-server")
    assert bench.made[1:] == ["debian", "image-debian", "image-git-server"]
    assert built.entry("image-git-server") != first.entry("image-git-server")


def test_what_is_only_copied_from_the_cache_needs_no_registry(bench: Bench) -> None:
    bench.components("build").require("kubernetes")
    bench.components().require("kubectl")
    assert bench.stub.asked == []
