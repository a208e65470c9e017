"""Reads the packages of ``--app``. Imported only if there are any: it renders them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from conformance.apps.package.chart_fetch import ChartFetcher
from conformance.apps.package.description import read_description
from conformance.apps.package.given import GivenApp, by_name, read_apps
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.suite.given_apps import EARLIER, GIVEN


def read_given(config: pytest.Config, settings: Settings) -> None:
    """Read the packages that the options name. Raises ``UsageError`` if they cannot be read."""
    if config.getoption("twins"):
        raise pytest.UsageError("--twins is about the reference apps: leave --app out")
    read = partial(
        read_apps,
        description=settings.app_description,
        fetch=ChartFetcher(settings.cache_dir) if settings.app_fetch else None,
    )
    try:
        apps = _described(by_name(one for path in settings.app for one in read(path)), settings)
        config.stash[GIVEN] = apps
        config.stash[EARLIER] = _earlier(apps, settings.previous, read)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def _earlier(
    apps: dict[str, GivenApp], previous: Path | None, read: Callable[[Path], list[GivenApp]]
) -> dict[str, GivenApp]:
    """Return the earlier version of each app: the one of its name; of a single app, the single.

    What ``--app-description`` says of an app, it says of both versions.
    """
    if previous is None:
        return {}
    if not apps:
        raise HarnessError("--previous needs an app", "name its package with --app")
    before = by_name(read(previous))
    alone = next(iter(before.values())) if len(apps) == len(before) == 1 else None
    found = {name: before.get(name, alone) for name in apps}
    return {
        name: replace(one, described_in=apps[name].described_in)
        for name, one in found.items()
        if one is not None
    }


def _described(apps: dict[str, GivenApp], settings: Settings) -> dict[str, GivenApp]:
    """Give the description of ``--app-description`` to the app that it is for."""
    path = settings.app_description
    if path is None:
        return apps
    if not apps:
        raise HarnessError("--app-description needs an app", "name its package with --app")
    name = read_description(path).app or (next(iter(apps)) if len(apps) == 1 else "")
    if name not in apps:
        raise HarnessError(
            f"{path} describes {name or 'no app by name'}; there are {', '.join(apps)}",
            "write app: NAME into it",
        )
    return {**apps, name: replace(apps[name], described_in=path)}
