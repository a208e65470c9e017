"""The base installation is what the linter needs; beside somebody's pytest it does no harm.

It is imitated by a folder with the packages that pyproject.toml names, and theirs, and no other.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conformance.common.settings import PROJECT_ROOT

PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = PROJECT_ROOT / "fixtures" / "packages"
CHART = PACKAGES / "flux-app" / "charts" / "board"
COMMAND = "from conformance.cli import main; main()"
PYTEST = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
TO_DO = (
    "  To do: pip install 'stackspin-conformance[cluster]' "
    "(from a checkout: pip install '.[cluster]')"
)


def install(site: Path, *requirements: str) -> None:
    """Link the installed packages that are required, and what they require, into ``site``."""
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = metadata.distribution(requirement.name)
        for name in {file.parts[0] for file in found.files or ()} - {".."}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(str(found.locate_file(name))))
        install(site, *(found.requires or ()))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    install(site, *PROJECT["dependencies"])
    suite = site / "stackspin_conformance-0.1.0.dist-info"
    suite.mkdir()
    (suite / "METADATA").write_text("Metadata-Version: 2.4\nName: stackspin-conformance\n")
    (suite / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in entries.items())
            for group, entries in PROJECT["entry-points"].items()
        )
    )
    return site


@pytest.fixture(scope="module")
def site_with_pytest(site: Path) -> Path:
    install(site, "pytest")
    return site


def run(site: Path, script: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(PROJECT_ROOT)])
    return subprocess.run(
        [sys.executable, "-S", "-c", script, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pins_of_a_dependency_agree() -> None:
    """The environment of mypy installs some of the dependencies, which are pinned there again."""
    groups = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["dependency-groups"]
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values(), *groups.values()]
    pins: dict[str, set[str]] = {}
    for pin in itertools.chain(*lists):
        pins.setdefault(Requirement(pin).name, set()).add(pin)
    assert [found for found in pins.values() if len(found) > 1] == []


def test_a_chart_a_tree_and_an_archive_are_checked(site: Path, tmp_path: Path) -> None:
    archive = tmp_path / "board.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(CHART, "board")
    levels = {}
    for path in (CHART, archive, PACKAGES / "flux-app"):
        answer = run(site, COMMAND, "app", path, "--format=json", cwd=tmp_path)
        assert answer.stderr == ""
        levels[path.name] = [one["level"] for one in json.loads(answer.stdout)["apps"]]
    assert levels == {"board": [3], "board.tgz": [3], "flux-app": [3]}


def test_every_format_is_written(site: Path, tmp_path: Path) -> None:
    shown = {form: run(site, COMMAND, "app", CHART, f"--format={form}", cwd=tmp_path).stdout
             for form in ("terminal", "html", "junit")}  # fmt: skip
    assert shown["terminal"].startswith("level 3  board")
    assert shown["html"].startswith("<!doctype html>")
    assert shown["junit"].startswith("<?xml")


def test_a_first_draft_is_written(site: Path, tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "board")
    answer = run(site, COMMAND, "app", "--init", "board", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "wrote    board/conformance.yaml\n" in answer.stdout
    assert "wrote    board/flux2/apps/board/release.yaml\n" in answer.stdout
    assert answer.stdout.endswith("Then: stackspin-conformance app board\n")
    checked = run(site, COMMAND, "app", "board", "--format=json", cwd=tmp_path)
    assert [one["level"] for one in json.loads(checked.stdout)["apps"]] == [3]
    again = run(site, COMMAND, "app", "--init", "board", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("error: board/conformance.yaml is there already")


def test_rules_are_explained(site: Path, tmp_path: Path) -> None:
    answer = run(site, COMMAND, "app", "--explain", "backup.claim-label", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "[backup.claim-label]" in answer.stdout


@pytest.mark.parametrize("command", ["doctor", "cluster", "components"])
def test_a_command_that_needs_more_says_what(command: str, site: Path, tmp_path: Path) -> None:
    answer = run(site, COMMAND, command, "list", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == [
        f'error: stackspin-conformance {command} needs the extra "cluster", which is not installed',
        TO_DO,
    ]


def test_an_app_on_a_cluster_needs_more_than_the_linter(site: Path, tmp_path: Path) -> None:
    answer = run(site, COMMAND, "app", CHART, "--cluster", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == [
        "error: stackspin-conformance app --cluster needs the extra "
        '"cluster", which is not installed',
        TO_DO,
    ]


def test_somebodys_pytest_is_not_disturbed(site_with_pytest: Path, tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): pass\n")
    strict = ("-W", "error", "--strict-markers", "--cluster=theirs")
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--cluster')\n"
    )
    answer = run(site_with_pytest, PYTEST, *strict, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "1 passed" in answer.stdout
    assert "plugins: stackspin-conformance" in answer.stdout


CAPABILITIES = PROJECT_ROOT / "conformance" / "capabilities"


def test_the_checks_say_what_they_need(site_with_pytest: Path, tmp_path: Path) -> None:
    for selection in (
        [CAPABILITIES],
        [CAPABILITIES / "dashboard"],
        [CAPABILITIES / "dashboard" / "test_dashboard.py::test_x", "-v"],
        ["--pyargs", "conformance.capabilities.dashboard.test_dashboard"],
    ):
        answer = run(site_with_pytest, PYTEST, *selection, cwd=tmp_path)
        assert answer.returncode == pytest.ExitCode.USAGE_ERROR
        assert answer.stderr.splitlines() == [
            'ERROR: a run of the checks needs the extra "cluster", which is not installed',
            TO_DO,
            "",
        ]
