"""pytest plugin: options, markers, collection of checks.

Light on purpose, as it is loaded by every pytest run of an environment that has the suite
installed: what a run of checks needs is imported when the first check is collected.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Generator
from typing import Any

import pytest

from conformance.common.options import options
from conformance.common.settings import Settings
from conformance.suite.check import (
    Check,
    check_of,
    collection_errors,
    in_running_order,
    is_check,
    level_marker,
)
from conformance.suite.given_apps import given_apps
from conformance.suite.lane_plan import LANE
from conformance.suite.selection import leave_out_extended, whole_ids
from conformance.suite.session_options import DESELECTED, add_fixture, settings_of

_WITHOUT_XDIST = (
    "the checks of a run share a cluster and write one report, which pytest-xdist's workers "
    "cannot: run them without -n (and --dist, --tx); --lanes=2 runs some side by side on one "
    "cluster, --clusters=2 divides them among clusters"
)
_REFUSED = "stackspin_conformance_refused"
_OF_CHECKS = (
    "platform_fixtures",
    "fixtures",
    "secondary_fixtures",
    "app_fixtures",
    "package_fixtures",
    "accounts",
    "preparations",
    "schedule",
    "beginnings",
    "transcripts",
    "repeating",
    "sharding",
)
"""Modules beside this one that are plugins of a run of checks."""
_NAMES_OF_APPS = ("app", "app_description", "previous")
_OF_APPS = [each for each in options(Settings) if each.field in _NAMES_OF_APPS]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that pytest-kind does not have already."""
    group = parser.getgroup("stackspin", "Stackspin conformance")
    for each in options(Settings):
        if not each.of_pytest_kind:
            text = f"{each.help} (default: {each.default})"
            if each.switch:
                group.addoption(each.flag, help=text, action="store_true")
            elif each.several:  # several of its choices may be in one value: read() looks at each
                words = f"{each.help}: {', '.join(each.choices)}" if each.choices else each.help
                text = text.replace(each.help, words, 1)
                group.addoption(each.flag, help=text, action="append")
            else:
                group.addoption(each.flag, choices=each.choices or None, help=text)
    group.addoption(
        "--twins",
        action="store_true",
        help="run each check against its broken twin, on which it must fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (
        "check(check): a conformance check; set by @conformance.suite.check.check",
        "core: a check that every Stackspin platform must pass",
        "extended: a check that only platforms that claim it must pass",
    ):
        config.addinivalue_line("markers", line)
    if config.getoption("twins"):
        _register(config, "twin_run")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Read the packages of ``--app``: each check of apps runs once for each of them."""
    config = session.config
    if not any(config.getoption(one.field) or one.variable in os.environ for one in _OF_APPS):
        return
    from conformance.suite.given_reading import read_given  # noqa: PLC0415 - only for this

    read_given(config, settings_of(config))


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Declare the fixtures when the first check is collected."""
    # Asked for an attribute, other objects of a module may do anything.
    if not inspect.isfunction(obj) or not is_check(obj):
        return
    config = collector.config
    # The last one's fixtures are in place of those of the same name before it.
    for name in (*_OF_CHECKS, *(["twin_fixtures"] if config.getoption("twins") else [])):
        _register(config, name)


def _register(config: pytest.Config, name: str) -> None:
    name = f"conformance.suite.{name}"
    if not config.pluginmanager.has_plugin(name):
        config.pluginmanager.register(importlib.import_module(name), name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a check once for each of its apps; with ``--twins``, twin_run has its own way."""
    marker = metafunc.definition.get_closest_marker("check")
    if marker is None or metafunc.config.getoption("twins"):
        return
    check: Check = marker.args[0]
    given = given_apps(metafunc.config)
    apps = dict.fromkeys(given, check.level) if given and check.app_level else check.apps
    if apps:
        each = [pytest.param(app, marks=level_marker(level)) for app, level in apps.items()]
        add_fixture(metafunc, "app")
        metafunc.parametrize("app", each, indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Validate what was collected, before -k and -m select from it, and put it in order."""
    if not any(check_of(item) for item in items):
        yield
        return
    if errors := collection_errors(items):
        raise pytest.UsageError("\n".join(errors))
    given = given_apps(config)
    kept = [item for item in items if (this := check_of(item)) and this.app_level]
    items[:] = in_running_order(kept if given else items)
    if LANE not in config.stash:
        # Only when there are checks: this imports what reports are made of.
        from conformance.suite.rerun import choose_again  # noqa: PLC0415

        choose_again(config, settings_of(config), items)
    leave_out_extended(config, items)
    with whole_ids(config, items):
        yield


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember what -k and -m leave out: the report names it."""
    if items:
        items[0].config.stash.setdefault(DESELECTED, []).extend(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin a run when checks are about to run, before pytest asks what to say of them."""
    config = session.config
    if config.option.collectonly or not any(check_of(item) for item in session.items):
        return
    if LANE in config.stash:
        return  # its checks are of the run of another session
    if hasattr(config, "workeroutput"):  # a worker of pytest-xdist; its process is told why
        config.workeroutput[_REFUSED] = True
        raise pytest.UsageError(_WITHOUT_XDIST)
    # Only when there are checks: this imports what a run needs.
    from conformance.suite.begin import begin  # noqa: PLC0415

    begin(session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - pytest-xdist need not be there
    """End a run whose workers were refused their checks; it would say nothing by itself."""
    if getattr(node, "workeroutput", {}).get(_REFUSED):
        raise pytest.UsageError(_WITHOUT_XDIST)
