"""Every rule fires on the package that breaks it, no other rule does, and none on a good one."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest
from linter_packages import GOOD, Case, cases, good_files, styles

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.lint import lint
from conformance.linter.result import AppResult, Result
from conformance.linter.rule import all_rules

APPS = {
    "caddy": "caddy",
    "existing-claims": "wiki",
    "flux-app": "board",
    "miniflux": "miniflux",
    "no-login": "pad",
    "node-red": "node-red",
    "radicale": "radicale",
    "remote-chart": "forgejo",
    "single-chart": "polls",
    "static-site": "pages",
}
"""Style of a good package -> its app."""
CHARTS = {"caddy": "caddy", "single-chart": "polls"}
"""Those that are a chart alone -> the chart's folder, if there is one repository of them all."""
LEVELS = {style: 1 if style == "remote-chart" else 3 for style in APPS}
CASES = cases()


pytestmark = pytest.mark.usefixtures("one_renderer")


@pytest.fixture(scope="module")
def good():
    """Return a function from a style to the result of its good package."""

    @functools.cache
    def result(style: str) -> Result:
        return lint(GOOD / style)

    return result


def said(result: Result) -> list[str]:
    """Return all findings, a line each."""
    return [
        f"{one.rule.id}: {one.place.file}:{one.place.line} {one.place.object}: {one.message}"
        for app in result.apps
        for one in app.findings
    ]


def not_run(result: Result) -> set[str]:
    return {rule.id for app in result.apps for rule, _ in app.not_run}


def outcome(app: AppResult) -> tuple[str, int | None, list[str], set[str]]:
    findings = [f"{one.rule.id}: {one.message}" for one in app.findings]
    return app.app.name, app.level, findings, {rule.id for rule, _ in app.not_run}


@pytest.mark.parametrize("style", styles())
def test_a_good_package_has_its_level_and_no_finding(good, style):
    result = good(style)

    assert [app.app.name for app in result.apps] == [APPS[style]]
    assert said(result) == []
    assert result.apps[0].level == LEVELS[style], result.apps[0].not_run


@pytest.mark.parametrize("style", [style for style in styles() if style != "remote-chart"])
def test_every_rule_is_judged_where_all_of_the_app_is_there(good, style):
    assert good(style).apps[0].not_run == ()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_package_breaks_exactly_its_rule(case: Case, tmp_path, good):
    broken = case.make(tmp_path)
    previous = case.make_previous(tmp_path)

    result = lint(broken, previous=previous)

    findings = [one for app in result.apps for one in app.findings]
    assert {one.rule.id for one in findings} == {case.rule}, said(result)
    lost = not_run(result) - not_run(good(case.base)) - set(case.not_run)
    if previous is not None:
        lost = {rule for rule in lost if not rule.startswith("upgrade.")}
    assert not lost or case.not_run == ["*"], [app.not_run for app in result.apps]
    for key, wanted in case.expect.items():
        if key == "says":
            assert any(wanted in one.message for one in findings), said(result)
        elif key == "advice":
            assert any(wanted in one.fix for one in findings), said(result)
        else:
            assert wanted in [getattr(one.place, key) for one in findings], said(result)
    for one in findings:
        inside = broken / one.place.file
        there = inside.is_file() or inside.is_symlink()
        assert one.place.file == "" or there, "a finding names a file that is there"
        end = inside.read_text().count("\n") + 1 if inside.is_file() else 0
        assert 0 <= one.place.line <= end


def test_every_rule_has_a_broken_package_and_every_broken_package_a_rule():
    assert {case.rule for case in CASES} == set(all_rules())


def test_the_apps_of_one_tree_are_told_apart(tmp_path, good):
    for style in styles():
        root = tmp_path / "charts" / CHARTS[style] if style in CHARTS else tmp_path
        for path, content in good_files(style):
            file = root / path
            assert not file.exists(), "no two packages share a file"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)

    result = lint(tmp_path)

    alone = sorted(outcome(good(style).apps[0]) for style in styles())
    assert sorted(map(outcome, result.apps)) == alone


def our_tree(folder: Path) -> Path:
    """Return the suite's own charts and flux2, as they lie in the cluster's repository."""
    shutil.copytree(PROJECT_ROOT / "charts", folder / "charts")
    shutil.copytree(PROJECT_ROOT / "fixtures" / "flux2", folder / "flux2")
    return folder


@pytest.mark.parametrize("chart", ["notes", "wordpress"])
def test_our_own_charts_keep_the_contract(chart):
    result = lint(PROJECT_ROOT / "charts" / chart)

    assert said(result) == []
    assert [(app.app.name, app.level) for app in result.apps] == [(chart, 3)]


def test_our_own_packages_keep_the_contract(tmp_path):
    result = lint(our_tree(tmp_path))

    ours = {app.app.name: app for app in result.apps if app.app.name in ("notes", "wordpress")}
    assert sorted(ours) == ["notes", "wordpress"]
    for app in ours.values():
        assert [f"{one.rule.id}: {one.place} {one.message}" for one in app.findings] == []
        assert app.level == 3, app.not_run


def test_a_package_compared_with_itself_has_nothing_to_upgrade():
    for style in styles():
        result = lint(GOOD / style, previous=GOOD / style)

        assert said(result) == []
        if style != "remote-chart":
            assert not_run(result) == set()
