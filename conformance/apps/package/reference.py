"""A reference app as a package that somebody gives: a copy under a name of its own.

So the checks of app packages run on it beside its own installation.
"""

from __future__ import annotations

import re
from pathlib import Path

from conformance.apps.flux_package import Commit, copy_of
from conformance.apps.package.given import GivenApp, read_apps
from conformance.common.package import Package
from conformance.linter.reading.description import FILE

FAILURE_AFTER = 180
"""Seconds after which an upgrade of the copy counts as failed: nothing here waits for a bad one."""


def reference_copy(
    package: Package, app: str, name: str, folder: Path, version: str | None = None
) -> GivenApp:
    """Write the package of a reference app, called ``name``, into ``folder``; return its app.

    ``version`` is that of the app and of its chart, if it is to be another one.

    Of its description the host and the Secrets bear the new name: the app's own paths and commands
    do not change with it.
    """
    named = re.compile(rf"(?m)(?<=^host: ){re.escape(app)}\b|(?<=secret:){re.escape(app)}\b")
    copy = copy_of(package, app, name, failure_after=FAILURE_AFTER)
    copy = copy.with_commit(Commit("", chart_version=version, app_version=version))
    for path, text in copy.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        described = file.name == FILE
        file.write_text(named.sub(name, text) if described else text, encoding="utf-8")
    [found] = read_apps(folder)
    return found
