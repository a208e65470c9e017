"""The report's three views of one model, with the strings that real runs produce."""

from __future__ import annotations

import html
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from markupsafe import escape
from report_samples import a_check, a_platform, a_report

from conformance.common.settings import PROJECT_ROOT
from conformance.report import terminal, write
from conformance.report.badge import to_badge
from conformance.report.changes import Change, Comparison, RunReference
from conformance.report.environment import Awaited, ClusterInfo, InstallationStep, ObtainedPart
from conformance.report.evidence import EvidenceBox
from conformance.report.history.store import load
from conformance.report.html import to_html
from conformance.report.junit import to_junit
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.results import Measurement
from conformance.report.verdict import Verdict
from conformance.report.write import generate_schema, schema, to_json, write_views
from conformance.suite.check import CAPABILITIES

HOSTILE = (
    "<script>alert('x')</script> & \"quoted\" 'single' \x1b[31mred\x1b[0m \N{SNOWMAN} {{ 7*7 }}"
)
INVISIBLE = "\x1b[2J\u202e\x9b"


class Plain:
    def redact(self, text: str) -> str:
        return text


def sample(folder: Path, scale: int = 25) -> RunReport:
    """Return a report with everything a bad night has, its evidence in ``folder``."""
    checks = {
        capability: [a_check(capability, n, seconds=float(n % 7) + 0.3) for n in range(scale)]
        for capability in CAPABILITIES
    }
    bad = checks["auto_update"]
    box = EvidenceBox(folder, "auto_update.promise_1", Plain())
    log = "\n".join(f"2026-11-23T21:00:{n % 60:02d}Z line {n} {HOSTILE}" for n in range(3000))
    box.attach("failure.txt", f"AssertionError: {HOSTILE}\nassert 'v1' == 'v2'\n  - v2\n  + v1")
    box.attach("diagnostics/flux-system/source-controller.log", log)
    bad[1] = a_check(
        "auto_update", 1, Verdict.FAIL, reason=f"{HOSTILE}\nsecond line", evidence=box.files(),
        promise=f"Hostile {HOSTILE}.", notes=[HOSTILE],
        measurements=[Measurement(name="roll-back", value=42.125)],
    )  # fmt: skip
    bad[2] = a_check("auto_update", 2, Verdict.FAIL, app="notes")
    bad[3] = a_check("auto_update", 3, Verdict.NOT_RUN, reason="no registry here")
    bad[4] = a_check("auto_update", 4, Verdict.NOT_APPLICABLE, level=Level.EXTENDED)
    checks["dashboard"][0] = a_check("dashboard", 0, Verdict.NOT_RUN)
    checks["backup_restore"][0] = a_check("backup_restore", 0, Verdict.WAIVED)
    return a_report(checks)


class Page(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def report(tmp_path: Path) -> RunReport:
    return sample(tmp_path)


def test_the_shipped_schema_is_that_of_the_model() -> None:
    remedy = (
        "run: python -c 'from conformance.report.write import generate_schema as g; "
        'print(g(), end="")\' > conformance/report/report.schema.json'
    )
    assert schema() == json.loads(generate_schema()), remedy


def test_the_published_example_follows_the_schema_and_reads_back() -> None:
    path = PROJECT_ROOT / "reports" / "example" / "report.json"
    document = json.loads(path.read_text())
    jsonschema.validate(document, schema())
    example = load(path)
    assert example is not None
    # What reports have been given since then has a default.
    assert example.model_dump(mode="json", by_alias=True, exclude_unset=True) == document


def test_json_follows_the_schema_and_reads_back(report: RunReport, tmp_path: Path) -> None:
    write_views(report, tmp_path)
    document = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(document, schema())
    assert document["capabilities"][0]["core"]["notRun"] == 0
    assert load(tmp_path / "report.json") == report


def test_a_report_that_breaks_the_schema_is_not_written(report: RunReport) -> None:
    broken = report.model_copy(update={"state": "fine"})
    with pytest.raises(jsonschema.ValidationError):
        to_json(broken)


def test_only_the_report_of_a_run_that_is_over_is_validated(
    report: RunReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated: list[object] = []

    class Validator:
        validate = staticmethod(validated.append)

    monkeypatch.setattr(write, "validator", Validator)
    write_views(report.model_copy(update={"state": "running"}), tmp_path)
    assert not validated
    assert json.loads((tmp_path / "report.json").read_text())["state"] == "running"
    write_views(report, tmp_path)
    assert validated == [json.loads((tmp_path / "report.json").read_text())]


def test_names_of_steps_clusters_and_parts_are_text_on_the_page(tmp_path: Path) -> None:
    evil = "\"><img src=x onerror='x'>"
    waited = [Awaited(step=evil, cluster=evil, began=1.0, seconds=5.0)]
    steps = [
        InstallationStep(
            step=evil, kind=kind, cluster=evil, began=0.0, seconds=50.0, waited_for=waited
        )
        for kind in ("cluster", "app", "preparation")
    ]
    check = a_check("x", 1, seconds=60.0).model_copy(
        update={"began": 0.0, "waited_for": waited, "cluster": evil}
    )
    report = a_report({"x": [check]}).model_copy(
        update={
            "installation": steps,
            "obtained": [ObtainedPart(name=evil, how="built", began=0.0, seconds=50.0)],
        }
    )
    page = to_html(report, tmp_path)
    assert page.count(escape(evil)) > 9
    assert "img" not in [name for name, _ in Page(page).tags]


def test_html_loads_nothing_and_runs_only_its_own_script(report: RunReport, tmp_path: Path) -> None:
    page = Page(to_html(report, tmp_path))
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == 1
    assert not {"link", "iframe", "object", "embed"} & set(names)
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert "src" not in attributes or (attributes["src"] or "").startswith("data:")
        if href := attributes.get("href"):
            assert not re.match(r"\w+:|//", href), href


def test_html_shows_failures_first_and_open_with_the_end_of_their_logs(
    report: RunReport, tmp_path: Path
) -> None:
    text = to_html(report, tmp_path)
    verdicts = [a["data-verdict"] for tag, a in Page(text).tags if "data-verdict" in a]
    assert verdicts[:2] == ["fail", "fail"]
    assert verdicts.count("fail") == 2
    assert len(verdicts) == len(report.checks)
    assert "line 2999" in text
    assert "line 100 " not in text
    assert "49" not in re.findall(r"\N{SNOWMAN} (\S+)", text)


def test_html_says_how_to_run_one_run_of_a_check_again(tmp_path: Path) -> None:
    run = a_check("backup_restore", 1, node_id="x.py::test_x[notes-store-down]", app="notes")
    kind = {"cluster": ClusterInfo(provider="kind", name="c"), "settings": {"docker": "start"}}
    text = to_html(a_report({"backup_restore": [run]}, **kind), tmp_path)
    again = (
        "./bootstrap tox -e conformance -- --cluster=kind --docker=start "
        '-k "backup_restore.promise_1 and [notes-store-down]"'
    )
    assert again in html.unescape(text)
    twins = to_html(a_report({"backup_restore": [run]}, mode="twins"), tmp_path)
    assert "tox -e twins -- --cluster=embedded" in twins
    given = {"selection": ["conformance/capabilities", "--app my/packages"]}
    of_apps = html.unescape(to_html(a_report({"backup_restore": [run]}, **given), tmp_path))
    assert "-- --cluster=embedded --app=my/packages -k " in of_apps
    theirs = {"selection": ["--allow node"], "settings": {"platform": "platform.yaml"}}
    of_theirs = html.unescape(to_html(a_report({"backup_restore": [run]}, **theirs), tmp_path))
    assert "-- --cluster=embedded --platform=platform.yaml --allow=node -k " in of_theirs


def test_html_names_the_apps_that_the_run_was_given(tmp_path: Path) -> None:
    checks = {"app_runs": [a_check("app_runs", 1, app=name) for name in ("wiki", "<b>", "wiki")]}
    given = to_html(a_report(checks, selection=["conformance/capabilities", "--app x"]), tmp_path)
    assert "<dt>Apps</dt><dd>&lt;b&gt;, wiki</dd>" in given
    assert ": &lt;b&gt;, wiki, Stackspin conformance, run" in given
    assert "<dt>App" not in to_html(a_report(checks), tmp_path)


def test_html_names_every_control_and_heads_in_order(report: RunReport, tmp_path: Path) -> None:
    page = Page(to_html(report, tmp_path))
    labelled = {a.get("for") for tag, a in page.tags if tag == "label"}
    inputs = [a["id"] for tag, a in page.tags if tag == "input"]
    assert inputs
    assert set(inputs) <= labelled
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(ids) == len(set(ids))


def test_the_page_of_a_bad_night_stays_small(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x", Plain())
    for n in range(600):
        box.attach(f"{n}.log", "x" * 19_999 + "\n")
    failed = a_check("auto_update", 1, Verdict.FAIL, evidence=box.files())
    others = [a_check("backups", n, seconds=9.0, began=9.0 * n) for n in range(900)]
    text = to_html(a_report({"auto_update": [failed], "backups": others}), tmp_path)
    assert 3_500_000 < len(text) < 5_000_000


def test_screenshots_fill_the_page_no_further_than_there_is_room(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x", Plain())
    for n, size in enumerate((1_000_000, 1_000_000, 1_000_000, 890_000)):
        box.screenshot(f"{n}", b"\xff" * size)
    failed = a_check("auto_update", 1, Verdict.FAIL, evidence=box.files())
    text = to_html(a_report({"auto_update": [failed]}), tmp_path)
    assert 4_000_000 < len(text) < 5_000_000


def test_junit_is_what_ci_systems_read(report: RunReport) -> None:
    report.errors.append("the registry does not answer\n  To do: look")
    root = ET.fromstring(to_junit(report))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    assert root.get("failures") == "2"
    assert root.get("errors") == "1"
    assert int(root.get("tests", "0")) == len(report.checks) + 1
    suite = root.find("testsuite[@name='auto_update']")
    assert suite is not None
    assert suite.get("skipped") == "2"
    case = suite.find("testcase[@name='promise_1']")
    assert case is not None
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["check"] == "auto_update.promise_1"
    assert case.find("failure") is not None
    assert "[[ATTACHMENT|evidence/auto_update.promise_1/" in (case.findtext("system-out") or "")
    skipped = suite.find("testcase[@name='promise_3']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "not run: no registry here"


def test_evidence_keeps_inside_its_folder(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x.y", Plain())
    path = box.attach("../../../etc/passwd", "text")
    assert tmp_path / "evidence" / "x.y" in path.parents
    assert box.files()[0].path.startswith("evidence/x.y/")


def test_a_value_learnt_late_is_redacted_in_what_was_written_before(tmp_path: Path) -> None:
    class Learning:
        value = "nothing yet"

        def redact(self, text: str) -> str:
            return text.replace(self.value, "***")

    redactor = Learning()
    box = EvidenceBox(tmp_path, "x.y", redactor)
    path = box.attach("log.txt", b"password hunter22")
    before = box.files()[0].sha256
    redactor.value = "hunter22"
    box.close()
    assert path.read_text() == "password ***"
    assert box.files()[0].sha256 != before


def test_screenshots_are_shown_side_by_side_and_linked_when_too_large(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "single_sign_on.promise_1", Plain())
    box.screenshot("login-<page>", b"\xff\xd8 small")
    box.attach("old.png", b"\x89PNG small")
    box.screenshot("consent", b"\xff\xd8" + bytes(1_000_001))
    box.attach("page.html", "<b>page</b>")
    check = a_check("single_sign_on", 1, evidence=box.files())
    page = to_html(a_report({"single_sign_on": [check]}), tmp_path)
    assert page.count('<img src="data:image/jpeg;base64,') == 1
    assert page.count('<img src="data:image/png;base64,') == 1
    assert re.search(r"<figcaption>consent: <a href=[^>]+consent.jpg", page)
    assert page.index("Screenshots</h3>") < page.index("Evidence</h3>")
    assert "&lt;b&gt;page&lt;/b&gt;" in page


def test_a_failure_says_on_the_page_since_when(tmp_path: Path) -> None:
    report = a_report({"x": [a_check("x", 1, Verdict.FAIL)]})
    since = RunReference(run_id="night2", started_at=report.started_at)
    change = Change(id="x.promise_1", before=Verdict.FAIL, after=Verdict.FAIL, failing_since=since)
    report.comparison = Comparison(
        previous_run_id="night3", previous_started_at=report.started_at, still_failing=[change]
    )
    page = to_html(report, tmp_path)
    assert "It fails since run night2 of 2026-11-23." in page
    (link,) = re.findall(r'<li><a href="#(check-\w+)"><code>x.promise_1</code></a>', page)
    assert page.count(f'id="{link}"') == 1
    assert f'<a href="#{link}">link to it</a>' in page


def test_evidence_is_in_the_order_in_which_it_is_read(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x", Plain())
    for name in (
        "node/k.log",
        "asked.txt",
        "diagnostics/summary.txt",
        "failure.txt",
        "a.log",
    ):
        box.attach(name, name)
    assert [item.name for item in box.files()] == [
        "failure.txt", "diagnostics/summary.txt", "asked.txt", "a.log", "node/k.log",
    ]  # fmt: skip


def test_what_comes_after_the_end_is_not_kept(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x.y", Plain())
    box.attach("log.txt", "all")
    box.close()
    assert not box.attach("late.txt", "more").exists()
    assert [item.name for item in box.files()] == ["log.txt"]


EXEMPT = {"exempt": True, "reason": "the platform does not claim second_factor"}


def test_every_view_says_on_whose_platform_and_what_was_exempt(tmp_path: Path) -> None:
    exempt = a_check("single_sign_on", 2, Verdict.NOT_APPLICABLE, **EXEMPT)
    checks = {"single_sign_on": [a_check("single_sign_on", 1), exempt]}
    report = a_report(checks, platform=a_platform())
    page = html.unescape(to_html(report, tmp_path))
    assert "annex v2.7 of Example Co-operative: it was on the cluster" in page
    for said in ("admins@annex.example.org", "second factor: Passwords are enough."):
        assert said in page
    assert "core 1/1, 1 exempt" in page
    assert '<span class="soft">(exempt)</span>' in page
    assert "Exempt: the platform does not claim what the check is about" in page
    lines = [line for line, _ in terminal.summary(report, tmp_path)]
    assert "core 1/1 (1 exempt)" in lines[0]
    assert "Platform: annex v2.7 of Example Co-operative; checks might touch: own" in lines
    assert f"To hand in: {tmp_path / 'conformance-report.yaml'}" in lines


def test_the_report_on_the_reference_platform_stays_plain(tmp_path: Path) -> None:
    report = a_report({"x": [a_check("x", 1)]}, platform=a_platform(Whose.REFERENCE))
    page = to_html(report, tmp_path)
    assert '<a href="#platform">annex</a>' in page
    assert "Exempt: the platform" not in page
    lines = [line for line, _ in terminal.summary(report, tmp_path)]
    assert not [line for line in lines if line.startswith(("Platform", "To hand in"))]


def test_no_view_has_what_moves_a_cursor_or_turns_text_around(tmp_path: Path) -> None:
    box = EvidenceBox(tmp_path, "x.promise_0", Plain())
    box.attach("seen.txt", f"{INVISIBLE}\tseen\n")
    check = a_check("x", 0, Verdict.FAIL, reason=INVISIBLE, promise=INVISIBLE, notes=[INVISIBLE])
    check = check.model_copy(update={"app": INVISIBLE, "evidence": box.files()})
    platform = a_platform()
    platform.implementation.project = INVISIBLE
    report = a_report({"x": [check]}, platform=platform, run_id=INVISIBLE, errors=[INVISIBLE])
    page, badge = to_html(report, tmp_path), to_badge(report)
    lines = [line for line, _ in terminal.summary(report, tmp_path)]
    for text in (page, badge, *lines):
        assert not set(INVISIBLE) - set("[2J") & set(text)
    assert "\\u202e\\x9b\tseen</pre>" in page
    assert "\\x1b[2J\\u202e\\x9b" in page
