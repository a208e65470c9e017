"""``stackspin-conformance job run``: a run in a pod, whose report outlives the pod.

It is in the volume that the reports go to. Who has no such volume fetches it from the pod, which
waits for that; Sonobuoy's worker beside it takes it by the contract of plugins:
https://sonobuoy.io/docs/main/plugins/
"""

from __future__ import annotations

import contextlib
import os
import socket
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET  # only writes

from conformance.clusters import service_account
from conformance.common import junit
from conformance.common.options import variable_of
from conformance.common.settings import Settings
from conformance.linter.on_cluster.process import Ended, run_checks
from conformance.report.files import write_atomically
from conformance.report.model import RunReport
from conformance.report.terminal import summary

RESULTS_DIR = "SONOBUOY_RESULTS_DIR"
"""The variable by which Sonobuoy says where its worker looks for results."""
DONE = "done"
"""In it: written last, with the path of the file to take. Until it is there, the worker waits."""
ERROR = "junit.xml"
"""In it, where there is no report to take: an error, in the file that Sonobuoy reads."""
FINISHED = Path(tempfile.gettempdir(), "conformance-finished")
"""There once the report is whole, with its name. Not beside the reports: their volume may outlive
the pod, and another one would be taken for finished."""
FETCHED = FINISHED.with_name("conformance-fetched")
"""Made by whoever has fetched the report."""
_ARCHIVE = "stackspin-conformance.tar.gz"
_LOOK_SECONDS = 1.0


def run_in_pod(options: Sequence[str], fetch_within: float) -> int:
    """Run the checks and hand their report over; the exit status is that of the run.

    Options of the run are given after --, or as STACKSPIN_CONFORMANCE_NAME.
    """
    results = os.environ.get(RESULTS_DIR)
    if not results:
        return _run(options, lambda ended: _wait_for_fetch(ended, 60 * fetch_within))
    try:
        return _run(options, lambda ended: hand_to_sonobuoy(ended, Path(results)))
    except BaseException as error:
        why = f"no report was handed over: {type(error).__name__}: {error}"
        _hand_error_to_sonobuoy(why, Path(results))
        raise


def _run(options: Sequence[str], hand_over: Callable[[Ended], None]) -> int:
    reports = Path(os.environ.get(variable_of(Settings, "reports_dir")) or "reports").absolute()
    reports.mkdir(parents=True, exist_ok=True)
    ended = run_checks(options, reports)
    status = ended.status if ended.status >= 0 else 128 - ended.status
    if ended.folder is not None:
        text = (ended.folder / "report.json").read_text(encoding="utf-8")
        for line, _ in summary(RunReport.model_validate_json(text), ended.folder):
            print(line, flush=True)
    hand_over(ended)
    return status


def hand_to_sonobuoy(ended: Ended, results: Path) -> None:
    """Put a report where Sonobuoy's worker takes it from, as an archive that Sonobuoy unpacks.

    Of a run that did not begin it has that as an error. Raises OSError.
    """
    if ended.folder is None:
        _hand_error_to_sonobuoy(ended.run().trouble, results)
        return
    archive = results / _ARCHIVE
    with tarfile.open(archive, "w:gz") as file:
        for one in sorted(ended.folder.iterdir()):
            file.add(one, one.name)
    write_atomically(results / DONE, str(archive))


def _hand_error_to_sonobuoy(message: str, results: Path) -> None:
    """Have Sonobuoy's worker take an error instead of a report.

    It is a file, no archive: that may have failed because the disk is full. If even this file
    cannot be written, the worker reports that it cannot open it.
    """
    with contextlib.suppress(OSError):
        (results / _ARCHIVE).unlink(missing_ok=True)
        (results / ERROR).write_text(_as_junit(message), encoding="utf-8")
    write_atomically(results / DONE, str(results / ERROR))


def _as_junit(message: str) -> str:
    case = ET.Element("testcase", {"classname": "stackspin-conformance", "name": "run"})
    ET.SubElement(case, "error", {"message": message})
    counts = {"tests": "1", "failures": "0", "errors": "1"}
    suite = ET.Element("testsuite", {"name": "stackspin-conformance", **counts})
    suite.append(case)
    return junit.document("stackspin-conformance", [suite], 0.0)


def _wait_for_fetch(ended: Ended, seconds: float) -> None:
    folder = ended.folder
    if folder is None or ended.signal:
        return
    write_atomically(FINISHED, f"{folder.name}\n")
    if seconds <= 0:
        return
    namespace = service_account.namespace() or "NAMESPACE"
    pod = f"--namespace={namespace} {socket.gethostname()}"
    print(
        f"The report is complete. For {seconds / 60:g} minutes it can be fetched from here:\n"
        f"  kubectl cp {pod}:{folder} {folder.name}\n"
        f"  kubectl exec {pod} -- touch {FETCHED}",
        flush=True,
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end and not FETCHED.exists():
        time.sleep(_LOOK_SECONDS)
