"""The JSON and JUnit files of a result with a run on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from cluster_runs import FOLDER, SEEN, an_app_check, write_run
from judged_runs import FAILED
from linter_results import HOSTILE, a_result, an_app_result

from conformance.linter.on_cluster.merge import merged
from conformance.linter.on_cluster.report import read_run
from conformance.linter.result import Result
from conformance.linter.views.html import to_html
from conformance.linter.views.json_view import to_json
from conformance.linter.views.junit import to_junit
from conformance.report.verdict import Verdict


def test_json_has_exactly_what_is_documented(result: Result) -> None:
    data = json.loads(to_json(result))
    assert data["cluster"] == {
        "report": f"reports/{FOLDER}/report.html",
        "cluster": "embedded, Kubernetes v1.36.3",
        "seconds": 312.5,
        "trouble": "",
        "errors": [],
    }
    notes = data["apps"][0]
    evidence = [
        {
            "name": name,
            "path": f"reports/{FOLDER}/evidence/{FAILED}-notes/{name}",
        }
        for name in ("failure.txt", "diagnostics/events.txt")
    ]
    assert notes["level"] == 2
    assert notes["not_judged"] == {"5": "no checks yet", "6": "no checks yet"}
    assert notes["findings"][1] == {
        "rule": FAILED,
        "severity": "error",
        "file": "",
        "line": 0,
        "object": "",
        "message": "The app serves again after each of its pods was deleted. Seen: pod miniflux-0 "
        "was not Ready within 120 s last status: CrashLoopBackOff",
        "fix": "look into its log",
        "evidence": evidence,
    }
    assert "evidence" not in notes["findings"][0]
    assert notes["checks"][1] == {
        "check": FAILED,
        "level": 4,
        "promise": "The app serves again after each of its pods was deleted.",
        "verdict": "fail",
        "reason": f"{SEEN}\n  To do: look into its log",
        "seconds": 4.2,
        "measured": [],
        "evidence": evidence,
    }
    assert [one["verdict"] for one in notes["checks"]] == [
        "pass",
        "fail",
        "not run",
        "not applicable",
    ]
    assert {one["rule"] for one in notes["not_run"]} == {"app_runs.survives_node_kill"}


def test_paths_are_relative_to_the_folder_that_the_result_is_written_to(result: Result) -> None:
    data = json.loads(to_json(result, Path("out/today")))
    assert data["cluster"]["report"] == f"../../reports/{FOLDER}/report.html"
    html = to_html(result, Path("out/today"))
    assert f'href="../../reports/{FOLDER}/report.html#check-' in html
    assert f"evidence: ../../reports/{FOLDER}/evidence" in to_junit(
        result, folder=Path("out/today")
    )


def test_json_of_a_hostile_run_is_ascii(hostile: Result) -> None:
    text = to_json(hostile)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["apps"][0]["checks"][0]["promise"] == HOSTILE


def cases(text: str) -> Iterator[ET.Element]:
    yield from ET.fromstring(text).iter("testcase")  # noqa: S314 - our own


def test_junit_has_a_case_for_a_check_of_an_app(result: Result) -> None:
    text = to_junit(result)
    suite = ET.fromstring(text)[0]  # noqa: S314 - our own
    assert (suite.get("failures"), suite.get("skipped"), suite.get("time")) == ("2", "2", "16.800")
    found = {str(one.get("name")).partition(":")[0]: one for one in suite.iter("testcase")}
    failure = found[FAILED].find("failure")
    assert failure is not None
    assert "Seen: pod miniflux-0 was not Ready" in failure.attrib["message"]
    assert "fix: look into its log" in str(failure.text)
    assert f"evidence: reports/{FOLDER}/evidence/" in str(found[FAILED].findtext("system-out"))
    passed = found["app_runs.installed_by_flux"]
    assert [one.tag for one in passed] == ["system-out"]
    assert passed.get("time") == "4.200"
    assert "measured: time to Ready: 12.3 s" in str(passed.findtext("system-out"))
    messages = {
        name: one.attrib["message"] for name in found for one in found[name].iter("skipped")
    }
    assert messages["app_runs.survives_node_kill"].startswith("not run: a cluster of the provider")
    assert messages["app_runs.override_reaches_app"].startswith("not applicable: it has no")
    assert suite.find("properties/property[@name='level 5 not judged']") is not None


def test_junit_fails_no_check_of_a_level_that_was_not_asked_for(result: Result) -> None:
    (case,) = [
        one
        for one in cases(to_junit(result, 3))
        if one.attrib["classname"] == "app.notes" and one.attrib["name"].startswith(FAILED)
    ]
    assert case.find("failure") is None
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"].startswith("above level 3: The app serves again")


def test_each_run_of_a_check_with_parameters_is_a_case_of_its_own(here: Path) -> None:
    check, level = an_app_check("app_runs.x")
    failed = check.model_copy(
        update={
            "verdict": Verdict.FAIL,
            "reason": "lost",
            "node_id": "test_app.py::test_x[notes-2]",
        }
    )
    run = read_run(write_run(here, (check, level), (failed, level)))
    _, good, bad = cases(to_junit(merged(a_result(an_app_result()), run)))
    assert [one.tag for one in good] == []
    assert [one.tag for one in bad] == ["failure"]
