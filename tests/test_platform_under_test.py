"""Whose the platform is decides which checks run on it."""

from __future__ import annotations

import pytest
from small_runs import RunChecks, report, runner, verdicts

from conformance.platform.reference import reference_platform
from conformance.report.whose import Whose
from conformance.suite.platform_under_test import PlatformUnderTest

INSTALLED = """
from conformance.platform.reference import reference_platform
from conformance.report.whose import Whose
from conformance.suite.platform_under_test import PlatformUnderTest

@pytest.fixture(scope="session")
def platform_under_test(settings):
    return PlatformUnderTest(Whose.INSTALLED, reference_platform("example.org"), settings.allow)
"""
CHECKS = """
@check("auto_update.own", promise="It holds.")
def test_own(): pass

@check("auto_update.platform", promise="It holds.", touches="platform", effect="restarts Hydra")
def test_platform(): pass

@check("auto_update.node", promise="It holds.", touches="node", effect="deletes a folder there")
def test_node(): pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "not_run"),
    [
        ([], {"platform", "node"}),
        (["--allow=platform"], {"node"}),
        (["--allow=node"], {"platform"}),
        (["--allow=platform,node"], set()),
        (["--allow=platform", "--allow=node"], set()),
    ],
    ids=str,
)
def test_on_an_installed_platform_only_what_is_allowed_runs(
    arguments: list[str], not_run: set[str], run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(INSTALLED + CHECKS, *arguments)
    found = verdicts(pytester)
    assert {name for name, verdict in found.items() if verdict == "not run"} == not_run
    assert {found[name] for name in found.keys() - not_run} == {"pass"}


def test_what_is_not_run_says_what_it_would_do_and_how_to_allow_it(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    assert run(INSTALLED + CHECKS).ret == pytest.ExitCode.OK
    (capability,) = report(pytester)["capabilities"]
    assert [check["reason"] for check in capability["checks"]] == [
        "",
        "it restarts Hydra; allow it with --allow=platform",
        "it deletes a folder there; allow it with --allow=node",
    ]
    assert capability["verdict"] == "partial"


def test_what_is_not_run_is_not_set_up(run: RunChecks, pytester: pytest.Pytester) -> None:
    setting_up = """
@pytest.fixture(scope="session")
def managed():
    raise AssertionError("set up")

@check("auto_update.x", promise="It holds.", touches="platform", effect="restarts Hydra")
def test_x(managed): pass
"""
    assert run(INSTALLED + setting_up).ret == pytest.ExitCode.OK
    assert verdicts(pytester) == {"x": "not run"}


def test_everything_runs_on_the_reference_platform(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(CHECKS)
    assert set(verdicts(pytester).values()) == {"pass"}


@pytest.mark.parametrize("whose", [Whose.REFERENCE, Whose.TREE])
def test_everything_is_allowed_on_what_the_suite_installs(whose: Whose) -> None:
    assert PlatformUnderTest(whose, reference_platform("a.test")).allowed == (
        "own",
        "platform",
        "node",
    )


def test_what_else_could_be_allowed_is_said(run: RunChecks) -> None:
    result = run(CHECKS, "--allow=platform,cluster")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--allow=cluster: choose from platform, node"])


def test_what_was_allowed_is_part_of_what_was_selected(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(CHECKS, "--allow=platform,node")
    assert report(pytester)["selection"][-1] == "--allow node,platform"
