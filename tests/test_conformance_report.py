"""What may be handed in of a run, and what is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from report_samples import a_check, a_platform, a_report
from submitted_reports import problems

from conformance.common.settings import PROJECT_ROOT
from conformance.report.conformance_report import FILE, conformance_report, to_yaml
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.recorder import tried
from conformance.report.verdict import Verdict
from conformance.report.write import write_views

SUBMITTED = PROJECT_ROOT / "reports" / "submitted"


def judged(**more: Any) -> RunReport:
    """Return a report on somebody's platform, in which everything has happened but a failure."""
    login = [
        a_check("single_sign_on", 1),
        a_check(
            "single_sign_on", 2, Verdict.NOT_APPLICABLE, exempt=True, features=["second_factor"]
        ),
        a_check("single_sign_on", 3, Verdict.NOT_APPLICABLE, level=Level.EXTENDED),
    ]
    data = [
        a_check("persistent_storage", 1, features=["retained_volumes"]),
        a_check("persistent_storage", 2, Verdict.NOT_RUN, exempt=True),
        a_check(
            "persistent_storage", 3, level=Level.EXTENDED,
            node_id="test_volumes.py::test_promise_3[notes]",
        ),
    ]  # fmt: skip
    values = {
        "platform": a_platform(),
        "suite_commit": "0caa44814c58",
        "selection": ["conformance/capabilities"],
        **more,
    }
    return a_report({"single_sign_on": login, "persistent_storage": data}, **values)


def written(report: RunReport) -> dict[str, Any]:
    made = conformance_report(report)
    assert made is not None
    return yaml.safe_load(to_yaml(made))


def test_it_says_of_what_it_is_and_what_was_allowed() -> None:
    found = written(judged())
    assert (found["apiVersion"], found["kind"]) == ("stackspin-conformance/v1", "ConformanceReport")
    assert found["implementation"] == {
        "organization": "Example Co-operative",
        "project": "annex",
        "version": "v2.7",
        "url": "https://annex.example.org",
        "contact": ["admins@annex.example.org"],
    }
    assert (found["platform"], found["allowed"]) == ("installed", ["own"])
    assert found["cluster"] == {"provider": "embedded", "kubernetes": "v1.36.3"}
    assert found["date"] == "2026-11-23T21:00:00Z"
    assert found["features"]["exempt"] == {"second_factor": "Passwords are enough."}


def test_a_check_of_a_feature_that_is_not_claimed_counts_nowhere_and_is_listed() -> None:
    (login, _) = written(judged())["capabilities"]
    assert login["core"] == {
        "result": "success",
        "statistics": {"passed": 1, "failed": 0, "skipped": 0},
        "exemptChecks": ["single_sign_on.promise_2"],
    }
    assert login["extended"]["result"] == "partial"
    assert login["summary"] == "Core checks succeeded. Extended checks do not apply."


def test_a_core_check_that_is_exempt_by_its_id_is_skipped_and_makes_it_partial() -> None:
    (_, data) = written(judged())["capabilities"]
    assert data["core"] == {
        "result": "partial",
        "statistics": {"passed": 1, "failed": 0, "skipped": 1},
        "skippedChecks": ["persistent_storage.promise_2"],
        "exemptChecks": ["persistent_storage.promise_2"],
    }
    said = "Core checks partially succeeded: 1 skipped. Extended checks succeeded."
    assert data["summary"] == said


def test_a_failure_is_named_with_what_it_ran_on() -> None:
    failed = a_check("dashboard", 1, Verdict.FAIL, node_id="test_x.py::test_promise_1[notes]")
    found = written(a_report({"dashboard": [failed]}, platform=a_platform()))
    assert found["result"] == "failure"
    assert found["capabilities"][0]["core"]["failedChecks"] == ["dashboard.promise_1[notes]"]
    assert found["capabilities"][0]["summary"] == "Core checks failed: 1."


@pytest.mark.parametrize(
    "cut",
    [
        {"state": "interrupted"},
        {"mode": "twins"},
        {"selection": ["conformance/capabilities", "--app my/package"]},
        {"platform": None},
        {"cluster": None, "settings": {"cluster": "kind"}},
    ],
    ids=lambda cut: next(iter(cut)),
)
def test_a_run_that_is_not_of_a_whole_platform_leaves_nothing_to_hand_in(
    cut: dict[str, Any], tmp_path: Path
) -> None:
    write_views(judged(**cut), tmp_path)
    assert not (tmp_path / FILE).exists()
    assert FILE not in (tmp_path / "report.html").read_text()
    write_views(judged(), tmp_path)
    assert (tmp_path / FILE).exists()
    assert f'<a href="{FILE}">' in (tmp_path / "report.html").read_text()


def test_a_feature_was_tried_if_a_check_of_it_came_to_a_verdict() -> None:
    assert tried(judged().checks) == ["retained_volumes"]


def test_everything_that_was_handed_in_follows_the_rules() -> None:
    assert problems(SUBMITTED) == []


def hand_in(folder: Path, text: str, place: str = "0.1/example-co-operative-annex") -> None:
    (folder / place).mkdir(parents=True)
    (folder / place / "v2.7-embedded-report.yaml").write_text(text)
    listed = "[v2.7](v2.7-embedded-report.yaml)\n\n## Reproduce\n"
    (folder / place / "README.md").write_text(listed)


TEXT = to_yaml(conformance_report(judged()))  # type: ignore[arg-type]
WHERE_TO_ASK = "  url: https://annex.example.org\n  contact:\n  - admins@annex.example.org\n"


def test_a_report_that_follows_the_rules_is_taken(tmp_path: Path) -> None:
    hand_in(tmp_path, TEXT)
    assert problems(tmp_path) == []


def test_the_reference_platform_is_this_repositorys_own(tmp_path: Path) -> None:
    own = TEXT.replace(WHERE_TO_ASK, "").replace("platform: installed", "platform: reference")
    hand_in(tmp_path, own)
    assert problems(tmp_path) == []


def test_a_report_of_all_checks_is_taken(tmp_path: Path) -> None:
    hand_in(tmp_path, TEXT.replace("capabilities\ncluster", "capabilities\n- --all\ncluster"))
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("version: v2.7", "version: v2.8", "its place is 0.1/example-co-operative-annex/v2.8-emb"),
        ("kind: ConformanceReport", "kind: Report", "'ConformanceReport'"),
        ("\ndate:", "\nmore: x\ndate:", "Extra inputs are not permitted"),
        ("result: partial\ncap", "result: failure\ncap", "a check failed"),
        ("0caa44814c58", "0caa44814c58-dirty", "not of a commit of the suite"),
        ("skipped: 1", "skipped: 0", "the numbers of persistent_storage"),
        ("project: annex", "project: ''", "does not say who it is of"),
        (WHERE_TO_ASK, "", "does not say who it is of"),
        ("kind:", "kind: [", "while parsing"),
        ("capabilities\ncluster", "capabilities\n- -m core\ncluster", "chosen by hand"),
        ("capabilities\ncluster", "capabilities/dashboard\ncluster", "chosen by hand"),
    ],
)
def test_a_report_that_breaks_a_rule_is_not_taken(
    right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    assert TEXT.count(right) == 1
    hand_in(tmp_path, TEXT.replace(right, wrong))
    assert said in "\n".join(problems(tmp_path))


def test_a_report_that_is_not_listed_or_not_one_is_not_taken(tmp_path: Path) -> None:
    hand_in(tmp_path, TEXT)
    (tmp_path / "0.1/example-co-operative-annex/README.md").write_text("# Annex\n")
    (tmp_path / "0.1/report.json").write_text("{}")
    listed, other = problems(tmp_path)
    assert "README.md beside it does not list it" in listed
    assert other == "0.1/report.json: is neither a report nor beside one"
