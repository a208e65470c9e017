"""Twins: a check must fail on its own defect, for its own reason; and no check lacks one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from conformance.common import settings
from conformance.common.errors import HarnessError
from conformance.common.package import Package
from conformance.common.settings import PROJECT_ROOT, data_root
from conformance.suite import fixtures
from conformance.suite.check import CAPABILITIES
from conformance.suite.twins import Patch, load_twins

HEAD = """
import pytest
from conformance.suite.check import check, not_run, shared
from conformance.common.errors import HarnessError
"""
READS = """
@check("dashboard.greets", promise="It greets.")
def test_greets(package):
    found = (package.chart("notes") / "values.yaml").read_text()
    assert found == "title: Notes\\n", "no greeting"
"""
TWIN = """
- check: dashboard.greets
  defect: the chart has another title
  patches: [{path: charts/notes/values.yaml, find: "title: Notes", replace: "title: Nope"}]
  expect: no greeting
"""
PLATFORM = """
import pathlib
import pytest

def log(text):
    with pathlib.Path("log").open("a") as file:  # a line is written at once
        file.write(text + "\\n")

@pytest.fixture(scope="session")
def place():
    log("up")
    yield
    log("down")
"""
ON_PLATFORM = READS.replace("(package)", "(place, package)")

Runner = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run a file of checks with ``--twins`` against a tree with one chart."""
    root = pytester.mkdir("tree")
    for name, text in (
        ("charts/notes/values.yaml", "title: Notes\n"),
        ("fixtures/twins/.keep", ""),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(settings, "data_root", lambda: root)
    assert fixtures  # imported before pytester takes stock of the modules

    def run(checks: str, twins: str, of: str = "dashboard", *options: str) -> pytest.RunResult:
        (root / f"fixtures/twins/{of}.yaml").write_text(twins)
        pytester.makepyfile(**{f"{of}/test_{of}": HEAD + checks})
        return pytester.runpytest("--twins", *options)

    return run


def test_a_check_that_fails_on_its_twin_has_caught_it(run: Runner) -> None:
    result = run(READS, TWIN)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*caught: dashboard.greets by 'no greeting'"])
    result.assert_outcomes(passed=1)


def test_a_defect_is_installed_before_the_fixtures_of_its_check(
    run: Runner, pytester: pytest.Pytester
) -> None:
    beside = pytester.mkdir("auto_update")
    (beside / "__init__.py").touch()
    (beside / "defects_of_all_kinds.py").write_text(dedent(DEFECT))
    checks = """
    platform = {"title": "Notes"}

    @pytest.fixture(scope=shared)
    def title():
        return platform["title"]

    @check("auto_update.greets", promise="It greets.")
    def test_greets(title):
        assert title == "Notes", "no greeting"

    @check("auto_update.waves", promise="It waves.")
    def test_waves(title):
        assert title == "Notes", "no waving"
    """
    by = "by: another_title\n  settings: {title: Nope}"
    twins = f"""
- {{check: auto_update.waves, defect: there is no defect at all, expect: no waving}}
- check: auto_update.greets
  defect: the platform has another title
  {by}
  expect: no greeting
"""
    result = run(dedent(checks), twins, "auto_update")
    result.stdout.fnmatch_lines(["*caught: auto_update.greets by 'no greeting'"])
    result.assert_outcomes(passed=1, failed=1)


DEFECT = """
    import pytest
    from auto_update import test_auto_update

    @pytest.fixture
    def another_title(twin, monkeypatch):
        monkeypatch.setitem(test_auto_update.platform, "title", twin.settings["title"])
"""


def test_a_twin_that_survives_fails_the_run(run: Runner, pytester: pytest.Pytester) -> None:
    blind = '@check("dashboard.greets", promise="It greets.")\ndef test_greets(package): pass'
    result = run(blind, TWIN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the check passed on its twin: the chart has another title"])
    assert not (pytester.path / "reports" / "latest").exists()
    assert (pytester.path / "reports" / "latest-twins" / "report.json").exists()


def test_a_failure_for_another_reason_catches_nothing(run: Runner) -> None:
    result = run(READS, TWIN.replace("expect: no greeting", "expect: no farewell"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*but for another reason*", "expected: no farewell"])


def test_the_expected_text_is_looked_for_in_the_failure_not_in_the_source(run: Runner) -> None:
    checks = READS.replace("assert found ==", '"only in the source"; assert found ==')
    result = run(checks, TWIN.replace("expect: no greeting", "expect: only in the source"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_twin_may_be_caught_by_a_fixture_on_the_way(run: Runner) -> None:
    checks = """
    @pytest.fixture(scope=shared)
    def release(package):
        assert "Notes" in (package.chart("notes") / "values.yaml").read_text(), "no greeting"

    @check("dashboard.greets", promise="It greets.")
    def test_greets(release):
        raise AssertionError("must not run")
    """
    result = run(dedent(checks), TWIN)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


def test_a_broken_harness_catches_nothing(run: Runner) -> None:
    checks = """
    @pytest.fixture
    def release():
        raise HarnessError("no greeting", "look")

    @check("dashboard.greets", promise="It greets.")
    def test_greets(release, package): pass
    """
    result = run(dedent(checks), TWIN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "caught" not in result.stdout.str()


def test_a_check_with_two_twins_meets_both(run: Runner) -> None:
    other = TWIN.replace("Nope", "Still Notes").replace("another title", "a longer title")
    result = run(READS, TWIN + other)
    result.assert_outcomes(passed=2)
    # As each ends, and at the end of the run.
    assert sum("caught" in line for line in result.outlines) == 2 * 2


def test_a_check_without_a_twin_fails_the_run(run: Runner) -> None:
    checks = READS + READS.replace("greets", "waves")
    result = run(checks, TWIN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no twin of dashboard.waves in fixtures/twins/*"])


def test_a_check_that_cannot_run_says_nothing_about_its_twin(run: Runner) -> None:
    checks = '@check("dashboard.greets", promise="G.")\ndef test_greets(): not_run("no node")'
    result = run(checks, TWIN)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {check: dashboard.greets, defect: too short to be}", "'expect' is a required"),
        (TWIN.replace("dashboard.", "auto_update."), "Move it to auto_update.yaml"),
        (TWIN.replace("expect: no greeting", "expect: '((((' "), "dashboard.greets"),
        (TWIN.replace("charts/notes", "/etc"), "does not match"),
    ],
)
def test_malformed_twins_are_a_usage_error(run: Runner, text: str, complaint: str) -> None:
    result = run(READS, text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert complaint in result.stderr.str()


@pytest.mark.parametrize(("find", "times"), [("title", 2), ("absent", 0)])
def test_a_patch_must_find_its_place_exactly_once(tmp_path: Path, find: str, times: int) -> None:
    (tmp_path / "values.yaml").write_text("title: a\nsubtitle: b\n")
    with pytest.raises(HarnessError, match=f"found {times} times"):
        Patch("values.yaml", find, "x").apply(tmp_path)


@pytest.fixture(scope="module")
def committed() -> dict[str, str]:
    """Capability by the id of each check there is."""
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_CHECKS], capture_output=True, text=True, check=True,
        cwd=PROJECT_ROOT,
    ).stdout.split()  # fmt: skip
    return {check: check.partition(".")[0] for check in listed}


_LIST_CHECKS = """
import importlib, pkgutil
from conformance import capabilities
from conformance.suite.check import checks_in
for module in pkgutil.walk_packages(capabilities.__path__, "conformance.capabilities."):
    if ".test_" in module.name:
        print(*checks_in(importlib.import_module(module.name)))
"""


def test_every_check_has_a_twin_and_every_twin_a_check(committed: dict[str, str]) -> None:
    twins = load_twins()
    assert committed
    assert set(committed.values()) <= set(CAPABILITIES)
    assert sorted(set(committed) - set(twins)) == [], "checks without a twin in fixtures/twins/"
    assert sorted(set(twins) - set(committed)) == [], "twins of checks that do not exist"


def test_every_patch_applies_to_the_committed_tree(tmp_path: Path) -> None:
    for check, twins in load_twins().items():
        for number, twin in enumerate(twins):
            root = tmp_path / f"{check}-{number}"
            for patch in twin.patches:
                target = root / patch.path
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes((data_root() / patch.path).read_bytes())
                patch.apply(root)


def test_the_private_copy_is_private(tmp_path: Path) -> None:
    copy = Package.copy(tmp_path)
    chart = copy.chart("notes") / "Chart.yaml"
    before = (data_root() / "charts/notes/Chart.yaml").read_text()
    chart.write_text("changed")
    assert (data_root() / "charts/notes/Chart.yaml").read_text() == before
    assert copy.flux2.is_dir()
    assert copy.app("notes").is_dir()


ON_APPS = """
from conformance.suite.check import core

@check("dashboard.greets", promise="It greets.", apps=core("notes", "wordpress"))
def test_greets(app, twin):
    assert False, f"{app.name} has no greeting"
"""


def test_a_twin_is_of_the_first_app_unless_it_names_another(run: Runner) -> None:
    other = TWIN.replace("no greeting", "wordpress has no greeting") + "  app: wordpress\n"
    result = run(ON_APPS, TWIN.replace("no greeting", "notes has no greeting") + other)
    result.assert_outcomes(passed=2)


def test_no_check_knows_that_there_are_twins() -> None:
    """Nor does a fixture of a normal run; defects are in modules that only ``--twins`` loads."""
    folder = PROJECT_ROOT / "conformance" / "capabilities"
    modules = [path for path in folder.rglob("*.py") if not path.name.startswith("defects")]
    assert modules
    knowing = [
        f"{path.relative_to(folder)}:{number}"
        for path in modules
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "twin" in line.lower() or "defects" in line
    ]
    assert knowing == []


def test_a_defect_has_one_name_in_all_capabilities() -> None:
    """Fixtures of plugins are global: of two with one name, a twin would get the wrong one."""
    functions = [
        function
        for path in (PROJECT_ROOT / "conformance" / "capabilities").rglob("defects*.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef)
    ]
    names = [each.name for each in functions if "fixture" in map(_last_word, each.decorator_list)]
    assert sorted(names) == sorted(set(names))
    used = {twin.by for twins in load_twins().values() for twin in twins if twin.by}
    assert used <= {*names, "patched_source"}, "twins whose defect does not exist"
    used_by_others = {argument.arg for each in functions for argument in each.args.args}
    assert set(names) - used - used_by_others == set(), "defects without a twin"


def _last_word(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[2]


def test_in_a_divided_run_each_capability_begins_on_a_platform_of_its_own(
    run: Runner, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(PLATFORM)
    for other in ("auto_update", "single_sign_on"):
        twins, checks = (text.replace("dashboard.", f"{other}.") for text in (TWIN, ON_PLATFORM))
        (pytester.path / f"tree/fixtures/twins/{other}.yaml").write_text(twins)
        pytester.makepyfile(**{f"{other}/test_{other}": HEAD + checks})
    run(ON_PLATFORM, TWIN, "dashboard", "--clusters=2").assert_outcomes(passed=3)
    said = (pytester.path / "log").read_text().splitlines()
    assert said.count("up") == said.count("down") == 3
