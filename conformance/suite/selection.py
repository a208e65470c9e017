"""What selects the checks of a run, in a form in which that of two runs can be compared."""

from __future__ import annotations

import os

import pytest

from conformance.common.settings import Settings

_OPTIONS = {
    "-k": "keyword",
    "-m": "markexpr",
    "--deselect": "deselect",
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
    "--last-failed": "lf",
    "--stepwise": "stepwise",
}
"""Every option that chooses among the checks, and pytest's name of it."""


def selection(config: pytest.Config, settings: Settings) -> list[str]:
    """Return the paths and node ids a run was given, relative to the root, then such options.

    Not the checks themselves: runs before and after a check was added are still the same selection.
    Of the suite's options, only those of another dashboard, of other apps, and of what checks may
    touch count. Where and how checks run, such as --domain or --kind-image, does not: what a new
    Kubernetes breaks is to be seen.
    """
    found = sorted({_relative(argument, config) for argument in config.args})
    for option, name in _OPTIONS.items():
        value = config.getoption(name, default=None)
        for each in value if isinstance(value, list) else [value]:
            if each:
                found.append(option if each is True else f"{option} {' '.join(str(each).split())}")
    if settings.dashboard_url:
        found.append(f"--dashboard-url {settings.dashboard_url}")
    if settings.allow:
        found.append(f"--allow {','.join(sorted(settings.allow))}")
    found += [f"--app {_relative(str(path), config)}" for path in settings.app]
    return found


def _relative(argument: str, config: pytest.Config) -> str:
    path, colons, test = argument.partition("::")
    here = os.path.relpath(config.invocation_params.dir / path, config.rootpath)
    return f"{here}{colons}{test}"
