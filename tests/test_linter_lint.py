"""The engine of the package linter, with apps and rules made by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from linter_packages import GOOD
from linter_results import a_result, a_rule, a_waiver, an_app, an_app_result

from conformance.common.errors import HarnessError
from conformance.linter import detection
from conformance.linter.app import AppPackage, Chart, Installation, RenderFailure
from conformance.linter.findings import NotRun, Place, Problem, Severity
from conformance.linter.limits import Limits
from conformance.linter.lint import lint
from conformance.linter.reading.documents import Document
from conformance.linter.result import AppResult, Result, joined
from conformance.linter.rule import Rule, all_rules
from conformance.linter.rules.package.nothing import nothing
from conformance.linter.rules.package.readable import readable
from conformance.linter.rules.package.renders import renders


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the app ``notes`` is detected."""
    monkeypatch.setattr(detection, "detect", lambda *_, **__: [an_app()])
    return tmp_path


def run(path: Path, *rules: Rule, every: bool = False, **more: object) -> Result:
    """Lint with these rules; with ``every``, as if there were no others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.linter.lint.all_rules", lambda: {one.id: one for one in rules})
        chosen = None if every else rules
        return lint(path, rules=chosen, **more)  # type: ignore[arg-type]


def only(result: Result) -> AppResult:
    (app,) = result.apps
    return app


def checking(rule: Rule, check: object) -> Rule:
    return replace(rule, check=check)


def test_findings_are_sorted_by_what_they_cost_then_by_place(package: Path) -> None:
    def at(file: str, line: int) -> Problem:
        return Problem(Place(file, line), "wrong")

    last, first = at("b.yaml", 1), at("a.yaml", 9)
    result = run(
        package,
        a_rule("a.note", 1, Severity.NOTE, [first]),
        a_rule("a.three", 3, said=[last, at("a.yaml", 10), first]),
        a_rule("a.two", 2, said=[last]),
        a_rule("a.warning", 1, Severity.WARNING, [first]),
        every=True,
    )
    assert [(f.rule.id, f.place.file, f.place.line) for f in only(result).findings] == [
        ("a.two", "b.yaml", 1),
        ("a.three", "a.yaml", 9),
        ("a.three", "a.yaml", 10),
        ("a.three", "b.yaml", 1),
        ("a.warning", "a.yaml", 9),
        ("a.note", "a.yaml", 9),
    ]
    assert only(result).level == 1
    assert result.failed


def test_the_same_problem_is_told_once_and_the_fix_is_the_rules_unless_it_has_its_own(
    package: Path,
) -> None:
    same = Problem(Place("a.yaml", 1), "wrong")
    own = Problem(Place("a.yaml", 2), "wrong", "Do this.")
    rule = a_rule(said=[same, same, own, same])
    assert [f.fix for f in only(run(package, rule)).findings] == [rule.prose.fix, "Do this."]


def test_warnings_and_notes_cost_no_level_and_do_not_fail(package: Path) -> None:
    said = [Problem(Place(), "hm")]
    rules = [a_rule("a.w", 1, Severity.WARNING, said), a_rule("a.n", 1, Severity.NOTE, said)]
    result = run(package, *rules, every=True)
    assert (only(result).level, result.failed) == (3, False)


def test_a_rule_not_run_raises_no_level_even_one_of_warnings(package: Path) -> None:
    rule = a_rule("a.b", 2, Severity.WARNING, [NotRun("the chart is elsewhere")])
    result = run(package, rule, every=True)
    assert (only(result).level, only(result).not_run) == (1, ((rule, "the chart is elsewhere"),))
    assert not result.failed


def test_a_waived_error_fails_nothing_is_last_and_costs_its_level_all_the_same(
    package: Path,
) -> None:
    waived = a_rule("a.waived", 2, said=[Problem(Place(), "wrong")])
    note = a_rule("a.note", 3, Severity.NOTE, [Problem(Place(), "hm")])
    waiver = a_waiver("a.waived")
    result = run(package, waived, note, every=True, waivers=[waiver])
    assert [f.waiver for f in only(result).findings] == [None, waiver]
    assert (only(result).level, result.failed, result.unused) == (1, False, ())


def test_a_waiver_that_nothing_needs_is_told(package: Path) -> None:
    waiver = a_waiver("a.fine")
    result = run(package, a_rule("a.fine"), waivers=[waiver], every=True)
    assert (result.unused, only(result).level) == ((waiver,), 3)


def test_with_chosen_rules_no_level_is_claimed(package: Path) -> None:
    assert only(run(package, a_rule())).level is None


def test_a_rule_with_a_defect_is_not_run_and_tells_no_value_of_the_package(package: Path) -> None:
    def broken(_: AppPackage) -> Iterator[Problem]:
        yield Problem(Place("a.yaml"), "found before")
        raise KeyError("s3cret")

    def endless(app: AppPackage) -> Iterator[Problem]:
        return endless(app)

    rules = [checking(a_rule("a.broken", 2), broken), checking(a_rule("a.deep", 3), endless)]
    app = only(run(package, *rules, every=True))
    (_, key_error), (_, recursion) = app.not_run
    assert "internal error (KeyError" in key_error
    assert "please report" in key_error
    assert "s3cret" not in key_error
    assert "RecursionError" in recursion
    assert [finding.message for finding in app.findings] == ["found before"]
    assert app.level == 1


def spin() -> None:
    """Compute for a long time; to wait costs nothing of what a package may."""
    end = time.process_time() + 60
    while time.process_time() < end:
        pass


def test_a_rule_without_end_is_ended_and_those_after_it_are_not_run(package: Path) -> None:
    def endless(_: AppPackage) -> Iterator[Problem]:
        while True:
            try:
                spin()
            except Exception:  # noqa: S112 - as a rule might
                continue
            yield Problem(Place(), "never")

    rules = [checking(a_rule("a.endless", 3), endless), a_rule("b.after", 2)]
    app = only(run(package, *rules, every=True, limits=Limits(seconds=0.2)))
    assert [(rule.id, reason) for rule, reason in app.not_run] == [
        ("a.endless", "the time for all rules, 0.2 s, ran out while this rule ran"),
        ("b.after", "the rules before it used up the time of 0.2 s"),
    ]
    assert app.level == 1


def test_a_rule_with_endless_findings_shows_a_hundred(package: Path) -> None:
    said = (Problem(Place("a.yaml", line), "wrong") for line in itertools.count())
    findings = only(run(package, a_rule(said=said))).findings
    assert len(findings) == 101
    assert any("only the first 100 are shown" in finding.message for finding in findings)


def test_long_names_and_messages_are_cut(package: Path) -> None:
    problem = Problem(Place("a.yaml", 1, "Pod " + "x" * 10_000_000), "y" * 10_000_000, "z" * 9_999)
    (finding,) = only(run(package, a_rule(said=[problem]))).findings
    assert len(finding.place.object + finding.message + finding.fix) < 3000


def test_a_folder_with_nothing_is_an_app_of_level_0_named_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "detect", lambda *_, **__: [])
    folder = tmp_path / "empty"
    folder.mkdir()
    app = only(run(folder, all_rules()["package.nothing"], every=True))
    assert (app.app.name, app.app.detected, app.level) == ("empty", "nothing", 0)
    assert "no app found" in app.findings[0].message


def test_a_folder_given_alone_says_what_it_names_and_is_not_there(tmp_path: Path) -> None:
    names = "kind: Kustomization\nresources: [../../base]\n"
    (tmp_path / "kustomization.yaml").write_text(names)
    app = only(run(tmp_path, all_rules()["package.nothing"], every=True))
    [finding] = app.findings
    assert (app.app.detected, app.level, app.not_run) == ("nothing", 0, ())
    assert "no app found here, but not all is here: " in finding.message
    assert finding.message.endswith(" names ../../base, which is outside of PATH")
    assert finding.fix == "Give a folder that has what it names, too."


def test_a_defect_in_detection_leaves_every_rule_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "detect", lambda *_, **__: 1 / 0)
    app = only(run(tmp_path, a_rule("a.one", 1), a_rule("a.two", 2), every=True))
    assert (app.level, app.findings) == (0, ())
    assert {reason for _, reason in app.not_run} == {
        reason for _, reason in app.not_run if "ZeroDivisionError" in reason
    }
    assert len(app.not_run) == 2


def test_reading_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "detect", lambda *_, **__: spin())
    app = only(run(tmp_path, a_rule(), limits=Limits(seconds=0.1)))
    assert app.not_run[0][1] == "reading the files took longer than 0.2 s"


def test_a_path_that_is_not_there_is_the_readers_to_mend(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="none-such"):
        run(tmp_path / "none-such", a_rule())


def test_an_app_is_compared_with_the_one_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    trees = {"before": [an_app("a"), an_app("b")], "after": [an_app("b"), an_app("c")]}
    for folder in (before, after):
        folder.mkdir()
    monkeypatch.setattr(detection, "detect", lambda tree, *_, **__: trees[tree.name])
    b, c = run(after, a_rule(), previous=before).apps
    assert b.app.previous is trees["before"][1]
    assert (c.app.previous, c.remark) == (
        None,
        "not in the previous version: nothing to compare with",
    )
    trees.update(before=[an_app("notes-old")], after=[an_app("notes")])
    renamed = only(run(after, a_rule(), previous=before))
    assert renamed.app.previous is trees["before"][0], "one app on both sides: it was renamed"


def test_a_result_holds_on_to_no_object_once_all_rules_have_looked_at_it() -> None:
    kept = [one for app in lint(GOOD / "flux-app").apps for one in app.app.installations]
    assert [one.label for one in kept] == ["HelmRelease board"]
    assert not any(one.manifests for one in kept)


def test_several_paths_are_one_result() -> None:
    one, two = a_waiver("a.one"), a_waiver("a.two")
    first = a_result(an_app_result(root="x"), unused=[one, two])
    second = a_result(an_app_result(root="y"), unused=[two])
    both = joined([replace(first, paths=("x",)), replace(second, paths=("y",))])
    assert (both.paths, [app.root for app in both.apps]) == (("x", "y"), ["x", "y"])
    assert both.unused == (two,), "a waiver is needed if one PATH needs it"
    assert both.seconds == pytest.approx(0.84)


def test_files_that_cannot_be_read_are_errors() -> None:
    problem = Problem(Place("a.yaml", 3), "a tab where YAML wants blanks")
    app = replace(an_app(detected="nothing"), problems=(problem,))
    assert list(readable(app)) == [problem]
    assert list(nothing(app)) == [], "one fact, one rule"


def test_a_chart_that_does_not_render_is_an_error_one_that_is_elsewhere_not_run() -> None:
    chart = Chart("notes", {}, Document("notes/Chart.yaml", {"name": "notes"}), None)
    place = Place("notes/templates/a.yaml", 4)
    app = replace(
        an_app(),
        failures=(RenderFailure(chart, "default values", "nil pointer", place),),
        installations=(
            Installation("default values", (), ("chart notes does not render",)),
            Installation("HelmRelease forgejo", (), ("chart forgejo is not in the package",)),
        ),
    )
    assert list(renders(app)) == [
        Problem(place, "with default values: nil pointer"),
        NotRun("chart forgejo is not in the package"),
    ]
    slow = RenderFailure(chart, "default values", "rendering took longer than 30 s", place, True)
    (problem,) = renders(replace(an_app(), failures=(slow,)))
    assert "loop" in problem.fix
