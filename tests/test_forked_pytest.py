"""A forked pytest says what one in a new interpreter says."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from forked_pytest import run_forked


def test_what_was_imported_before_is_not_warned_of(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rewritten", ModuleType("rewritten"))
    pytester.makeconftest("pytest_plugins = ['rewritten']")
    pytester.makepyfile("def test_passes(): pass")
    result = run_forked(pytester)
    result.assert_outcomes(passed=1)
    assert "warnings summary" not in result.stdout.str()
