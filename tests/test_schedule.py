"""During which checks the installation goes on that later checks need."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.clusters.base import Feature
from conformance.report.level import Level
from conformance.suite import preparations, schedule
from conformance.suite.check import Check


def item(name: str, *fixtures: str, kills_node: bool = False) -> Any:
    needs = (Feature.NODE_KILL,) if kills_node else ()
    marker = pytest.mark.check(Check(name, Level.CORE, "It holds.", needs)).mark
    return SimpleNamespace(
        name=name, fixturenames=list(fixtures), get_closest_marker=lambda _: marker
    )


def beginnings(*items: Any) -> dict[str, str]:
    """Return what begins, and beside which check; whether one is expected here begins nothing."""
    before = [set(one.fixturenames) for one in items]
    schedule.arrange(list(items))
    return {
        name: one.name
        for one, own in zip(items, before, strict=True)
        for name in set(one.fixturenames) - own - {"expected_here"}
    }


def test_later_levels_begin_after_the_last_check_that_kills_the_node() -> None:
    assert beginnings(
        item("container_builds.a", "kube"),
        item("persistent_storage.a", "kube", "platform"),
        item("persistent_storage.b", "kube", "platform", kills_node=True),
        item("persistent_storage.c", "kube", "platform"),
        item("auto_update.a", "kube", "platform", "single_sign_on"),
        item("auto_update.b", "kube", "platform", "single_sign_on"),
        item("single_sign_on.a", "kube", "platform", "single_sign_on"),
        item("update_pipeline.a", "kube", "platform", "testing_site"),
    ) == {
        "platform_begun": "container_builds.a",
        "needed_features": "persistent_storage.b",
        "later_levels_begun": "persistent_storage.c",
        "testing_connected": "update_pipeline.a",
    }


def test_the_cluster_begins_to_start_beside_the_first_check_even_if_that_needs_none() -> None:
    assert beginnings(
        item("container_builds.a", "image_builds"),
        item("container_builds.b", "image_builds", "cluster_begun", "cluster"),
    ) == {"cluster_begun": "container_builds.a"}


def test_no_check_after_auto_update_begins_before_the_test_cluster_is_connected() -> None:
    items = [
        item("auto_update.a", "single_sign_on"),
        item("single_sign_on.a", "single_sign_on"),
        item("update_pipeline.a", "testing_site"),
        item("dashboard.a", "single_sign_on"),
    ]
    schedule.arrange(items)
    assert ["testing_connected" in one.fixturenames for one in items] == [False, True, True, True]


def test_of_one_function_only_the_test_that_was_chosen_begins_it() -> None:
    notes, wordpress = (item("persistent_storage.b", "platform") for _ in range(2))
    wordpress.fixturenames = notes.fixturenames  # as pytest's are
    killing = item("persistent_storage.a", "platform", kills_node=True)
    schedule.arrange([notes, killing, wordpress, item("auto_update.a", "single_sign_on")])
    assert "later_levels_begun" not in notes.fixturenames
    assert "later_levels_begun" in wordpress.fixturenames


def test_nothing_begins_beside_auto_update_or_a_check_that_kills_the_node() -> None:
    assert beginnings(
        item("persistent_storage.a", "platform"),
        item("persistent_storage.b", "platform", kills_node=True),
        item("auto_update.a", "platform", "single_sign_on"),
    ) == {"needed_features": "persistent_storage.b"}


def test_images_begin_to_build_and_features_are_looked_at_before_all_else() -> None:
    first = item("persistent_storage.a", "kube", kills_node=True)
    other = item("persistent_storage.b", "kube", "image_builds")
    schedule.arrange([first, other])
    assert first.fixturenames[:3] == ["expected_here", "needed_features", "image_builds"]
    assert other.fixturenames[0] == "expected_here"


def test_what_later_files_share_is_prepared_beside_the_first_check_of_update_pipeline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparations, "_WAYS", {})
    preparations.prepared("backup_set", beside="update_pipeline")(lambda _: None)
    first, second = item("update_pipeline.a", "live"), item("update_pipeline.b", "live")
    assert beginnings(first, second, item("backup_restore.a", "backup_set")) == {
        "prepared_beside_pipeline": "update_pipeline.a"
    }
    killing = item("update_pipeline.a", "live", kills_node=True)
    assert beginnings(killing, second, item("backup_restore.a", "backup_set")) == {
        "needed_features": "update_pipeline.a",
        "prepared_beside_pipeline": "update_pipeline.b",
    }
    assert beginnings(item("update_pipeline.a", "live"), item("dashboard.a", "admin")) == {}
    assert beginnings(item("dashboard.a", "backup_set")) == {}


def test_what_is_done_at_the_same_time_is_over_when_each_is_done_or_has_failed() -> None:
    other_began = threading.Event()
    done: list[str] = []

    def failing() -> None:
        other_began.wait(20)
        raise AssertionError("it did not come up")

    def slow() -> None:
        other_began.set()
        done.append("slow")

    schedule._at_the_same_time([failing, slow])
    schedule._at_the_same_time([])
    assert done == ["slow"]


def test_a_run_that_needs_no_platform_begins_none() -> None:
    assert beginnings(item("container_builds.a", "kube")) == {}
