"""Options of a run, from the command line and the environment, and those that it refuses."""

from __future__ import annotations

import pytest
from small_runs import HEAD, PASSES, RunChecks, report, runner


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


@pytest.mark.parametrize("options", [("-n", "2"), ("--dist=each", "--tx=popen")])
def test_workers_of_xdist_are_refused_the_checks(
    options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + PASSES})
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.stderr.lines)
    assert line.startswith("ERROR: the checks of a run share a cluster")
    assert "run them without -n" in line
    assert not (pytester.path / "reports").exists()


def test_other_tests_may_have_workers_of_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess("-n", "1").assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["--kind-bin", "--kind-kubectl-bin"])
def test_a_kind_of_ones_own_is_refused(
    option: str, run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run(PASSES, option, "/usr/bin/kind")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option} is for tests that use pytest-kind by itself: *"])
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, [], "stackspin.test"),
        ({"DOMAIN": "from.env"}, [], "from.env"),
        ({"DOMAIN": "from.env"}, ["--domain=from.option"], "from.option"),
    ],
)
def test_an_option_wins_over_the_environment(
    run: RunChecks,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: list[str],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"STACKSPIN_CONFORMANCE_{name}", value)
    run(PASSES, *arguments)
    assert report(pytester)["settings"]["domain"] == expected


def test_time_outs_are_those_of_the_options(
    run: RunChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_TIMEOUT_OF", "backup=30,dns=5")
    source = """
@check("auto_update.waits", promise="It waits.")
def test_waits(settings):
    waits = settings.timeouts
    assert (waits.pod_ready, waits.backup, waits.dns) == (240, 30, 5)
"""
    run(source, "--timeout-factor=2").assert_outcomes(passed=1)
    refused = run(source, "--timeout-of=nap=3")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --timeout-of=nap=3: none has this name; *"])


@pytest.mark.parametrize(
    ("name", "value", "first"), [("CLUSTER", "minikube", "auto"), ("DOCKER", "podman", "running")]
)
def test_an_unknown_choice_in_the_environment_is_a_usage_error(
    run: RunChecks, monkeypatch: pytest.MonkeyPatch, name: str, value: str, first: str
) -> None:
    monkeypatch.setenv(f"STACKSPIN_CONFORMANCE_{name}", value)
    result = run(PASSES)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{name}={value}: choose from {first}, *"])


def test_a_mirror_of_an_unknown_registry_is_a_usage_error(run: RunChecks) -> None:
    result = run(PASSES, "--mirror=quay.oi=mirror.example")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nothing is pulled from 'quay.oi'*", "*write quay.io*"])
