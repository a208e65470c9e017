"""The packages of ``--app``, which the checks of apps run on instead of the reference apps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.apps.package.given import GivenApp

GIVEN: pytest.StashKey[Mapping[str, GivenApp]] = pytest.StashKey()
EARLIER: pytest.StashKey[Mapping[str, GivenApp]] = pytest.StashKey()


def given_apps(config: pytest.Config) -> Mapping[str, GivenApp]:
    """Return the apps that this run was given, by name; none: it has the reference apps."""
    return config.stash.get(GIVEN, {})


def earlier_version(config: pytest.Config, app: str) -> GivenApp | None:
    """Return the version of an app from which it is upgraded (``--previous``), if there is one."""
    return config.stash.get(EARLIER, {}).get(app)
