"""What many runs say together: breaks, flakes, durations; the store; the page of a year."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from report_samples import a_check, a_report

from bench.years_of_reports import BROKEN, FLAKY, SLOWED, write_year
from conformance.cli.report import main
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT
from conformance.report import host
from conformance.report.history import commits, plots
from conformance.report.history.durations import pace, usual
from conformance.report.history.episodes import CheckHistory, histories
from conformance.report.history.facts import RunFacts, facts_of
from conformance.report.history.kept import KeptReport
from conformance.report.history.store import FILE, read, update
from conformance.report.history.summary import State, summarise
from conformance.report.model import RunReport
from conformance.report.verdict import Verdict
from conformance.report.write import to_json

FIRST_NIGHT = datetime(2026, 11, 1, 21, 0, tzinfo=UTC)
MEANING = {"p": Verdict.PASS, "f": Verdict.FAIL, "n": Verdict.NOT_RUN}


def nights(letters: str, *, versions: str = "") -> list[RunFacts]:
    """Return a run a letter, with one check; a letter of ``versions`` is the suite's commit."""
    runs = []
    for at, letter in enumerate(letters):
        checks = {"x": [a_check("x", 1, MEANING[letter])] if letter != "-" else []}
        commit = 12 * (versions[at] if versions else "abcdefghij"[at])
        started = FIRST_NIGHT + timedelta(days=at)
        report = a_report(checks, run_id=f"n{at}", started_at=started, suite_commit=commit)
        runs.append(facts_of(report))
    return runs


def history_of(letters: str, **more: str) -> CheckHistory:
    (found,) = histories(nights(letters, **more))
    return found


@pytest.mark.parametrize(
    ("letters", "flaked"), [("ppfpp", 1), ("pfpfp", 2), ("pfnp", 1), ("pffp", 0), ("ppf", 0)]
)
def test_a_failure_that_is_gone_in_the_next_run_is_a_flake(letters: str, flaked: int) -> None:
    assert history_of(letters).flaked == flaked


def test_failures_that_come_and_go_with_no_version_changed_are_flakes() -> None:
    assert history_of("pfffp", versions="aabbb").flaked == 3
    assert history_of("pfffp", versions="abbbc").flaked == 0


def test_unknown_changes_are_not_the_same_version() -> None:
    one, other = (run.model_copy() for run in nights("pp", versions="aa"))
    assert one.same_versions(other)
    for run in (one, other):
        run.versions = {**run.versions, "suite commit": "aaaaaaaaaaaa-dirty"}
    assert not one.same_versions(other)


def test_rates_are_of_the_runs_in_which_the_check_ran() -> None:
    found = history_of("ppnfp-pn")
    assert (found.pass_rate, found.flake_rate) == (4 / 5, 1 / 5)
    assert history_of("nn").pass_rate is None


def test_a_break_has_its_first_failing_run_and_the_last_good_one_over_nights_without() -> None:
    failing = history_of("ppnffnf").failing
    assert failing
    assert failing.last_good
    assert (failing.first.run_id, failing.last_good.run_id) == ("n3", "n1")
    assert [run.run_id for run in failing.runs] == ["n3", "n4", "n6"]


def test_a_check_that_never_passed_has_no_last_good_run() -> None:
    failing = history_of("ff").failing
    assert failing
    assert failing.last_good is None


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("pppf", State.FAILING),
        ("ppfn", State.FAILING),
        ("pfpp", State.FLAKY),
        ("pffp", State.STEADY),
        ("pppn", State.NOT_RUN),
        ("ppf-", State.NOT_RUN),
    ],
)
def test_how_a_check_stands(letters: str, state: State) -> None:
    (row,) = summarise(nights(letters)).rows
    assert row.state is state


def test_what_is_usual_needs_some_runs_and_follows_their_spread() -> None:
    assert usual([1.0] * 4) is None
    steady, noisy = usual([10.0] * 20), usual([8.0, 12.0, 9.0, 15.0, 10.0] * 4)
    assert steady
    assert noisy
    assert (steady.longest, steady.shortest) == (12.5, 8.0)
    assert noisy.longest > 15


def test_pace_needs_some_checks_that_take_a_second() -> None:
    slow, quick = usual([10.0] * 5), usual([0.1] * 5)
    assert slow
    assert quick
    assert pace([(20.0, slow)] * 4 + [(9.0, quick)] * 9) == 1
    assert pace([(20.0, slow)] * 5 + [(0.1, quick)] * 9) == 2


def git(repository: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.check_output(
        ["git", *identity, *arguments], cwd=repository, text=True
    ).strip()


@pytest.mark.parametrize("owner", ["ours", "another's"])
def test_the_commits_between_good_and_bad_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    git(tmp_path, "init", "-q")
    made = []
    for subject in ("first", "second", "third"):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", subject)
        made.append(git(tmp_path, "rev-parse", "--short=12", "HEAD"))
    if owner == "another's":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as git's own tests do
    monkeypatch.setattr(host, "PROJECT_ROOT", tmp_path)
    assert host.suite_commit() == made[2]
    good, bad = nights("pf")
    good.versions["platform's tree"] = f"annex at commit {made[0]} of branch main"
    bad.versions["platform's tree"] = f"annex at commit {made[2]} of branch main"
    found = commits.between(good, bad, tmp_path)
    assert [line.partition(" ")[2] for line in found["platform"]] == ["third", "second"]
    assert commits.between(good, bad, None) == {}
    assert commits.between(good, good, tmp_path) == {}
    monkeypatch.setattr(commits, "_MOST", 1)
    commits._log.cache_clear()
    [newest, more] = commits.between(good, bad, tmp_path)["platform"]
    assert newest.endswith(" third")
    assert more == "... and more before these"
    bad.versions["platform's tree"] = "annex at commit 0123456789ab"
    assert commits.between(good, bad, tmp_path) == {}


def test_what_is_kept_is_the_same_whichever_way_a_report_is_read() -> None:
    file = PROJECT_ROOT / "reports" / "example" / "report.json"
    document = json.loads(file.read_bytes())
    checks = [check for one in document["capabilities"] for check in one["checks"]]
    repeated = {"repetition": {"number": 1, "of": 2}, "where": "kind", "verdict": "fail"}
    checks[0] |= {**repeated, "nodeId": "test_x.py::test_x[notes-1of2]", "reason": "no\nmore"}
    whole = RunReport.model_validate(document)
    kept = KeptReport.model_validate_json(json.dumps(document | {"verdict": whole.verdict}))
    assert facts_of(kept, "x") == facts_of(whole, "x")
    assert facts_of(kept).checks[0].run == "notes, kind, 1 of 2"


def test_the_store_outlives_the_reports_and_takes_each_once(tmp_path: Path) -> None:
    folders = write_year(tmp_path, 3, broke_at=9)
    store = tmp_path / FILE
    assert len(update(tmp_path, store)) == 3
    shutil.rmtree(folders[0])
    again = update(tmp_path, store)
    assert [run.run_id for run in again] == ["n00000", "n00001", "n00002"]
    assert again == read(store)


def test_half_a_line_of_the_store_loses_that_run_alone(tmp_path: Path) -> None:
    write_year(tmp_path, 3, broke_at=9)
    store = tmp_path / "elsewhere.jsonl"
    update(tmp_path, store)
    first, second, third = store.read_text().splitlines()
    store.write_text(f"{first}\n{second[:100]}\n{third}\n")
    assert [run.run_id for run in read(store)] == ["n00000", "n00002"]


def test_a_run_that_goes_on_is_not_remembered(tmp_path: Path) -> None:
    (folder,) = write_year(tmp_path, 1, broke_at=9)
    report = folder / "report.json"
    report.write_text(json.dumps(json.loads(report.read_text()) | {"state": "running"}))
    assert update(tmp_path, tmp_path / FILE) == []
    with pytest.raises(HarnessError, match=r"no run in .* has ended and left a report"):
        main(["history", str(tmp_path)])


def test_a_report_that_is_not_in_the_history_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, other = write_year(tmp_path, 2, broke_at=9)
    main(["history", str(tmp_path)])
    assert "Left out" not in capsys.readouterr().out
    (tmp_path / FILE).unlink()
    report = other / "report.json"
    report.write_text(json.dumps(json.loads(report.read_text()) | {"schemaVersion": "2"}))
    main(["history", str(tmp_path), "--platform-repository=nowhere"])
    said = capsys.readouterr().out
    assert "Left out: the platform's commits: nowhere is not a clone" in said
    assert f"Left out: {other.name}: not ended, or not readable" in said


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of reports, with its page; how long that took is in the file ``seconds``."""
    reports = tmp_path_factory.mktemp("year")
    write_year(reports, 365, broke_at=355)
    began = time.process_time()
    assert main(["history", str(reports)]) == 0
    (reports / "seconds").write_text(str(time.process_time() - began))
    return reports


def test_a_year_is_read_in_five_seconds_and_its_page_is_small(year: Path) -> None:
    assert float((year / "seconds").read_text()) <= 5
    assert (year / "history.html").stat().st_size <= 2_000_000


def test_a_year_names_the_break_the_flake_and_what_became_slower(
    year: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["history", str(year)])
    lines = capsys.readouterr().out.splitlines()
    failing = next(at for at, line in enumerate(lines) if line.startswith("failing: "))
    assert lines[failing].startswith(f"failing: {BROKEN}: since run n00355 of 2026-11-21")
    assert "passed last in run n00354 of 2026-11-20" in lines[failing + 1]
    assert lines[failing + 2] == "    suite commit: aaaaaaaaaaaa → bbbbbbbbbbbb"
    assert f"flaky: {FLAKY} on notes: 13 of 365 runs, 3.6 %" in lines
    slower = [line for line in lines if line.startswith("slower: ")]
    assert len(slower) == 1
    assert slower[0].startswith(f"slower: {SLOWED}: took ")
    assert sum(line.startswith("failing: ") for line in lines) == 1


def test_the_page_loads_nothing_and_says_the_same(year: Path) -> None:
    page = (year / "history.html").read_text()
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:|//)", page)
    assert "default-src 'none'" in page
    words = " ".join(re.sub(r"<[^>]*>", "", page).split())
    assert "Fails since run n00355 of 2026-11-21, in 10 runs" in words
    assert "1 failing 1 flaky 1 slower 147 steady 60 not run" in re.sub(
        r"(steady|failing|flaky|slower)(?=\d)", r"\1 ", words
    )
    assert page.count('<svg role="img" aria-label=') == page.count('<svg role="img"')


def test_a_line_has_a_step_for_each_run_in_which_the_check_passed() -> None:
    drawn = plots.durations(history_of("ppfpp"))
    assert 'viewBox="0 0 5 40"' in drawn
    assert '<path class="line" d="M0 1h1h1M3 1h1h1"/>' in drawn


def test_runs_of_something_else_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = write_year(tmp_path, 3, broke_at=9)
    other = folders[0] / "report.json"
    document = json.loads(other.read_text())
    document["selection"] = ["conformance/capabilities/dashboard"]
    other.write_text(json.dumps(document))
    main(["history", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "2 runs from" in shown
    assert "Left out: 1 run of something else: kind, conformance/capabilities/dashboard" in shown
    main(["history", str(tmp_path), "--like", "n00000"])
    assert "1 run from" in capsys.readouterr().out
    with pytest.raises(HarnessError, match="has no run none-such that ended"):
        main(["history", str(tmp_path), "--like", "none-such"])


def test_the_page_links_the_reports_that_are_still_there(tmp_path: Path) -> None:
    kept, gone = write_year(tmp_path, 2, broke_at=1)
    (kept / "report.html").write_text("x")
    main(["history", str(tmp_path), "--output", str(tmp_path / "history.html")])
    page = (tmp_path / "history.html").read_text()
    assert f'href="{kept.name}/report.html"' in page
    assert f'href="{gone.name}/report.html"' not in page


def test_names_in_a_history_move_no_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for at, verdict in enumerate((Verdict.PASS, Verdict.FAIL)):
        check = a_check("x", 1, verdict, reason="\x1b[2J\u202e", app="\x1b[2J\u202e")
        night = FIRST_NIGHT + timedelta(days=at)
        report = a_report({"x": [check]}, run_id=f"n{at}\x1b\u202e", started_at=night)
        folder = tmp_path / f"{night:%Y%m%dT%H%M%SZ}-n{at}"
        folder.mkdir()
        (folder / "report.json").write_text(to_json(report))
    main(["history", str(tmp_path)])
    for text in (capsys.readouterr().out, (tmp_path / "history.html").read_text()):
        assert "n1\\x1b\\u202e" in text
        assert not {"\x1b", "\u202e"} & set(text)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="there is no folder"):
        main(["history", str(tmp_path / "none")])
