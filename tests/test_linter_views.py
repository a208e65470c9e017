"""The package linter's views of one result, with what a hostile package may put into them."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from linter_results import (
    HOSTILE,
    a_finding,
    a_result,
    a_rule,
    a_waiver,
    an_app,
    an_app_result,
)

from conformance.common.visible import shown
from conformance.linter.app import Installation
from conformance.linter.findings import Place, Severity
from conformance.linter.levels import LEVELS
from conformance.linter.result import Result
from conformance.linter.views import reasons, rules_named, sentence
from conformance.linter.views.explain import explain, explain_family
from conformance.linter.views.html import to_html
from conformance.linter.views.json_view import to_json
from conformance.linter.views.junit import to_junit
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal

PLAIN = Look()
NARROW = Look(colour=True, width=60)
ELSEWHERE = "chart forgejo of HelmRepository forgejo is not in the package"
WARNING = a_rule("containers.image-pinned", 2, Severity.WARNING)
REMOTE = [a_rule(f"containers.rule-{n}", 2) for n in range(4)] + [a_rule("backup.pods", 3)]


@pytest.fixture(scope="module")
def hostile() -> Result:
    finding = a_finding(message=HOSTILE, place=Place(HOSTILE, 3, HOSTILE), fix=HOSTILE)
    waived = a_finding(WARNING, HOSTILE, waiver=a_waiver(WARNING.id, HOSTILE))
    app = an_app_result(
        finding,
        waived,
        app=an_app(HOSTILE, HOSTILE, HOSTILE),
        not_run=[(REMOTE[0], HOSTILE)],
        root=HOSTILE,
        remark=HOSTILE,
    )
    result = a_result(app, an_app_result(app=an_app(HOSTILE)), unused=[a_waiver(reason=HOSTILE)])
    return replace(result, paths=(HOSTILE,))


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_what_nobody_would_see_is_shown() -> None:
    assert shown("a\x1b[2J\tb\u202ec\ud800\u2028d\x9b\U000e0001") == (
        r"a\x1b[2J\x09b\u202ec\ud800\u2028d\x9b\U000e0001"
    )
    assert shown("Zürich 日本 🙂 é …") == "Zürich 日本 🙂 é …"


# The terminal.


def test_the_way_to_the_next_levels_is_told_where_flux_can_apply_an_app() -> None:
    hint = "add --cluster"
    apps = {level: an_app_result(a_finding(a_rule(level=level + 1))) for level in range(3)}
    told = {level: hint in to_terminal(a_result(app), PLAIN) for level, app in apps.items()}
    assert told == {0: False, 1: True, 2: True}
    assert hint not in to_terminal(a_result(an_app_result()), PLAIN, final=False)
    assert hint not in to_terminal(a_result(an_app_result(claimed=False)), PLAIN)


def test_an_app_that_is_well_is_one_line() -> None:
    lines = to_terminal(a_result(an_app_result()), PLAIN).splitlines()
    assert lines == [
        "level 3  notes  packages/charts/notes: Helm chart notes",
        "",
        "1 app: all is well  (0.4 s)",
        "Levels 4 to 6 say whether it runs on Stackspin: add --cluster",
    ]


def test_many_well_apps_stand_in_columns_and_keep_to_a_line_each() -> None:
    apps = [
        an_app_result(app=an_app(name, f"apps/{name}", "Flux package: " + "x" * 100))
        for name in ("notes", "wordpress")
    ]
    first, second, *_ = without_colours(to_terminal(a_result(*apps), NARROW)).splitlines()
    assert first.startswith("level 3  notes      packages/apps/notes: Flux")
    assert second.startswith("level 3  wordpress  packages/apps/wordpress:")
    assert all(len(line) <= 60 and line.endswith("…") for line in (first, second))


def test_a_finding_is_a_line_with_its_place_and_one_with_what_to_do() -> None:
    text = to_terminal(a_result(an_app_result(a_finding())), PLAIN)
    assert text.splitlines()[:5] == [
        "level 2  notes  packages/charts/notes: Helm chart notes",
        f"         {LEVELS[2]}",
        "error    packages/charts/notes/templates/pvc.yaml:7  PersistentVolumeClaim notes: "
        "claim notes has no label stackspin.net/backupSet: its data is not backed up  "
        "backup.claim-label",
        "         fix: Add the label stackspin.net/backupSet with the app's name to the claim.",
        "next     level 3 needs backup.claim-label",
    ]
    assert "1 app: 1 error  (0.4 s)" in text
    assert "app --explain backup.claim-label" in text


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("no host", "Ingress apps/notes: no host"),
        ("Ingress notes: no host", "Ingress apps/notes: no host"),
        ("Ingress notes has no host", "Ingress notes has no host"),
        ("Ingress notes-b has no host", "Ingress apps/notes: Ingress notes-b has no host"),
    ],
)
def test_the_object_is_named_once(message: str, told: str) -> None:
    finding = a_finding(message=message, place=Place("a.yaml", 1, "Ingress apps/notes"))
    assert sentence(finding) == told


def test_what_to_do_is_said_once_for_findings_alike() -> None:
    other = a_finding(place=Place("b.yaml", 1))
    special = a_finding(place=Place("c.yaml", 1), fix="Do this.")
    text = to_terminal(a_result(an_app_result(a_finding(), other, special)), PLAIN)
    assert re.findall(r"fix: (\w+)", text) == ["Add", "Do"]


def test_one_cause_of_several_apps_is_told_once() -> None:
    own = a_finding(message="of its own", place=Place("b.yaml", 1))
    apps = [
        an_app_result(a_finding(), app=an_app("notes")),
        an_app_result(a_finding(), own, app=an_app("wiki")),
        an_app_result(a_finding(), app=an_app("pad")),
    ]
    text = to_terminal(a_result(*apps), PLAIN)
    assert text.count("its data is not backed up") == 1
    assert text.count("of its own") == 1
    assert text.count("error    as told above for notes: backup.claim-label\n") == 2
    assert text.count("next     level 3 needs backup.claim-label") == 3
    assert "4 errors" in text


def test_what_was_not_run_is_told_once_for_each_reason_and_promises_nothing() -> None:
    app = an_app_result(not_run=[(rule, ELSEWHERE) for rule in REMOTE])
    text = to_terminal(a_result(app), PLAIN)
    assert f"not run  5 rules of levels 2 and 3: {ELSEWHERE}\n" in text
    assert text.startswith("level 1  ")
    assert "next" not in text
    assert "1 app: no findings" in text
    assert rules_named(REMOTE[:2]) == "containers.rule-0, containers.rule-1"
    assert rules_named(REMOTE[:4]) == "4 rules of level 2"


def test_of_many_rules_that_the_next_level_needs_the_first_are_named() -> None:
    text = to_terminal(a_result(an_app_result(*map(a_finding, REMOTE[:4]))), PLAIN)
    needs = "containers.rule-0, containers.rule-1, containers.rule-2 and 1 more"
    assert f"next     level 2 needs {needs}\n" in text


def test_reasons_that_go_on_from_one_cause_are_one() -> None:
    app = replace(an_app(), installations=(Installation("HelmRelease forgejo", (), (ELSEWHERE,)),))
    why = [(REMOTE[0], ELSEWHERE), (REMOTE[4], f"{ELSEWHERE}: which volumes it has is not known")]
    assert reasons(an_app_result(app=app, not_run=why)) == [(ELSEWHERE, [REMOTE[0], REMOTE[4]])]


def test_a_waiver_is_shown_with_reason_end_and_cost() -> None:
    finding = a_finding(waiver=a_waiver())
    text = to_terminal(a_result(an_app_result(finding), unused=[a_waiver("a.b")]), PLAIN)
    assert "\nwaived   packages/charts" in text
    assert "until 2027-01-31: cache only (the level stays below 3)\n" in text
    assert "fix:" not in text
    assert "1 app: 1 waived" in text
    assert "The waiver of a.b is not needed" in text


def test_with_chosen_rules_the_text_claims_no_level() -> None:
    rule = a_rule("a.b")
    text = to_terminal(a_result(an_app_result(claimed=False), rules=[rule]), PLAIN)
    assert text.startswith("no level notes  ")
    assert "Only a.b ran, so the app has no level." in text


def test_lines_are_wrapped_to_the_terminal_behind_the_margin() -> None:
    finding = a_finding(message="日本" * 10 + " " + "word " * 40)
    text = without_colours(to_terminal(a_result(an_app_result(finding)), NARROW))
    for line in text.splitlines():
        width = sum(2 if ord(one) > 0x2E80 else 1 for one in line)
        assert width <= 60 or " " not in line.strip()
    assert max(map(len, text.splitlines())) > 50


def test_nothing_of_a_package_reaches_the_terminal_as_it_is(hostile: Result) -> None:
    for look in (PLAIN, NARROW):
        text = without_colours(to_terminal(hostile, look))
        assert "[red]<script>" in text
        assert r"\x1b[31m\x1b]0;x\x07" in text
        assert not set(text) & set("\x1b\x07\u202e\u2066\ud800")
        text.encode("utf-8")
    assert "\x1b" not in to_terminal(hostile, PLAIN)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_those_who_want_them() -> None:
    assert Look.of(Terminal(), {}).colour
    assert not Look.of(Terminal(), {"NO_COLOR": "1"}).colour
    assert not Look.of(Terminal(), {"TERM": "dumb"}).colour
    assert Look.of(Terminal(), {"TERM": "dumb"}).width is None
    assert Look.of(io.StringIO(), {}) == PLAIN
    assert Look.of(io.StringIO(), {"FORCE_COLOR": "1"}) == Look(colour=True)
    assert not Look.of(io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}).colour


def test_an_explanation_says_all_there_is_to_a_rule() -> None:
    text = explain(a_rule(), PLAIN, date(2026, 11, 24))
    rule, prose = a_rule(), a_rule().prose
    for part in (rule.title, prose.why, prose.fix, prose.source, LEVELS[3], "below level 3"):
        assert part in text
    assert text.startswith("error[backup.claim-label]: ")
    assert "\n    metadata:\n      labels:\n" in text
    assert "--waive 'backup.claim-label=REASON,2027-02-22'" in text
    assert "--waive" not in explain(WARNING, PLAIN, date(2026, 11, 24))
    assert "costs no level" in explain(WARNING, PLAIN, date(2026, 11, 24))
    assert without_colours(explain(rule, NARROW, date(2026, 11, 24))).split() == text.split()


def test_a_familys_explanation_lists_its_rules() -> None:
    text = explain_family("containers", [REMOTE[0], WARNING], PLAIN)
    assert re.findall(r"^containers\.\S+", text, re.MULTILINE) == [
        "containers.rule-0",
        "containers.image-pinned",
    ]


# JSON.


def test_json_has_exactly_what_is_documented() -> None:
    finding = a_finding(waiver=a_waiver())
    app = an_app_result(a_finding(), finding, not_run=[(REMOTE[0], ELSEWHERE)])
    data = json.loads(to_json(a_result(app)))
    assert list(data) == ["apps", "levels"]
    (told,) = data["apps"]
    first, second = told.pop("findings")
    assert told == {
        "name": "notes",
        "root": "packages",
        "path": "charts/notes",
        "detected": "Helm chart notes",
        "level": 1,
        "not_run": [{"rule": "containers.rule-0", "reason": ELSEWHERE}],
    }
    assert first == {
        "rule": "backup.claim-label",
        "severity": "error",
        "file": "charts/notes/templates/pvc.yaml",
        "line": 7,
        "object": "PersistentVolumeClaim notes",
        "message": finding.message,
        "fix": finding.fix,
    }
    assert second == {**first, "waived": {"reason": "cache only", "until": "2027-01-31"}}
    assert list(data["levels"]) == ["0", "1", "2", "3", "4", "5", "6"]


def test_json_without_all_rules_has_no_level() -> None:
    data = json.loads(to_json(a_result(an_app_result(claimed=False))))
    assert data["apps"][0]["level"] is None


def test_json_is_ascii_and_keeps_every_character(hostile: Result) -> None:
    text = to_json(hostile)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["apps"][0]["findings"][0]["message"] == HOSTILE


# JUnit.


def test_junit_has_a_suite_for_an_app_and_a_case_for_a_rule() -> None:
    waived = a_rule("a.waived", 2)
    app = an_app_result(
        a_finding(),
        a_finding(WARNING, "changes"),
        a_finding(waived, waiver=a_waiver("a.waived")),
        not_run=[(REMOTE[0], ELSEWHERE)],
    )
    fine = a_rule("a.fine")
    result = a_result(app, rules=[a_rule(), WARNING, waived, REMOTE[0], fine])
    root = ET.fromstring(to_junit(result))  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("5", "1")
    (suite,) = root
    assert (suite.get("name"), suite.get("skipped")) == ("notes", "2")
    assert suite.find("properties/property[@name='level']").attrib["value"] == "1"  # type: ignore[union-attr]
    cases = suite.findall("testcase")
    broken, warned, let_be, elsewhere, good = cases
    assert broken.get("name") == f"backup.claim-label: {a_rule().title}"
    failure = broken.find("failure")
    assert failure is not None
    assert "pvc.yaml:7: PersistentVolumeClaim notes: claim notes has no label" in str(failure.text)
    assert "fix: Add the label" in str(failure.text)
    assert warned.find("failure") is None
    assert str(warned.findtext("system-out")).startswith("warning: packages/charts")
    assert let_be.find("skipped").attrib["message"] == "waived until 2027-01-31: cache only"  # type: ignore[union-attr]
    assert elsewhere.find("skipped").attrib["message"] == f"not run: {ELSEWHERE}"  # type: ignore[union-attr]
    assert list(good) == []


@pytest.mark.parametrize(("level", "failures"), [(1, 0), (2, 1), (3, 2), (None, 2)])
def test_junit_fails_only_what_the_level_asked_for_takes(level: int | None, failures: int) -> None:
    rules = [a_rule("a.low", 2), a_rule("a.high", 3)]
    app = an_app_result(*(a_finding(rule) for rule in rules))
    root = ET.fromstring(to_junit(a_result(app, rules=rules), level))  # noqa: S314
    assert root.get("failures") == str(failures)
    messages = [one.attrib["message"] for one in root.iter("skipped")]
    assert len(messages) == 2 - failures
    assert all(message.startswith(f"above level {level}: ") for message in messages)


def test_junit_is_xml_whatever_is_in_the_package(hostile: Result) -> None:
    text = to_junit(hostile)
    assert not set(text) & set("\x1b\x07\u202e\ud800")
    root = ET.fromstring(text)  # noqa: S314
    assert root[0].get("name") == shown(HOSTILE)


# HTML.


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if one := values.get("id"):
            self.ids.append(one)
        if one := values.get("href"):
            self.links.append(one)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_loads_nothing_and_shows_hostile_text_as_text(hostile: Result) -> None:
    html = to_html(hostile)
    page = Page(html)
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert "default-src 'none'" in html
    assert "url(" not in html
    assert page.text.count(shown(HOSTILE)) >= 10
    assert not set(html) & set("\x1b\x07\u202e\ud800")
    html.encode("utf-8")


def test_the_page_has_each_app_its_findings_and_the_rules_behind_them() -> None:
    apps = [
        an_app_result(a_finding(), app=an_app("vikunja", "apps/vikunja")),
        an_app_result(app=an_app("forgejo"), not_run=[(rule, ELSEWHERE) for rule in REMOTE]),
        an_app_result(),
    ]
    html = to_html(a_result(*apps))
    page = Page(html)
    anchors = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for text in ("vikunja", "level 2", "To do:", a_rule().prose.why, ELSEWHERE, "Nothing to do"):
        assert text in page.text
    assert "<title>1 at level 3, 1 at level 2, 1 at level 1: Stackspin app packages" in html


def test_the_page_of_one_app_is_titled_by_its_level_and_fits_light_dark_and_paper() -> None:
    html = to_html(a_result(an_app_result()))
    assert "<title>level 3: Stackspin app packages</title>" in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert "No level" in to_html(a_result(an_app_result(claimed=False)))
