"""Nothing is wrong with an unusual package, and the linter says nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from linter_packages import Case, unusual
from test_linter_rules import APPS, LEVELS, said

from conformance.linter.helm.rendering import Renderer
from conformance.linter.limits import Limits
from conformance.linter.lint import lint

CASES = unusual()


@pytest.fixture(scope="module", autouse=True)
def renderer() -> Iterator[None]:
    """One process for all tests: to start one takes longer than to judge a package."""
    with Renderer(Limits(seconds=3600)) as shared, pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.linter.lint.Renderer", lambda _: nullcontext(shared))
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_an_unusual_package_is_as_good_as_a_usual_one(case: Case, tmp_path):
    result = lint(case.make(tmp_path))

    assert said(result) == []
    assert [app.app.name for app in result.apps] == [APPS[case.base]]
    level = LEVELS[case.base] if case.level is None else case.level
    assert result.apps[0].level == level, result.apps[0].not_run
