"""The package linter, beside the commands of Helm that a packager has today."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from bench.proportional import peak
from conformance.common.errors import HarnessError
from conformance.common.settings import data_root

APPS = 25
CHARTS = 400
PACKAGE, NAME = "flux-app", "board"


@benchmark(
    "lint",
    Measure("one chart", target=0.45),
    Measure("helm lint and template, one"),
    Measure(f"tree of {APPS}", target=1.5),
    Measure(f"helm lint and template, {APPS}"),
    Measure(f"{CHARTS} charts", target=15.0),
    Measure("memory", "MiB", target=150.0),
    needs_cluster=False,
)
def lint(lab: Lab) -> Samples:
    """The package linter on a chart, 25 packages and 400 charts, from the start of its process on.

    Beside it, ``helm lint`` and ``helm template`` of the same charts, where the pinned Helm is in
    the cache. Memory is the most that all processes of the linter use together for the 400 charts,
    a page that several of them share counted once.
    """
    with tempfile.TemporaryDirectory(prefix="stackspin-bench-") as folder:
        tree, many = Path(folder) / "packages", Path(folder) / "charts"
        charts = make_tree(tree)
        make_charts(many)
        program = Path(sysconfig.get_path("scripts")) / "stackspin-conformance"
        found: dict[str, list[float]] = {
            "one chart": [seconds([[str(program), "app", str(charts[0])]])],
            f"tree of {APPS}": [seconds([[str(program), "app", str(tree)]])],
            f"{CHARTS} charts": [seconds([[str(program), "app", str(many)]])],
            "memory": [memory([str(program), "app", str(many)])],
        }
        if lab.components.is_present("helm"):
            helm = str(lab.components.binary("helm"))
            found["helm lint and template, one"] = [seconds(helm_commands(helm, charts[:1]))]
            found[f"helm lint and template, {APPS}"] = [seconds(helm_commands(helm, charts))]
    return found


def make_tree(tree: Path) -> list[Path]:
    """Copy the package under other names; return the charts' folders."""
    source = data_root() / "fixtures" / "packages" / PACKAGE
    charts = []
    for number in range(1, APPS + 1):
        name = f"{NAME}{number:02}"
        for file in sorted(source.rglob("*")):
            if file.is_file():
                copy = tree / str(file.relative_to(source)).replace(NAME, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(file.read_text(encoding="utf-8").replace(NAME, name))
        charts.append(tree / "charts" / name)
    return charts


def make_charts(folder: Path) -> None:
    """Copy the package's chart under other names."""
    source = data_root() / "fixtures" / "packages" / PACKAGE / "charts" / NAME
    for number in range(CHARTS):
        copy = folder / f"{NAME}{number:03}"
        shutil.copytree(source, copy)
        about = copy / "Chart.yaml"
        text = about.read_text(encoding="utf-8")
        about.write_text(text.replace(f"name: {NAME}", f"name: {copy.name}", 1), encoding="utf-8")


def helm_commands(helm: str, charts: Sequence[Path]) -> list[list[str]]:
    """Return what checks these charts with Helm alone."""
    return [[helm, *verb, str(chart)] for chart in charts for verb in (["lint"], ["template", "x"])]


def seconds(commands: Sequence[Sequence[str]]) -> float:
    """Run commands one after the other; return how long they took together."""
    clock = Stopwatch()
    for command in commands:
        _run(command)
    return clock.seconds


def memory(command: Sequence[str]) -> float:
    """Run a command; return MiB that its processes use at most together."""
    with _started(command) as process:
        most = peak(process)
        _check(command, process)
    return most


def _run(command: Sequence[str]) -> None:
    with _started(command) as process:
        _check(command, process)


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "HELM_CACHE_HOME": "/nonexistent", "KUBECONFIG": os.devnull},
        text=True,
    )


def _check(command: Sequence[str], process: subprocess.Popen[str]) -> None:
    """Wait for the end of a command. Raises HarnessError if it fails."""
    said = process.communicate()[1]
    if process.returncode != 0:
        raise HarnessError(f"{' '.join(command)} ended with {process.returncode}: {said}")
