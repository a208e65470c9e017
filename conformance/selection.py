"""What selects the checks of a run, in a form in which that of two runs can be compared."""

from __future__ import annotations

import os

import pytest

_OPTIONS = {
    "-k": "keyword",
    "-m": "markexpr",
    "--deselect": "deselect",
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
    "--last-failed": "lf",
    "--stepwise": "stepwise",
    "--dashboard-url": "dashboard_url",
}
"""Every option that chooses the checks, or another thing for them to test, and pytest's name of it.

Options that say where and how checks run, such as --domain or --kind-image, are none: what a new
Kubernetes breaks is what a reader wants to see.
"""


def selection(config: pytest.Config) -> list[str]:
    """Return the paths and node ids a run was given, relative to the root, then such options.

    Not the checks themselves: runs before and after a check was added are still the same selection.
    """
    found = sorted({_relative(argument, config) for argument in config.args})
    for option, name in _OPTIONS.items():
        value = config.getoption(name, default=None)
        for each in value if isinstance(value, list) else [value]:
            if each:
                found.append(option if each is True else f"{option} {' '.join(str(each).split())}")
    return found


def _relative(argument: str, config: pytest.Config) -> str:
    path, colons, test = argument.partition("::")
    here = os.path.relpath(config.invocation_params.dir / path, config.rootpath)
    return f"{here}{colons}{test}"
