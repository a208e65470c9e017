"""The packages of ``--app``, which the checks of apps run on instead of the reference apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from conformance.common.errors import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.apps.package.given import GivenApp
    from conformance.common.settings import Settings

_GIVEN: pytest.StashKey[Mapping[str, GivenApp]] = pytest.StashKey()
_EARLIER: pytest.StashKey[Mapping[str, GivenApp]] = pytest.StashKey()


def given_apps(config: pytest.Config) -> Mapping[str, GivenApp]:
    """Return the apps that this run was given, by name; none: it has the reference apps."""
    return config.stash.get(_GIVEN, {})


def earlier_version(config: pytest.Config, app: str) -> GivenApp | None:
    """Return the version of an app from which it is upgraded (``--previous``), if there is one."""
    return config.stash.get(_EARLIER, {}).get(app)


def read_given(config: pytest.Config, settings: Settings) -> None:
    """Read the packages that the options name. Raises ``UsageError`` if they cannot be read."""
    # Only when there are packages: this imports what reads and renders them.
    from conformance.apps.package.chart_fetch import ChartFetcher  # noqa: PLC0415
    from conformance.apps.package.given import by_name, read_apps  # noqa: PLC0415

    if config.getoption("twins"):
        raise pytest.UsageError("--twins is about the reference apps: leave --app out")
    read = partial(
        read_apps,
        description=settings.app_description,
        fetch=ChartFetcher(settings.cache_dir) if settings.app_fetch else None,
    )
    try:
        apps = _described(by_name(one for path in settings.app for one in read(path)), settings)
        config.stash[_GIVEN] = apps
        config.stash[_EARLIER] = _earlier(apps, settings.previous, read)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def _earlier(
    apps: dict[str, GivenApp], previous: Path | None, read: Callable[[Path], list[GivenApp]]
) -> dict[str, GivenApp]:
    """Return the earlier version of each app: the one of its name; of a single app, the single.

    What ``--app-description`` says of an app, it says of both versions.
    """
    from conformance.apps.package.given import by_name  # noqa: PLC0415

    if previous is None:
        return {}
    if not apps:
        raise HarnessError("--previous is a version of no app", "name its package with --app")
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
    from conformance.apps.package.description import read_description  # noqa: PLC0415

    path = settings.app_description
    if path is None:
        return apps
    if not apps:
        raise HarnessError("--app-description describes no app", "name its package with --app")
    name = read_description(path).app or (next(iter(apps)) if len(apps) == 1 else "")
    if name not in apps:
        raise HarnessError(
            f"{path} describes {name or 'no app by name'}; there are {', '.join(apps)}",
            "write app: NAME into it",
        )
    return {**apps, name: replace(apps[name], described_in=path)}
