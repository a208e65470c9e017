"""When everything of a run went on, as its page shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_samples import a_check, a_report

from conformance.report.anchor import anchor
from conformance.report.environment import Awaited, InstallationStep, ObtainedPart
from conformance.report.html import to_html
from conformance.report.results import Phases
from conformance.report.timeline import Timeline, timelines
from conformance.report.verdict import Verdict
from conformance.report.wording import named, ran_in


def test_checks_that_ran_beside_each_other_have_lines_of_their_own(tmp_path: Path) -> None:
    times = [(0.0, 10.0), (2.0, 3.0), (5.0, 9.0), (10.0, 1.0)]
    checks = [
        a_check("x", at, began=began, seconds=took, phases=Phases(call=took))
        for at, (began, took) in enumerate(times)
    ]
    report = a_report({"x": [*checks, a_check("x", 9, Verdict.NOT_RUN)]}, seconds=20.0)
    [row] = timelines(report)[0].rows
    drawn = str(row.drawing)
    assert row.label == ""
    bars = re.findall(r'<title>([a-z_.0-9]+): pass.*?</title>.*?<path d="M([0-9.]+) (\d+)h', drawn)
    assert bars == [
        ("x.promise_0", "0.0", "0"), ("x.promise_1", "100.0", "20"),
        ("x.promise_2", "250.0", "20"), ("x.promise_3", "500.0", "0"),
    ]  # fmt: skip
    assert drawn in to_html(report, tmp_path)
    assert timelines(a_report({"x": [a_check("x", 1)]})) == []


def test_in_one_place_each_capability_has_a_row_of_the_timeline() -> None:
    later, first = a_check("storage", 1, began=10.0), a_check("single_sign_on", 2, began=1.0)
    brief = a_check("storage", 3, began=11.0, seconds=0.001, phases=Phases(call=0.001))
    report = a_report({"storage": [later, brief], "single_sign_on": [first]}, seconds=100.0)
    rows = timelines(report)[0].rows
    assert [row.label for row in rows] == ["Single sign on", "Storage"]
    assert [row.drawing.count("<title>") for row in rows] == [1, 2]
    # Wide enough to be seen, and not up to the next one.
    (widths,) = [re.findall(r'<path d="M[0-9.]+ \d+h([0-9.]+)', str(rows[1].drawing))]
    assert widths == ["29.0", "3.0"]


def a_step(name: str, kind: str, began: float, seconds: float, **more: object) -> InstallationStep:
    given = {"step": name, "kind": kind, "cluster": "stackspin", "began": began, "seconds": seconds}
    return InstallationStep.model_validate({**given, **more})


def test_what_was_installed_has_rows_before_the_checks() -> None:
    report = a_report({"storage": [a_check("storage", 1, began=90.0)]}, seconds=100.0)
    report.obtained = [ObtainedPart(name="etcd", how="built", began=0.0, seconds=9.0)]
    report.installation = [
        a_step("cluster start", "cluster", 0.0, 10.0),
        *(a_step(f"image {name}", "image", 10.0, 5.0) for name in ("a", "b")),
        *(a_step(name, "platform", 10.0, 1.5) for name in ("dns", "sources")),
        a_step("backups", "platform", 20.0, 30.0, outcome="failed"),
        a_step("app notes", "app", 40.0, 9.0, cluster="stackspin-testing"),
        InstallationStep(step="of an older suite", began=0.0, seconds=5.0),
    ]
    [drawn] = timelines(report)
    assert _drawn(drawn) == {
        "Cluster": ["cluster start: 10.0 s"],
        "Parts": ["etcd built: 9.0 s"],
        "Images": ["2 steps: 5.0 s\nimage a: 5.0 s\nimage b: 5.0 s"],
        "Platform": ["2 steps: 1.5 s\ndns: 1.5 s\nsources: 1.5 s", "backups: 30.0 s, failed"],
        "stackspin-testing": ["app notes on stackspin-testing: 9.0 s"],
        "Storage": ["storage.promise_1: pass, 4.2 s"],
    }
    [platform] = [str(row.drawing) for row in drawn.rows if row.label == "Platform"]
    assert re.findall(r'<g class="(\w+)"', platform) == ["step", "failed"]
    assert re.findall(r"<span [^>]*left:([0-9.]+)%[^>]*>(.*?)</span>", platform) == [
        ("20.00", "backups")
    ]
    assert drawn.ticks == [(30.0, "30 s"), (60.0, "1 min"), (90.0, "1:30 min")]


def test_the_beginning_of_a_long_run_is_drawn_larger(tmp_path: Path) -> None:
    early = a_check("storage", 1, began=15.0, seconds=300.0)
    later = a_check("backups", 2, began=315.0, seconds=100.0)
    report = a_report({"storage": [early], "backups": [later]}, seconds=1000.0)
    report.obtained = [
        ObtainedPart(name="etcd", how="built", began=1.0, seconds=2.0),
        ObtainedPart(name="mariadb", how="built", began=200.0, seconds=2.0),
    ]
    report.installation = [
        a_step("cluster start", "cluster", 0.0, 10.0),
        a_step("sign-on", "platform", 10.0, 20.0),
        a_step("notes", "app", 29.0, 21.0),
        a_step("accounts", "preparation", 20.0, 5.0),
        a_step("crowd", "preparation", 300.0, 5.0),
        a_step("notes again", "app", 310.0, 5.0),
    ]
    whole, first = timelines(report)
    assert (whole.seconds, first.seconds) == (1000.0, 50.0)
    assert _drawn(whole) == {
        "Installation": ["Installation: 50.0 s, drawn larger below"],
        "Parts": ["mariadb built: 2.0 s"],
        "Apps": ["notes again: 5.0 s"],
        "Made for checks": ["accounts: 5.0 s", "crowd: 5.0 s"],
        "Storage": ["storage.promise_1: pass, 5 min 0 s"],
        "Backups": ["backups.promise_2: pass, 100.0 s"],
    }
    assert _drawn(first) == {
        "Cluster": ["cluster start: 10.0 s"],
        "Parts": ["etcd built: 2.0 s"],
        "Platform": ["sign-on: 20.0 s"],
        "Apps": ["notes: 21.0 s"],
        "Made for checks": ["accounts: 5.0 s"],
        "Storage": ["storage.promise_1: pass, 5 min 0 s"],
    }
    [together] = [str(row.drawing) for row in whole.rows if row.label == "Installation"]
    assert 'data-at="installation step-1 step-2 step-3 step-4"' in together
    page = to_html(report, tmp_path)
    assert "<h3>The first 50.0 s</h3>" in page
    assert page.count('<section class="timeline"') == 1


def _drawn(of: Timeline) -> dict[str, list[str]]:
    """Return what is said of each block of each row."""
    found = {row.label: re.findall(r"<title>(.*?)</title>", row.drawing, re.S) for row in of.rows}
    assert all(found.values())
    return found


def test_what_waited_for_what_is_drawn_said_and_linked(tmp_path: Path) -> None:
    level = Awaited(step="backups", cluster="stackspin", began=20.0, seconds=5.0)
    again = level.model_copy(update={"began": 30.0, "seconds": 2.5})
    part = Awaited(step="etcd", began=40.0, seconds=1.0)
    check = a_check("storage", 1, began=20.0, seconds=30.0, waited_for=[part, level, again])
    report = a_report({"storage": [check]}, seconds=100.0)
    report.obtained = [ObtainedPart(name="etcd", how="built", began=40.0, seconds=1.0)]
    report.installation = [
        a_step("backups", "platform", 1.0, 2.0, cluster="stackspin-testing"),
        a_step("backups", "platform", 5.0, 20.0),
    ]
    [row] = [row for row in timelines(report)[0].rows if row.label == "Storage"]
    waits = "waited 7.5 s for backups\nwaited 1.0 s for etcd"
    assert f"storage.promise_1: pass, 30.0 s\n{waits}</title>" in row.drawing
    assert 'data-awaits="part-1 step-2"' in row.drawing
    strips = re.findall(r'<path class="waited" d="M([0-9.]+) 12h([0-9.]+)v4', row.drawing)
    assert strips == [("400.0", "10.0"), ("200.0", "50.0"), ("300.0", "25.0")]
    page = to_html(report, tmp_path)
    links = '<a href="#step-2">backups</a> 7.5 s, <a href="#part-1">etcd</a> 1.0 s'
    assert f"It waited for {links}</p>" in page
    assert page.count('<tr id="step-2"><td>backups</td>') == 1
    assert page.count('<tr id="part-1">') == 1


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ({"cluster": "stackspin-1"}, {"cluster": "stackspin-2"}, ["stackspin-1", "stackspin-2"]),
        ({"lane": 2}, {"lane": 1}, ["lane 1", "lane 2"]),
        ({"where": "kind", "lane": 1}, {"where": "kind"}, ["kind", "kind, lane 1"]),
    ],
)
def test_the_page_says_where_each_check_ran_and_has_a_row_for_each_place(
    tmp_path: Path, first: dict[str, object], second: dict[str, object], labels: list[str]
) -> None:
    checks = [
        a_check("x", 1, began=0.0, **first),
        a_check("x", 2, began=2.0, **second),
        a_check("x", 3, Verdict.NOT_RUN),
    ]
    report = a_report({"x": checks}, seconds=20.0)
    rows = timelines(report)[0].rows
    assert [row.label for row in rows] == labels
    for check in checks[:2]:
        where = ", ".join(filter(None, (check.where, ran_in(check))))
        [row] = [row for row in rows if row.label == where]
        assert f"<title>{named(check)}: pass" in row.drawing
        assert row.drawing.count("<title>") == 1
        assert f'aria-label="{where}: When each of 1 check went on' in row.drawing
        assert f'data-at="{anchor(check)}"' in row.drawing
    page = to_html(report, tmp_path)
    assert all(f'<span class="label">{label}</span>' in page for label in labels)
    assert [said.strip() for said in re.findall(r'<span class="time">(.*?)</span>', page)] == [
        " · ".join(filter(None, (ran_in(check), "4.2 s"))) for check in checks
    ]
