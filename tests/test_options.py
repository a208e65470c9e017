"""Options are declared once: flags, variables, the report and the document follow from that."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.common.options import options, read, table
from conformance.common.settings import PROJECT_ROOT, Settings

DOCUMENT = PROJECT_ROOT / "docs" / "options.md"


def test_an_option_wins_over_its_variable_and_that_over_the_default() -> None:
    environment = {"STACKSPIN_CONFORMANCE_DOMAIN": "a.test", "STACKSPIN_CONFORMANCE_CONTEXT": "b"}
    given = {"domain": "c.test"}
    settings = Settings(**read(Settings, given.get, environment))
    assert (settings.domain, settings.context, settings.cluster) == ("c.test", "b", "auto")


def test_a_path_is_absolute_whatever_folder_is_entered_later() -> None:
    found = read(Settings, {"reports_dir": "here"}.get, {})
    assert found == {"reports_dir": Path.cwd() / "here"}


def test_a_variable_has_the_choices_of_its_option() -> None:
    with pytest.raises(ValueError, match="STACKSPIN_CONFORMANCE_CLUSTER=k3s: choose from auto"):
        read(Settings, {}.get, {"STACKSPIN_CONFORMANCE_CLUSTER": "k3s"})


def test_each_of_several_is_one_of_the_choices() -> None:
    several = {"STACKSPIN_CONFORMANCE_APP_ALLOW": "cluster:node"}
    assert read(Settings, {}.get, several) == {"app_allow": ("cluster", "node")}
    with_commas = {"app_allow": ["cluster,node", "node"]}
    assert read(Settings, with_commas.get, {}) == {"app_allow": ("cluster", "node")}
    with pytest.raises(ValueError, match="APP_ALLOW=host: choose from cluster, platform, node"):
        read(Settings, {}.get, {"STACKSPIN_CONFORMANCE_APP_ALLOW": "node:host"})


def test_a_switch_is_no_variable() -> None:
    assert read(Settings, {}.get, {"STACKSPIN_CONFORMANCE_KEEP_CLUSTER": "1"}) == {}


def test_names_in_the_report_are_those_of_its_schema() -> None:
    assert {each.field: each.key for each in options(Settings)}["cluster_name"] == "clusterName"


def test_the_document_has_every_option_as_it_is() -> None:
    shown = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    assert shown == table(Settings).splitlines(), "put table(Settings) into docs/options.md"
