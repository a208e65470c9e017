"""When the clusters beside the one under test begin and end; real ones: tests/root."""

from __future__ import annotations

import pytest
from forked_pytest import run_forked
from small_runs import HEAD

CONFTEST = """
import pathlib
from types import SimpleNamespace
import pytest
from conformance.clusters.base import Feature
from conformance.suite import secondary_fixtures
from small_runs import NodelessCluster

LOG = pathlib.Path("log").absolute()

def log(text):
    with LOG.open("a") as file:
        file.write(text + "\\n")

class Clusters:
    def __init__(self, maker):
        self.begun = set()
    def begin(self, purpose, install):
        self.begun.add(purpose)
        log(f"begin {purpose}")
    def testing(self):
        if "testing" not in self.begun:
            self.begin("testing", None)
    def end(self, purpose):
        if purpose in self.begun:
            self.begun.remove(purpose)
            log(f"end {purpose}")
    def close(self):
        log("close")

Clusters.TESTING = secondary_fixtures.SecondaryClusters.TESTING
secondary_fixtures.SecondaryClusters = Clusters

class Provider(NodelessCluster):
    features = {Feature.SECOND_CLUSTER}

@pytest.fixture(scope="session")
def chosen_cluster():
    return Provider()

@pytest.fixture(scope="session")
def cluster(chosen_cluster):
    return chosen_cluster

@pytest.fixture(scope="session")
def site_maker():
    return None

@pytest.fixture(scope="session")
def here(cluster):
    return SimpleNamespace(cluster=cluster)

def pytest_runtest_call(item):
    log(item.name)
"""
PIPELINE = """
@check("update_pipeline.first", promise="It holds.")
def test_first(testing_site): pass

@check("update_pipeline.second", promise="It holds.")
def test_second(testing_site): pass

@check("update_pipeline.third", promise="It holds.")
def test_third(): pass
"""
BACKUPS = """
@check("backup_restore.elsewhere", promise="It holds.")
def test_elsewhere(other_cluster): pass

@check("backup_restore.here", promise="It holds.")
def test_here(): pass
"""
DATA = """
@check("app_data.elsewhere", promise="It holds.")
def test_data(other_cluster): pass
"""
OF_APPS = """
from types import SimpleNamespace
import pytest
from conformance.capabilities.app_data.conftest import needed_later, other_cluster_begun
from conformance.suite.check import shared

@pytest.fixture(scope=shared)
def app_package(app):
    skip = [SimpleNamespace(check=one, until="", reason="") for one in SKIPPED]
    return SimpleNamespace(name=app.name, description=SimpleNamespace(skip=skip))

@pytest.fixture(scope=shared)
def mistakes(): return []

@pytest.fixture(scope=shared)
def keeps_data(app): pass

@pytest.fixture(scope=shared)
def installed(app, other_cluster_begun): pass

@pytest.fixture(scope=shared)
def carried(installed, other_cluster): pass

@pytest.fixture(scope="session")
def exempt(): return dict.fromkeys(EXEMPT, "it is known")

@pytest.fixture(scope="session")
def chosen_cluster(chosen_cluster):
    if LACKING:
        chosen_cluster.features = frozenset()
    return chosen_cluster
"""
OF_AN_APP = """
from conformance.suite.check import extended

def of_app(name, *apps, needs=(), last=False):
    more = {"apps": extended(*apps), "app_level": 5, "needs": needs, "last": last}
    return check(f"app_data.{name}", promise="It holds.", **more)
"""
SHARED = """
@of_app("before", "notes", "wordpress")
def test_before(installed): pass

@of_app("elsewhere", "notes", needs=[Feature.SECOND_CLUSTER])
def test_elsewhere(installed, carried): pass

@of_app("after", "notes", "wordpress")
def test_after(installed): pass
"""
OF_VERSIONS = """
@of_app("upgrade", "notes", last=True)
def test_upgrade(installed): pass
"""
WHY_NOT = ("exempt", "skipped", "lacking")
"""The platform's description, the app's, and the provider."""
IN_ORDER = ["test_before[notes]", "test_after[notes]", "test_upgrade[notes]"]
IN_ORDER += ["test_before[wordpress]", "test_after[wordpress]"]
TESTED = ["begin testing", "test_first", "test_second", "end testing", "test_third"]


def make(pytester: pytest.Pytester, **sources: str) -> None:
    files = {f"checks/{name}/test_{name}": HEAD + source for name, source in sources.items()}
    # Below the root, its fixtures are taken before those of a plugin.
    pytester.makepyfile(**files, **{"checks/conftest": CONFTEST})


def log(pytester: pytest.Pytester) -> list[str]:
    return (pytester.path / "log").read_text().splitlines()


def test_a_cluster_ends_after_the_last_check_that_needs_it(pytester: pytest.Pytester) -> None:
    make(pytester, update_pipeline=PIPELINE, backup_restore=BACKUPS)
    run_forked(pytester, "--lanes=1").assert_outcomes(passed=5)
    restored = ["begin restore", "test_elsewhere", "end restore", "test_here", "close"]
    assert log(pytester) == [*TESTED, *restored]


def test_a_cluster_stays_for_the_checks_of_another_file(pytester: pytest.Pytester) -> None:
    make(pytester, backup_restore=BACKUPS, app_data=DATA)
    run_forked(pytester).assert_outcomes(passed=3)
    restored = ["begin restore", "test_elsewhere", "test_here", "begin restore", "test_data"]
    assert log(pytester) == [*restored, "close"]


def test_a_divided_run_ends_it_with_its_group_and_begins_it_anew(pytester: pytest.Pytester) -> None:
    make(pytester, backup_restore=BACKUPS, app_data=DATA)
    run_forked(pytester, "--clusters=2").assert_outcomes(passed=3)
    said = log(pytester)
    assert said.count("begin restore") == said.count("end restore") == 2


def make_of_apps(pytester: pytest.Pytester, why_not: str = "") -> None:
    """Make checks of the data of two apps; one of them needs an empty cluster.

    ``why_not`` is one of ``WHY_NOT``: why that one does not run.
    """
    make(pytester, app_data=OF_AN_APP + SHARED)
    of_it = {name: ["app_data.elsewhere"] if name == why_not else [] for name in WHY_NOT}
    told = "".join(f"{name.upper()} = {checks}\n" for name, checks in of_it.items())
    folder = "checks/app_data"
    pytester.makepyfile(**{f"{folder}/conftest": told + OF_APPS})
    pytester.makepyfile(**{f"{folder}/test_upgrade": HEAD + OF_AN_APP + OF_VERSIONS})


def test_an_app_without_a_check_that_asks_for_a_cluster_begins_none(
    pytester: pytest.Pytester,
) -> None:
    make_of_apps(pytester)
    run_forked(pytester, "--all").assert_outcomes(passed=6)
    before, *rest = IN_ORDER
    used = ["begin restore", before, "test_elsewhere[notes]", "end restore"]
    assert log(pytester) == [*used, *rest, "close"]


@pytest.mark.parametrize("why_not", WHY_NOT)
def test_a_check_that_does_not_run_begins_no_cluster(
    pytester: pytest.Pytester, why_not: str
) -> None:
    make_of_apps(pytester, why_not)
    run_forked(pytester, "--all").assert_outcomes(passed=5, skipped=1)
    assert log(pytester) == IN_ORDER


def test_a_check_that_was_not_chosen_begins_no_cluster(pytester: pytest.Pytester) -> None:
    make_of_apps(pytester)
    run_forked(pytester, "-k", "not elsewhere").assert_outcomes(passed=5)
    assert log(pytester) == IN_ORDER
