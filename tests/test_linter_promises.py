"""What a check on a cluster promises can be explained where no check can be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.linter import command
from conformance.linter.elsewhere import Fetch
from conformance.linter.levels import LEVELS
from conformance.linter.on_cluster.process import CAPABILITIES
from conformance.linter.on_cluster.promises import Promise, promises
from conformance.linter.views.explain import explain_check, explain_family
from conformance.linter.views.look import Look
from conformance.suite.check import is_check

SOURCE = """
import something_that_is_not_installed

ON = extended("notes")


@check(
    "app_runs.serves",
    promise="The app serves at its host, "
    "and at no other.",
    apps=ON,
    app_level=4,
)
def test_serves(running: RunningApp) -> None:
    assert running


@check("app_runs.of_the_platform", promise="It is there.")
def test_of_the_platform() -> None: ...


@pytest.mark.parametrize("one", [1])
@check("app_runs.keeps_data", app_level=5, promise="Data survives.")
def test_keeps_data() -> None: ...


@other("app_runs.other", app_level=5)
def test_other() -> None: ...
"""


@pytest.fixture
def capabilities(tmp_path: Path) -> Path:
    folder = tmp_path / "conformance" / "capabilities"
    (folder / "app_runs").mkdir(parents=True)
    (folder / "app_runs" / "test_app_runs.py").write_text(SOURCE)
    return folder


def test_checks_that_decide_on_a_level_are_found_without_being_imported(capabilities: Path) -> None:
    found = promises(capabilities)
    assert [(one.id, one.title, one.level) for one in found.values()] == [
        ("app_runs.serves", "The app serves at its host, and at no other.", 4),
        ("app_runs.keeps_data", "Data survives.", 5),
    ]
    source = "conformance/capabilities/app_runs/test_app_runs.py, line 7"
    assert found["app_runs.serves"].source == source


def test_the_suites_own_checks_are_found_as_it_declares_them() -> None:
    import importlib

    declared: dict[str, tuple[str, object]] = {}
    for file in CAPABILITIES.glob("*/test_*.py"):
        module = importlib.import_module(f"conformance.capabilities.{file.parent.name}.{file.stem}")
        for function in vars(module).values():
            if callable(function) and is_check(function):
                [mark] = [one for one in function.pytestmark if one.name == "check"]
                check = mark.args[0]
                declared[check.id] = (check.promise, getattr(check, "app_level", None))
    found = {one.id: (one.title, one.level) for one in promises(CAPABILITIES).values()}
    assert found == {name: told for name, told in declared.items() if told[1]}


def test_an_explanation_says_what_a_check_promises_and_for_which_level(capabilities: Path) -> None:
    check = promises(capabilities)["app_runs.serves"]
    text = explain_check(check, Look())
    assert text.startswith("check[app_runs.serves]: The app serves at its host, and at no other.\n")
    for part in ("below level 4", LEVELS[4], "--cluster", check.source, "conformance.yaml"):
        assert part in text


def test_the_explanation_of_the_upgrade_names_the_option_that_it_needs() -> None:
    text = explain_check(promises(CAPABILITIES)["app_data.survives_upgrade"], Look())
    assert "To run it: stackspin-conformance app PATH --cluster --previous EARLIER\n" in text


def test_a_capability_lists_its_checks(capabilities: Path) -> None:
    found: list[Promise] = list(promises(capabilities).values())
    text = explain_family("app_runs", found, Look())
    assert text.startswith("The checks of the family app_runs\n")
    assert "app_runs.keeps_data  Data survives.  (level 5)\n" in text
    assert text.endswith("The whole text of a check: --explain app_runs.serves\n")


def no_fetcher() -> Fetch:
    raise AssertionError("nothing is fetched to explain something")


def test_the_command_explains_checks_as_it_does_rules(
    capabilities: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "CAPABILITIES", capabilities)
    for name, told in (
        ("app_runs.serves", "check[app_runs.serves]: "),
        ("app_runs", "The checks of the family app_runs"),
        ("all", "All rules, and the checks on a cluster"),
        ("backup", "The rules of the family backup"),
    ):
        assert command.main(["--explain", name], no_fetcher) == 0
        assert capsys.readouterr().out.startswith(told)
    command.main(["--explain", "all"], no_fetcher)
    assert "\napp_runs.serves " in capsys.readouterr().out
