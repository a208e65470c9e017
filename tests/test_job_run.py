"""The suite as a Job: a run's report outlives the pod, by Sonobuoy's contract or by waiting."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from report_samples import a_check, a_report

from conformance.cli import job, job_run
from conformance.clusters import service_account
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.on_cluster.process import Ended
from conformance.report.verdict import Verdict
from conformance.report.write import write_views

NAME = "20261129T020000Z-k3f9ab"


class Runs:
    """Stands in for the process of pytest: leaves a report, or none."""

    def __init__(self, reports: Path) -> None:
        self.reports = reports
        self.begins = True
        self.status = 1
        self.signal = 0
        self.options: list[str] = []

    def __call__(self, options: Sequence[str], reports: Path) -> Ended:
        assert reports == self.reports
        self.options = [*options]
        if not self.begins:
            return Ended(4, 0, None)
        folder = reports / NAME
        (folder / "evidence").mkdir(parents=True)
        (folder / "evidence" / "page.png").write_bytes(b"png")
        failed = a_check("auto_update", 1, Verdict.FAIL, reason="it broke")
        write_views(a_report({"auto_update": [failed]}), folder)
        return Ended(self.status, self.signal, folder)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs(tmp_path / "reports")
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_REPORTS_DIR", str(made.reports))
    monkeypatch.delenv(job_run.RESULTS_DIR, raising=False)
    monkeypatch.setattr(job_run, "run_checks", made)
    monkeypatch.setattr(job_run, "_LOOK_SECONDS", 0.01)
    for marker in ("FINISHED", "FETCHED"):
        monkeypatch.setattr(job_run, marker, tmp_path / marker)
    return made


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Sonobuoy's worker looks, an empty folder as its volume is."""
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setenv(job_run.RESULTS_DIR, str(folder))
    return folder


def as_sonobuoy_takes_it(results: Path, into: Path) -> ET.Element:
    """Do what its worker and aggregator do; return the JUnit file that it then reads."""
    taken = Path((results / "done").read_text().strip())
    if taken.suffix == ".gz":  # by which the worker says what it sends, and it is unpacked
        with tarfile.open(taken) as archive:
            archive.extractall(into, filter="data")
    else:
        into.mkdir()
        shutil.copy(taken, into)
    [found] = into.rglob("junit.xml")
    return ET.fromstring(found.read_text())  # noqa: S314 - our own


def test_the_run_ends_with_its_summary_and_its_exit_status(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job.main(["run", "--", "-m", "core"]) == 1
    assert runs.options == ["-m", "core"]
    assert "it broke" in capsys.readouterr().out
    assert job_run.FINISHED.read_text() == f"{NAME}\n"


def test_a_run_that_a_signal_ended_has_the_status_of_a_shell(runs: Runs) -> None:
    runs.status = -signal.SIGKILL
    assert job.main(["run"]) == 137


def test_sonobuoy_gets_the_whole_report(runs: Runs, results: Path, tmp_path: Path) -> None:
    assert job.main(["run"]) == 1
    found = as_sonobuoy_takes_it(results, tmp_path / "taken")
    assert found.get("failures") == "1"
    assert (tmp_path / "taken" / "evidence" / "page.png").read_bytes() == b"png"
    assert {path.name for path in (tmp_path / "taken").iterdir()} == {
        path.name for path in (runs.reports / NAME).iterdir()
    }


def test_sonobuoy_is_told_last(runs: Runs, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def write(path: Path, text: str) -> None:
        with tarfile.open(text) as archive:
            assert "junit.xml" in archive.getnames()
        told.append(path.name)

    monkeypatch.setattr(job_run, "write_atomically", write)
    job.main(["run"])
    assert told == ["done"]
    assert runs.reports.exists()
    assert [path.name for path in results.iterdir()] == ["stackspin-conformance.tar.gz"]


def test_a_run_that_did_not_begin_is_an_error_for_sonobuoy(
    runs: Runs, results: Path, tmp_path: Path
) -> None:
    runs.begins = False
    assert job.main(["run"]) == 4
    found = as_sonobuoy_takes_it(results, tmp_path / "taken")
    assert (found.get("tests"), found.get("errors")) == ("1", "1")
    [error] = found.iter("error")
    assert "exit status 4" in str(error.get("message"))


def fail_to_archive(archive: Path, *_: object) -> None:
    Path(archive).write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("what", "wrong"),
    [("tarfile.open", fail_to_archive), ("RunReport.model_validate_json", lambda _: [].pop())],
)
def test_sonobuoy_does_not_wait_for_what_cannot_be_handed_over(
    runs: Runs,  # noqa: ARG001 - what ends
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    wrong: Callable[..., None],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"conformance.cli.job_run.{what}", wrong)
        with pytest.raises((OSError, IndexError)) as raised:
            job.main(["run"])
    found = as_sonobuoy_takes_it(results, tmp_path / "taken")
    assert found.get("errors") == "1"
    [error] = found.iter("error")
    assert str(raised.value) in str(error.get("message"))
    assert sorted(path.name for path in results.iterdir()) == ["done", "junit.xml"]


def test_sonobuoy_is_told_also_if_no_file_can_hold_the_error(runs: Runs, results: Path) -> None:
    runs.begins = False
    (results / "junit.xml").mkdir()
    job.main(["run"])
    assert (results / "done").read_text() == str(results / "junit.xml")


def test_the_pod_waits_until_the_report_was_fetched(
    runs: Runs,  # noqa: ARG001 - what ends
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "namespace").write_text("conformance")
    monkeypatch.setattr(service_account, "FOLDER", tmp_path)
    ended = threading.Thread(target=lambda: job.main(["run", "--fetch-within=5"]), daemon=True)
    ended.start()
    wait_for(job_run.FINISHED)
    assert ended.is_alive()
    job_run.FETCHED.touch()
    ended.join(60)
    assert not ended.is_alive()
    assert f"kubectl cp --namespace=conformance {os.uname().nodename}:" in capsys.readouterr().out


def test_the_wait_has_an_end(runs: Runs) -> None:
    began = time.monotonic()
    job.main(["run", "--fetch-within=0.005"])
    assert 0.3 <= time.monotonic() - began < 60
    assert runs.reports.exists()


def test_a_pod_that_is_being_deleted_waits_for_nobody(runs: Runs) -> None:
    runs.signal = signal.SIGTERM
    began = time.monotonic()
    job.main(["run", "--fetch-within=2"])
    assert time.monotonic() - began < 60


def test_the_reports_volume_says_nothing_of_other_pods(runs: Runs) -> None:
    job.main(["run"])
    assert [path.name for path in runs.reports.iterdir()] == [NAME]


def test_a_real_run_that_cannot_begin_says_why(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT_ROOT),
        "HOME": str(tmp_path),
        "KUBECONFIG": "",
        "KUBERNETES_SERVICE_HOST": "",
        "STACKSPIN_CONFORMANCE_CLUSTER": "existing",
        "STACKSPIN_CONFORMANCE_PLATFORM": "discover",
        "STACKSPIN_CONFORMANCE_REPORTS_DIR": str(tmp_path / "reports"),
        job_run.RESULTS_DIR: str(results),
    }
    code = "from conformance.cli import main; main()"
    command = [sys.executable, "-c", code, "job", "run", "--", "-k", "discovery"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 4
    assert "cannot read the kubeconfig" in answer.stderr
    assert as_sonobuoy_takes_it(results, tmp_path / "taken").get("errors") == "1"


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
