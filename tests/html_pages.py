"""The pages of the suite and of the linter, with texts that do not fit on a phone."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cluster_runs import an_app_check, write_run
from linter_results import a_finding, a_result, a_rule, a_waiver, an_app, an_app_result
from report_samples import a_check, a_report

from conformance.linter.findings import Place
from conformance.linter.on_cluster.merge import merged
from conformance.linter.on_cluster.report import read_run
from conformance.linter.views.html import to_html as linter_page
from conformance.report.changes import Change, Comparison, DurationChange
from conformance.report.environment import (
    Awaited,
    Component,
    InstallationStep,
    ObtainedPart,
    Substitute,
)
from conformance.report.evidence import EvidenceBox
from conformance.report.history.facts import facts_of
from conformance.report.history.page import to_html as history_page
from conformance.report.history.summary import summarise
from conformance.report.html import to_html
from conformance.report.results import Measurement, Repetition, TwinResult, repeated
from conformance.report.verdict import Verdict

DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
    "gg=="
)
"""A PNG image of one pixel, in base64."""
LONG = "docker.io/stackspin/wordpress@sha256:" + 2 * "3f9fbc339cc9af4be84a5d518289404dd3671e1b"


class Plain:
    def redact(self, text: str) -> str:
        return text


def write_report(folder: Path) -> Path:
    """Write the report of a bad night into ``folder``; return its page."""
    box = EvidenceBox(folder, "x", Plain())
    box.attach("failure.txt", f"AssertionError: {LONG}\n{'x' * 300}\n" + "\t".join(["column"] * 80))
    box.attach(f"diagnostics/{'long-' * 15}name.log", f"level=error image={LONG}\n" * 50)
    failed = a_check(
        "backup_restore",
        1,
        Verdict.FAIL,
        reason=f"WaitTimeout: {LONG}\n  last status: {LONG}",
        notes=[f"Diagnostics are incomplete: {LONG}"],
        measurements=[Measurement(name="bytes_in_" + "a" * 90, value=123456789.5, unit="bytes")],
        evidence=box.files(),
        twin=TwinResult(defect=LONG, expect="y" * 120, caught=False),
    )
    not_run = a_check("backup_restore", 2, Verdict.NOT_RUN, reason=LONG)
    seen = EvidenceBox(folder, "y", Plain())
    seen.attach("asked.txt", f"GET {LONG}: 200\n" * 30)
    seen.attach("notes at the login.png", base64.b64decode(DOT))
    passed = [
        a_check(
            "backup_restore",
            3,
            Verdict.PASS if number == 1 else Verdict.FAIL,
            node_id=f"test_backup_restore.py::test_promise_3[notes-{number}of2]",
            repetition=Repetition(number=number, of=2),
            began=4.0 * number,
            evidence=seen.files(),
        )
        for number in (1, 2)
    ]
    change = {"id": f"backup_restore.{'long_' * 20}name", "run": "notes-node-agent-killed"}
    failing = Change(**change, before=Verdict.PASS, after=Verdict.FAIL, reason=LONG)
    slower = DurationChange(**change, before=16.1, after=41.2)
    report = a_report({"backup_restore": [failed, not_run, *passed]})
    report.comparison = Comparison(
        previous_run_id="tlft1r",
        previous_started_at=report.started_at - timedelta(days=1),
        newly_failing=[failing],
        fixed=[failing],
        slower=[slower],
    )
    report.repeated = repeated(report.checks)
    report.command.append(f"--kubeconfig=/home/{'long/' * 30}kubeconfig.yaml")
    report.errors.append(f"clean-up failed: {LONG}")
    report.not_installed = {"long-" * 15 + "name": LONG}
    report.substitutes = [Substitute(name="garage", instead_of=LONG, note=LONG)]
    pushed = Awaited(step="image " + "a" * 60, cluster="stackspin", began=1.0, seconds=2.0)
    report.seconds = 3000.0  # so that the beginning has a drawing of its own
    report.installation = [
        *_rows(pushed),
        InstallationStep(
            step="cluster start", kind="cluster", cluster="stackspin", began=0.1, seconds=9.0
        ),
        InstallationStep(
            step=pushed.step, kind="image", cluster="stackspin", began=1.0, seconds=300.0
        ),
        InstallationStep(
            step="single-sign-on-" * 9,
            kind="platform",
            cluster="stackspin",
            began=1.0,
            seconds=90.0,
            outcome="failed",
            waited_for=[pushed],
        ),
    ]
    passed[0].waited_for = [pushed, Awaited(step="b" * 90, began=4.0, seconds=0.5)]
    report.components.append(
        Component(name="long-" * 15, version="v1", origin="built", source=LONG)
    )
    report.obtained = [ObtainedPart(name="long-" * 15, how="built", began=1.0, seconds=300.0)]
    page = folder / "report.html"
    page.write_text(to_html(report, folder), encoding="utf-8")
    return page


def _rows(pushed: Awaited) -> list[InstallationStep]:
    """Return steps of every row of the timeline, some of them at the same time."""
    kinds = ("app image", "app", "preparation", "platform")
    steps = [
        InstallationStep(
            step=f"{kind} {number} {'c' * 60}",
            kind=kind,
            cluster=cluster,
            began=40.0 * number,
            seconds=90.0,
            outcome="unfinished" if number == 3 else "done",
            waited_for=[pushed],
        )
        for kind in kinds
        for cluster in ("stackspin", "stackspin-testing-" * 5)
        for number in range(4)
    ]
    return sorted(steps, key=lambda step: step.began)


def write_linter_page(folder: Path) -> Path:
    """Write the linter's result of several packages into ``folder``; return the page."""
    long = replace(
        a_rule().prose, source=f"https://www.ory.sh/docs/{'reference/' * 20}#tag", example=LONG
    )
    rule = replace(a_rule(), read=lambda: long)
    place = Place(f"{'charts/' * 20}pvc.yaml", 7, f"PersistentVolumeClaim {'a' * 80}")
    found = a_finding(rule, f"image {LONG} moves", place, fix=f"Write {LONG}.")
    broken = an_app(path="packages/" * 20, detected=f"Helm chart {'a' * 80}")
    well = an_app(name="b" * 63, path="packages/" * 20, detected=f"Helm chart {'b' * 80}")
    result = a_result(
        an_app_result(found, app=broken, not_run=[(a_rule("backup.other"), LONG)], remark=LONG),
        an_app_result(app=well),
        an_app_result(app=well),
        unused=[a_waiver(reason=LONG)],
    )
    page = folder / "app.html"
    page.write_text(linter_page(result), encoding="utf-8")
    return page


def write_cluster_page(folder: Path) -> Path:
    """Write the linter's result with a run on a cluster into ``folder``; return the page."""
    failed = an_app_check(
        f"app_runs.{'long_' * 15}name",
        verdict=Verdict.FAIL,
        reason=f"{LONG}\n{'x' * 300}\n  To do: {LONG}",
        promise=f"The image {LONG} runs.",
        measurements=[Measurement(name="bytes_in_" + "a" * 90, value=123456789.5, unit="bytes")],
    )
    other = an_app_check(f"app_runs.{'other_' * 15}name", verdict=Verdict.NOT_RUN, reason=LONG)
    run = read_run(write_run(folder / "reports", failed, other, errors=[LONG]))
    page = folder / "app.html"
    page.write_text(linter_page(merged(a_result(an_app_result()), run), folder), encoding="utf-8")
    return page


def write_history_page(folder: Path) -> Path:
    """Write the history of a check that breaks and flakes into ``folder``; return the page."""
    name = f"backup_restore.{'long_' * 20}name"
    runs = []
    for night, verdict in enumerate("ppfppppfff"):
        failed = {"p": Verdict.PASS, "f": Verdict.FAIL}[verdict]
        check = a_check("backup_restore", 1, failed, id=name, reason=LONG if verdict == "f" else "")
        part = Component(name="long-" * 15, version=f"{LONG}-{night > 6}", origin="built")
        report = a_report({"backup_restore": [check]}, run_id="n" * 60, components=[part])
        report.started_at += timedelta(days=night)
        runs.append(facts_of(report, "none"))
    page = folder / "history.html"
    page.write_text(history_page(summarise(runs), folder, [LONG]), encoding="utf-8")
    return page
