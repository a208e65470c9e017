"""Mistakes in conformance.yaml are found before there is a cluster, and each says what to do."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from small_runs import RunChecks, report, runner

from conformance.apps.package.given import read_apps
from conformance.apps.package.mistakes import mistakes_in, told
from conformance.common.settings import data_root
from conformance.suite import package_fixtures

PACKAGES = data_root() / "fixtures" / "packages"
CHECKS = ("app_runs.second_instance",)
UNTIL = date.today() + timedelta(days=30)
DESCRIBED = """
from conformance.suite.check import core

@check("auto_update.described", promise="It is.", apps=core("notes"), app_level=4)
def test_described(mistakes):
    assert mistakes == []

@check("auto_update.serves", promise="It serves.", apps=core("notes"), app_level=4)
def test_serves(app_package): pass
"""


def mistakes(folder: Path, described: str, *, with_files: bool = True) -> str:
    """Return what is told of a package with this description."""
    package = folder / "package"
    shutil.copytree(PACKAGES / "static-site", package)
    (package / "conformance.yaml").write_text(described)
    [app] = read_apps(package)
    return told(mistakes_in(app, CHECKS, with_files=with_files))


@pytest.mark.parametrize(
    ("described", "wrong", "fix"),
    [
        ("host: [", "conformance.yaml, line 1: not valid YAML", "To do: Correct the file"),
        ("hosst: a.b", 'line 1: there is no key "hosst"', "To do: Did you mean host?"),
        (
            "images:\n- {image: a/b:1, context: nowhere}",
            'line 2: "nowhere" does not exist',
            "To do: Name a file or folder of the package",
        ),
        (
            "images:\n- {image: a/b:1, context: website}",
            '"website" has no Dockerfile to build an image from',
            "To do: Name the folder that has it.",
        ),
        (
            "charts:\n- {chart: redis, path: charts/redis.tgz}",
            'line 2: "charts/redis.tgz" does not exist',
            "To do: Name a file or folder",
        ),
        (
            f"skip: [{{check: app_runs.second, reason: slow, until: {UNTIL}}}]",
            "it skips app_runs.second, which is no check",
            "To do: Did you mean app_runs.second_instance?",
        ),
    ],
)
def test_a_mistake_says_what_is_wrong_and_what_to_do(
    described: str, wrong: str, fix: str, tmp_path: Path
) -> None:
    found = mistakes(tmp_path, described)
    assert wrong in found
    assert fix in found


def test_a_right_description_has_no_mistakes(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "host: pages.${domain}\nwithout: {data: none, login: none}") == ""


def test_files_are_looked_for_only_where_the_package_is(tmp_path: Path) -> None:
    described = "images:\n- {image: a/b:1, context: nowhere}"
    assert mistakes(tmp_path, described, with_files=False) == ""


def test_only_the_first_mistakes_are_told(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "\n".join(f"key{number}: 1" for number in range(9)))
    assert found.count("there is no key") == 5
    assert found.endswith("and 4 more")


def test_one_check_tells_and_the_others_are_not_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: RunChecks = runner(pytester, monkeypatch)
    monkeypatch.setattr(package_fixtures, "_DESCRIBED", "auto_update.described")
    package = pytester.path / "static-site"
    shutil.copytree(PACKAGES / "static-site", package)
    (package / "conformance.yaml").write_text("hosst: a.b")
    run(DESCRIBED, f"--app={package}").assert_outcomes(failed=1, skipped=1)
    found = report(pytester)
    assert found["errors"] == []
