"""Options are declared once: flags, variables, the report and the document follow from that."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from pathlib import Path

import pytest

from conformance.common.options import options, read, table
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.common.timeouts import Timeouts

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


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table of a document."""
    groups = itertools.groupby(text.splitlines(), key=lambda line: line.startswith("|"))
    return [list(lines) for is_table, lines in groups if is_table]


def table_of_timeouts() -> str:
    """Return all time-outs as a table in Markdown, each with what its docstring says of it."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(Timeouts))).body
    assert isinstance(made, ast.ClassDef)
    lines = ["| Name | Seconds | From when until when |", "|---|---:|---|"]
    for field, said in itertools.pairwise(made.body):
        if isinstance(field, ast.AnnAssign):
            name = ast.unparse(field.target)
            text = " ".join(ast.literal_eval(said.value).split())
            lines.append(f"| `{name}` | {getattr(Timeouts, name):g} | {text} |")
    return "\n".join(lines)


def test_the_document_has_every_option_and_every_time_out_as_it_is() -> None:
    given, timeouts = tables(DOCUMENT.read_text())
    assert given == table(Settings).splitlines(), "put table(Settings) into docs/options.md"
    wanted = table_of_timeouts()
    assert "\n".join(timeouts) == wanted, f"put this into docs/options.md:\n{wanted}"


def test_a_time_out_is_given_by_name_or_all_are_multiplied() -> None:
    usual = Timeouts()
    assert Timeouts.given(1, ()) == usual
    longer = Timeouts.given(2.5, ("backup=30", "page=1.5"))
    assert (longer.stack, longer.backup, longer.page) == (2.5 * usual.stack, 30, 1.5)
    with pytest.raises(ValueError, match="--timeout-of=pod=3: none has this name; choose from nod"):
        Timeouts.given(1, ["pod=3"])
    for wrong in ("dns", "dns=", "dns=soon", "dns=0", "dns=inf", "dns=nan"):
        with pytest.raises(ValueError, match="give a number of seconds above 0"):
            Timeouts.given(1, [wrong])
