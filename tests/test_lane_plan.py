"""Which checks wait for which others, when several may run at the same time."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.clusters.base import Feature
from conformance.report.level import Level
from conformance.suite.check import Check
from conformance.suite.lane_plan import Chain, Plan, chains_of


def item(
    name: str,
    *fixtures: str,
    app: str = "",
    touches: Any = "own",
    kills_node: bool = False,
) -> Any:
    """Make a test of a check in the file ``name``, but for what comes after a slash."""
    needs = (Feature.NODE_KILL,) if kills_node else ()
    check = Check(name.partition("/")[0], Level.CORE, "It holds.", needs, touches=touches)
    marker = pytest.mark.check(check).mark
    return SimpleNamespace(
        name=name,
        fixturenames=fixtures,
        path=Path(name.partition("/")[0]),
        callspec=SimpleNamespace(params={"app": app}) if app else None,
        get_closest_marker=lambda _: marker,
    )


def names(chain: Chain | None) -> list[str]:
    assert chain is not None, "nothing may begin"
    return [one.name for one in chain.items]


def nothing_begins(plan: Plan) -> bool:
    """Whether a lane that asks now has to wait."""
    lane = threading.Thread(target=plan.take, daemon=True)
    lane.start()
    lane.join(0.1)
    return lane.is_alive()


NODE = item("persistent_storage.kill", kills_node=True)
VOLUMES, CHARTS = item("persistent_storage.volumes"), item("chart_deployment.charts")
UPDATES, LOGINS = item("auto_update.commits", "tracked_branch"), item("single_sign_on.logins")
PACKAGE = item("app_runs.package")
RESTART = item("single_sign_on.restarts", touches="platform")
PIPELINE = item("update_pipeline.steps", "tracked_branch")
DASHBOARD = item("dashboard.apps", "tracked_branch", touches="platform")


def test_checks_of_a_file_about_the_same_app_are_a_chain() -> None:
    items = [
        item("chart_deployment.a/1", app="notes"),
        item("chart_deployment.a/2", app="notes"),
        item("chart_deployment.a/3", app="wordpress"),
        item("chart_deployment.b/4"),
    ]
    assert [names(chain)[-1][-1] for chain in chains_of(items)] == ["2", "3", "4"]


def test_chains_begin_in_their_order_side_by_side() -> None:
    plan = Plan(chains_of([VOLUMES, CHARTS, LOGINS]))
    first, second = plan.take(), plan.take()
    assert (names(first), names(second)) == ([VOLUMES.name], [CHARTS.name])
    assert names(plan.take()) == [LOGINS.name]
    assert plan.take() is None


@pytest.mark.parametrize("alone", [NODE, PACKAGE], ids=lambda one: one.name)
def test_what_looks_at_all_else_or_kills_the_node_runs_alone_and_in_its_place(alone: Any) -> None:
    plan = Plan(chains_of([VOLUMES, alone, CHARTS]))
    before = plan.take()
    assert before is not None
    assert nothing_begins(plan)
    plan.stop()

    plan = Plan(chains_of([VOLUMES, alone, CHARTS]))
    before = plan.take()
    assert before is not None
    plan.done(before)
    meanwhile = plan.take()
    assert names(meanwhile) == [alone.name]
    assert nothing_begins(plan)


def test_beside_what_follows_a_kill_of_the_node_others_run() -> None:
    before, after = item("persistent_storage.kill/0"), item("persistent_storage.kill/2")
    plan = Plan(chains_of([before, NODE, after, CHARTS]))
    killing = plan.take()
    assert names(killing) == [before.name, NODE.name, after.name]
    assert killing is not None
    plan.went_on(killing)
    assert nothing_begins(plan)
    plan.went_on(killing)
    assert names(plan.take()) == [CHARTS.name]


def test_what_restarts_the_platform_runs_alone_when_all_else_is_done() -> None:
    plan = Plan(chains_of([LOGINS, RESTART, PIPELINE]))
    first, second = plan.take(), plan.take()
    assert (names(first), names(second)) == ([LOGINS.name], [PIPELINE.name])
    assert first is not None
    assert second is not None
    plan.done(first)
    plan.done(second)
    assert names(plan.take()) == [RESTART.name]


def test_what_was_put_off_comes_before_what_runs_alone_in_its_place() -> None:
    plan = Plan(chains_of([RESTART, VOLUMES, PACKAGE]))
    first = plan.take()
    assert names(first) == [VOLUMES.name]
    assert first is not None
    plan.done(first)
    assert names(plan.take()) == [RESTART.name]


def test_one_at_a_time_commits_to_the_branch_that_flux_tracks() -> None:
    plan = Plan(chains_of([UPDATES, PIPELINE, DASHBOARD, CHARTS]))
    first, second = plan.take(), plan.take()
    assert (names(first), names(second)) == ([UPDATES.name], [CHARTS.name])
    assert first is not None
    plan.done(first)
    assert names(plan.take()) == [PIPELINE.name]


def test_a_lane_that_waits_is_woken_by_the_end_of_a_chain() -> None:
    plan = Plan(chains_of([NODE, VOLUMES]))
    first, found = plan.take(), []
    lane = threading.Thread(target=lambda: found.append(plan.take()))
    lane.start()
    assert first is not None
    plan.done(first)
    lane.join(10)
    assert [names(chain) for chain in found] == [[VOLUMES.name]]


def test_nothing_begins_once_a_plan_is_stopped() -> None:
    plan = Plan(chains_of([VOLUMES, CHARTS]))
    plan.take()
    plan.stop()
    assert plan.take() is None
