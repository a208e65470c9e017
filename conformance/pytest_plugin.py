"""The part of the suite that every pytest in an environment loads.

If only the linter is installed, pytest is used for something else and must not be affected.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.installation import has_cluster_extra, require_cluster_extra

CAPABILITIES = Path(__file__).parent / "capabilities"
_MET = pytest.StashKey[bool]()

if has_cluster_extra():
    pytest_plugins = ["conformance.suite.plugin"]
else:

    def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
        """Say what the checks need before pytest imports the conftest.py of a capability."""
        given = early_config.known_args_namespace.file_or_dir or ["."]
        paths = (Path(argument.partition("::")[0]).absolute() for argument in given)
        if any(path.is_relative_to(CAPABILITIES) for path in paths):
            _refuse()

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(collector: pytest.Collector) -> pytest.CollectReport | None:
        """Import no module of the checks: that would fail before the reason could be explained."""
        if not collector.path.is_relative_to(CAPABILITIES):
            return None
        collector.config.stash[_MET] = True
        return pytest.CollectReport(collector.nodeid, "passed", longrepr=None, result=[])

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
        """Say what the checks need, instead of showing that none were collected."""
        try:
            return (yield)
        finally:
            if _MET in session.config.stash:
                _refuse()

    def _refuse() -> None:
        try:
            require_cluster_extra("a run of the checks")
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None
