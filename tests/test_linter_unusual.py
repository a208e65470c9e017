"""Nothing is wrong with an unusual package, and the linter says nothing of it."""

from __future__ import annotations

import pytest
from linter_packages import Case, unusual
from test_linter_rules import APPS, LEVELS, said

from conformance.linter.lint import lint

CASES = unusual()


pytestmark = pytest.mark.usefixtures("one_renderer")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_an_unusual_package_is_as_good_as_a_usual_one(case: Case, tmp_path):
    result = lint(case.make(tmp_path))

    assert said(result) == []
    assert [app.app.name for app in result.apps] == [APPS[case.base]]
    level = LEVELS[case.base] if case.level is None else case.level
    assert result.apps[0].level == level, result.apps[0].not_run
