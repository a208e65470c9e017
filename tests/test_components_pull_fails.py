"""Where pulling fails or breaks off: what is built instead, and what is said."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulling import HELM, Bench, pulling

from conformance.common.errors import HarnessError
from conformance.components import pulled


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with pulling(tmp_path, monkeypatch) as made:
        yield made


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
