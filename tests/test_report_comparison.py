"""What changed since an earlier run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from report_samples import a_check, a_platform, a_report

from conformance.report.compare import LOOKED_AT, compare, compare_with_last
from conformance.report.environment import ClusterInfo, Component
from conformance.report.history import store
from conformance.report.history.facts import RunFacts, facts_of
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.verdict import Verdict
from conformance.report.wording import history_of
from conformance.report.write import to_json

DAY = timedelta(days=1)
NONE = "passed in none of the runs that were looked at"
FIRST_NIGHT = datetime(2026, 11, 1, 21, 0, tzinfo=UTC)


def a_night(number: int, verdicts: str, *seconds: float, **more: object) -> RunFacts:
    """Return a run, with a letter for each check: pass, fail, not run (n), without it (-)."""
    meaning = {"p": Verdict.PASS, "f": Verdict.FAIL, "n": Verdict.NOT_RUN}
    took = [*seconds, *[4.2] * (len(verdicts) - len(seconds))]
    checks = [
        a_check("x", at, meaning[letter], seconds=took[at], id=f"x.{'abcdefgh'[at]}")
        for at, letter in enumerate(verdicts)
        if letter != "-"
    ]
    values = {"run_id": f"night{number}", "started_at": FIRST_NIGHT + number * DAY}
    return facts_of(a_report({"x": checks}, **values | more))


def named(changes: list[Any]) -> list[str]:
    return [change.id for change in changes]


def test_comparison_says_what_broke_and_what_healed() -> None:
    found = compare(a_night(1, "pffpp-"), a_night(2, "fpfn-p"))
    assert named(found.newly_failing) == ["x.a"]
    assert named(found.fixed) == ["x.b"]
    assert named(found.still_failing) == ["x.c"]
    assert named(found.no_longer_run) == ["x.d", "x.e"]
    assert named(found.new) == ["x.f"]
    assert not found.running_again


@pytest.mark.parametrize(
    ("nights", "where"),
    [
        ("fnf", "still_failing"),
        ("fnnf", "still_failing"),
        ("pnf", "newly_failing"),
        ("nnf", "newly_failing"),
        ("-f", "newly_failing"),
        ("fnp", "fixed"),
        ("pnp", "running_again"),
        ("nnp", "running_again"),
        ("p-p", "running_again"),
        ("pn", "no_longer_run"),
        ("fn", "no_longer_run"),
        ("n-p", "new"),
        ("nn", None),
        ("pp", None),
    ],
)
def test_a_check_is_compared_with_the_last_run_in_which_it_ran(
    nights: str, where: str | None
) -> None:
    *earlier, before, now = (a_night(number, letter) for number, letter in enumerate(nights))
    found = compare(before, now, earlier)
    lists = found.model_dump(exclude={"versions"})
    filled = [name for name, value in lists.items() if isinstance(value, list) and value]
    assert filled == ([where] if where else [])


def test_a_failure_says_since_when_and_when_it_passed_last() -> None:
    *earlier, before, now = (a_night(at, letter) for at, letter in enumerate("ppfnff"))
    (change,) = compare(before, now, earlier).still_failing
    assert change.failing_since
    assert change.last_passed
    assert (change.failing_since.run_id, change.last_passed.run_id) == ("night2", "night1")


@pytest.mark.parametrize(
    ("nights", "said"),
    [
        ("ppf", "fails since run night2 of 2026-11-03, passed last in run night1 of 2026-11-02"),
        (
            "fnf",
            f"fails at least since run night0 of 2026-11-01, {NONE}",
        ),
        (
            "fff",
            f"fails at least since run night0 of 2026-11-01, {NONE}",
        ),
        ("nnf", "fails since run night2 of 2026-11-03"),
    ],
)
def test_what_was_not_looked_at_may_have_failed_too(nights: str, said: str) -> None:
    *earlier, before, now = (a_night(at, letter) for at, letter in enumerate(nights))
    found = compare(before, now, earlier)
    [change] = [*found.newly_failing, *found.still_failing]
    assert history_of(change) == said


def test_a_failure_says_how_often_it_was_a_flake() -> None:
    *earlier, before, now = (a_night(at, letter) for at, letter in enumerate("pfpppfppnpf"))
    (change,) = compare(before, now, earlier).newly_failing
    assert (change.flaked, change.ran) == (2, 9)


def test_runs_between_the_two_do_not_decide_what_is_new() -> None:
    old, between, new = (a_night(at, letter) for at, letter in enumerate("pff"))
    (change,) = compare(old, new, [between]).newly_failing
    assert change.failing_since
    assert change.failing_since.run_id == "night1"


def test_without_a_history_only_great_changes_of_duration_are_named() -> None:
    found = compare(a_night(1, "pppp", 1, 10, 60, 30), a_night(2, "pppp", 4, 30, 64, 10))
    assert named(found.slower) == ["x.b"]
    assert named(found.faster) == ["x.d"]


def test_slower_is_what_is_beyond_the_noise_of_the_history() -> None:
    steady, noisy = 10.0, (8.0, 30.0, 12.0, 25.0)
    earlier = [a_night(at, "pp", steady, noisy[at % 4]) for at in range(12)]
    found = compare(earlier[-1], a_night(12, "pp", 14.0, 32.0), earlier)
    (change,) = found.slower
    assert (change.id, change.before, change.after, change.usual) == ("x.a", 10.0, 14.0, 10.0)
    assert not found.faster


def test_what_was_slow_in_the_run_before_is_not_said_again() -> None:
    earlier = [a_night(at, "p", 10.0) for at in range(12)]
    slow = a_night(12, "p", 20.0)
    assert not compare(slow, a_night(13, "p", 20.0), earlier).slower


def test_a_slow_machine_is_named_once_and_not_with_each_check() -> None:
    usual = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    earlier = [a_night(at, "pppppp", *usual) for at in range(6)]
    slow = [2 * seconds for seconds in usual]
    found = compare(earlier[-1], a_night(6, "pppppp", *slow), earlier)
    assert (found.pace, found.slower) == (2.0, [])
    found = compare(earlier[-1], a_night(6, "pppppp", 50.0, *slow[1:]), earlier)
    assert named(found.slower) == ["x.a"]


def test_comparison_names_the_versions_that_changed() -> None:
    def on(number: int, commit: str, traefik: str) -> RunFacts:
        part = Component(name="traefik", version=traefik, origin="pulled", key="3f9fbc339cc9")
        return a_night(number, "p", suite_commit=commit, components=[part])

    found = compare(on(1, "0caa44814c58", "3.7.15"), on(2, "5f9fd5ec6e5b", "3.7.16"))
    assert [(one.what, one.before, one.after) for one in found.versions] == [
        ("suite commit", "0caa44814c58", "5f9fd5ec6e5b"),
        ("traefik", "3.7.15 (3f9fbc33)", "3.7.16 (3f9fbc33)"),
    ]


KIND = ClusterInfo(provider="kind", name="stackspin")
ALL = ["conformance/capabilities"]


def a_run(run_id: str, **more: object) -> RunReport:
    return a_report({"x": [a_check("x", 1)]}, **{"run_id": run_id, "selection": ALL} | more)


def keep(reports: Path, second: int, report: RunReport, **changed: object) -> None:
    """Write a report as a run that began in this second would have."""
    folder = reports / f"20261123T2100{second:02d}Z-{report.run_id}"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(json.loads(to_json(report)) | changed))


def found(reports: Path, report: RunReport) -> str | None:
    comparison = compare_with_last(reports, report)
    return comparison.previous_run_id if comparison else None


def test_a_run_is_compared_with_the_newest_whole_one(tmp_path: Path) -> None:
    keep(tmp_path, 1, a_run("zzz"))
    keep(tmp_path, 2, a_run("aaa"))
    assert found(tmp_path, a_run("now")) == "aaa"


@pytest.mark.parametrize(
    "other",
    [
        {"state": "running"},
        {"state": "interrupted"},
        {"mode": "twins"},
        {"selection": [*ALL, "-m core"]},
        {"cluster": KIND},
        {"cluster": None},
    ],
    ids=str,
)
def test_a_run_is_not_compared_with_one_that_was_cut_short_or_tested_something_else(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    keep(tmp_path, 1, a_run("other", **other))
    keep(tmp_path, 2, a_run("now"))
    assert found(tmp_path, a_run("now")) is None
    keep(tmp_path, 0, a_run("same"))
    assert found(tmp_path, a_run("now")) == "same"


def test_each_provider_has_a_predecessor_of_its_own_in_the_same_folder(tmp_path: Path) -> None:
    keep(tmp_path, 1, a_run("embedded"))
    keep(tmp_path, 2, a_run("kind", cluster=KIND))
    renamed = ClusterInfo(provider="kind", name="another")
    assert found(tmp_path, a_run("now")) == "embedded"
    assert found(tmp_path, a_run("now", cluster=renamed)) == "kind"


def test_another_cluster_of_the_users_is_another_thing_to_test(tmp_path: Path) -> None:
    def on(name: str) -> dict[str, ClusterInfo]:
        return {"cluster": ClusterInfo(provider="existing", name=name)}

    keep(tmp_path, 1, a_run("staging", **on("staging")))
    keep(tmp_path, 2, a_run("production", **on("production")))
    assert found(tmp_path, a_run("now", **on("staging"))) == "staging"


def test_a_report_of_another_schema_or_half_of_one_is_passed_over(tmp_path: Path) -> None:
    keep(tmp_path, 1, a_run("good"))
    keep(tmp_path, 2, a_run("old"), schemaVersion="2")
    (tmp_path / "20261123T210003Z-half").mkdir()
    (tmp_path / "20261123T210003Z-half" / "report.json").write_text('{"state": ')
    assert found(tmp_path, a_run("now")) == "good"


def test_a_run_that_was_cut_short_still_says_what_its_checks_did(tmp_path: Path) -> None:
    def night(second: int, verdict: Verdict, **more: object) -> None:
        checks = {"x": [a_check("x", 1, verdict)]}
        started = FIRST_NIGHT + timedelta(seconds=second)
        values = {"run_id": f"r{second}", "selection": ALL, "started_at": started, **more}
        keep(tmp_path, second, a_report(checks, **values))

    night(1, Verdict.PASS)
    night(2, Verdict.FAIL, state="interrupted")
    now = a_report({"x": [a_check("x", 1, Verdict.FAIL)]}, run_id="now", selection=ALL)
    comparison = compare_with_last(tmp_path, now)
    assert comparison
    assert comparison.previous_run_id == "r1"
    (change,) = comparison.newly_failing
    assert change.failing_since
    assert change.failing_since.run_id == "r2"


def test_no_more_than_a_month_of_reports_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in range(40):
        keep(tmp_path, second, a_run(f"r{second}"))
    read: list[str] = []
    facts = store._facts
    monkeypatch.setattr(store, "_facts", lambda *where: read.append(where[1]) or facts(*where))
    assert found(tmp_path, a_run("now")) == "r39"
    assert len(read) == LOOKED_AT
    assert read[0] == "20261123T210039Z-r39"


def test_a_run_is_compared_with_one_on_the_same_platform_only(tmp_path: Path) -> None:
    keep(tmp_path, 1, a_run("before", cluster=KIND))
    keep(tmp_path, 2, a_run("theirs", cluster=KIND, platform=a_platform()))
    keep(tmp_path, 3, a_run("ours", cluster=KIND, platform=a_platform(Whose.REFERENCE)))
    keep(tmp_path, 4, a_run("tree", cluster=KIND, platform=a_platform(Whose.TREE)))
    assert found(tmp_path, a_run("now", cluster=KIND, platform=a_platform())) == "theirs"
    ours = a_run("now", cluster=KIND, platform=a_platform(Whose.REFERENCE))
    assert found(tmp_path, ours) == "ours"
    (tmp_path / "20261123T210003Z-ours/report.json").unlink()
    assert found(tmp_path, ours) == "before"
