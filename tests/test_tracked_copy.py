"""A copy of an app's package under a name of its own, as checks of many capabilities make it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import yaml

from conformance.apps.catalogue import NOTES
from conformance.apps.flux_package import Commit
from conformance.apps.tracked import TrackedApp, TrackedBranch
from conformance.apps.tracked_copy import tracked_copy
from conformance.common.package import Package
from conformance.common.settings import data_root


def a_copy(purpose: str, commit: Commit | None = None) -> TrackedApp:
    clients = SimpleNamespace(platform=SimpleNamespace(domain="stackspin.test"))
    site: Any = SimpleNamespace(stack=SimpleNamespace(http=object, clients=clients))
    anything: Any = None
    branch = TrackedBranch(anything, anything, anything, "stackspin-apps")
    package = Package(data_root())
    return tracked_copy(site, branch, package, NOTES, purpose, failure_after=7, commit=commit)


def test_copies_for_one_purpose_have_names_of_their_own() -> None:
    one, other = a_copy("steady"), a_copy("steady")
    assert one.name.startswith("notes-steady-")
    assert one.name != other.name
    assert one.url == f"https://{one.name}.stackspin.test"
    assert not one.package.files.keys() & other.package.files.keys()
    release = yaml.safe_load(one.package.files[one.package.release])
    assert (release["metadata"]["name"], release["spec"]["upgrade"]["timeout"]) == (one.name, "7s")


def test_a_copy_begins_with_a_commit() -> None:
    app = a_copy("moving", Commit("another version", chart_version="1.9.9"))
    chart = yaml.safe_load(app.package.files[f"charts/{app.name}/Chart.yaml"])
    assert chart["version"] == "1.9.9"
    assert app.committed is app.package
