"""What a check does something to is declared, and docs/checks.md lists it."""

from __future__ import annotations

import re

import pytest
from check_sources import sources

import conformance.capabilities
from conformance.clusters.base import Feature
from conformance.common.settings import PROJECT_ROOT
from conformance.platform.features import PlatformFeature
from conformance.report.level import Level
from conformance.suite.check import Check, check
from conformance.suite.check_list import check_list, checks_of, feature_table

DOCUMENT = PROJECT_ROOT / "docs" / "checks.md"
PLATFORM = {
    "restarts it": r"\b(login_services|secret_generator)\.restart\(",
    "configures it": r"\.configured\(",
    "takes its object store away": r"\.store_down\(|\.interrupted_backup\(",
    "gives it another password": r"\bother_repository_password\(",
    "holds its restores up": r"\bdata_first\.begun\(",
    "backs it up": r"\bvelero: Velero,(?s:.)*\.back_up_as\(",
    "kills one of its controllers": r"\bhelm_controller\.kill\(",
    "takes its registry away": r"\bimage_registry\.unreachable\(",
    "takes its mail server away": r"\bmail_server\.down\(",
    "renews its certificate": r"\bingress_certificate\.renewed\(",
    "restarts what users log in by": r"\bcrowd\.restart_login\(",
    "gives it many releases": r"\bmany_releases\.push\(",
    "gives it many users": r"\.create_each\(",
    "installs an app among its own": r"\bmanaged: TrackedApp\b",
}
"""What is in the source of a check, or of a fixture of it, that does something to the platform."""
NODE = {
    "kills it": r"\.(outlive_node_kill|kill_node)\(|\bupgrade\.again\b",
    "kills a process": r"\bkill_container\(",
    "deletes a folder": r"\bretained=True\b",
    "mounts a disk": r"\bdisk\.mounted\(",
}
"""The same of the node."""


def touching(patterns: dict[str, str]) -> set[str]:
    """Return the checks with one of these patterns, each of which some check has."""
    found = {
        pattern: {name for name, text in sources().items() if re.search(pattern, text)}
        for pattern in patterns.values()
    }
    assert all(found.values()), found
    return set().union(*found.values())


def declared(touches: str) -> set[str]:
    return {one.id for one in checks_of(conformance.capabilities) if one.touches == touches}


def test_what_does_something_to_the_node_says_so() -> None:
    assert declared("node") == touching(NODE)


def test_what_does_something_to_the_platform_says_so() -> None:
    assert declared("platform") == touching(PLATFORM) - touching(NODE)


def test_what_kills_the_node_touches_it_without_saying_so() -> None:
    @check("auto_update.dies", promise="It holds.", needs=[Feature.NODE_KILL])
    def test_dies() -> None: ...

    (mark,) = (one for one in test_dies.pytestmark if one.name == "check")
    assert (mark.args[0].touches, mark.args[0].effect) == (
        "node",
        "kills all processes of the node",
    )


@pytest.mark.parametrize("half", [{"touches": "platform"}, {"effect": "restarts Hydra"}])
def test_what_a_check_touches_and_what_it_does_there_belong_together(half: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"auto_update\.x: touches and effect belong together"):
        check("auto_update.x", promise="It holds.", **half)


def test_the_document_lists_every_check_as_it_is() -> None:
    every = checks_of(conformance.capabilities)
    assert {one.id for one in every} == set(sources())
    introduction, heading, lists = DOCUMENT.read_text(encoding="utf-8").partition(
        "## container_builds\n"
    )
    assert introduction.startswith("# ")
    assert heading + lists == check_list(every), (
        "put check_list(checks_of(conformance.capabilities)) into docs/checks.md"
    )


def test_the_document_of_platforms_lists_every_feature() -> None:
    text = (PROJECT_ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    assert feature_table() in text, "put feature_table() into docs/platforms.md"


def test_the_list_says_at_which_level_a_check_is_on_which_app() -> None:
    both = {"notes": Level.CORE, "wordpress": Level.EXTENDED}
    lines = check_list(
        [
            Check("dashboard.a", Level.CORE, "A holds.", apps=both),
            Check("dashboard.b", Level.EXTENDED, "B holds."),
            Check("dashboard.c", Level.CORE, "C.", touches="node", effect="kills the node"),
            Check("dashboard.d", Level.CORE, "D.", features=(PlatformFeature.SECOND_FACTOR,)),
        ]
    ).splitlines()
    assert "| `a` | A holds. | core on notes, extended on wordpress | own |" in lines
    assert "| `b` | B holds. | extended | own |" in lines
    assert "| `d` | D. | core; if claimed: second_factor | own |" in lines
    assert "| `c` | C. | core | node: kills the node |" in lines
