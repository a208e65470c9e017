"""What a hostile chart may cost, and the process that renders it."""

from __future__ import annotations

import gzip
import io
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alive import is_alive
from linter_charts import METADATA, files, render

from conformance.linter.helm.rendering import Renderer, RenderError
from conformance.linter.limits import MEBIBYTE, Limits

SMALL = Limits(seconds=60, chart_seconds=1.5, memory_bytes=256 * MEBIBYTE, rendered_bytes=MEBIBYTE)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as ready:
        yield ready


@pytest.fixture(scope="module")
def small() -> Iterator[Renderer]:
    with Renderer(SMALL) as ready:
        yield ready


def children() -> set[int]:
    """Return the processes that this one has started, the dead ones not waited for included."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
            "rendering takes longer than 1.5 s",
        ),
        ("{{ range until 100000000 }}x{{ end }}", "more than 256 MiB of memory"),
        ('{{ repeat 1000000000 "x" }}', "more than 256 MiB of memory"),
        ('{{ range until 100000 }}{{ repeat 100000 "x" }}{{ end }}', "of memory"),
        ('{{ repeat 2000000 "x" }}', "renders to more than 1 MiB"),
        ('{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}', "longer than 1.5 s"),
    ],
)
def test_hostile_template_ends_in_time(small: Renderer, template: str, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(RenderError) as caught:
        render(small, files(templates__a=template))
    # Its limit is of CPU time; starting again is not the chart's, and the machine may be busy.
    assert time.monotonic() - started < 90
    assert message in caught.value.message
    assert caught.value.limit
    with pytest.raises(RenderError, match=message):
        render(small, files(templates__a=template), other="values")
    assert render(small, files(templates__a="a: 1")) == {"notes/templates/a.yaml": "a: 1"}


def test_subchart_that_is_a_bomb_ends(small: Renderer) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, size in (("db/Chart.yaml", 100), ("db/values.yaml", 150 * MEBIBYTE)):
            info = tarfile.TarInfo(name)
            info.size = size
            with Path("/dev/zero").open("rb") as zeros:
                archive.addfile(info, zeros)
    given = files() | {"charts/db.tgz": gzip.compress(packed.getvalue(), 1)}
    with pytest.raises(RenderError):
        render(small, given)
    assert render(small, files(templates__a="a: 1"))


def test_time_for_all_charts_together_ends() -> None:
    with Renderer(Limits(seconds=1, chart_seconds=5)) as renderer:
        loop = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
        with pytest.raises(RenderError, match="longer than"):
            render(renderer, files(templates__a=loop))
        with pytest.raises(RenderError, match="the 1 s for rendering are used up") as caught:
            render(renderer, files(templates__a="a: 1"))
        assert caught.value.limit


def test_interrupted_rendering_does_not_answer_the_next(renderer: Renderer) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        render(renderer, files(templates__a="a: 1"))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            render(renderer, files(templates__a="{{ range until 9999999 }}x{{ end }}"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert render(renderer, files(templates__a="a: 2")) == {"notes/templates/a.yaml": "a: 2"}


def test_no_process_is_left() -> None:
    before = children()
    with Renderer(SMALL) as renderer:
        assert len(children() - before) == 1
        render(renderer, files(templates__a="a: 1"))
        with pytest.raises(RenderError):
            render(renderer, files(templates__a='{{ repeat 1000000000 "x" }}'))
        render(renderer, files(templates__a="a: 1"))
        assert len(children() - before) == 1
    assert children() == before


def test_process_ends_with_the_one_that_started_it() -> None:
    program = (
        "import os, sys, threading\n"
        "from conformance.linter.helm.rendering import Renderer\n"
        "renderer = Renderer()\n"
        "renderer.start()\n"
        "loop = b'{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}'\n"
        f"files = {{'Chart.yaml': {METADATA.encode()!r}, 'templates/a.yaml': loop}}\n"
        "renderer.render({**files, 'templates/a.yaml': b'a: 1'}, values={}, name='n',"
        " namespace='n')\n"
        "print(renderer._process.pid, flush=True)\n"
        "renderer.render(files, values={}, name='n', namespace='n')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.3)  # it renders by now
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 60
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)


def test_child_has_nothing_of_ours(renderer: Renderer) -> None:
    render(renderer, files(templates__a="a: 1"))
    assert renderer._process is not None
    folder = Path(f"/proc/{renderer._process.pid}")
    names = {entry.split(b"=")[0] for entry in (folder / "environ").read_bytes().split(b"\0")}
    assert names <= {b"", b"LC_ALL", b"GOTRACEBACK", b"GOMEMLIMIT", b"LD_LIBRARY_PATH"}
    limits = (folder / "limits").read_text()
    for name, most in (("open files", "3"), ("file size", "0"), ("core file size", "0")):
        line = next(line for line in limits.split("\n") if line.startswith(f"Max {name}"))
        assert line.removeprefix(f"Max {name}").split()[:2] == [most, most]
    assert (folder / "cwd").readlink() == Path("/")
    opened = [str(one.readlink()) for one in (folder / "fd").iterdir()]
    # Go itself reads how much of the processors it may use.
    assert all(one.startswith(("pipe:", "anon_inode:", "/sys/fs/cgroup/")) for one in opened)


def test_helm_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with Renderer() as renderer, pytest.raises(RenderError, match="not installed") as caught:
        render(renderer, files(templates__a="a: 1"))
    assert caught.value.limit


def test_helm_that_does_not_load_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.so").write_bytes(b"no library")
    monkeypatch.setenv("HELM_C_LIB", str(tmp_path / "broken.so"))
    with Renderer() as renderer, pytest.raises(RenderError, match="cannot be loaded") as caught:
        render(renderer, files(templates__a="a: 1"))
    assert caught.value.limit
