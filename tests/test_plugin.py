"""Runs of tiny checks: verdicts, exit codes, options and secrets."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from small_runs import HEAD, PASSES, NodelessCluster, RunChecks, report, runner, verdicts

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


def test_a_selection_cannot_make_a_capability_pass(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    other = "@check('auto_update.x', promise='X.')\ndef test_x(): assert False"
    assert run(PASSES + other, "-k", "passes").ret == pytest.ExitCode.OK
    assert verdicts(pytester) == {"passes": "pass", "x": "not run"}
    assert report(pytester)["capabilities"][0]["verdict"] == "partial"


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


def test_the_plugin_alone_imports_nothing_heavy() -> None:
    loaded = "import sys, conformance.suite.plugin; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"kubernetes", "pydantic", "jinja2", "jsonschema", "yaml"} & set(modules)


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


ON_APPS = """
from conformance.suite.check import core, extended

@check("auto_update.serves", promise="It serves.", apps=core("notes") | extended("wordpress"))
def test_serves(app):
    assert app.name == "notes", f"{app.name} does not"
"""


def test_a_check_runs_on_each_of_its_apps_at_the_level_it_has_there(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_APPS, "--all").assert_outcomes(passed=1, failed=1)
    (capability,) = report(pytester)["capabilities"]
    assert [(c["app"], c["level"], c["verdict"]) for c in capability["checks"]] == [
        ("notes", "core", "pass"),
        ("wordpress", "extended", "fail"),
    ]
    assert capability["verdict"] == "pass"


def test_an_app_that_was_not_selected_is_not_proven(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_APPS, "-k", "wordpress")
    (capability,) = report(pytester)["capabilities"]
    assert {c["app"]: c["verdict"] for c in capability["checks"]} == {
        "wordpress": "fail",
        "notes": "not run",
    }
    assert capability["verdict"] == "partial"
    run(ON_APPS, "-m", "core").assert_outcomes(passed=1)


ON_FAULTS = """
from conformance.suite.check import core

@pytest.mark.parametrize("fault", ["store-down", "agent-killed"])
@check("auto_update.told", promise="It is told.", apps=core("notes"))
def test_told(app, fault):
    assert fault != %r
"""


def test_each_run_of_a_check_is_compared_with_its_own(run: RunChecks) -> None:
    run(ON_FAULTS % "")
    run(ON_FAULTS % "store-down", "-p", "no:cacheprovider").stdout.fnmatch_lines(
        [
            "FAIL auto_update.told on notes-store-down: *",
            "Since run *: 1 newly failing",
            "  newly failing: auto_update.told on notes-store-down",
        ]
    )


def test_a_run_of_a_check_that_was_not_selected_is_not_proven(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_FAULTS % "", "-k", "killed").assert_outcomes(passed=1)
    (capability,) = report(pytester)["capabilities"]
    assert [(c["nodeId"].partition("::")[2], c["verdict"]) for c in capability["checks"]] == [
        ("test_told[notes-agent-killed]", "pass"),
        ("test_told[notes-store-down]", "not run"),
    ]


def test_what_is_named_by_its_node_id_proves_nothing_of_the_rest(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(PASSES + ON_FAULTS % "", "auto_update/test_auto_update.py::test_passes").assert_outcomes(
        passed=1
    )
    assert verdicts(pytester) == {"passes": "pass", "told": "not run"}


def test_a_file_proves_nothing_of_the_files_beside_it(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    folder = pytester.mkdir("auto_update")
    (folder / "__init__.py").touch()
    (folder / "test_others.py").write_text(HEAD + ON_FAULTS % "")
    run(PASSES, "auto_update/test_auto_update.py").assert_outcomes(passed=1)
    (capability,) = report(pytester)["capabilities"]
    assert capability["verdict"] == "partial"
    assert [(c["nodeId"], c["verdict"]) for c in capability["checks"]] == [
        ("auto_update/test_auto_update.py::test_passes", "pass"),
        ("auto_update/test_others.py::auto_update.told[notes]", "not run"),
    ]


def test_a_check_is_selected_and_listed_by_its_id(run: RunChecks) -> None:
    both = PASSES + ON_FAULTS % ""
    run(both, "-k", "auto_update.told and store-down").assert_outcomes(passed=1)
    listed = run(both, "--collect-only", "-v", "-k", "auto_update.passes")
    listed.stdout.fnmatch_lines(["*auto_update.passes: It holds."])
    listed.stdout.no_fnmatch_line("*auto_update.told*")


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
