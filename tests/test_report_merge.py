"""``report merge``: shards, providers and machines in one report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from report_samples import a_check, a_platform, a_report

from conformance.cli.report import main
from conformance.common.errors import HarnessError
from conformance.report.environment import Awaited, ClusterInfo, Host
from conformance.report.evidence import EvidenceBox
from conformance.report.given import given
from conformance.report.model import RunReport
from conformance.report.results import CheckResult
from conformance.report.verdict import OverallVerdict, Verdict
from conformance.report.verify import verify_file
from conformance.report.write import to_json

PASS, FAIL, NOT_RUN = Verdict.PASS, Verdict.FAIL, Verdict.NOT_RUN
START = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
KIND = ClusterInfo(provider="kind", name="stackspin", kubernetes="v1.36.3")
EMBEDDED = ClusterInfo(provider="embedded", name="stackspin", kubernetes="v1.36.3")


class Plain:
    def redact(self, text: str) -> str:
        return text


def a_run(folder: Path, run_id: str, *checks: CheckResult, **more: Any) -> Path:
    """Write a report, with evidence of its first check; return its folder."""
    where = folder / run_id
    box = EvidenceBox(where, "x.promise_0", Plain())
    box.attach("seen.txt", f"of {run_id}")
    first, *rest = checks
    first = first.model_copy(update={"evidence": box.files()})
    report = a_report({"x": [first, *rest]}, run_id=run_id, cluster=EMBEDDED, **more)
    report.checks_selected = report.checks_done = len(checks)
    (where / "report.json").write_text(to_json(report))
    return where


def three(*verdicts: Verdict) -> list[CheckResult]:
    left_out = "not selected on the command line"
    return [
        a_check("x", at, verdict, reason=left_out if verdict is NOT_RUN else "")
        for at, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize("name", ["file", "file/in/it", "x" * 300])
def test_a_folder_that_cannot_be_written_is_refused(name: str, tmp_path: Path) -> None:
    runs = [a_run(tmp_path, run_id, *three(PASS)) for run_id in ("a", "b")]
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"cannot be written: .*\n  To do: .*--output DIR"):
        main(["merge", *map(str, runs), "--output", str(tmp_path / name)])


def merged(folder: Path, *runs: Path) -> RunReport:
    output = folder / "merged"
    main(["merge", *map(str, runs), "--output", str(output)])
    return given(output)[1]


def verdicts(report: RunReport) -> dict[tuple[str, str], Verdict]:
    return {(check.id, check.run): check.verdict for check in report.checks}


def test_times_of_all_runs_count_from_the_beginning_of_the_first(tmp_path: Path) -> None:
    waited = [Awaited(step="apps", began=4.0, seconds=1.0)]
    first, second = (
        a_run(tmp_path, name, *checks, started_at=START + timedelta(seconds=later))
        for name, later, checks in (
            ("s2", 50, [a_check("x", 1, began=3.0, waited_for=waited), a_check("x", 2, NOT_RUN)]),
            ("s1", 0, [a_check("x", 0, began=2.0)]),
        )
    )
    begun = {check.id: check.began for check in merged(tmp_path, first, second).checks}
    assert begun == {"x.promise_0": 2.0, "x.promise_1": 53.0, "x.promise_2": None}
    [again] = [check for check in given(tmp_path / "merged")[1].checks if check.waited_for]
    assert again.waited_for[0].began == 54.0


def test_shards_become_one_run(tmp_path: Path) -> None:
    first = a_run(
        tmp_path, "s1", *three(PASS, NOT_RUN, NOT_RUN), selection=["all", "--shard 1/2"],
        started_at=START, seconds=100.0,
    )  # fmt: skip
    second = a_run(
        tmp_path, "s2", *three(NOT_RUN, PASS, FAIL), selection=["all", "--shard 2/2"],
        started_at=START + timedelta(seconds=50), seconds=90.0,
    )  # fmt: skip
    report = merged(tmp_path, first, second)
    assert verdicts(report) == {
        ("x.promise_0", ""): PASS, ("x.promise_1", ""): PASS, ("x.promise_2", ""): FAIL,
    }  # fmt: skip
    assert (report.selection, report.seconds, report.run_id) == (["all"], 140.0, "s1+s2")
    assert report.cluster == EMBEDDED
    assert report.verdict is OverallVerdict.FAIL


def test_a_shard_that_needed_no_cluster_is_one_of_the_same_run(tmp_path: Path) -> None:
    first = a_run(tmp_path, "s1", *three(PASS, NOT_RUN))
    report = given(first)[1].model_copy(update={"cluster": None})
    (first / "report.json").write_text(to_json(report))
    found = merged(tmp_path, first, a_run(tmp_path, "s2", *three(NOT_RUN, PASS)))
    assert verdicts(found) == {("x.promise_0", ""): PASS, ("x.promise_1", ""): PASS}
    assert found.cluster == EMBEDDED


def test_the_status_is_the_verdict(tmp_path: Path) -> None:
    good = [a_run(tmp_path, name, *three(*v)) for name, v in
            (("s1", (PASS, NOT_RUN)), ("s2", (NOT_RUN, PASS)))]  # fmt: skip
    bad = a_run(tmp_path, "s3", *three(NOT_RUN, NOT_RUN, FAIL))
    assert main(["merge", *map(str, good), "--output", str(tmp_path / "a")]) == 0
    assert main(["merge", *map(str, [*good, bad]), "--output", str(tmp_path / "b")]) == 1


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        ({"cluster": KIND}, ("embedded", "kind")),
        (
            {"platform": a_platform()},
            ("reference platform", "annex v2.7 of Example Co-operative"),
        ),
        (
            {
                "host": Host(
                    system="Debian GNU/Linux 13 (trixie)", kernel="6.18.0", cpus=8,
                    memory_bytes=2**34, cgroups="v2", root=True, python="3.13.5",
                )
            },
            (
                "Debian GNU/Linux 12 (bookworm), 2 CPUs",
                "Debian GNU/Linux 13 (trixie), 8 CPUs",
            ),
        ),
        ({}, ("run a", "run b")),
    ],
    ids=["provider", "platform", "machine", "nothing else"],
)  # fmt: skip
def test_what_ran_twice_stays_twice_with_what_tells_the_runs_apart(
    tmp_path: Path, other: dict[str, Any], labels: tuple[str, str]
) -> None:
    one = a_run(tmp_path, "a", *three(PASS, PASS))
    two = a_run(tmp_path, "b", *three(FAIL, PASS))
    report = given(two)[1].model_copy(update=other)
    (two / "report.json").write_text(to_json(report))
    found = merged(tmp_path, one, two)
    assert [(check.id, check.run, check.verdict) for check in found.checks] == [
        ("x.promise_0", labels[0], PASS),
        ("x.promise_0", labels[1], FAIL),
        ("x.promise_1", labels[0], PASS),
        ("x.promise_1", labels[1], PASS),
    ]
    assert [one.where for one in found.merged_from] == list(labels)
    assert (found.cluster, found.run_id) == (None, "a+b")


def test_shards_of_several_providers_are_put_together_first(tmp_path: Path) -> None:
    runs = []
    for name, cluster in (("e", EMBEDDED), ("k", KIND)):
        for shard, v in enumerate(((PASS, NOT_RUN), (NOT_RUN, PASS))):
            folder = a_run(tmp_path, f"{name}{shard}", *three(*v))
            report = given(folder)[1].model_copy(update={"cluster": cluster})
            (folder / "report.json").write_text(to_json(report))
            runs.append(folder)
    found = merged(tmp_path, *runs)
    assert set(verdicts(found).values()) == {PASS}
    assert len(found.checks) == 4


def test_evidence_comes_along_and_the_merged_report_is_whole(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, name, *three(PASS, PASS)) for name in ("a", "b")]
    report = merged(tmp_path, *runs)
    paths = [item.path for check in report.checks for item in check.evidence]
    assert paths == [f"evidence/{name}/x.promise_0/seen.txt" for name in ("a", "b")]
    assert [(tmp_path / "merged" / path).read_text() for path in paths] == ["of a", "of b"]
    assert verify_file(tmp_path / "merged").problems == []


def test_errors_of_any_run_are_the_merged_run_s(tmp_path: Path) -> None:
    one = a_run(tmp_path, "a", *three(PASS, NOT_RUN), errors=["the node died"])
    two = a_run(tmp_path, "b", *three(NOT_RUN, PASS), state="interrupted")
    report = merged(tmp_path, one, two)
    assert report.errors == ["run a: the node died"]
    assert (report.state, report.verdict) == ("interrupted", OverallVerdict.FAIL)


def test_the_page_says_how_to_run_a_check_again_where_it_ran(tmp_path: Path) -> None:
    one = a_run(tmp_path, "a", *three(PASS))
    two = a_run(tmp_path, "b", *three(PASS))
    report = given(two)[1].model_copy(update={"cluster": KIND})
    (two / "report.json").write_text(to_json(report))
    merged(tmp_path, one, two)
    page = (tmp_path / "merged" / "report.html").read_text()
    assert "--cluster=kind -k &#34;x.promise_0&#34;" in page
    assert "--cluster=embedded -k &#34;x.promise_0&#34;" in page


def test_what_cannot_be_merged_is_refused(tmp_path: Path) -> None:
    one = a_run(tmp_path, "a", *three(PASS))
    running = a_run(tmp_path, "b", *three(PASS), state="running")
    twins = a_run(tmp_path, "c", *three(PASS), mode="twins")
    lost = a_run(tmp_path, "d", *three(PASS))
    (lost / "evidence/x.promise_0/seen.txt").unlink()
    output = tmp_path / "out"
    for given_, said in (
        ([one], "one report only"),
        ([one, one], "given twice"),
        ([one, running], "run b goes on, or was killed"),
        ([one, twins], "runs on twins"),
        ([one, lost], "there is no file evidence/x.promise_0/seen.txt of run d"),
    ):
        with pytest.raises(HarnessError, match=said):
            main(["merge", *map(str, given_), "--output", str(output)])
    with pytest.raises(HarnessError, match="has a report already"):
        main(["merge", str(one), str(lost), "--output", str(one)])
