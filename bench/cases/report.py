"""What the nightly job's reader waits for: the report, its comparison, the history."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab
from bench.years_of_reports import write_year
from conformance.common.settings import PROJECT_ROOT
from conformance.report.html import to_html
from conformance.report.model import RunReport
from conformance.services.browser import PROGRAM

EXAMPLE = PROJECT_ROOT / "reports" / "example"
NIGHTS = 365
KILOBYTES = 1e3


@benchmark(
    "report",
    Measure("opened in Chromium, CPU", target=1.0),
    Measure("report.html", "kB", target=5000.0),
    Measure("compare, CPU", target=1.0),
    Measure(f"history of {NIGHTS}, CPU", target=5.0),
    Measure("history.html", "kB", target=2000.0),
    needs_cluster=False,
)
def report(lab: Lab) -> Samples:
    """A full run's page until it is drawn, two runs compared, and a year of runs read at once.

    The page is the published example's, written by this version; the year's nights are made of the
    example. Without Chromium on the machine, the page is not opened.
    """
    del lab
    with tempfile.TemporaryDirectory(prefix="stackspin-bench-") as folder:
        reports = Path(folder) / "reports"
        before, *_, after = write_year(reports, NIGHTS, broke_at=NIGHTS - 10)
        found: dict[str, list[float]] = {
            f"history of {NIGHTS}, CPU": [_seconds("history", str(reports))],
            "history.html": [(reports / "history.html").stat().st_size / KILOBYTES],
            "compare, CPU": [_seconds("compare", str(before), str(after))],
        }
        page = Path(folder) / "report.html"
        full = RunReport.model_validate_json((EXAMPLE / "report.json").read_bytes())
        page.write_text(to_html(full, EXAMPLE), encoding="utf-8")
        found["report.html"] = [page.stat().st_size / KILOBYTES]
        if chromium := shutil.which(PROGRAM):
            found["opened in Chromium, CPU"] = [opened(page, chromium)]
    return found


def opened(page: Path, chromium: str) -> float:
    """Return seconds of CPU time that Chromium's page takes until it is laid out."""
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        devtools = tab.context.new_cdp_session(tab)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.goto(page.as_uri(), wait_until="load")
        tab.evaluate("document.body.offsetHeight")
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        browser.close()
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _seconds(*arguments: str) -> float:
    """Return seconds of CPU time of a command of ``stackspin-conformance report``.

    ``compare`` ends with 1 where checks fail.
    """
    program = Path(sysconfig.get_path("scripts")) / "stackspin-conformance"
    began = os.times()
    ended = subprocess.run(
        [str(program), "report", *arguments], capture_output=True, text=True, check=False
    )
    now = os.times()
    if ended.returncode not in (0, 1) or ended.stderr:
        raise AssertionError(f"report {arguments[0]} ended with {ended.returncode}: {ended.stderr}")
    used = now.children_user - began.children_user
    return used + now.children_system - began.children_system
