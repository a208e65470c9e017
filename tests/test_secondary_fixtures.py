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
        self.begin("testing", None)
    def end(self, purpose):
        if purpose in self.begun:
            self.begun.remove(purpose)
            log(f"end {purpose}")
    def close(self):
        log("close")

Clusters.TESTING = secondary_fixtures.SecondaryClusters.TESTING
secondary_fixtures.SecondaryClusters = Clusters

@pytest.fixture(scope="session")
def cluster():
    return SimpleNamespace(features={Feature.SECOND_CLUSTER})

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
TESTED = ["begin testing", "test_first", "test_second", "end testing", "test_third"]


def make(pytester: pytest.Pytester, **sources: str) -> None:
    files = {f"checks/{name}/test_{name}": HEAD + source for name, source in sources.items()}
    # Below the root, its fixtures are taken before those of a plugin.
    pytester.makepyfile(**files, **{"checks/conftest": CONFTEST})


def log(pytester: pytest.Pytester) -> list[str]:
    return (pytester.path / "log").read_text().splitlines()


def test_a_cluster_ends_after_the_last_check_that_needs_it(pytester: pytest.Pytester) -> None:
    make(pytester, update_pipeline=PIPELINE, backup_restore=BACKUPS)
    run_forked(pytester).assert_outcomes(passed=5)
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
