"""A run that is given a tree: what is said first, what the report has, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_runs import RunChecks, report, runner, verdicts

from tests.maintainers_tree import write

CHECKS = """
@check("auto_update.own", promise="It holds.")
def test_own(): pass

@check("auto_update.node", promise="It holds.", touches="node", effect="deletes a folder there")
def test_node(settings):
    assert settings.domain == "stackspin.test"
    assert settings.egress
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_every_check_may_run_and_the_report_says_which_tree_it_was(
    run: RunChecks, pytester: pytest.Pytester, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "mine")
    assert run(CHECKS, f"--platform-repository={tree}").ret == pytest.ExitCode.OK
    assert set(verdicts(pytester).values()) == {"pass"}
    platform = report(pytester)["platform"]
    assert platform["whose"] == "tree"
    assert platform["origin"] == "mine, which Git does not know"
    assert str(tmp_path) not in str(report(pytester)["settings"])
    said = capfd.readouterr().err
    assert "platform: mine, which Git does not know; Flux begins at flux2" in said
    assert "platform: HelmRepository vendor (https://charts.example.org/" in said


def test_what_is_wrong_with_a_tree_is_said_before_anything_starts(
    run: RunChecks, tmp_path: Path
) -> None:
    tree = write(tmp_path / "mine")
    variables = tmp_path / ".flux.env"
    variables.write_text("a=$\n")
    arguments = (f"--platform-repository={tree}", f"--platform-variables={variables}")
    result = run(CHECKS, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*.flux.env, line 1: the value of a has a $"])
