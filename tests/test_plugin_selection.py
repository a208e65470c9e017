"""What a run says of checks that it was not to run: of other apps, parameters and files."""

from __future__ import annotations

import pytest
from small_runs import HEAD, PASSES, RunChecks, report, runner, verdicts


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_a_selection_cannot_make_a_capability_pass(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    other = "@check('auto_update.x', promise='X.')\ndef test_x(): assert False"
    assert run(PASSES + other, "-k", "passes").ret == pytest.ExitCode.OK
    assert verdicts(pytester) == {"passes": "pass", "x": "not run"}
    assert report(pytester)["capabilities"][0]["verdict"] == "partial"


ON_APPS = """
from conformance.suite.check import core, extended

@check("auto_update.serves", promise="It serves.", apps=core("notes") | extended("wordpress"))
def test_serves(app):
    assert app.name == "notes", f"{app.name} does not"
"""


def test_a_check_runs_on_each_of_its_apps_at_the_level_it_has_there(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_APPS, "--all").assert_outcomes(passed=1, failed=1)
    (capability,) = report(pytester)["capabilities"]
    assert [(c["app"], c["level"], c["verdict"]) for c in capability["checks"]] == [
        ("notes", "core", "pass"),
        ("wordpress", "extended", "fail"),
    ]
    assert capability["verdict"] == "pass"


def test_an_app_that_was_not_selected_is_not_proven(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_APPS, "-k", "wordpress")
    (capability,) = report(pytester)["capabilities"]
    assert {c["app"]: c["verdict"] for c in capability["checks"]} == {
        "wordpress": "fail",
        "notes": "not run",
    }
    assert capability["verdict"] == "partial"
    run(ON_APPS, "-m", "core").assert_outcomes(passed=1)


ON_FAULTS = """
from conformance.suite.check import core

@pytest.mark.parametrize("fault", ["store-down", "agent-killed"])
@check("auto_update.told", promise="It is told.", apps=core("notes"))
def test_told(app, fault):
    assert fault != %r
"""


def test_each_run_of_a_check_is_compared_with_its_own(run: RunChecks) -> None:
    run(ON_FAULTS % "")
    run(ON_FAULTS % "store-down", "-p", "no:cacheprovider").stdout.fnmatch_lines(
        [
            "FAIL auto_update.told on notes-store-down: *",
            "Since run *: 1 newly failing",
            "  newly failing: auto_update.told on notes-store-down",
        ]
    )


def test_a_run_of_a_check_that_was_not_selected_is_not_proven(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_FAULTS % "", "-k", "killed").assert_outcomes(passed=1)
    (capability,) = report(pytester)["capabilities"]
    assert [(c["nodeId"].partition("::")[2], c["verdict"]) for c in capability["checks"]] == [
        ("test_told[notes-agent-killed]", "pass"),
        ("test_told[notes-store-down]", "not run"),
    ]


def test_what_is_named_by_its_node_id_proves_nothing_of_the_rest(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(PASSES + ON_FAULTS % "", "auto_update/test_auto_update.py::test_passes").assert_outcomes(
        passed=1
    )
    assert verdicts(pytester) == {"passes": "pass", "told": "not run"}


def test_a_file_proves_nothing_of_the_files_beside_it(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    folder = pytester.mkdir("auto_update")
    (folder / "__init__.py").touch()
    (folder / "test_others.py").write_text(HEAD + ON_FAULTS % "")
    run(PASSES, "auto_update/test_auto_update.py").assert_outcomes(passed=1)
    (capability,) = report(pytester)["capabilities"]
    assert capability["verdict"] == "partial"
    assert [(c["nodeId"], c["verdict"]) for c in capability["checks"]] == [
        ("auto_update/test_auto_update.py::test_passes", "pass"),
        ("auto_update/test_others.py::auto_update.told[notes]", "not run"),
    ]


SIMILAR = """
@check("auto_update.passes_later", promise="It holds.")
@pytest.mark.parametrize("fault", ["store", "store-down"])
def test_passes_later(fault): pass
"""


@pytest.mark.parametrize(
    ("expression", "ran"),
    [
        ("auto_update.passes", 1),
        ("Auto_Update.passes or auto_update.passes_later", 3),
        ("not auto_update.passes", 2),
        ("auto_update.pass", 3),
        ("auto_update.passes_later and [store]", 1),
    ],
)
def test_an_id_selects_its_check_and_none_whose_id_begins_so(
    run: RunChecks, pytester: pytest.Pytester, expression: str, ran: int
) -> None:
    run(PASSES + SIMILAR, "-k", expression).assert_outcomes(passed=ran)
    assert report(pytester)["selection"][-1] == f"-k {expression}"


def test_a_check_is_selected_and_listed_by_its_id(run: RunChecks) -> None:
    both = PASSES + ON_FAULTS % ""
    run(both, "-k", "auto_update.told and store-down").assert_outcomes(passed=1)
    listed = run(both, "--collect-only", "-v", "-k", "auto_update.passes")
    listed.stdout.fnmatch_lines(["*auto_update.passes: It holds."])
    listed.stdout.no_fnmatch_line("*auto_update.told*")
