"""The report as junit.xml, for CI systems: one suite a capability, one case a check and app."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # only writes

from conformance.common import junit
from conformance.report.model import RunReport
from conformance.report.results import Capability, CheckResult
from conformance.report.verdict import Verdict

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: RunReport) -> str:
    """Return junit.xml as Jenkins' and GitLab's schemas have it.

    "not run", "not applicable" and "waived" are skipped cases; the message begins with the verdict.
    """
    suites = [_suite(report, capability) for capability in report.capabilities]
    if report.errors:
        suites.append(_errors(report))
    return junit.document("stackspin-conformance", suites, report.seconds)


def _suite(report: RunReport, capability: Capability) -> ET.Element:
    failed = sum(check.verdict is Verdict.FAIL for check in capability.checks)
    ran = {Verdict.FAIL, Verdict.PASS}
    skipped = sum(check.verdict not in ran for check in capability.checks)
    suite = ET.Element(
        "testsuite",
        {
            "name": capability.id,
            "tests": str(len(capability.checks)),
            "failures": str(failed),
            "errors": "0",
            "skipped": str(skipped),
            "time": f"{capability.seconds:.3f}",
            "timestamp": report.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    for check in capability.checks:
        suite.append(_case(check))
    return suite


def _case(check: CheckResult) -> ET.Element:
    capability, _, name = check.id.partition(".")
    case = ET.Element(
        "testcase",
        {
            "classname": f"conformance.{capability}",
            "name": _clean(f"{name}[{check.run}]" if check.run else name),
            "time": f"{check.seconds:.3f}",
        },
    )
    about = {"check": check.id, "level": check.level, "promise": check.promise}
    junit.add_properties(case, {key: _clean(value) for key, value in about.items()})
    first = check.reason.partition("\n")[0]
    if check.verdict is Verdict.FAIL:
        failure = ET.SubElement(case, "failure", {"message": _clean(first)})
        failure.text = _clean(check.reason)
    elif check.verdict is not Verdict.PASS:
        message = f"{check.verdict.value}: {first}"
        ET.SubElement(case, "skipped", {"message": _clean(message)})
    if check.evidence:
        # The form that GitLab and Jenkins' attachments plug-in understand.
        out = ET.SubElement(case, "system-out")
        out.text = _clean("\n".join(f"[[ATTACHMENT|{item.path}]]" for item in check.evidence))
    return case


def _errors(report: RunReport) -> ET.Element:
    count = str(len(report.errors))
    suite = ET.Element(
        "testsuite", {"name": "run", "tests": count, "failures": "0", "errors": count, "time": "0"}
    )
    for text in report.errors:
        first = _clean(text.partition("\n")[0])
        case = ET.SubElement(
            suite, "testcase", {"classname": "conformance.run", "name": first[:120], "time": "0"}
        )
        ET.SubElement(case, "error", {"message": first}).text = _clean(text)
    return suite


def _clean(text: str) -> str:
    """Replace what XML 1.0 cannot hold, such as the colour codes in a log."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
