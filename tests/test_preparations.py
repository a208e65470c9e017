"""What checks of several files share is made ahead of them, or when the first of them asks."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.suite import preparations as module
from conformance.suite import schedule
from conformance.suite.preparations import Materials, Preparations, may_be_prepared, prepared

APP, LIVE = "an app", "the live one"


@pytest.fixture(autouse=True)
def ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAYS", {})


@pytest.fixture
def made() -> list[str]:
    """What was made, in order."""
    return []


@pytest.fixture
def app(made: list[str]) -> Any:
    @prepared("app", beside="chart_deployment")
    def app(materials: Materials) -> str:
        made.append(f"{APP} for {sorted(materials.wanted)}")
        return APP

    return app


@pytest.fixture
def broken() -> Any:
    @prepared("broken", beside="chart_deployment")
    def broken(materials: Materials) -> str:
        raise AssertionError(f"not Ready: {sorted(materials.wanted)}")

    return broken


def preparations(*wanted: str) -> Preparations:
    nothing = cast("Any", None)
    return Preparations(Materials(*[nothing] * 6, dict.fromkeys(wanted, "test_it.py")))


@pytest.mark.usefixtures("broken")
def test_only_what_is_wanted_is_made_beside_the_checks_it_may_go_on_beside(
    app: Any, made: list[str]
) -> None:
    del app
    assert may_be_prepared("chart_deployment", {"app", "other"})
    assert not may_be_prepared("chart_deployment", {"other"})
    assert not may_be_prepared("single_sign_on", {"app"})
    assert preparations("other").beside("chart_deployment") == []
    assert preparations("app").beside("single_sign_on") == []
    [act] = preparations("app").beside("chart_deployment")
    act()
    assert made == [f"{APP} for ['app']"]


def test_what_was_prepared_is_given_once_and_then_made_anew(app: Any, made: list[str]) -> None:
    ahead = preparations("app")
    [act] = ahead.beside("chart_deployment")
    act()
    assert ahead.begun(app)
    assert ahead.result(app) == APP
    assert len(made) == 1
    assert not ahead.begun(app)
    assert ahead.result(app) == APP
    assert len(made) == 2


def test_what_went_wrong_ahead_is_raised_for_who_asks(broken: Any) -> None:
    ahead = preparations("broken")
    [act] = ahead.beside("chart_deployment")
    act()
    with pytest.raises(AssertionError, match="not Ready"):
        ahead.result(broken)


def asking(ahead: Preparations, *fixtures: str, ledger: object = None) -> Any:
    items = [SimpleNamespace(fixturenames=list(fixtures))]
    values = {"preparations": ahead, "ledger": ledger}
    return SimpleNamespace(session=SimpleNamespace(items=items), getfixturevalue=values.__getitem__)


def runs() -> Iterator[tuple[Any, Any, int]]:
    """Yield a run, its cluster, and how many things are prepared on it."""
    run = {"twins": False, "settings": SimpleNamespace(keep_cluster=False)}
    cluster = {"reused": False, "provider": "embedded"}
    for of_run, of_cluster, number in (
        ({}, {}, 1),
        ({"twins": True}, {}, 0),
        ({"settings": SimpleNamespace(keep_cluster=True)}, {}, 0),
        ({}, {"reused": True}, 0),
        ({}, {"provider": "existing"}, 0),
    ):
        yield SimpleNamespace(**{**run, **of_run}), SimpleNamespace(**cluster | of_cluster), number


@pytest.mark.parametrize(("run", "cluster", "number"), [*runs()])
def test_things_are_prepared_only_where_they_go_with_the_run(
    app: Any, run: Any, cluster: Any, number: int
) -> None:
    del app
    request = asking(preparations("app"), "app")
    acts = schedule._prepared_beside("chart_deployment", request, run, cluster)
    assert len(acts) == number
    nothing = schedule._prepared_beside("chart_deployment", asking(preparations()), run, cluster)
    assert nothing == []


def test_things_are_prepared_on_a_platform_of_others_from_which_the_ledger_takes_them(
    app: Any,
) -> None:
    del app
    [(run, cluster, _)] = [one for one in runs() if one[1].provider == "existing"]
    request = asking(preparations("app"), "app", ledger="of this run")
    assert len(schedule._prepared_beside("chart_deployment", request, run, cluster)) == 1
