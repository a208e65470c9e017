"""What changed since an earlier run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report_samples import a_check, a_platform, a_report

from conformance.report.compare import compare, last_whole_run
from conformance.report.model import ClusterInfo, RunReport, Verdict
from conformance.report.platform import Whose
from conformance.report.write import to_json


def test_comparison_says_what_broke_and_what_healed() -> None:
    def run(**verdicts: Verdict) -> RunReport:
        return a_report({"x": [a_check("x", 0, v, id=f"x.{name}") for name, v in verdicts.items()]})

    before = run(a=Verdict.PASS, b=Verdict.FAIL, c=Verdict.FAIL, d=Verdict.PASS, e=Verdict.PASS)
    after = run(a=Verdict.FAIL, b=Verdict.PASS, c=Verdict.FAIL, d=Verdict.NOT_RUN, f=Verdict.PASS)
    found = compare(before, after)
    assert [c.id for c in found.newly_failing] == ["x.a"]
    assert [c.id for c in found.fixed] == ["x.b"]
    assert [c.id for c in found.still_failing] == ["x.c"]
    assert [c.id for c in found.no_longer_run] == ["x.d", "x.e"]
    assert [c.id for c in found.new] == ["x.f"]


def test_comparison_names_only_notable_changes_of_duration() -> None:
    def run(*seconds: float) -> RunReport:
        return a_report({"x": [a_check("x", n, seconds=s) for n, s in enumerate(seconds)]})

    found = compare(run(1, 10, 60, 30), run(4, 30, 64, 10))
    assert [c.id for c in found.slower] == ["x.promise_1"]
    assert [c.id for c in found.faster] == ["x.promise_3"]


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
    before = last_whole_run(reports, report)
    return before.run_id if before else None


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


def test_no_older_report_is_read_than_the_one_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in range(30):
        keep(tmp_path, second, a_run(f"r{second}"))
    read: list[str] = []
    whole = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read.append(path.parent.name) or whole(path)
    )
    assert found(tmp_path, a_run("now")) == "r29"
    assert read == ["20261123T210029Z-r29"]


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
