"""Small suites to be divided among two clusters, and what they leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_runs import HEAD

CONFTEST = """
import json, os, pathlib, time
import pytest

def log(text):
    with open("log", "a") as file:  # a line is written at once: two processes may do it
        file.write(f"{os.getpid()} {text}\\n")

@pytest.fixture(scope="session")
def place(run):
    log(f"up {run.settings.cluster_name}")
    yield run.settings.cluster_name
    time.sleep(0.3)
    log("down")

@pytest.fixture(scope="module")
def room(place, request):
    log(f"room of {request.path.stem}")
    yield request.path.stem

@pytest.fixture
def meet():
    "Return when a check of another process has come here, too."
    def wait(name, others):
        pathlib.Path(name).touch()
        until(lambda: all(pathlib.Path(other).exists() for other in others))
    return wait

def until(holds):
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "the other process did not get there"
        time.sleep(0.02)

@pytest.fixture
def until_one_is_done():
    "Return when the first process has seen the end of a check, and written that down."
    def wait():
        [file] = pathlib.Path("reports").glob("2*/report.json")
        until(lambda: json.loads(file.read_text())["checksDone"])
    return wait
"""
GOES_ON = """
@check("chart_deployment.beside", promise="It holds.")
def test_beside(place, meet, until_one_is_done):
    meet("charts", ["storage"])
    until_one_is_done()

@check("chart_deployment.later", promise="It holds.")
def test_later(): pass
"""
LATER = """
@check("auto_update.much_later", promise="It holds.")
def test_much_later(): pass
"""
FOLDERS = {"storage": "persistent_storage", "charts": "chart_deployment", "updates": "auto_update"}
DIVIDED = ("--clusters=2", "--cluster=embedded")


def make(pytester: pytest.Pytester, **sources: str) -> None:
    pytester.makeconftest(CONFTEST)
    files = {f"{FOLDERS[name]}/test_{name}": HEAD + source for name, source in sources.items()}
    pytester.makepyfile(**files)


def folder_of_run(pytester: pytest.Pytester) -> Path:
    [folder] = (pytester.path / "reports").glob("2*")
    return folder


def log(pytester: pytest.Pytester) -> list[tuple[int, str]]:
    """Return which process has said what, in the order of time."""
    lines = (pytester.path / "log").read_text().splitlines()
    return [(int(line.partition(" ")[0]), line.partition(" ")[2]) for line in lines]
