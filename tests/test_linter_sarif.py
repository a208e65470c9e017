"""The linter's result for code scanning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from linter_results import HOSTILE, a_finding, a_result, a_rule, a_waiver, an_app_result

from conformance.linter.findings import Place, Severity
from conformance.linter.views.sarif import to_sarif

WARNING = a_rule("containers.image-pinned", 2, Severity.WARNING)


def run_of(*findings: Any, **more: Any) -> dict[str, Any]:
    log = json.loads(to_sarif(a_result(an_app_result(*findings, **more))))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_a_finding_is_at_its_line_with_its_rule() -> None:
    run = run_of(a_finding(), a_finding(WARNING))

    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [one["level"] for one in run["results"]] == ["error", "warning"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "packages/charts/notes/templates/pvc.yaml"},
        "region": {"startLine": 7},
    }
    assert rules[0]["helpUri"].startswith("https://")


def test_a_file_as_a_whole_has_no_line() -> None:
    (result,) = run_of(a_finding(place=Place("a b/ü.yaml")))["results"]

    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "packages/a%20b/%C3%BC.yaml"}}


def test_what_is_below_the_working_directory_is_relative_to_it(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    inside = run_of(a_finding(), root=str(tmp_path / "tree"))["results"]
    outside = run_of(a_finding(), root=str(Path("/elsewhere")))["results"]

    uris = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in (*inside, *outside)
    ]
    assert uris == [
        "tree/charts/notes/templates/pvc.yaml",
        "file:///elsewhere/charts/notes/templates/pvc.yaml",
    ]


def test_what_is_waived_or_known_is_marked() -> None:
    waived = a_finding(waiver=a_waiver())
    known = replace(a_finding(WARNING), known=True)

    first, second = run_of(waived, known)["results"]

    assert first["suppressions"] == [
        {"kind": "external", "justification": "cache only (until 2027-01-31)"}
    ]
    assert "baselineState" not in first
    assert second["baselineState"] == "unchanged"


def test_the_fingerprint_stays_when_lines_move() -> None:
    def fingerprint(line: int, message: str) -> str:
        found = a_finding(message=message, place=Place("a.yaml", line, "ConfigMap a"))
        (result,) = run_of(found)["results"]
        return str(result["partialFingerprints"]["stackspinFinding/v1"])

    assert fingerprint(3, "wrong (line 3)") == fingerprint(9, "wrong (line 9)")
    assert fingerprint(3, "wrong") != fingerprint(3, "right")


def test_what_was_not_run_is_told() -> None:
    notices = run_of(not_run=[(WARNING, "chart unknown")])["invocations"][0]

    (one,) = notices["toolExecutionNotifications"]
    assert one["message"]["text"] == "notes: containers.image-pinned was not run: chart unknown"


def test_hostile_text_is_harmless() -> None:
    found = a_finding(message=HOSTILE, place=Place(HOSTILE, 3, HOSTILE), fix=HOSTILE)
    text = to_sarif(a_result(an_app_result(found, root=HOSTILE, not_run=[(WARNING, HOSTILE)])))

    assert text.isascii()
    read = json.dumps(json.loads(text), ensure_ascii=False)
    assert not {"\u202e", "\x1b", "\ud800"} & set(read)
