"""The result for CI systems: one suite an app, one case a rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only writes

from conformance.common import junit
from conformance.common.visible import shown
from conformance.linter.levels import HIGHEST
from conformance.linter.views import link, sentence, where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.linter.result import AppResult, CheckResult, Finding, Result
    from conformance.linter.rule import Requirement


def to_junit(result: Result, level: int | None = None, folder: Path = Path()) -> str:
    """Return XML as Jenkins' and GitLab's schemas have it.

    An error is a failed case, or a skipped one where only a lower ``level`` is asked for. "not run"
    and "waived" are skipped cases, too; the message begins with the word. Warnings and notes are
    the output of a case that passed. Paths of evidence are relative to ``folder``.
    """
    asked = HIGHEST if level is None else level
    suites = [_suite(app, result, asked, folder) for app in result.apps]
    seconds = result.seconds + (result.cluster.seconds if result.cluster else 0)
    return junit.document("stackspin-conformance app", suites, seconds)


def _suite(app: AppResult, result: Result, asked: int, folder: Path) -> ET.Element:
    cases = [_case(rule, app, asked) for rule in result.rules]
    cases += [_check_case(one, app, asked, folder) for one in app.checks]
    seconds = sum(one.seconds for one in app.checks)
    suite = ET.Element(
        "testsuite",
        {
            "name": shown(app.name),
            "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)),
            "errors": "0",
            "skipped": str(sum(case.find("skipped") is not None for case in cases)),
            "time": f"{seconds:.3f}" if app.checks else "0",
        },
    )
    level = "not claimed" if app.level is None else str(app.level)
    about = {"level": level, "path": app.app.path, "root": app.root, "detected": app.app.detected}
    about |= {f"level {number} not judged": why for number, why in app.not_judged.items()}
    junit.add_properties(suite, {key: shown(value) for key, value in about.items()})
    suite.extend(cases)
    return suite


def _check_case(result: CheckResult, app: AppResult, asked: int, folder: Path) -> ET.Element:
    """Return the case of a check on the cluster, with what it measured and left."""
    case = _new(result.check, app, f"{result.seconds:.3f}")
    # A check that has parameters runs several times on an app.
    failed = [one for one in app.findings if one.failed and one.failed.anchor == result.anchor]
    if failed:
        _add_failure(case, failed, app, asked)
    elif result.verdict != "pass":
        message = shown(f"{result.verdict}: {' '.join(result.reason.split())}")
        ET.SubElement(case, "skipped", {"message": message})
    if lines := list(_left(result, folder)):
        ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _left(result: CheckResult, folder: Path) -> Iterator[str]:
    yield from (f"measured: {shown(one)}" for one in result.measured)
    yield from (f"evidence: {shown(link(one.path, folder))}" for one in result.evidence)


def _new(requirement: Requirement, app: AppResult, seconds: str = "0") -> ET.Element:
    return ET.Element(
        "testcase",
        {
            "classname": f"app.{shown(app.name)}",
            "name": shown(f"{requirement.id}: {requirement.title}"),
            "time": seconds,
        },
    )


def _add_failure(case: ET.Element, failures: list[Finding], app: AppResult, asked: int) -> None:
    """Say why the case failed, or that it is skipped as only a lower level was asked for."""
    rule, message = failures[0].rule, shown(failures[0].message)
    if len(failures) > 1:
        message = f"{message} (and {len(failures) - 1} more)"
    if rule.level > asked:
        failure = ET.SubElement(case, "skipped", {"message": f"above level {asked}: {message}"})
    else:
        failure = ET.SubElement(case, "failure", {"message": message, "type": rule.id})
    failure.text = "\n".join(_text(finding, app) for finding in failures)


def _case(rule: Requirement, app: AppResult, asked: int) -> ET.Element:
    case = _new(rule, app)
    findings = [finding for finding in app.findings if finding.rule.id == rule.id]
    reasons = [reason for other, reason in app.not_run if other.id == rule.id]
    failures = [finding for finding in findings if finding.fails]
    waived = [finding for finding in findings if finding.rule.core and finding.waiver]
    if failures:
        _add_failure(case, failures, app, asked)
    elif reasons:
        ET.SubElement(case, "skipped", {"message": f"not run: {shown(reasons[0])}"})
    elif waived and waived[0].waiver:
        waiver = waived[0].waiver
        message = f"waived until {waiver.until}: {shown(waiver.reason)}"
        ET.SubElement(case, "skipped", {"message": message})
    rest = [finding for finding in findings if finding not in failures]
    lines = [_text(finding, app) for finding in rest]
    if failures or reasons[1:]:
        lines += [f"not run: {shown(reason)}" for reason in reasons]
    if lines:
        ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _text(finding: Finding, app: AppResult) -> str:
    kind = finding.kind
    place = shown(where(finding.place, app))
    text = f"{kind}: {place}: {shown(sentence(finding))}"
    return f"{text}\n    fix: {shown(finding.fix)}" if finding.fix else text
