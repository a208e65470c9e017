"""What a capability and a run say as a whole, in every view the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_samples import a_check, a_report

from conformance.report import terminal
from conformance.report.html import to_html
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.results import CheckResult, summarise
from conformance.report.verdict import Verdict
from conformance.report.write import to_json


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([Verdict.PASS, Verdict.PASS], "pass"),
        ([Verdict.PASS, Verdict.NOT_APPLICABLE], "pass"),
        ([Verdict.PASS, Verdict.NOT_RUN], "partial"),
        ([Verdict.PASS, Verdict.WAIVED], "partial"),
        ([Verdict.NOT_RUN, Verdict.FAIL], "fail"),
        ([Verdict.NOT_APPLICABLE], "partial"),
    ],
)
def test_a_capability_passes_only_if_all_its_core_checks_did(
    verdicts: list[Verdict], expected: str
) -> None:
    checks = [a_check("dashboard", n, verdict) for n, verdict in enumerate(verdicts)]
    extended = a_check("dashboard", 99, Verdict.FAIL, level=Level.EXTENDED)
    assert summarise("dashboard", [*checks, extended]).verdict == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [(Verdict.PASS, "pass"), (Verdict.FAIL, "fail"), (Verdict.NOT_RUN, "partial")],
)
def test_a_capability_without_core_checks_is_judged_by_the_others(
    verdict: Verdict, expected: str
) -> None:
    checks = [a_check("app_runs", n, level=Level.EXTENDED) for n in range(2)]
    other = a_check("app_runs", 3, verdict, level=Level.EXTENDED)
    assert summarise("app_runs", [*checks, other]).verdict == expected


PASSED = a_check("dashboard", 1)
RUNNING = {"state": "running", "checks_selected": 80, "checks_done": 12, "process": 4711}
FAILED = a_check("auto_update", 2, Verdict.FAIL)
FAILED_EXTENDED = a_check("dashboard", 3, Verdict.FAIL, level=Level.EXTENDED)
NOT_RUN = a_check("auto_update", 4, Verdict.NOT_RUN)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (a_report({"dashboard": [PASSED]}), "pass"),
        (a_report({"dashboard": [PASSED], "auto_update": [FAILED]}), "fail"),
        (a_report({"dashboard": [PASSED, FAILED_EXTENDED]}), "fail"),
        (a_report({"dashboard": [PASSED]}, errors=["the registry does not answer"]), "fail"),
        (a_report({"dashboard": [PASSED], "auto_update": [NOT_RUN]}), "partial"),
        (a_report({"dashboard": [PASSED]}, state="interrupted"), "partial"),
        (a_report({"auto_update": [FAILED]}, state="interrupted"), "fail"),
        (a_report({}), "partial"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_view_has_the_verdict_of_the_run(
    report: RunReport, expected: str, tmp_path: Path
) -> None:
    assert json.loads(to_json(report))["verdict"] == expected
    page = to_html(report, tmp_path)
    assert f"<title>{expected}: Stackspin conformance" in page
    headline = page[page.index("<h1>") : page.index("</div>", page.index("<h1>"))]
    assert f"</span> {expected}</span>" in headline
    lines = [line for line, _ in terminal.summary(report, tmp_path)]
    assert f"Verdict: {expected}" in lines


def test_a_capability_whose_extended_check_failed_says_pass_nowhere(tmp_path: Path) -> None:
    report = a_report({"dashboard": [PASSED, FAILED_EXTENDED], "auto_update": [PASSED]})
    assert [one.verdict.value for one in report.capabilities] == ["pass", "pass"]
    first, second, *_ = (line.split()[1] for line, _ in terminal.summary(report, tmp_path))
    assert (first, second) == ("extended", "pass")
    page = to_html(report, tmp_path)
    cards = page.partition('<ul class="cards"')[2].partition("</ul>")[0]
    assert re.findall(r"</span> ([a-z ]+)</span>", cards) == ["extended fail", "pass"]


@pytest.mark.parametrize(
    ("checks", "headline"),
    [([PASSED], "running, 12 of 80 checks"), ([FAILED], "running, 12 of 80 checks, fail")],
)
def test_the_page_of_a_run_that_goes_on_says_so_and_how_to_see_that_it_was_killed(
    checks: list[CheckResult], headline: str, tmp_path: Path
) -> None:
    page = to_html(a_report({"dashboard": checks}, **RUNNING), tmp_path)
    assert f"<title>{headline}: Stackspin conformance" in page
    assert "Running, 12 of 80 checks</h2>" in page
    assert "2026-11-23 21:05:12 UTC" in page
    assert "If process 4711 is no longer" in page
    assert "Interrupted" not in page


def test_a_capability_of_which_nothing_applies_is_not_called_partial() -> None:
    checks = [a_check("app_login", n, Verdict.NOT_APPLICABLE) for n in range(2)]
    report = a_report({"dashboard": [PASSED], "app_login": checks})
    lines = [line for line, _ in terminal.summary(report, Path("reports"))]
    assert re.search(r"^app_login +not applicable  8 s$", "\n".join(lines), re.MULTILINE)
    page = re.sub(r"<[^>]+>", " ", to_html(report, Path()))
    assert "core: 2 not applicable" in page
    assert "partial core 0/0" not in re.sub(r"\s+", " ", page)
