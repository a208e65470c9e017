"""The page on the OpenID Foundation's plans names checks that there are."""

from __future__ import annotations

import re

import conformance.capabilities
from conformance.common.settings import PROJECT_ROOT
from conformance.suite.check_list import checks_of

DOCUMENT = PROJECT_ROOT / "docs" / "openid-connect.md"
ROW = re.compile(r"\| `(oidcc-[a-z0-9-]+)` \| [^|]+ \| ([^|]+) \|")
CHECK = re.compile(r"`([a-z_]+)`")
CAPABILITY = "single_sign_on"


def test_each_module_is_covered_by_a_check_or_said_not_to_be() -> None:
    lines = [
        line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "| `oidcc" in line
    ]
    rows = [row.groups() for line in lines if (row := ROW.fullmatch(line))]
    assert len(rows) == len(lines) == 38 + 11
    assert len(dict(rows)) == len(rows), "a module is listed twice"
    ids = {one.id for one in checks_of(conformance.capabilities)}
    for module, covered_by in rows:
        found = CHECK.match(covered_by)
        known = found and f"{CAPABILITY}.{found[1]}" in ids
        assert known or covered_by.startswith("no check"), f"{module}: {covered_by}"
