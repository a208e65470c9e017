"""``--rerun-failed`` and ``--shard``: which checks of all run."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
from forked_pytest import run_forked
from small_runs import HEAD, PASSES, RunChecks, report, runner, verdicts

from conformance.report.given import given
from conformance.report.merge import merge
from conformance.suite.sharding import Shard, split

BAD_NIGHT = (
    PASSES
    + """
from conformance.suite.check import core, extended

@check("auto_update.serves", promise="It serves.", apps=core("notes") | extended("wordpress"))
def test_serves(app):
    assert app.name == "notes", f"{app.name} does not"

@check("auto_update.starts", promise="It starts.")
def test_starts(cluster): pass

@check("auto_update.cannot", promise="It can.", needs=[Feature.NODE_KILL])
def test_cannot(): pass

@pytest.mark.parametrize("fault", ["store-down", "agent-killed"])
@check("auto_update.told", promise="It is told.", apps=core("notes"))
def test_told(app, fault):
    assert fault != "store-down"
"""
)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def ran(pytester: pytest.Pytester) -> list[str]:
    (capability,) = report(pytester)["capabilities"]
    return [c["nodeId"].partition("::")[2] for c in capability["checks"] if c["began"] is not None]


def test_what_failed_or_met_an_error_runs_again_extended_or_not(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(BAD_NIGHT, "--all")
    first = report(pytester)
    met_an_error = [c["id"] for c in first["capabilities"][0]["checks"] if c["error"]]
    assert met_an_error == ["auto_update.starts"]
    result = run(BAD_NIGHT, "--rerun-failed=reports/latest")
    wanted = ["test_serves[wordpress]", "test_starts", "test_told[notes-store-down]"]
    assert ran(pytester) == wanted
    result.stdout.fnmatch_lines([f"again: 3 checks of run {first['runId']}"])
    # It is compared with no other: another night's failures are other checks.
    assert report(pytester)["selection"][-1] == f"--rerun-failed {first['runId']}"
    assert report(pytester)["comparison"] is None
    # Named by its file, with a check that there is no more, and each of the others twice.
    file = pytester.path / "reports/latest/report.json"
    other = BAD_NIGHT.replace("store-down", "disk-full")
    again = run(other, f"--rerun-failed={file}", "--repeat=2")
    again.assert_outcomes(failed=2, errors=1, skipped=1, deselected=10)
    again.stdout.fnmatch_lines(
        ["again: 2 checks of run *; not there any more: auto_update.told on notes-store-down"]
    )


def test_an_error_of_the_clean_up_does_not_hide_that_a_check_met_one_before(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(
        """
@pytest.fixture
def untidy():
    yield
    raise RuntimeError("it is stuck")

@pytest.fixture
def silent(untidy):
    raise HarnessError("It does not answer.", "Look there.")

@check("auto_update.starts", promise="It starts.")
def test_starts(silent): pass
"""
    )
    [check] = report(pytester)["capabilities"][0]["checks"]
    assert (check["verdict"], check["error"]) == ("not run", True)


def test_a_check_that_a_run_ended_in_runs_again(run: RunChecks, pytester: pytest.Pytester) -> None:
    ends = """
@check("auto_update.ends", promise="It ends.")
def test_ends(): raise KeyboardInterrupt
"""
    pytester.makepyfile(**{"auto_update/test_auto_update": HEAD + PASSES + ends})
    assert run_forked(pytester).ret == pytest.ExitCode.INTERRUPTED
    (folder,) = (pytester.path / "reports").glob("2*")
    mended = PASSES + ends.replace("raise KeyboardInterrupt", "pass")
    run(mended, f"--rerun-failed={folder}").assert_outcomes(passed=1, deselected=1)
    assert verdicts(pytester) == {"ends": "pass", "passes": "not run"}


def test_where_all_is_well_there_is_nothing_to_run_again(run: RunChecks) -> None:
    run(PASSES)
    refused = {
        ("--rerun-failed=reports/latest",): "*in run * no check failed, *nothing to run again",
        (
            "--rerun-failed=reports/none",
        ): "*reports/none cannot be read: No such file or directory*",
    }
    for options, said in refused.items():
        result = run(PASSES, *options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([said])


def test_a_report_of_checks_is_none_of_twins(run: RunChecks) -> None:
    run(BAD_NIGHT)
    result = run(BAD_NIGHT, "--twins", "--rerun-failed=reports/latest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rerun-failed: run * was not: leave --twins out"])


def test_shards_together_are_the_whole_and_make_one_report(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    found, folders = [], []
    for number in (1, 2, 3):
        run(BAD_NIGHT, "--all", f"--shard={number}/3", "--repeat=2")
        assert f"--shard {number}/3" in report(pytester)["selection"]
        found.append(ran(pytester))
        folders.append((pytester.path / "reports" / "latest").resolve())
    faults = ["store-down", "agent-killed"]
    whole = [
        *(f"{name}[{number}of2]" for name in ("test_passes", "test_starts", "test_cannot")
          for number in (1, 2)),
        *(f"test_serves[{app}-{number}of2]" for app in ("notes", "wordpress") for number in (1, 2)),
        *(f"test_told[notes-{fault}-{number}of2]" for fault in faults for number in (1, 2)),
    ]  # fmt: skip
    assert sorted(itertools.chain.from_iterable(found)) == sorted(whole)
    assert all(found)
    merged = merge([given(folder) for folder in folders], pytester.path / "merged")
    assert sorted(check.node_id.partition("::")[2] for check in merged.checks) == sorted(whole)
    assert {one.id.partition(".")[2]: one.passed for one in merged.repeated if not one.failed} == {
        "passes": 2, "serves": 2, "starts": 0, "cannot": 0, "told": 2,
    }  # fmt: skip


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "1/0", "a/b", "-1/3"])
def test_a_wrong_shard_is_a_usage_error(run: RunChecks, shard: str) -> None:
    result = run(PASSES, f"--shard={shard}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--shard={shard}: give K/N, as 1/3, 2/3 and 3/3*"])


def an_item(name: str, file: str, app: str | None = None) -> pytest.Item:
    check = SimpleNamespace(id=f"dashboard.{name}", app_level=None, apps=())
    marker = SimpleNamespace(args=[check])
    callspec = SimpleNamespace(params={"app": app}, id=app) if app else None
    found = {"path": Path(file), "get_closest_marker": lambda _: marker, "callspec": callspec}
    return SimpleNamespace(name=name, **found)  # type: ignore[return-value]


ITEMS = [
    an_item("long", "test_a.py"),
    an_item("short", "test_a.py"),
    an_item("on", "test_a.py", "notes"),
    an_item("on", "test_a.py", "wordpress"),
    an_item("new", "test_b.py"),
]
SECONDS = {
    ("dashboard.long", ""): 80.0,
    ("dashboard.short", ""): 5.0,
    ("dashboard.on", "notes"): 30.0,
    ("dashboard.on", "wordpress"): 40.0,
    ("dashboard.gone", ""): 35.0,
}


def parts(of: int, seconds: dict[tuple[str, str], float]) -> list[list[int]]:
    shards = [split(ITEMS, Shard(number, of), seconds) for number in range(1, of + 1)]
    return [[ITEMS.index(item) for item in shard] for shard in shards]


def test_shards_take_equally_long_by_the_times_of_a_report() -> None:
    assert parts(2, SECONDS) == [[0, 1], [2, 3, 4]]  # 85 s; 105 s, the new one like most: 35 s
    assert parts(2, {}) == [[0, 1, 4], [2, 3]]
    assert parts(1, SECONDS) == [[0, 1, 2, 3, 4]]
    assert sorted(itertools.chain.from_iterable(parts(4, SECONDS))) == [0, 1, 2, 3, 4]
