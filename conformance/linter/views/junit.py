"""The result for CI systems: one suite an app, one case a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only writes

from conformance.common import junit
from conformance.linter.levels import HIGHEST
from conformance.linter.views import sentence, shown, where

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Finding, Result
    from conformance.linter.rule import Rule


def to_junit(result: Result, level: int | None = None) -> str:
    """Return XML as Jenkins' and GitLab's schemas have it.

    An error is a failed case, or a skipped one where only a lower ``level`` is asked for. "not run"
    and "waived" are skipped cases, too; the message begins with the word. Warnings and notes are
    the output of a case that passed.
    """
    asked = HIGHEST if level is None else level
    suites = [_suite(app, result, asked) for app in result.apps]
    return junit.document("stackspin-conformance app", suites, result.seconds)


def _suite(app: AppResult, result: Result, asked: int) -> ET.Element:
    cases = [_case(rule, app, asked) for rule in result.rules]
    suite = ET.Element(
        "testsuite",
        {
            "name": shown(app.name),
            "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)),
            "errors": "0",
            "skipped": str(sum(case.find("skipped") is not None for case in cases)),
            "time": "0",
        },
    )
    level = "not claimed" if app.level is None else str(app.level)
    about = {"level": level, "path": app.app.path, "root": app.root, "detected": app.app.detected}
    junit.add_properties(suite, {key: shown(value) for key, value in about.items()})
    suite.extend(cases)
    return suite


def _case(rule: Rule, app: AppResult, asked: int) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "classname": f"app.{shown(app.name)}",
            "name": f"{rule.id}: {rule.title}",
            "time": "0",
        },
    )
    findings = [finding for finding in app.findings if finding.rule.id == rule.id]
    reasons = [reason for other, reason in app.not_run if other.id == rule.id]
    failures = [finding for finding in findings if finding.fails]
    waived = [finding for finding in findings if finding.rule.core and finding.waiver]
    if failures:
        message = shown(failures[0].message)
        if len(failures) > 1:
            message = f"{message} (and {len(failures) - 1} more)"
        text = "\n".join(_text(finding, app) for finding in failures)
        if rule.level > asked:
            failure = ET.SubElement(case, "skipped", {"message": f"above level {asked}: {message}"})
        else:
            failure = ET.SubElement(case, "failure", {"message": message, "type": rule.id})
        failure.text = text
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
    kind = "waived" if finding.waiver else finding.severity.value
    place = shown(where(finding.place, app))
    return f"{kind}: {place}: {shown(sentence(finding))}\n    fix: {shown(finding.fix)}"
