"""The page of a result with a run on a cluster, and what no view shows as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from cluster_runs import FOLDER
from linter_results import a_result, an_app_result

from conformance.linter.on_cluster.merge import merged
from conformance.linter.result import CheckResult, Evidence, Result
from conformance.linter.views.html import to_html
from conformance.linter.views.junit import to_junit
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal


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
    terminal, junit, html = to_terminal(hostile, Look()), to_junit(hostile), to_html(hostile)
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
