"""Which checks a free cluster gets next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from report_samples import a_check, a_report
from test_lane_plan import item

from conformance.clusters import probe
from conformance.common.settings import Settings
from conformance.report.write import to_json
from conformance.suite.divided_plan import Division, known_seconds, number_of_clusters

STORAGE = [item("persistent_storage.a/1"), item("persistent_storage.a/2")]
SHORT, LONG = item("single_sign_on.b"), item("single_sign_on.c")
LAST = item("disaster_recovery.d")


def names(division: Division) -> list[list[str]]:
    found: list[list[str]] = []
    while group := division.take():
        found.append([one.name for one in group])
    return found


def test_the_longest_come_first_within_a_capability() -> None:
    seconds = {("single_sign_on.b", ""): 5.0, ("single_sign_on.c", ""): 90.0}
    division = Division([*STORAGE, SHORT, LONG, LAST], seconds, twins=False)
    together = [one.name for one in STORAGE]
    assert names(division) == [together, [LONG.name], [SHORT.name], [LAST.name]]
    assert division.take() == []


def test_without_times_they_come_in_their_order() -> None:
    division = Division([SHORT, LONG, LAST], {}, twins=False)
    assert names(division) == [[SHORT.name], [LONG.name], [LAST.name]]


def test_each_twin_is_by_itself_but_those_with_a_test_cluster() -> None:
    testing = [item(f"update_pipeline.{name}") for name in "abc"]
    for one in testing[:2]:
        one.fixturenames = ["stack", "testing_site"]
    division = Division([*STORAGE, *testing, LAST], {}, twins=True)
    shared, alone = [one.name for one in testing[:2]], [testing[2].name]
    assert names(division) == [*[[one.name] for one in STORAGE], shared, alone, [LAST.name]]


def test_times_are_those_of_the_last_run_of_the_same_or_as_told(tmp_path: Path) -> None:
    settings = Settings(reports_dir=tmp_path)
    assert known_seconds(settings, twins=True) == {}
    for name, took in (("latest-twins", 7.0), ("latest", 8.0), ("other", 9.0)):
        (tmp_path / name).mkdir()
        report = a_report({"dashboard": [a_check("dashboard", 1, seconds=took)]})
        (tmp_path / name / "report.json").write_text(to_json(report), encoding="utf-8")
    key = ("dashboard.promise_1", "")
    assert known_seconds(settings, twins=True) == {key: 7.0}
    assert known_seconds(settings, twins=False) == {key: 8.0}
    told = Settings(reports_dir=tmp_path, shard_times=tmp_path / "other")
    assert known_seconds(told, twins=True) == {key: 9.0}
    wrong = Settings(reports_dir=tmp_path, shard_times=tmp_path / "nothing")
    with pytest.raises(pytest.UsageError, match=r"--shard-times: .* cannot be read"):
        known_seconds(wrong, twins=True)


def test_auto_is_as_many_as_processors_and_memory_are_enough_for(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pytester.parseconfig("--twins")
    cases = ((4, 8, 1), (8, 8, 1), (15.5, 8, 2), (19, 8, 3), (200, 8, 4), (19, 2, 2), (19, 1, 1))
    for gibibytes, processors, number in cases:
        monkeypatch.setattr(probe, "available_memory", lambda size=gibibytes: int(size * 2**30))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, many=processors: range(many))
        assert number_of_clusters(config, Settings(clusters="auto")) == number
        assert number_of_clusters(config, Settings(clusters="2")) == 2
        assert number_of_clusters(config, Settings()) == 1
    assert number_of_clusters(config, Settings(clusters="auto", cluster="existing")) == 1
    with pytest.raises(pytest.UsageError, match="--clusters=2: with --cluster=existing"):
        number_of_clusters(config, Settings(clusters="2", cluster="existing"))
    for followed in ("--pdb", "--pause-on-failure"):
        assert number_of_clusters(pytester.parseconfig(followed), Settings(clusters="2")) == 1
