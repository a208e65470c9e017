"""Runs of tiny checks: verdicts, evidence, what does not come up, and secrets."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from small_runs import PASSES, NodelessCluster, RunChecks, report, runner, verdicts

from conformance.clusters.base import Feature


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_every_outcome_of_pytest_becomes_an_honest_verdict(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run(
        PASSES
        + """
@check("auto_update.fails", promise="It holds.")
def test_fails():
    assert 1 == 2, "one is not two"

@check("auto_update.cannot", level="extended", promise="It holds.")
def test_cannot():
    not_run("no second disk")

@check("auto_update.does_not_apply", promise="It holds.")
def test_does_not_apply():
    not_applicable("this app has no database")

@check("auto_update.needs_the_node", promise="It holds.", needs=[Feature.NODE_KILL])
def test_needs_the_node():
    raise AssertionError("must not run")
"""
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(pytester) == {
        "passes": "pass",
        "fails": "fail",
        "cannot": "not run",
        "does_not_apply": "not applicable",
        "needs_the_node": "not run",
    }
    (capability,) = report(pytester)["capabilities"]
    assert capability["verdict"] == "fail"
    assert capability["core"] == {
        "passed": 1, "failed": 1, "notRun": 1, "notApplicable": 1, "waived": 0, "exempt": 0,
    }  # fmt: skip
    assert capability["extended"]["notRun"] == 1
    reasons = {c["id"]: c["reason"] for c in capability["checks"]}
    assert "one is not two" in reasons["auto_update.fails"]
    assert "SIGKILL and restart" in reasons["auto_update.needs_the_node"]
    result.stdout.fnmatch_lines(
        [
            "auto_update*fail*core 1/3 (1 failed, 1 not run)*extended 0/1*",
            "FAIL auto_update.fails: *one is not two*",
            "Report: */report.html",
        ]
    )


def test_a_core_check_not_run_is_partial_and_no_failure(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run(PASSES + "@check('auto_update.x', promise='X.')\ndef test_x(): not_run('why')")
    assert result.ret == pytest.ExitCode.OK
    assert report(pytester)["capabilities"][0]["verdict"] == "partial"


def test_what_the_harness_raises_in_a_check_itself_is_the_checks_failure(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    result = run("@check('auto_update.x', promise='X.')\ndef test_x(): raise HarnessError('lost')")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(pytester) == {"x": "fail"}
    assert report(pytester)["errors"] == []
    assert report(pytester)["verdict"] == "fail"


def test_evidence_is_kept_with_its_hash(run: RunChecks, pytester: pytest.Pytester) -> None:
    run(PASSES)
    (check,) = report(pytester)["capabilities"][0]["checks"]
    (evidence,) = check["evidence"]
    assert (pytester.path / "reports/latest" / evidence["path"]).read_text() == "all well"
    assert evidence["mediaType"] == "text/plain"
    assert check["measurements"] == [{"name": "time to upgrade", "value": 2.5, "unit": "s"}]
    assert check["promise"] == "It holds."


def test_a_cluster_that_does_not_come_up_is_told_once(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    checks = "".join(
        f"@check('auto_update.c{n}', promise='X.')\ndef test_c{n}(cluster): pass\n"
        for n in range(40)
    )
    result = run(checks)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = [line for line in result.outlines if "does not answer" in line]
    assert sum("SKIPPED" not in line for line in told) <= 4
    assert "Traceback" not in result.stdout.str()
    assert "conformance/suite/fixtures.py" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*To do: Check --kubeconfig."])
    assert set(verdicts(pytester).values()) == {"not run"}
    assert report(pytester)["errors"] == [
        "https://10.0.0.1:6443 does not answer.\n  To do: Check --kubeconfig."
    ]


def test_other_tests_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.OK
    assert "Stackspin" not in result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_the_header_of_a_run_has_the_suites_version(run: RunChecks) -> None:
    version = metadata.version("stackspin-conformance")
    run(PASSES).stdout.fnmatch_lines([f"plugins: *stackspin-conformance-{version}*"])


def test_the_plugin_alone_imports_nothing_heavy() -> None:
    loaded = "import sys, conformance.suite.plugin; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"kubernetes", "pydantic", "jinja2", "jsonschema", "yaml"} & set(modules)


def test_a_planted_secret_in_an_artifact_fails_the_run(run: RunChecks) -> None:
    result = run(
        """
@check("auto_update.leaks", promise="It holds.")
def test_leaks(run, evidence):
    (value,) = run.planted.values
    evidence.attach("log.txt", f"connecting with password {value}")
"""
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR A secret value is in the report: *log.txt*"])
    assert "planted-" not in result.stdout.str()


def test_features_are_known_without_starting_a_cluster() -> None:
    assert Feature.NODE_KILL not in NodelessCluster().features


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_a_secret_in_what_a_fixture_raises_is_not_printed(run: RunChecks, phase: str) -> None:
    fixture = """
@pytest.fixture
def connection(run):
    run.redactor.learn_value("hunter22-hunter22")
    def connect(password): raise HarnessError(f"refused {password}", "Try again.")
    %s
@check("auto_update.connects", promise="It holds.")
def test_connects(connection): pass
"""
    body = {
        "setup": 'connect("hunter22-hunter22")',
        "teardown": 'yield; connect("hunter22-hunter22")',
    }
    result = run(fixture % body[phase])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*refused ****"])
    assert "hunter22" not in result.stdout.str()


def test_a_cluster_that_does_not_start_fails_no_check(
    run: RunChecks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: object) -> None:
        raise AssertionError("node not Ready in 60 s")

    monkeypatch.setattr(NodelessCluster, "start", start)
    result = run("@check('auto_update.x', promise='X.')\ndef test_x(cluster): pass")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(pytester) == {"x": "not run"}
    result.stdout.fnmatch_lines(
        ["ERROR cluster elsewhere did not come up: node not Ready in 60 s*"]
    )


def test_logs_of_the_node_are_text_and_redacted_whatever_they_hold(
    run: RunChecks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export_logs(_: object, folder: Path) -> None:
        line = "\N{SNOWMAN} Authorization: Bearer abcdefghijklmnopqrstuvwxyz\n".encode()
        (folder / "kubelet.log").write_bytes(line * 10_000 + b"\xff\0" + line)

    monkeypatch.setattr(NodelessCluster, "export_logs", export_logs)
    run(
        """
from conformance.common.timeouts import Timeouts

class OneNode:
    timeouts = Timeouts()
    def list(self, *kind):
        facts = ("kubeletVersion", "containerRuntimeVersion", "osImage", "kernelVersion")
        info = dict.fromkeys(facts, "")
        return [{"status": {"nodeInfo": info}}]

@pytest.fixture(scope="session")
def kube(chosen_cluster):
    return OneNode()

@check("auto_update.x", promise="X.")
def test_x(kube): assert False
"""
    )
    (log,) = (pytester.path / "reports/latest/evidence").rglob("kubelet.log")
    lines = log.read_text().splitlines()
    assert {line[-5:] for line in lines} == {"r ***"}
    assert 2_000 < len(lines) < 10_000


def test_an_api_that_does_not_answer_ends_no_run(run: RunChecks, pytester: pytest.Pytester) -> None:
    result = run(
        """
class Silent:
    def list(self, *kind):
        raise ConnectionError("no route to host")

@pytest.fixture(scope="session")
def kube(chosen_cluster):
    return Silent()

@check("auto_update.x", promise="X.")
def test_x(kube): pass
"""
    )
    result.assert_outcomes(passed=1)
    assert report(pytester)["cluster"]["provider"] == "existing"
