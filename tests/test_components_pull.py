"""Parts are pulled where a registry has them, and nothing is pulled or built that is there."""

from __future__ import annotations

import base64
import io
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_registry import StubRegistry, serving

from conformance.common.errors import HarnessError
from conformance.common.pins import pin
from conformance.common.settings import Settings
from conformance.components import (
    lock_file,
    obtain,
    prepare,
    publish,
    pulled,
    registries,
    upstream,
)
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import (
    CPart,
    DockerfileImage,
    GoPart,
    ImagePart,
    KindNode,
    Part,
)
from conformance.components.progress import Progress
from conformance.components.registries import Host, Registries, mirrors
from conformance.components.work import Work
from conformance.oci.layout import Entry, Layout
from conformance.oci.reference import Reference

REGISTRIES = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io")
HELM = "docker.io/alpine/helm:3.22.0"
NODE = "docker.io/kindest/node:v1.36.4"


class Bench:
    """Components that are made by writing their name, or pulled from a registry of this machine."""

    def __init__(self, folder: Path, stub: StubRegistry) -> None:
        self.folder = folder
        self.stub = stub
        self.output = io.StringIO()
        self.made: list[str] = []
        self.digests: dict[str, str] = {}

    def components(self, parts: str = "auto", *more: str, cache: str = "cache") -> Components:
        def make(wanted: Part, work: Work) -> None:
            self.made.append(wanted.name)
            for name in wanted.inputs:
                work.inputs(name)
            if isinstance(wanted, ImagePart):
                layout = Layout(work.target / "oci")
                layout.add_files([Entry("/made", wanted.name.encode())])
                layout.finish(wanted.reference)
            else:
                (work.target / wanted.name).write_text("made")
                (work.target / wanted.name).chmod(0o755)

        given = (*(f"{name}={self.stub.address}/{name}" for name in REGISTRIES), *more)
        settings = Settings(cache_dir=self.folder / cache, parts=parts, mirror=given)
        return Components(settings, Progress(self.output), maker=make)

    def publish(self, *references: str, **files: str) -> None:
        """Put images of ``files`` where upstream has them."""
        for reference in references:
            repository, _, tag = reference.rpartition(":")
            self.stub.add_image(repository, tag, self.folder / "images", **files)

    @property
    def asked(self) -> list[str]:
        return [one for one in self.stub.asked if one != "GET /v2/"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch) -> Iterator[Bench]:
    monkeypatch.setattr(prepare, "ensure_packages", lambda *_args, **_more: None)
    monkeypatch.setattr(obtain, "PAUSES", (0.0,))
    (tmp_path / "images").mkdir()
    with serving() as stub:
        made = Bench(tmp_path, stub)
        monkeypatch.setattr(lock_file, "read", lambda *_: made.digests)
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


def breaking_off(path: str) -> int | None:
    return 503 if "/blobs/" in path else None


def test_where_pulling_breaks_off_the_part_is_built(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.stub.answer = breaking_off
    components = bench.components()
    components.require("helm")
    assert bench.made == ["helm"]
    assert "helm is built, as it cannot be pulled: the registry 127" in bench.output.getvalue()
    assert "next try in 0 s" in bench.output.getvalue()


def test_an_image_and_the_program_in_it_are_both_built_where_pulling_breaks_off(
    bench: Bench,
) -> None:
    name = "source-controller"
    bench.publish(f"ghcr.io/fluxcd/{name}:v1.7.3", **{f"usr__local__bin__{name}": "pulled"})
    bench.stub.answer = breaking_off
    bench.components().require(name, f"image-{name}")
    assert bench.made == [name, "debian-files", f"image-{name}"]


def test_where_upstream_has_put_a_program_elsewhere_it_is_built(bench: Bench) -> None:
    bench.publish(HELM, usr__local__bin__helm="elsewhere")
    bench.components().require("helm")
    assert bench.made == ["helm"]


def test_wrong_bytes_are_not_passed_over(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    for path, (content, media_type) in list(bench.stub.kept.items()):
        if "/blobs/" in path:
            bench.stub.kept[path] = (content[:-1] + b"x", media_type)
    with pytest.raises(HarnessError, match="other bytes than sha256:"):
        bench.components().require("helm")
    assert bench.made == []


def test_a_program_whose_libraries_are_not_there_is_not_taken(bench: Bench, monkeypatch) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    ldd = bench.folder / "ldd"
    ldd.write_text("#!/bin/sh\necho '\tlibseccomp.so.2 => not found'\nexit 1\n")
    ldd.chmod(0o755)
    environment = {"PATH": f"{bench.folder}:/usr/bin:/bin"}
    monkeypatch.setattr(pulled, "system_environment", lambda: environment)
    with pytest.raises(HarnessError, match=r"helm of upstream-helm does not run.*libseccomp.so.2"):
        bench.components("pull").require("helm")
    bench.components("auto", cache="other").require("helm")
    assert bench.made == ["helm"]


def test_pull_fails_where_pulling_breaks_off(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.stub.answer = breaking_off
    with pytest.raises(HarnessError, match="answered 503"):
        bench.components("pull").require("helm")
    assert bench.made == []


def test_the_report_says_what_was_pulled_and_what_is_unpinned(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.publish("docker.io/library/traefik:v3.7.15", traefik="pulled")
    digest = bench.stub.add_image("registry.k8s.io/pause", "3.10", bench.folder, pause="pulled")
    bench.digests = {"registry.k8s.io/pause:3.10": digest}
    components = bench.components("pull")
    components.require("helm", "image-pause", "image-traefik")
    helm, pause, traefik = components.describe()
    assert helm["origin"] == "pulled"
    assert helm["source"].startswith(f"{HELM}@sha256:")
    assert helm["source"].endswith(" (unpinned)")
    assert (pause["origin"], pause["note"]) == ("pulled", "")
    assert pause["source"] == f"registry.k8s.io/pause:3.10@{digest}"
    assert (traefik["origin"], traefik["note"]) == ("substitute", "in place of ingress-nginx")


def test_a_locked_image_is_pulled_by_its_digest_alone(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.digests = {HELM: "sha256:" + "0" * 64}
    with pytest.raises(HarnessError, match="no registry gives"):
        bench.components("pull").require("helm")
    repository = HELM.rpartition(":")[0]
    assert bench.asked == [f"HEAD /v2/{repository}/manifests/sha256:{'0' * 64}"]


def test_lock_writes_what_tags_stand_for_and_keeps_the_rest(bench: Bench) -> None:
    digest = bench.stub.add_image("docker.io/alpine/helm", "3.22.0", bench.folder, helm="x")
    old = {HELM: "sha256:1", NODE: "sha256:2", "docker.io/gone:1": "sha256:3"}
    bench.digests, file = old, bench.folder / "lock.json"
    given = [f"{name}={bench.stub.address}/{name}" for name in REGISTRIES]
    changes = {one.reference: one for one in lock_file.lock(Registries(given, print), file)}
    assert json.loads(file.read_text()) == {HELM: digest, NODE: "sha256:2"}
    assert changes[HELM].changed
    assert not changes[NODE].changed
    assert changes["registry.k8s.io/pause:3.10"].digest == ""


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


def test_a_run_that_ends_does_not_wait_for_what_is_being_pulled(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    asked, ended = threading.Event(), threading.Event()

    def waiting(path: str) -> None:
        if "/blobs/" in path:
            asked.set()
            assert ended.wait(10)

    bench.stub.answer = waiting
    components = bench.components("pull")
    components.prefetch("helm")
    assert asked.wait(10)
    closing = threading.Thread(target=components.close)
    closing.start()
    assert components._polite_runner.stopped.wait(10)
    ended.set()
    closing.join(10)
    assert not components.is_present("helm")
    assert not list((bench.folder / "cache" / "store").glob("*helm*"))


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


def test_a_corrupt_pulled_part_is_pulled_again(bench: Bench) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    bench.components("pull").binary("helm").write_text("changed")
    assert bench.components("pull").binary("helm").read_text() == "pulled"


def test_too_little_disk_counts_what_is_pulled(bench: Bench, monkeypatch) -> None:
    bench.publish(HELM, usr__bin__helm="pulled")
    usage = shutil.disk_usage("/")._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HarnessError, match="too little disk space"):
        bench.components("pull").require("helm")


def test_the_table_of_programs_is_that_of_the_catalogue() -> None:
    for name, programs in upstream.PROGRAMS.items():
        one = CATALOGUE[name]
        wanted = one.commands if isinstance(one, GoPart) else one.files  # type: ignore[attr-defined]
        assert set(programs) == set(wanted), name
        for image, path in programs.values():
            assert upstream.reference(image), image
            assert path.startswith("/")


def test_every_image_that_is_not_the_suites_own_is_in_the_table() -> None:
    own = {name for name, one in CATALOGUE.items() if isinstance(one, DockerfileImage | KindNode)}
    images = {name for name, one in CATALOGUE.items() if isinstance(one, ImagePart)}
    assert images - own == set(upstream.IMAGES)


def test_the_node_image_is_of_the_pinned_kind_and_kubernetes() -> None:
    lookup = "the notes of kind's release list its node images: change upstream.py and the lock"
    assert pin("kind").version == "v0.33.0", lookup
    minor = pin("kubernetes").version.rpartition(".")[0]
    assert NODE.partition(":")[2].rpartition(".")[0] == minor, lookup
    assert upstream.PROGRAM_IMAGES["upstream-kind-node"].reference == NODE
    assert NODE in json.loads(lock_file.FILE.read_text())


def test_all_locked_images_are_in_the_table() -> None:
    assert set(json.loads(lock_file.FILE.read_text())) <= set(upstream.references())
