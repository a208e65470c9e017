"""What a pytest session was told, and what its plugins share: light, as every session loads it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from conformance.common.errors import HarnessError
from conformance.common.options import read
from conformance.common.settings import Settings
from conformance.common.timeouts import Timeouts

PYTEST_KIND_DEFAULT = ("cluster_name", "pytest-kind")
"""What an option of pytest-kind holds when nobody gave it."""
_NOT_OURS = ("kind_bin", "kind_kubectl_bin")
"""Options of pytest-kind that have no effect here: kind and kubectl are pinned parts."""
DESELECTED = pytest.StashKey[list[pytest.Item]]()
"""What ``-k``, ``-m`` and the like have left out."""
_SETTINGS = pytest.StashKey[Settings]()


def add_fixture(metafunc: pytest.Metafunc, name: str) -> None:
    """Have a test set up a fixture that it does not name itself."""
    if name not in metafunc.fixturenames:
        metafunc.fixturenames.append(name)


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a session, made once. Raises ``UsageError``."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = _made(config)
    return config.stash[_SETTINGS]


def _made(config: pytest.Config) -> Settings:
    """Make the settings: an option wins over the environment, that over the default."""
    for name in _NOT_OURS:
        if config.getoption(name, default=None):
            raise pytest.UsageError(
                f"--{name.replace('_', '-')} is for tests that use pytest-kind by itself: "
                "the suite runs its own pinned kind and kubectl, so leave it out"
            )

    def given(name: str) -> object:
        value = config.getoption(name, default=None)
        return None if (name, value) == PYTEST_KIND_DEFAULT else value

    try:
        settings = Settings(**read(Settings, given, os.environ))
        timeouts = Timeouts.given(settings.timeout_factor, settings.timeout_of)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    if settings.mirror:
        from conformance.components.registries import mirrors  # noqa: PLC0415 - imports requests

        try:
            mirrors(settings.mirror)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from error
    return replace(settings, timeouts=timeouts)
