"""What a check must look like to be collected."""

from __future__ import annotations

import pytest

from conformance.suite.check import CAPABILITIES, check

CHECK = """
from conformance.suite.check import check, not_run, not_applicable

@check("{id}", level="{level}", promise="Something holds.")
def test_{name}():
    pass
"""


def make(pytester: pytest.Pytester, stem: str, id_: str, name: str, level: str = "core") -> None:
    pytester.makepyfile(**{f"{stem}/test_{stem}": CHECK.format(id=id_, name=name, level=level)})


def test_the_id_begins_with_the_capability_of_its_file(pytester: pytest.Pytester) -> None:
    make(pytester, "auto_update", "persistent_storage.binds", "binds")
    result = pytester.runpytest("--collect-only")
    result.stderr.fnmatch_lines(["*'persistent_storage.binds' must begin with*auto_update.*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_an_id_belongs_to_one_function(pytester: pytest.Pytester) -> None:
    one = CHECK.format(id="auto_update.upgrades", name="one", level="core")
    pytester.makepyfile(
        **{"auto_update/test_auto_update": one + one.replace("test_one", "test_two")}
    )
    result = pytester.runpytest("--collect-only", "-k", "two")
    result.stderr.fnmatch_lines(["*test_two*already used by*test_one"])


def test_a_parametrised_check_has_one_id_for_all_its_apps(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        **{
            "auto_update/test_auto_update": """
        import pytest
        from conformance.suite.check import check

        @pytest.mark.parametrize("app", ["notes", "wordpress"])
        @check("auto_update.upgrades", promise="Something holds.")
        def test_upgrades(app):
            pass
        """
        }
    )
    assert pytester.runpytest("--collect-only").ret == pytest.ExitCode.OK


def test_every_test_beside_a_check_is_one(pytester: pytest.Pytester) -> None:
    source = CHECK.format(id="auto_update.upgrades", name="upgrades", level="core")
    pytester.makepyfile(
        **{"auto_update/test_auto_update": source + "\ndef test_forgotten():\n    pass\n"}
    )
    result = pytester.runpytest("--collect-only")
    result.stderr.fnmatch_lines(["*test_forgotten: is in a file with checks, but has no @check"])


def test_levels_are_markers_and_selections_are_pytests_own(pytester: pytest.Pytester) -> None:
    make(pytester, "auto_update", "auto_update.upgrades", "upgrades")
    make(pytester, "chart_deployment", "chart_deployment.rolls", "rolls", "extended")
    core = pytester.runpytest("--collect-only", "-q", "-m", "core").stdout.str()
    assert "test_upgrades" in core
    assert "test_rolls" not in core
    named = pytester.runpytest("--collect-only", "-q", "-k", "chart_deployment").stdout.str()
    assert "test_rolls" in named
    assert "test_upgrades" not in named
    assert not (pytester.path / "reports").exists()


def test_capabilities_run_in_the_order_in_which_their_components_are_built(
    pytester: pytest.Pytester,
) -> None:
    for capability in sorted(CAPABILITIES):
        make(pytester, capability, f"{capability}.works", "works")
    shown = pytester.runpytest("--collect-only", "-q").stdout.str()
    positions = [shown.index(f"test_{capability}.py") for capability in CAPABILITIES]
    assert positions == sorted(positions)


OF_PACKAGES = """
from conformance.suite.check import check, extended

@check(
    "{capability}.{name}", promise="It holds.", apps=extended("notes", "wordpress"), app_level=4,
    last={last},
)
def test_{name}(app):
    pass
"""


def test_the_checks_of_a_package_come_together_and_what_takes_it_away_at_the_end(
    pytester: pytest.Pytester,
) -> None:
    make(pytester, "dashboard", "dashboard.works", "works")
    for capability, name, last in (
        ("app_data", "keeps", False), ("app_runs", "goes", True), ("app_runs", "serves", False),
    ):  # fmt: skip
        source = OF_PACKAGES.format(capability=capability, name=name, last=last)
        pytester.makepyfile(**{f"{capability}/test_{name}": source})
    shown = pytester.runpytest("--collect-only", "-q", "--all").stdout.str()
    order = [line.partition("::")[2] for line in shown.splitlines() if "::" in line]
    assert order == [
        "test_works",
        *(f"test_{name}[{app}]" for app in ("notes", "wordpress")
          for name in ("serves", "keeps", "goes")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "promise"),
    [("no_dot", "It holds."), ("Upper.case", "It holds."), ("a.b", "no full stop")],
)
def test_a_malformed_check_is_refused_where_it_is_written(id_: str, promise: str) -> None:
    with pytest.raises(ValueError, match=id_):
        check(id_, promise=promise)
