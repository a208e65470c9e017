"""The views of a result with a run on a cluster: levels 4 to 6, what was seen, evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from cluster_runs import FOLDER, SEEN, a_run, an_app_check, some_checks, write_run
from linter_results import HOSTILE, a_finding, a_result, an_app, an_app_result

from conformance.linter.levels import LEVELS
from conformance.linter.on_cluster.merge import merged
from conformance.linter.on_cluster.report import read_run
from conformance.linter.result import CheckResult, ClusterRun, Evidence, Result
from conformance.linter.views.html import to_html
from conformance.linter.views.json_view import to_json
from conformance.linter.views.junit import to_junit
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal
from conformance.report.verdict import Verdict

PLAIN = Look()
FAILED = "app_runs.survives_pod_deletion"
NOT_BEGUN = ClusterRun("the run on the cluster did not begin")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def result(here: Path) -> Result:  # noqa: ARG001 - paths of evidence are as seen from there
    apps = [an_app_result(a_finding()), an_app_result(app=an_app("wordpress"))]
    return merged(a_result(*apps), a_run(Path("reports")))


@pytest.fixture
def hostile(result: Result) -> Result:
    assert result.cluster
    checks = [
        replace(
            one,
            app=HOSTILE,
            check=replace(one.check, title=HOSTILE),
            reason=f"{HOSTILE}{HOSTILE}To do: {HOSTILE}",
            measured=(HOSTILE,),
            evidence=(Evidence(HOSTILE, Path("reports") / FOLDER / "evidence" / HOSTILE.strip()),),
        )
        for one in result.cluster.checks
        if one.app == "notes"
    ]
    checks.append(replace(checks[0], verdict=HOSTILE))
    run = replace(
        result.cluster, checks=tuple(checks), errors=(HOSTILE,), cluster=HOSTILE, trouble=HOSTILE
    )
    return merged(a_result(an_app_result(app=an_app(HOSTILE))), run)


# The terminal.


def test_a_failed_check_says_what_was_promised_what_was_seen_and_where_there_is_more(
    result: Result,
) -> None:
    text = to_terminal(result, PLAIN)
    assert (
        f"error    The app serves again after each of its pods was deleted.  {FAILED}\n"
        "         seen: pod miniflux-0 was not Ready within 120 s\n"
        "         last status: CrashLoopBackOff\n"
        "         fix: look into its log\n"
        f"         reports/{FOLDER}/evidence/{FAILED}-notes/failure.txt  and 1 more file\n"
    ) in text
    assert "not run  app_runs.survives_node_kill: a cluster of the provider existing has no" in text
    assert "cluster  1 check passed, 1 failed, 1 not run, 1 not applicable\n" in text


def test_an_app_that_is_well_on_the_cluster_says_how_many_checks_it_passed(result: Result) -> None:
    block = to_terminal(result, PLAIN).split("\n\n")[1]
    assert block.splitlines() == [
        "level 4  wordpress  packages/charts/notes: Helm chart wordpress",
        f"         {LEVELS[4]}",
        "cluster  2 checks passed",
        "         levels 5 and 6 not judged: no checks yet",
    ]


def test_the_summary_leads_to_the_runs_report(result: Result) -> None:
    lines = to_terminal(result, PLAIN).splitlines()
    assert (
        "2 apps: 1 at level 4, 1 at level 2; 2 errors  (0.4 s, and 312 s on the cluster)" in lines
    )
    assert f"Report of the checks: reports/{FOLDER}/report.html" in lines
    assert "add --cluster" not in "\n".join(lines)


def test_all_is_well_at_the_highest_level_that_has_checks(here: Path) -> None:
    run = read_run(write_run(here, an_app_check("app_runs.workloads_ready")))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "1 app: all is well  (" in text
    assert "\x1b[1;32mlevel 4" in to_terminal(
        merged(a_result(an_app_result()), run), Look(colour=True)
    )


def test_a_long_story_is_cut_for_the_terminal(here: Path) -> None:
    reason = "\n".join(f"line {n}" for n in range(20))
    check = an_app_check("app_runs.x", verdict=Verdict.FAIL, reason=reason)
    run = read_run(write_run(here, check))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "line 5\n         ... and 14 more lines\n" in text


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({Verdict.PASS: 2, Verdict.FAIL: 1}, "2 checks passed, 1 failed"),
        ({Verdict.NOT_APPLICABLE: 1, Verdict.NOT_RUN: 3}, "3 checks not run, 1 not applicable"),
        ({Verdict.WAIVED: 1}, "1 check waived"),
    ],
)
def test_only_what_there_is_is_counted(here: Path, ended: dict[Verdict, int], told: str) -> None:
    checks = [
        an_app_check(f"app_runs.{verdict.name.lower()}_{n}", verdict=verdict, reason="why")
        for verdict, number in ended.items()
        for n in range(number)
    ]
    run = read_run(write_run(here, *checks))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert f"cluster  {told}\n" in text


def test_checks_that_failed_by_one_cause_are_told_once(here: Path) -> None:
    first = an_app_check("app_runs.first", verdict=Verdict.FAIL, reason="no route")
    reason = "no route (reported at test_app_runs.py::test_first[notes])"
    others = [
        an_app_check(f"app_runs.other_{n}", verdict=Verdict.FAIL, reason=reason) for n in range(4)
    ]
    run = read_run(write_run(here, first, *others))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert text.count("no route") == 1
    assert "error    for a cause that is told above: 4 checks of level 4\n" in text
    assert "1 app: 5 errors" in text
    html = to_html(merged(a_result(an_app_result()), run))
    assert "4 more checks failed for a cause that is told above." in html
    assert html.count("Seen on the cluster") == 1
    run = read_run(write_run(here / "of another app", *others))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert text.count("seen: no route (reported at test_app_runs.py::test_first[notes])") == 1
    assert "told above: app_runs.other_1, app_runs.other_2, app_runs.other_3\n" in text


def test_a_check_is_explained_as_what_it_is(result: Result) -> None:
    assert "Why, and a correct example: stackspin-conformance app --explain backup" in to_terminal(
        result, PLAIN
    )
    assert result.cluster
    text = to_terminal(merged(a_result(an_app_result()), result.cluster), PLAIN)
    assert f"What it promises: stackspin-conformance app --explain {FAILED}" in text


def test_the_next_level_names_the_checks_it_needs(here: Path) -> None:
    checks = [one for one in some_checks(here) if one[0].verdict is not Verdict.NOT_RUN]
    run = read_run(write_run(here, *checks))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert f"next     level 4 needs {FAILED}\n" in text


def test_a_run_that_did_not_begin_is_told_and_claims_nothing() -> None:
    result = merged(a_result(an_app_result()), NOT_BEGUN)
    text = to_terminal(result, PLAIN)
    assert "levels 4, 5 and 6 not judged: the run on the cluster did not begin\n" in text
    assert "on the cluster)" not in text
    assert "all is well" not in text
    assert "Report of the checks" not in text
    for view in (to_json(result), to_junit(result), to_html(result)):
        assert "the run on the cluster did not begin" in view


def test_what_went_wrong_outside_the_checks_is_told(here: Path) -> None:
    check = an_app_check("app_runs.x", verdict=Verdict.NOT_RUN, reason="no images")
    run = read_run(write_run(here, check, errors=["clean-up failed:\n  a claim is left"]))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert "Outside the checks: clean-up failed: a claim is left\n" in text
    run = read_run(write_run(here, check, errors=["traceback " * 200]))
    text = to_terminal(merged(a_result(an_app_result()), run), PLAIN)
    assert max(map(len, text.splitlines())) < 350


# JSON.


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


# JUnit.


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


# HTML.


def test_every_link_of_the_page_leads_to_a_file_of_the_run(result: Result, here: Path) -> None:
    (here / "reports" / FOLDER / "report.html").touch()
    links = set(re.findall(r'href="([^"#][^"]*)"', to_html(result)))
    files = {unquote(one.partition("#")[0]) for one in links if not one.startswith("https://")}
    assert len(files) == 3
    assert all((here / one).is_file() for one in files)
    anchors = set(re.findall(r'href="#([^"]*)"', to_html(result)))
    assert anchors <= set(re.findall(r'id="([^"]*)"', to_html(result)))


def test_the_page_shows_how_far_each_app_has_come(result: Result) -> None:
    html = to_html(result)
    states = re.findall(r'<li class="(reached|next|above|unknown)">', html)
    assert states[:6] == ["reached", "reached", "next", "above", "unknown", "unknown"]
    assert states[6:] == [*["reached"] * 4, "unknown", "unknown"]
    for text in ("Levels 5 and 6 not judged: no checks yet.", "last status: CrashLoopBackOff",
                 "it has no HelmRelease with an override", "time to Ready: 12.3 s"):  # fmt: skip
        assert text in html
    assert "(needs <code>--cluster</code>)" not in html
    assert "(needs <code>--cluster</code>)" in to_html(a_result(an_app_result()))
    assert '<ol class="ladder' not in to_html(a_result(an_app_result()))


def test_a_check_is_not_charged_with_what_it_was_prepared_for(result: Result) -> None:
    assert result.cluster
    passed = next(one for one in result.cluster.checks if one.verdict == "pass")
    for preparing, told in ((431.8, "4.2 s, after 432 s of set-up<"), (0.2, ">435.8 s<")):
        one = replace(passed, seconds=436.0, preparing=preparing)
        html = to_html(merged(a_result(an_app_result()), replace(result.cluster, checks=(one,))))
        assert told in html
        assert "1 check passed, 436 s</span>" in html


def test_checks_that_were_not_run_for_one_reason_are_one_line(result: Result) -> None:
    assert result.cluster
    names = ("app_login.logs_in", "app_login.disabled_person_out")
    one = next(one for one in result.cluster.checks if one.verdict == "not applicable")
    checks = [replace(one, check=replace(one.check, id=name, level=6)) for name in names]
    html = to_html(merged(a_result(an_app_result()), replace(result.cluster, checks=(*checks,))))
    assert html.count(": it has no HelmRelease with an override") == 2
    assert "Level 6 not judged: it has no HelmRelease" in html
    assert "2 checks: it has no HelmRelease" in html
    assert all(f"<code>{name}</code></a>" in html for name in names)


def test_the_names_of_many_that_were_not_run_for_one_reason_are_folded(result: Result) -> None:
    assert result.cluster
    one = replace(result.cluster.checks[0], verdict="not run", reason="the end")
    for number, folded in ((3, 0), (4, 1)):
        checks = tuple(replace(one, check=replace(one.check, id=f"a.b{n}")) for n in range(number))
        html = to_html(merged(a_result(an_app_result()), replace(result.cluster, checks=checks)))
        assert html.count("<summary>Which</summary>") == folded
        assert html.count("<code>a.b2</code>") == 1 + folded


def test_a_check_with_many_files_links_the_first(result: Result) -> None:
    assert result.cluster
    many = tuple(Evidence(f"{n}.txt", Path(f"reports/{n}.txt")) for n in range(9))
    failed = next(one for one in result.cluster.checks if one.verdict == "fail")
    run = replace(result.cluster, checks=(replace(failed, evidence=many),))
    html = to_html(merged(a_result(an_app_result()), run))
    assert html.count(".txt</a>") == 6
    assert "and 3 more files in the report" in html


def test_nothing_of_a_run_reaches_a_view_as_it_is(hostile: Result) -> None:
    terminal, junit, html = to_terminal(hostile, PLAIN), to_junit(hostile), to_html(hostile)
    ET.fromstring(junit)  # noqa: S314
    for text in (terminal, junit, html):
        assert not set(text) & set("\x1b\x07\u202e\u2066\ud800")
        text.encode("utf-8")
    assert "<script" not in html
    assert "url(" not in html
    assert html.count("&lt;script&gt;") >= 15


def test_a_check_of_a_later_version_may_have_a_verdict_of_its_own(result: Result) -> None:
    assert result.cluster
    new = CheckResult("notes", result.cluster.checks[0].check, "postponed")
    app = merged(a_result(an_app_result()), replace(result.cluster, checks=(new,))).apps[0]
    assert app.level == 3
