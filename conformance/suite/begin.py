"""The beginning of a run: everything that watches over its checks is registered here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.platform.installed.given import GivenPlatform, given_platform
from conformance.platform.tree.given import GivenTree, given_tree
from conformance.suite import schedule
from conformance.suite.check_lines import may_be_live, show_checks
from conformance.suite.divided_plan import Division, known_seconds, number_of_clusters
from conformance.suite.divided_run import DividedRun, Processes
from conformance.suite.given_apps import given_apps
from conformance.suite.interruption import end_on_signals
from conformance.suite.lanes import Lanes, number_of_lanes
from conformance.suite.pausing import Pausing, refuse_without_terminal
from conformance.suite.run import RUN, Run
from conformance.suite.running import Running
from conformance.suite.selection import selection
from conformance.suite.session import ConformanceSession
from conformance.suite.session_options import DESELECTED, settings_of
from conformance.suite.terminal import Terminal
from conformance.suite.under_test import UnderTest
from conformance.suite.verdicts import Verdicts

_PREFIX = "stackspin-conformance-"
"""What the names of the plugins of a run begin with."""


def begin(session: pytest.Session) -> None:
    """Begin a run of the chosen checks. Raises ``UsageError``, before there is a report."""
    config = session.config
    settings, given = _given(settings_of(config))
    if settings.pause_on_failure:
        refuse_without_terminal(config)
    selected, twins = selection(config, settings), config.getoption("twins")
    settings = replace(settings, clusters=str(number_of_clusters(config, settings)))
    settings = replace(settings, lanes=str(number_of_lanes(session, settings)))
    division = _division(session, settings) if settings.clusters != "1" else None
    terminal = Terminal(live=may_be_live(config, session.items))
    run = Run.begin(settings, twins=twins, selection=selected, terminal=terminal, given=given)
    config.stash[RUN] = run
    show_checks(config, run)
    for line in given.notes if isinstance(given, GivenTree) else ():
        terminal.say(line)
    hooks = ConformanceSession(run)
    _register(config, {f"{_PREFIX}session": hooks})
    hooks.plan(session.items, config.stash.get(DESELECTED, []), given_apps(config))
    end_on_signals(config)
    if division is None:
        _watch(session, run)
    else:
        _divide(config, run, division)


def _watch(session: pytest.Session, run: Run) -> None:
    """Have the checks run here, on one cluster."""
    config = session.config
    under_test = UnderTest(run)
    of_each: dict[str, object] = {
        f"{_PREFIX}running": Running(run, under_test, told=config.option.verbose >= 0),
        f"{_PREFIX}verdicts": Verdicts(run, under_test),
    }
    _register(config, {f"{_PREFIX}under-test": under_test, **of_each})
    if run.settings.pause_on_failure:
        _register(config, {f"{_PREFIX}pausing": Pausing(config, run, under_test)})
    schedule.arrange(session.items)
    count = int(run.settings.lanes)
    if count > 1:
        _register(config, {f"{_PREFIX}lanes": Lanes(count, run, of_each)})


def _division(session: pytest.Session, settings: Settings) -> Division:
    """Return what is to be divided among clusters. Raises ``UsageError``."""
    twins = session.config.getoption("twins")
    return Division(session.items, known_seconds(settings, twins=twins), twins=twins)


def _divide(config: pytest.Config, run: Run, division: Division) -> None:
    """Have the checks run in processes, each with a cluster."""
    running = Running(run, told=config.option.verbose >= 0)
    checks = DividedRun(config, run, running, division)
    plugins = {"running": running, "checks": checks, "processes": Processes(run, checks)}
    _register(config, {f"{_PREFIX}{name}": plugin for name, plugin in plugins.items()})


def _given(settings: Settings) -> tuple[Settings, GivenPlatform | None]:
    """Return the platform that the options name, if any, and the settings that follow from it."""
    try:
        given = given_tree(settings) or given_platform(settings)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    if given is not None:
        settings = replace(settings, domain=given.described.domain)
    if isinstance(given, GivenTree) and _fetches(given):
        settings = replace(settings, egress=True)
    return settings, given


def _fetches(given: GivenTree) -> bool:
    """Whether a cluster has to fetch something of the tree, or of the release before."""
    releases = (given, given.previous)
    return any(one.elsewhere for one in releases if one is not None)


def _register(config: pytest.Config, plugins: Mapping[str, object]) -> None:
    for name, plugin in plugins.items():
        config.pluginmanager.register(plugin, name)
