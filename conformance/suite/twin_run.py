"""pytest plugin of a run with ``--twins``: each check runs once for each of its twins.

Only this plugin loads ``capabilities/NAME/defects*.py``, the fixtures that install defects.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Sequence

import pytest

from conformance.common.errors import HarnessError
from conformance.suite.check import Check, is_check, level_marker
from conformance.suite.session_options import add_fixture
from conformance.suite.twins import Twin, load_twins, twin_of

TWINS = pytest.StashKey[dict[str, list[Twin]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Load the twins. Raises ``UsageError`` for a file that is not valid."""
    try:
        config.stash[TWINS] = load_twins()
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Declare the defects of a capability when its first check is collected."""
    if not inspect.isfunction(obj) or not is_check(obj):
        return
    package = importlib.import_module(obj.__module__).__package__
    manager = collector.config.pluginmanager
    for name in _defects(package) if package else ():
        if not manager.has_plugin(name):
            manager.register(importlib.import_module(name), name)


def _defects(package: str) -> list[str]:
    """Return the modules of a capability whose names begin with ``defects``."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return [f"{package}.{each.name}" for each in modules if each.name.startswith("defects")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a check once for each of its twins: on the check's first app unless it names another."""
    marker = metafunc.definition.get_closest_marker("check")
    if marker is None:
        return
    check: Check = marker.args[0]
    twins: Sequence[Twin | None] = metafunc.config.stash[TWINS].get(check.id) or [None]
    names = ["twin"] if len(twins) == 1 else [f"twin{n}" for n in range(1, len(twins) + 1)]
    add_fixture(metafunc, "twin")
    if not check.apps:
        metafunc.parametrize("twin", twins, ids=names, indirect=True)
        return
    add_fixture(metafunc, "app")
    apps = [(twin and twin.app) or next(iter(check.apps)) for twin in twins]
    each = [
        pytest.param(app, twin, id=f"{app}-{name}", marks=level_marker(check.apps[app]))
        for app, twin, name in zip(apps, twins, names, strict=True)
    ]
    metafunc.parametrize(("app", "twin"), each, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each check's defect installed before any other of its fixtures is set up."""
    for item in items:
        if twin_of(item) and "defect" not in item.fixturenames:  # type: ignore[attr-defined]
            item.fixturenames.insert(0, "defect")  # type: ignore[attr-defined]
