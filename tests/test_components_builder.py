"""Parts are built once, in order, with patience for the network and plain words for the rest."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components import builder, debian, obtain, prepare
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import Part
from conformance.components.processes import CommandFailedError, Runner, StoppedError
from conformance.components.progress import Progress
from conformance.components.work import Work

Make = Callable[[Part, Work], None]


class Bench:
    """Components whose parts are made by a function of the test."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(cache_dir=folder, parts="build")
        self.output = io.StringIO()
        self.made: list[str] = []
        self.make: Make = lambda wanted, work: (work.target / wanted.name).write_text("x")

    def components(self) -> Components:
        def make(wanted: Part, work: Work) -> None:
            self.made.append(wanted.name)
            self.make(wanted, work)

        return Components(self.settings, Progress(self.output), maker=make)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch) -> Bench:
    monkeypatch.setattr(prepare, "ensure_packages", lambda *_args, **_more: None)
    monkeypatch.setattr(obtain, "PAUSES", (0.0, 0.0))
    return Bench(tmp_path)


def failing(output: str) -> Make:
    def make(_wanted: Part, work: Work) -> None:
        (work.target / "half").write_text("half")
        raise CommandFailedError("go", 1, output)

    return make


def test_a_part_is_built_after_its_inputs_and_only_once(bench: Bench) -> None:
    components = bench.components()
    path = components.path("image-coredns")
    assert (path / "image-coredns").read_text() == "x"
    assert bench.made == ["coredns", "debian-files", "image-coredns"]
    components.require("coredns", "image-coredns")
    bench.components().require("image-coredns")
    assert len(bench.made) == 3


def test_inputs_of_what_is_there_are_not_built_again(bench: Bench) -> None:
    components = bench.components()
    components.require("image-coredns")
    shutil.rmtree(components.entry("coredns"))
    bench.components().require("image-coredns")
    assert len(bench.made) == 3


def test_a_corrupt_entry_is_said_and_built_anew(bench: Bench) -> None:
    path = bench.components().path("etcd")
    (path / "etcd").write_text("y")
    assert (bench.components().path("etcd") / "etcd").read_text() == "x"
    assert "etcd in the cache is corrupt (etcd has changed); building it anew" in (
        bench.output.getvalue()
    )
    assert bench.made == ["etcd", "etcd"]


def test_a_network_trouble_is_tried_again_from_an_empty_folder(bench: Bench) -> None:
    good = bench.make

    def flaky(wanted: Part, work: Work) -> None:
        assert list(work.target.iterdir()) == []
        (failing("read tcp: connection reset by peer") if len(bench.made) < 3 else good)(
            wanted, work
        )

    bench.make = flaky
    bench.components().require("etcd")
    assert bench.made == ["etcd"] * 3
    assert "connection reset by peer; next try in" in bench.output.getvalue()


def test_patience_ends(bench: Bench) -> None:
    bench.make = failing("dial tcp: i/o timeout")
    with pytest.raises(HarnessError, match=r"building etcd v3\.6\.0 failed(.|\n)*i/o timeout"):
        bench.components().require("etcd")
    assert len(bench.made) == 3


def test_what_is_no_network_trouble_fails_at_once_and_keeps_the_output(bench: Bench) -> None:
    bench.make = failing("\n".join(["first line", *["noise"] * 100, "undefined: foo"]))
    with pytest.raises(HarnessError, match="undefined: foo") as caught:
        bench.components().require("etcd")
    assert bench.made == ["etcd"]
    assert "first line" not in caught.value.message
    assert "first line" in (bench.settings.cache_dir / "logs" / "etcd.log").read_text()
    assert list((bench.settings.cache_dir / "store").iterdir()) == []


def test_too_little_disk_is_said_before_any_work_with_numbers(bench: Bench, monkeypatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HarnessError, match=r"\d\.\d GB are needed in .* 1\.1 GB are free"):
        bench.components().require("kubernetes")
    assert bench.made == []


def test_missing_package_names_the_apt_get_line(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(prepare, "ensure_packages", debian.ensure_packages)
    monkeypatch.setattr(debian, "missing_packages", sorted)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HarnessError, match=r"apt-get install .*gcc libc6-dev libseccomp-dev"):
        bench.components().require("runc")
    assert bench.made == []


def test_packages_are_recognised_by_command_or_file(tmp_path: Path) -> None:
    (tmp_path / "a1").touch()
    there = {"shell": "sh", "file": f"{tmp_path}/a*"}
    assert debian.missing_packages(there) == []
    assert debian.missing_packages({**there, "no": "no-such-command", "nor": f"{tmp_path}/b*"}) == [
        "no",
        "nor",
    ]


def test_require_overtakes_the_background(bench: Bench) -> None:
    release, begun = threading.Event(), threading.Event()

    def make(wanted: Part, work: Work) -> None:
        if wanted.name == "kubernetes":
            begun.set()
            assert release.wait(10)
        (work.target / "file").write_text(wanted.name)

    bench.make = make
    components = bench.components()
    components.prefetch("kubernetes", "etcd", "runc")
    assert begun.wait(10)
    components.require("runc")
    assert bench.made == ["kubernetes", "runc"]
    release.set()
    components.require("kubernetes", "etcd", "runc")
    components.close()
    assert sorted(bench.made) == ["etcd", "kubernetes", "runc"]


def test_a_background_failure_is_one_line_and_raised_when_needed(bench: Bench) -> None:
    bench.make = failing("undefined: foo")
    components = bench.components()
    components.prefetch("etcd")
    deadline = time.monotonic() + 60
    while "failed in the background" not in bench.output.getvalue():
        assert time.monotonic() < deadline
    with pytest.raises(HarnessError, match="undefined: foo"):
        components.require("etcd")
    components.close()


def test_parts_are_described_while_another_thread_brings_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = bench.components()
    components.require("runc")

    def described(one: Part, *_: object) -> dict[str, str]:
        components.require("etcd")
        return {"name": one.name}

    monkeypatch.setattr(builder, "described", described)
    assert components.describe() == [{"name": "runc"}]


def test_only_what_a_run_used_is_described(bench: Bench) -> None:
    components = bench.components()
    components.require("image-traefik")
    (described,) = components.describe()
    assert described["name"] == "image-traefik"
    assert described["origin"] == "substitute"
    assert described["note"] == "in place of ingress-nginx"
    assert components.image_reference("image-traefik").startswith("docker.io/library/traefik:v")
    with pytest.raises(HarnessError, match="etcd is not an image"):
        components.image_layout("etcd")


def test_what_this_run_built_is_told_with_its_time_inputs_included(bench: Bench) -> None:
    bench.components().require("coredns")
    components, since = bench.components(), time.monotonic()
    components.require("image-coredns")
    told = components.obtained()
    assert [(one["name"], one["how"]) for one in told] == [
        ("debian-files", "built"),
        ("image-coredns", "built"),
    ]
    assert all(since <= one["began"] <= time.monotonic() for one in told)
    assert all(60 > one["seconds"] >= 0 for one in told)


def test_stopping_ends_the_command_and_all_its_children(tmp_path: Path) -> None:
    runner = Runner()
    begun = threading.Event()
    ended: list[BaseException] = []

    def work() -> None:
        script = "trap '' TERM INT; (sleep 1000; touch late) & echo begun; sleep 1000; touch late"
        try:
            runner.run(
                ["sh", "-c", script],
                env=os.environ,
                cwd=tmp_path,
                line=lambda _: begun.set(),
            )
        except StoppedError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    runner.stop()
    thread.join(10)  # returns only when nobody holds the output any more
    assert not thread.is_alive()
    assert ended
    with pytest.raises(StoppedError):
        runner.run(["true"], env=os.environ)


RUN = """
import os, sys
from conformance.components.processes import Runner
script = f"exec 9>{sys.argv[1]}; flock 9; sleep 1000 & echo begun; sleep 1000"
Runner().run(["sh", "-c", script], env=os.environ, line=lambda text: print(text, flush=True))
"""


def test_sigkill_of_the_run_ends_its_commands_and_all_their_children(tmp_path: Path) -> None:
    lock = tmp_path / "held by every process of the command".replace(" ", "-")
    with subprocess.Popen([sys.executable, "-c", RUN, str(lock)], stdout=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stdout.readline() == b"begun\n"
        run.kill()
        run.wait()
    free = subprocess.run(["flock", "--timeout", "10", lock, "true"], check=False)
    assert free.returncode == 0


def test_every_part_names_a_space() -> None:
    assert all(one.space > 0 for one in CATALOGUE.values())


NICEST = 19
"""Linux goes no further: a run that is nice itself has commands that are hardly nicer."""


def test_background_commands_are_nice() -> None:
    polite = min(os.nice(0) + 10, NICEST)
    assert Runner(niceness=10).run(["nice"], env=os.environ) == f"{polite}\n"
    assert Runner().run(["nice"], env=os.environ) == f"{os.nice(0)}\n"


HURRY = """
import os, sys, pathlib
from conformance.components.processes import Runner
os.nice(int(sys.argv[1]))
runner, hurried = Runner(niceness=10), pathlib.Path(sys.argv[2])
def hurry(_):
    runner.hurry()
    hurried.touch()
script = f"nice; until test -e {hurried}; do :; done; nice"
print(runner.run(["sh", "-c", script], env=os.environ, line=hurry))
"""


@pytest.mark.parametrize("more", [0, 5, NICEST])
def test_a_polite_command_hurries_when_it_is_waited_for(more: int, tmp_path: Path) -> None:
    """It becomes as nice as the run itself, and not less so."""
    own = min(os.nice(0) + more, NICEST)
    polite = min(own + 10, NICEST)
    told = subprocess.run(
        [sys.executable, "-c", HURRY, str(more), str(tmp_path / "hurried")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [str(polite), str(own if os.geteuid() == 0 else polite)]
