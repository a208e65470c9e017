"""What the README of the broken packages says, as far as no cluster is needed for it."""

from __future__ import annotations

import pytest
from broken_packages import BROKEN, Expected, expectations

from conformance.apps.package.given import read_apps
from conformance.apps.package.mistakes import mistakes_in, told
from conformance.apps.package.placement import place
from conformance.apps.package.refusals import refusals
from conformance.components.catalogue import CATALOGUE
from conformance.suite.package_fixtures import _known_checks

IMAGE = CATALOGUE["image-operator"].reference
OF_CHECK = {
    check: [one for one in expectations() if one.check == check]
    for check in ("app_runs.allowed", "app_runs.described")
}


def test_each_folder_has_a_row() -> None:
    folders = {one.name for one in BROKEN.iterdir() if one.is_dir()}
    assert {one.folder for one in expectations()} == folders


def test_each_row_names_a_check() -> None:
    checks = {one.check for one in expectations()} - {"package.own-name"}
    assert checks <= set(_known_checks())


@pytest.mark.parametrize("expected", OF_CHECK["app_runs.allowed"], ids=lambda one: one.folder)
def test_what_is_refused_is_refused_for_that(expected: Expected) -> None:
    [app] = read_apps(BROKEN / expected.folder)
    assert expected.text in "; ".join(refusals(place(app).app))


@pytest.mark.parametrize("expected", OF_CHECK["app_runs.described"], ids=lambda one: one.folder)
def test_what_is_described_wrongly_is_told(expected: Expected) -> None:
    [app] = read_apps(BROKEN / expected.folder)
    assert expected.text in told(mistakes_in(app, (), with_files=True))


def test_all_others_are_brought_to_the_cluster() -> None:
    for one in expectations():
        if one.check in OF_CHECK:
            continue
        [app] = read_apps(BROKEN / one.folder)
        placement = place(app)
        assert placement.problems == ()
        assert refusals(placement.app) == []
        images = {
            container.value["image"]
            for installation in placement.app.installations
            for pod in installation.pods
            for container in pod.containers
        }
        assert images == {IMAGE} or one.folder == "no-image"
