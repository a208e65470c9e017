"""What the run on a cluster adds to the linter's result: levels 4 to 6, findings, evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_runs import SEEN, a_run, an_app_check, write_run
from linter_results import a_finding, a_result, a_rule, an_app, an_app_result

from conformance.common.errors import HarnessError
from conformance.linter.findings import Severity
from conformance.linter.levels import HIGHEST, STATIC
from conformance.linter.on_cluster.merge import SAME_NAME, merged
from conformance.linter.on_cluster.promises import Promise
from conformance.linter.on_cluster.report import read_run
from conformance.linter.result import AppResult, CheckResult, ClusterRun
from conformance.report.results import Measurement
from conformance.report.verdict import Verdict


def checks(*levels: int, verdict: str = "pass", app: str = "notes") -> list[CheckResult]:
    return [
        CheckResult(app, Promise(f"app.promise_{n}", n, Severity.ERROR, "It holds."), verdict)
        for n in levels
    ]


def judged(
    found: Iterable[CheckResult], app: AppResult | None = None, trouble: str = ""
) -> AppResult:
    run = ClusterRun(trouble, Path("reports"), checks=tuple(found))
    return merged(a_result(app or an_app_result()), run).apps[0]


# Levels.


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (checks(4), 4),
        (checks(4, 5), 5),
        (checks(4, 5, 6), 6),
        (checks(4) + checks(4, verdict="fail"), 3),
        (checks(4) + checks(4, verdict="not run"), 3),
        (checks(4) + checks(4, verdict="waived"), 3),
        (checks(4) + checks(4, verdict="not applicable"), 4),
        (checks(4, 6) + checks(5, verdict="not applicable"), 6),
        (checks(4) + checks(5, 6, verdict="not applicable"), 4),
        (checks(4, 5) + checks(6, verdict="not applicable"), 5),
        (checks(4, 5, 6, verdict="not applicable"), 3),
        (checks(4, 6) + checks(5, verdict="fail"), 4),
        (checks(5, 6) + checks(4, verdict="not run"), 3),
        (checks(5, 6), 3),
        (checks(4, 6), 4),
        (checks(4, app="wordpress"), 3),
        ([], 3),
    ],
)
def test_a_level_needs_all_its_checks_and_those_below(found: list[CheckResult], level: int) -> None:
    assert judged(found).level == level


def test_an_app_is_well_without_what_it_cannot_have() -> None:
    app = judged(checks(4) + checks(5, 6, verdict="not applicable"))
    assert app.level == app.highest == 4
    assert dict.fromkeys((5, 6), "none of its checks applies to this app") == dict(app.not_judged)


def test_a_level_that_does_not_apply_says_what_the_app_lacks() -> None:
    why = "the app has no data: its pages are in its values"
    lacking = [replace(one, reason=why) for one in checks(5, 5, verdict="not applicable")]
    assert judged(checks(4) + lacking).not_judged[5] == why


@pytest.mark.parametrize(
    "app",
    [
        an_app_result(a_finding(a_rule(level=2))),
        an_app_result(not_run=[(a_rule(level=2, severity=Severity.NOTE), "not in the package")]),
    ],
)
def test_what_its_files_lack_no_check_makes_up_for(app: AppResult) -> None:
    assert judged(checks(4, 5, 6), app).level == 1


def test_levels_without_checks_are_not_judged_and_cost_nothing() -> None:
    app = judged(checks(4))
    assert app.not_judged == {5: "no checks yet", 6: "no checks yet"}
    assert (app.level, app.highest) == (4, 4)
    assert judged(checks(4, 5)).not_judged == {6: "no checks yet"}
    assert judged(checks(4, 5, 6)).not_judged == {}
    assert judged(checks(4, 5, 6)).highest == HIGHEST


def test_an_app_without_a_check_is_told_apart_from_a_level_without_checks() -> None:
    app = judged(checks(4, app="wordpress"))
    assert app.not_judged[4] == "the run has no check of this level on this app"
    assert app.not_judged[5] == "no checks yet"
    assert app.highest == 4


def test_a_run_that_did_not_begin_says_why_at_each_level() -> None:
    app = judged([], trouble="it did not begin")
    assert app.not_judged == dict.fromkeys((4, 5, 6), "it did not begin")
    assert (app.level, app.highest) == (STATIC, HIGHEST)
    assert judged([]).not_judged[4] == "the run has no check on any app"


def test_apps_of_one_name_cannot_be_told_apart() -> None:
    twice = a_result(
        an_app_result(),
        an_app_result(app=an_app(path="other")),
        an_app_result(app=an_app("wordpress")),
    )
    found = (*checks(4), *checks(4, app="wordpress"))
    one, other, third = merged(twice, ClusterRun(checks=found)).apps
    for app in (one, other):
        assert (app.level, app.checks) == (3, ())
        assert app.not_judged[4] == "another app here has this name"
    assert third.level == 4
    [finding] = [one for one in other.findings if one.rule is SAME_NAME]
    assert finding.fails
    assert finding.message.startswith("notes is also the name of ")
    assert not third.failed


# Findings.


def test_a_failed_check_is_a_finding_with_promise_and_what_was_seen(tmp_path: Path) -> None:
    notes, wordpress = merged(
        a_result(an_app_result(), an_app_result(app=an_app("wordpress"))), a_run(tmp_path)
    ).apps
    (finding,) = notes.findings
    assert finding.rule.id == "app_runs.survives_pod_deletion"
    assert (finding.rule.level, finding.severity, finding.fails) == (4, Severity.ERROR, True)
    assert finding.message == (
        "The app serves again after each of its pods was deleted. "
        "Seen: pod miniflux-0 was not Ready within 120 s last status: CrashLoopBackOff"
    )
    assert finding.fix == "look into its log"
    assert finding.failed
    assert finding.failed.reason == SEEN
    for one in finding.failed.evidence:
        assert one.path.is_file()
    assert (wordpress.findings, wordpress.level) == ((), 4)


def test_how_pytest_repeats_an_assertion_is_not_told() -> None:
    reason = (
        "the package is refused: it is privileged\n  To do: do not\nassert not ['it is']\n + more"
    )
    failed = replace(checks(4, verdict="fail")[0], reason=reason)
    [finding] = judged([failed]).findings
    assert finding.message == "It holds. Seen: the package is refused: it is privileged"
    assert finding.fix == "do not"
    without = replace(failed, reason="assert 1 == 2\n + where")
    assert judged([without]).findings[0].message.endswith("Seen: assert 1 == 2 + where")


def test_errors_of_lower_levels_come_first() -> None:
    app = an_app_result(a_finding(), a_finding(a_rule("a.warning", 2, Severity.WARNING)))
    order = [one.rule.level for one in judged(checks(4, verdict="fail"), app).findings]
    assert order == [3, 4, 2]


def test_failed_checks_stay_in_the_order_in_which_they_ran() -> None:
    ran = [
        CheckResult("notes", Promise(f"app.{name}", 4, Severity.ERROR, "It."), "fail", why)
        for name, why in (("z", "1"), ("b", "2"), ("a", "3"))
    ]
    assert [one.rule.id for one in judged(ran).findings] == ["app.z", "app.b", "app.a"]


def test_a_long_reason_is_cut_and_an_empty_one_says_so() -> None:
    def message(reason: str) -> str:
        (failed,) = checks(4, verdict="fail")
        one = CheckResult(failed.app, failed.check, "fail", reason)
        return judged([one]).findings[0].message

    assert message("") == "It holds. Seen: the check failed"
    assert len(message("x" * 5000)) < 1100
    assert message("x" * 5000).endswith("…")


def test_what_was_not_run_says_why_and_what_to_do() -> None:
    check = checks(4)[0].check
    told = {
        CheckResult("notes", check, "not run", "no node\n  To do: use another provider"):
            "no node (to do: use another provider)",
        CheckResult("notes", check, "not run", ""): "the run does not say why",
        CheckResult("notes", check, "waived", "until 2027\nmore"): "waived: until 2027",
    }  # fmt: skip
    for result, reason in told.items():
        assert judged([result]).not_run == ((check, reason),)


# The run's report.


def test_only_checks_that_decide_on_a_level_are_read(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    assert {one.check.id for one in run.checks} == {
        "app_runs.installed_by_flux",
        "app_runs.survives_pod_deletion",
        "app_runs.survives_node_kill",
        "app_runs.override_reaches_app",
    }
    assert (run.cluster, run.seconds, run.trouble) == ("embedded, Kubernetes v1.36.3", 312.5, "")


def test_what_was_measured_is_told_without_the_machines_load(tmp_path: Path) -> None:
    first = a_run(tmp_path).checks[0]
    assert first.measured == ("time to Ready: 12.3 s",)


def test_a_measurement_is_told_in_no_more_digits_than_anybody_reads(tmp_path: Path) -> None:
    values = (0.0914, 20.263, 178.299, 1234.5)
    found = [Measurement(name=f"m{number}", value=one) for number, one in enumerate(values)]
    check = an_app_check("app_runs.installed_by_flux", measurements=found)
    [read] = read_run(write_run(tmp_path, check)).checks
    assert read.measured == ("m0: 0.0914 s", "m1: 20.3 s", "m2: 178 s", "m3: 1234 s")


def test_a_failure_is_the_first_evidence_and_the_nodes_logs_the_last(tmp_path: Path) -> None:
    names = ("node/etcd.log", "diagnostics/apps/pod.log", "diagnostics/summary.txt", "failure.txt")
    evidence = [
        {"name": one, "path": one, "sha256": "", "bytes": 0, "mediaType": "text/plain"}
        for one in names
    ]
    run = read_run(write_run(tmp_path, an_app_check("app_runs.x", evidence=evidence)))
    assert [one.name for one in run.checks[0].evidence] == list(reversed(names))


def test_the_anchor_is_that_of_the_runs_page(tmp_path: Path) -> None:
    from report_samples import a_report

    from conformance.report.html import to_html

    check, level = an_app_check("app_runs.workloads_ready")
    run = read_run(write_run(tmp_path, (check, level)))
    assert f'id="{run.checks[0].anchor}"' in to_html(a_report({"app_runs": [check]}), tmp_path)


@pytest.mark.parametrize("state", ["running", "interrupted"])
def test_a_run_that_did_not_end_says_how_far_it_came(tmp_path: Path, state: str) -> None:
    check = an_app_check("app_runs.workloads_ready", verdict=Verdict.NOT_RUN, reason="its turn")
    folder = write_run(tmp_path, check, state=state, checks_selected=12, checks_done=3)
    assert read_run(folder).trouble == "the run ended after 3 of its 12 checks"


def test_a_run_without_a_cluster_can_be_read(tmp_path: Path) -> None:
    assert read_run(write_run(tmp_path, cluster=None)).cluster == ""


@pytest.mark.parametrize("content", [None, "", "[]", '{"state": "complete"}', "\xff"])
def test_what_is_no_report_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content, encoding="latin-1")
    with pytest.raises(HarnessError, match=r"report\.json is not a report that can be read"):
        read_run(tmp_path)


def test_a_report_of_before_checks_had_levels_has_none(tmp_path: Path) -> None:
    folder = write_run(tmp_path, an_app_check("app_runs.workloads_ready"))
    report = json.loads((folder / "report.json").read_text())
    del report["capabilities"][0]["checks"][0]["appLevel"]
    (folder / "report.json").write_text(json.dumps(report))
    assert read_run(folder).checks == ()


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        ("let in\nassert False\n +  where False = soon(<function>)\n +    and x", "let in"),
        ("let in\nassert not True", "let in"),
        ("assert 1 == 2\n +  where 1 = f()", "assert 1 == 2\n +  where 1 = f()"),
        ("its log:\nassert x\nfailed", "its log:\nassert x\nfailed"),
    ],
)
def test_what_was_seen_is_told_without_the_suites_source(reason: str, seen: str) -> None:
    one = replace(checks(4, verdict="fail")[0], reason=reason)
    [finding] = judged([one]).findings
    assert finding.failed is not None
    assert finding.failed.reason == seen
