"""What is said to need a key of a description is what reads it."""

from __future__ import annotations

import re

import pytest
from check_sources import CAPABILITIES, capabilities_with, sources

import conformance.capabilities
from conformance.platform.discovery.readers import READERS, checks_that_need
from conformance.platform.features import NEEDED, PlatformFeature
from conformance.platform.keys import keys
from conformance.suite.check_list import checks_of

OF_CHECKS = {
    "single_sign_on.administrators": r"login\.administrators",
    "single_sign_on.hydra.workload.override": r"\.configured\(",
    "single_sign_on.hydra.workload.release": r"\.configured\(",
    "single_sign_on.kratos.workload.override": r"\.configured\(",
    "single_sign_on.kratos.workload.release": r"\.configured\(",
    "single_sign_on.lifetimes": r"single_sign_on\.lifetimes",
    "single_sign_on.refresh_grace": r"single_sign_on\.refresh_grace",
    "single_sign_on.needs": r"login_services\.(restart|outliving)",
    "single_sign_on.mail": r"\bmail_server\b",
    "ingress.authority": r"\bapp_with_login\b",
    "ingress.certificate": r"\bingress_certificate\b",
    "storage.retained": r"retained=True",
    "backup.node_agent": r"clients\.node_agent\(\)",
    "backup.store": r"(object_store|store_deployment)_of|carry_backup\(|\(carry,"
    r"|whole_namespace\.damaged",
}
"""Key -> what is in the source of a check, or of a fixture of it, that reads the key."""
OF_CAPABILITIES = {
    "flux": r"\bFlux\b",
    "apps": r"\bTrackedBranch\b|\breference_apps\b|\bdelivered\b|(platform|described)\.apps\b",
    "single_sign_on": r"\bAccounts\b|clients\.(kratos|hydra)\(\)|single_sign_on\.issuer",
    "ingress": r"\.ingress_class\b|described\.ingress",
    "storage": r"\.storage_class\b",
    "backup": r"clients\.velero\(\)",
}
"""Key -> what is in some module of a capability that reads the key."""

NEEDED_BY_NONE = ("storage.provisioner",)


@pytest.mark.parametrize("key", OF_CHECKS)
def test_the_checks_that_need_a_key_are_those_that_read_it(key: str) -> None:
    reading = {name for name, text in sources().items() if re.search(OF_CHECKS[key], text)}
    assert set(READERS[key]) == reading


@pytest.mark.parametrize("key", OF_CAPABILITIES)
def test_the_capabilities_that_need_a_key_are_those_that_read_it(key: str) -> None:
    assert set(READERS[key]) == capabilities_with(OF_CAPABILITIES[key])


def test_every_entry_is_looked_after_and_every_key_has_one() -> None:
    optional = {key.name for key in keys() if not key.required}
    of_features = {key for key in READERS if key.startswith("features.")}
    assert set(READERS) - of_features == {*OF_CHECKS, *OF_CAPABILITIES, *NEEDED_BY_NONE}
    assert set(READERS) - of_features <= optional | {"single_sign_on"}
    without = {key for key in optional if not checks_that_need(key)}
    assert {key for key in without if not key.startswith(NEEDED_BY_NONE)} == {
        "implementation.url",
        "implementation.contact",
        "features",
        "exempt",
    }


def test_the_checks_that_need_a_feature_are_those_that_say_so() -> None:
    every = checks_of(conformance.capabilities)
    for feature in PlatformFeature:
        key = ".".join(NEEDED.get(feature, ("features", feature)))
        said = {one.id for one in every if feature in one.features}
        assert said, f"no check is about {feature}"
        whole = {one.id for one in every if one.capability in READERS[key]}
        assert {name for name in READERS[key] if "." in name} | whole == said


def test_a_part_is_needed_by_what_needs_the_whole() -> None:
    assert checks_that_need("backup.store.bucket") == READERS["backup.store"]
    assert checks_that_need("flux.root") == READERS["flux"]
    assert checks_that_need("implementation.contact") == ()


def test_the_fixtures_of_a_check_belong_to_its_source() -> None:
    assert "def short_lived" in sources()["single_sign_on.expired_challenge"]
    assert len(sources()) > 100
    assert {name.partition(".")[0] for name in sources()} == {
        path.parent.name for path in CAPABILITIES.glob("*/conftest.py")
    }
