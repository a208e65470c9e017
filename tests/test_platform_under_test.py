"""Whose the platform is decides which checks run on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_runs import HEAD, NodelessCluster, RunChecks, report, runner, verdicts

from conformance.platform.features import PlatformFeature
from conformance.platform.reference import reference_platform
from conformance.report.platform import Whose
from conformance.suite import fixtures
from conformance.suite.platform_under_test import PlatformUnderTest

INSTALLED = """
from conformance.platform.reference import reference_platform
from conformance.report.platform import Whose
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
    ids=lambda given: str(sorted(given)),  # a set's own order is another in each process
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


def test_the_report_says_whose_platform_it_is_and_what_was_allowed(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(INSTALLED + CHECKS, "--allow=node")
    platform = report(pytester)["platform"]
    assert (platform["whose"], platform["allowed"]) == ("installed", ["own", "node"])
    assert platform["implementation"]["project"] == "reference platform"
    assert platform["features"] == {
        "claimed": [*map(str, PlatformFeature)],
        "exempt": {},
        "tried": [],
    }


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


def judged(*, features: str = "()", exempt: str = "{}") -> str:
    """Return the source of a platform that claims and exempts."""
    return INSTALLED.replace(
        'reference_platform("example.org")',
        'reference_platform("example.org").model_copy('
        f'update={{"features": {features}, "exempt": {exempt}}})',
    )


OF_A_FEATURE = """
from conformance.platform.features import PlatformFeature

@check("single_sign_on.second_factor", promise="X.", features=[PlatformFeature.SECOND_FACTOR])
def test_second_factor(): pass

@check("single_sign_on.login", promise="X.")
def test_login(): pass
"""


@pytest.fixture
def outcome(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, Any]]:
    """Runs two checks of single sign-on on a platform; returns the capability."""
    monkeypatch.setattr(fixtures, "make_cluster", lambda *_: NodelessCluster())

    def run(platform: str) -> dict[str, Any]:
        source = HEAD + platform + OF_A_FEATURE
        pytester.makepyfile(**{"single_sign_on/test_single_sign_on": source})
        pytester.runpytest()
        (capability,) = report(pytester)["capabilities"]
        return capability

    return run


def checks_in(capability: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        check["id"].partition(".")[2]: (check["verdict"], check["reason"])
        for check in capability["checks"]
    }


def test_a_check_of_a_feature_runs_where_it_is_claimed(
    outcome: Callable[[str], dict[str, Any]], pytester: pytest.Pytester
) -> None:
    capability = outcome(judged(features='("second_factor",)'))
    assert checks_in(capability)["second_factor"] == ("pass", "")
    assert report(pytester)["platform"]["features"]["tried"] == ["second_factor"]


@pytest.mark.parametrize(
    ("exempt", "why"),
    [("{}", ""), ("{'second_factor': 'Passwords are enough.'}", ": Passwords are enough.")],
)
def test_a_check_of_a_feature_that_is_not_claimed_does_not_apply(
    exempt: str, why: str, outcome: Callable[[str], dict[str, Any]]
) -> None:
    capability = outcome(judged(exempt=exempt))
    reason = f"the platform does not claim second_factor{why}"
    assert checks_in(capability)["second_factor"] == ("not applicable", reason)
    assert (capability["verdict"], capability["core"]["passed"]) == ("pass", 1)
    assert [check["exempt"] for check in capability["checks"]] == [True, False]
    assert capability["core"]["exempt"] == 1


def test_a_core_check_that_is_exempt_by_its_id_makes_its_capability_partial(
    outcome: Callable[[str], dict[str, Any]],
) -> None:
    exempt = "{'single_sign_on.login': 'To be mended.'}"
    capability = outcome(judged(features='("second_factor",)', exempt=exempt))
    reason = "the platform exempts this check: To be mended."
    assert checks_in(capability)["login"] == ("not run", reason)
    assert (capability["verdict"], capability["core"]["passed"]) == ("partial", 1)
    assert [check["exempt"] for check in capability["checks"]] == [False, True]


def test_an_exempt_check_that_there_is_not_is_said_once(
    outcome: Callable[[str], dict[str, Any]], pytester: pytest.Pytester
) -> None:
    capability = outcome(judged(exempt="{'single_sign_on.logn': 'To be mended.'}"))
    assert {verdict for verdict, _ in checks_in(capability).values()} == {"not run"}
    assert report(pytester)["errors"] == [
        "platform.yaml exempts single_sign_on.logn, and there is no such check\n"
        "  To do: Did you mean single_sign_on.login?"
    ]
