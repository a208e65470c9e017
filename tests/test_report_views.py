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
from conformance.report.anchor import anchor
from conformance.report.changes import Change, Comparison, RunReference
from conformance.report.environment import Awaited, ClusterInfo, InstallationStep, ObtainedPart
from conformance.report.evidence import EvidenceBox
from conformance.report.history.store import load
from conformance.report.html import to_html
from conformance.report.junit import to_junit
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.results import Measurement, Phases
from conformance.report.timeline import Timeline, timelines
from conformance.report.verdict import Verdict
from conformance.report.wording import named, ran_in
from conformance.report.write import generate_schema, schema, to_json, write_views
from conformance.suite.check import CAPABILITIES

HOSTILE = (
    "<script>alert('x')</script> & \"quoted\" 'single' \x1b[31mred\x1b[0m \N{SNOWMAN} {{ 7*7 }}"
)


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
        '-k "backup_restore.promise_1 and notes-store-down"'
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
