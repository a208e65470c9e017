"""The linter's result for code scanning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from linter_results import HOSTILE, a_finding, a_result, a_rule, a_waiver, an_app_result

from conformance.linter.findings import Place, Severity
from conformance.linter.on_cluster.promises import Promise
from conformance.linter.result import Finding
from conformance.linter.rule import all_rules
from conformance.linter.views.sarif import to_sarif

WARNING = a_rule("containers.image-pinned", 2, Severity.WARNING)


@pytest.fixture
def schema() -> Any:
    """The schema of OASIS as a model: pydantic-sarif is made of it, and refuses unknown fields."""
    model = pytest.importorskip("pydantic_sarif.model", reason="the extra tests is not installed")
    return model.StaticAnalysisResultsFormatSarifVersion210JsonSchema


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


def test_it_keeps_the_schema_of_sarif(schema: Any) -> None:
    known = replace(a_finding(WARNING), known=True)
    found = (a_finding(), a_finding(waiver=a_waiver()), known, a_finding(place=Place()))
    hostile = a_finding(message=HOSTILE, place=Place(HOSTILE, 3, HOSTILE), fix=HOSTILE)
    checked = Promise("app_runs.serves", 4, Severity.ERROR, "It serves.")
    on_cluster = Finding(checked, Place(), "It does not serve.", "")
    app = an_app_result(*found, hostile, on_cluster, not_run=[(WARNING, HOSTILE)], root=HOSTILE)

    log = json.loads(to_sarif(a_result(app, rules=all_rules().values())))

    schema.model_validate_json(json.dumps(log))
    for place, value in (("level", "fatal"), ("locations", {}), ("ruleIndex", "first")):
        broken = json.loads(json.dumps(log))
        broken["runs"][0]["results"][0][place] = value
        with pytest.raises(ValueError, match=place):
            schema.model_validate_json(json.dumps(broken))


def test_each_rule_that_a_result_names_is_listed() -> None:
    """What the schema does not say, and code scanning needs."""
    run = run_of(a_finding(), a_finding(WARNING))
    rules = run["tool"]["driver"]["rules"]
    assert len({one["id"] for one in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for location in result["locations"]:
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert not uri.startswith("/")
            assert " " not in uri
    assert all(one["shortDescription"]["text"] for one in rules)


def test_hostile_text_is_harmless() -> None:
    found = a_finding(message=HOSTILE, place=Place(HOSTILE, 3, HOSTILE), fix=HOSTILE)
    text = to_sarif(a_result(an_app_result(found, root=HOSTILE, not_run=[(WARNING, HOSTILE)])))

    assert text.isascii()
    read = json.dumps(json.loads(text), ensure_ascii=False)
    assert not {"\u202e", "\x1b", "\ud800"} & set(read)
