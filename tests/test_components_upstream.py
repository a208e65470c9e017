"""The table of upstream's images, and the lock of what its tags stand for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulling import HELM, NODE, REGISTRIES, Bench, pulling

from conformance.common.errors import HarnessError
from conformance.common.pins import pin
from conformance.components import lock_file, upstream
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import DockerfileImage, GoPart, ImagePart, KindNode
from conformance.components.registries import Registries


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with pulling(tmp_path, monkeypatch) as made:
        yield made


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
