"""``app --cluster``: the process of the checks, its arguments, its end, and what comes of it.

A module called pytest stands in for pytest: it writes a report and ends as it is told.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cluster_runs import FOLDER, an_app_check, write_run

from conformance.cli import main
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.on_cluster.options import with_provider
from conformance.linter.on_cluster.process import CAPABILITIES, Ended, pytest_arguments
from conformance.report.verdict import Verdict

CHART = PROJECT_ROOT / "fixtures" / "packages" / "single-chart"
NAME = "polls"
TREE = PROJECT_ROOT / "fixtures" / "packages" / "flux-app"
COMMAND = "from conformance.cli import main; main()"
PYTEST = """
import json, os, signal, sys, time
from pathlib import Path
here = Path(__file__).parent
plan = json.loads((here / "plan.json").read_text())
told = {"argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd(), "signals": []}
if plan["wait"]:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: told["signals"].append(number))
    (here / "ready").touch()
    while not told["signals"]:
        time.sleep(0.01)
    time.sleep(0.1)
print("conformance/capabilities/app_runs/test_installation.py::test_x PASSED")
(here / "told.json").write_text(json.dumps(told))
if plan["report"]:
    [folder] = [one.partition("=")[2] for one in sys.argv if one.startswith("--reports-dir=")]
    report = json.loads(Path(plan["report"]).read_text())
    mine = ["__main__.py", *sys.argv[1:]]
    for name, command in ((plan["folder"], mine), (plan["beside"], ["pytest"])):
        if name:
            target = Path(folder) / name
            target.mkdir(parents=True)
            (target / "report.json").write_text(json.dumps({**report, "command": command}))
    (Path(folder) / "latest").symlink_to(target.name)
if plan["status"] < 0:
    os.kill(os.getpid(), -plan["status"])
sys.exit(plan["status"])
"""


class Pytest:
    """What stands in for pytest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pytest"
        self.folder.mkdir(parents=True)
        (self.folder / "__init__.py").touch()
        (self.folder / "__main__.py").write_text(PYTEST)
        self.reports = folder / "written"

    def will(
        self,
        *checks: Any,
        status: int = 0,
        wait: bool = False,
        name: str = FOLDER,
        beside: str = "",
        **report: object,
    ) -> None:
        """Say how it ends, and with which checks in its report; without any it writes none."""
        file = None
        if checks:
            file = str(write_run(self.reports, *checks, folder=name, **report) / "report.json")
        plan = {"status": status, "wait": wait, "report": file, "folder": name, "beside": beside}
        (self.folder / "plan.json").write_text(json.dumps(plan))

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "told.json").read_text())
        return found


GOOD = an_app_check("app_runs.installed_by_flux", NAME)
BAD = an_app_check("app_runs.workloads_ready", NAME, Verdict.FAIL, "not Ready")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pytest:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    fake = Pytest(tmp_path / "site")
    path = os.pathsep.join([str(fake.folder.parent), str(PROJECT_ROOT)])
    monkeypatch.setenv("PYTHONPATH", path)
    for name in [name for name in os.environ if name.startswith("STACKSPIN_CONFORMANCE_")]:
        monkeypatch.delenv(name)
    return fake


def app(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["stackspin-conformance", "app", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    code = end.value.code
    assert isinstance(code, int)
    return code


def test_the_files_come_first_then_progress_then_the_whole_result(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.will(GOOD)
    assert app(monkeypatch, CHART, "--cluster") == 0
    out, err = capfd.readouterr()
    assert err.index(f"level 3  {NAME}") < err.index("Now the checks") < err.index("PASSED")
    assert "add --cluster" not in err
    assert out.startswith(f"level 4  {NAME}")
    assert "Report of the checks: reports/apps/" in out


def test_pytest_is_told_which_apps_and_where_and_nothing_of_others(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.will(GOOD)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n4")
    monkeypatch.setenv("PYTEST_PLUGINS", "theirs")
    Path("about.yaml").write_text(f"app: {NAME}")
    options = ("--cluster=embedded", "--keep-cluster", "--cluster-name=mine", "--time", "2.5",
               "--app-description=about.yaml", "--fetch", "--allow=node", "--allow", "cluster",
               "--reports-dir=out", f"--previous={CHART}")  # fmt: skip
    assert app(monkeypatch, CHART, TREE, *options) == 0
    told = fake.told
    assert told["argv"] == pytest_arguments(
        [
            "--reports-dir=out",
            f"--app={CHART}",
            f"--app={TREE}",
            "--cluster=embedded",
            "--snapshot=auto",
            "--cluster-name=mine",
            "--keep-cluster",
            "--app-description=about.yaml",
            f"--previous={CHART}",
            "--app-allow=node",
            "--app-allow=cluster",
            "--app-fetch",
            "--app-time=2.5",
        ]
    )
    assert not {"PYTEST_ADDOPTS", "PYTEST_PLUGINS"} & set(told["environment"])
    assert told["cwd"] == str(Path.cwd())
    assert (Path("out") / FOLDER / "report.json").is_file()


@pytest.mark.parametrize(("more", "runs"), [((), False), ((TREE,), True)])
def test_apps_of_one_name_are_told_and_only_the_others_run(
    more: tuple[Path, ...],
    runs: bool,
    fake: Pytest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    fake.will(GOOD)
    shutil.copytree(CHART, "other")
    assert app(monkeypatch, CHART, "other", *more, "--cluster") == 1
    told = capfd.readouterr().out
    assert f"{NAME} is also the name of other: none of them was run" in told
    assert "--explain package.own-name" in told
    assert (fake.folder / "told.json").exists() is runs


def test_what_is_not_given_is_left_to_the_suite(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.will(GOOD)
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_CLUSTER", "embedded")
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_CLUSTER_NAME", "theirs")
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_REPORTS_DIR", "elsewhere")
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_SNAPSHOT", "require")
    assert app(monkeypatch, "--cluster", CHART) == 0
    options = ["--reports-dir=elsewhere/apps", f"--app={CHART}", "--cluster=embedded"]
    assert fake.told["argv"] == pytest_arguments(options)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ((".", "--cluster"), (".", "--cluster=auto")),
        (("--cluster", "."), ("--cluster=auto", ".")),
        (("--cluster", "--level", "4", "."), ("--cluster=auto", "--level", "4", ".")),
        (("--cluster", "kind", "."), ("--cluster", "kind", ".")),
        (("--cluster=kind", "."), ("--cluster=kind", ".")),
        ((".", "--", "--cluster"), (".", "--", "--cluster")),
        ((), ()),
    ],
)
def test_a_path_after_the_option_is_no_provider(
    arguments: tuple[str, ...], meant: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STACKSPIN_CONFORMANCE_CLUSTER", raising=False)
    assert with_provider(arguments) == list(meant)


@pytest.mark.parametrize(
    ("checks", "plan", "level", "status"),
    [
        ((GOOD,), {}, (), 0),
        ((GOOD,), {}, ("--level=4",), 0),
        ((GOOD,), {}, ("--level=5",), 1),
        ((GOOD, BAD), {"status": 1}, (), 1),
        ((GOOD, BAD), {"status": 1}, ("--level=3",), 0),
        ((GOOD, BAD), {"status": 1}, ("--level=4",), 1),
        ((GOOD,), {"status": 1, "errors": ["clean-up failed"]}, (), 2),
        ((GOOD,), {"status": 2, "state": "interrupted"}, (), 2),
        ((GOOD,), {"status": -9, "state": "running"}, (), 2),
        ((), {"status": 4}, (), 2),
        ((), {"status": -9}, (), 2),
    ],
)
def test_the_exit_status_is_that_of_the_apps_unless_the_run_did_not_end(
    fake: Pytest,
    monkeypatch: pytest.MonkeyPatch,
    checks: tuple[Any, ...],
    plan: dict[str, Any],
    level: tuple[str, ...],
    status: int,
) -> None:
    fake.will(*checks, **plan)
    assert app(monkeypatch, CHART, "--cluster", *level) == status


def test_a_run_that_did_not_begin_leaves_the_result_of_the_files(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.will(status=4)
    assert app(monkeypatch, CHART, "--cluster", "--format=json") == 2
    data = json.loads(capfd.readouterr().out)
    assert data["apps"][0]["level"] == 3
    assert data["cluster"]["report"] is None
    why = "the checks on the cluster did not begin (exit status 4: its output above says why)"
    assert data["cluster"]["trouble"] == why


def test_a_format_for_programs_has_standard_output_to_itself(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.will(GOOD, BAD, status=1)
    assert app(monkeypatch, CHART, "--cluster", "--format=json") == 1
    out, err = capfd.readouterr()
    (found,) = json.loads(out)["apps"]
    assert (found["level"], found["findings"][0]["rule"]) == (3, "app_runs.workloads_ready")
    assert "PASSED" in err


def test_a_file_leads_to_the_report_from_where_it_is(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.will(GOOD)
    Path("ci").mkdir()
    app(monkeypatch, CHART, "--cluster", "--format=html", "--output=ci/app.html")
    assert f'href="../reports/apps/{FOLDER}/report.html"' in Path("ci/app.html").read_text()


def test_other_reports_in_the_folder_are_not_taken_for_this_one(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither an earlier one, nor one that another run writes meanwhile."""
    write_run(Path("reports/apps"), BAD, folder="20261128T000000Z-before")
    fake.will(GOOD, name="20261128T100000Z-k3f9ab", beside="20261128T200000Z-other")
    assert app(monkeypatch, CHART, "--cluster") == 0
    assert "Report of the checks: reports/apps/20261128T100000Z-k3f9ab" in capfd.readouterr().out
    assert Path("reports/apps/20261128T200000Z-other/report.json").is_file()


def test_a_folder_without_an_app_needs_no_cluster(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    assert app(monkeypatch, "empty", "--cluster") == 1
    assert not (fake.folder / "told.json").exists()
    assert "no app found here" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_reaches_the_checks_and_what_they_found_is_shown(
    fake: Pytest, number: int, status: int
) -> None:
    fake.will(GOOD, status=2, wait=True, state="interrupted", checks_selected=9, checks_done=1)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "app", str(CHART), "--cluster"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not (fake.folder / "ready").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == status
    passed_on = signal.SIGTERM if number == signal.SIGHUP else number
    assert fake.told["signals"] == [passed_on]
    assert "The run on the cluster: the run ended after 1 of its 9 checks." in out
    assert f"Report of the checks: reports/apps/{FOLDER}/report.html" in out


def test_the_checks_end_when_the_command_is_killed(fake: Pytest) -> None:
    fake.will(wait=True)
    process = subprocess.Popen([sys.executable, "-c", COMMAND, "app", str(CHART), "--cluster"])
    until = time.monotonic() + 60
    while not (fake.folder / "ready").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.wait(60)
    while not (fake.folder / "told.json").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert fake.told["signals"] == [signal.SIGTERM]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--level=4",), "level 4 needs a run on a cluster: add --cluster"),
        (("--keep-cluster",), "--keep-cluster only together with --cluster"),
        (("--allow=node",), "--allow only together with --cluster"),
        (("--cluster", "--allow=host"), "invalid choice: 'host'"),
        (("--time=3", "--cluster-name=x"), "--time and --cluster-name only together with"),
        (("--cluster", "--time=0"), "0 is not a number of minutes above 0"),
        (("--cluster", "--time=soon"), "soon is not a number of minutes above 0"),
        (("--cluster=minikube",), "invalid choice: 'minikube'"),
        (("--cluster", "--rule=backup"), "use --rule or --cluster, not both"),
    ],
)
def test_wrong_usage_says_what_is_right(
    arguments: tuple[str, ...],
    message: str,
    fake: Pytest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert app(monkeypatch, CHART, *arguments) == 2
    assert message in capfd.readouterr().err
    assert not (fake.folder / "told.json").exists()


def test_an_environment_variable_that_is_wrong_is_told(
    fake: Pytest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_CLUSTER", "minikube")
    assert app(monkeypatch, CHART, "--cluster") == 2
    assert "STACKSPIN_CONFORMANCE_CLUSTER=minikube: choose from auto" in capfd.readouterr().err
    assert not (fake.folder / "told.json").exists()


def test_no_file_of_the_folder_it_starts_in_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package, or a repository with packages, may have tests of its own. This is real pytest."""
    evil = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nraise SystemExit\n"
    work = tmp_path / "work"
    work.mkdir()
    for name in ("conftest.py", "yaml.py", "sitecustomize.py", "usercustomize.py", "theirs.py"):
        (work / name).write_text(evil)
    (work / "pytest.ini").write_text("[pytest]\naddopts = -p theirs --no-such-option\n")
    monkeypatch.chdir(work)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    command = [sys.executable, "-P", "-m", "pytest", *pytest_arguments(["--collect-only"])]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "test_survives_pod_deletion" in answer.stdout
    assert not (tmp_path / "ran").exists()
    assert {one.name for one in work.iterdir()} == {
        "conftest.py", "yaml.py", "sitecustomize.py", "usercustomize.py", "theirs.py", "pytest.ini"
    }  # fmt: skip


def test_the_checks_are_those_of_this_installation() -> None:
    assert CAPABILITIES == PROJECT_ROOT / "conformance" / "capabilities"
    assert (CAPABILITIES / "__init__.py").is_file()


def test_an_unreadable_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is not a report that can be read"):
        Ended(0, 0, tmp_path).run()
