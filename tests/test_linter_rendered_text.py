"""What a chart rendered to: its objects, their lines, and what Helm says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from linter_charts import chart_of, files, manifests, render

from conformance.linter.helm.chart_archive import chart_archive
from conformance.linter.helm.errors import explain
from conformance.linter.helm.rendered import objects_of
from conformance.linter.helm.rendering import Renderer
from conformance.linter.helm.template_lines import TemplateLines


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as ready:
        yield ready


def test_ignored_files_are_not_rendered(renderer: Renderer) -> None:
    given = files(templates__a="a: 1", ci__x="x") | {
        ".helmignore": b"# no\n*.bak\n/ci/\ntemplates/old/\n",
        "templates/a.yaml.bak": b"b: 1",
        "templates/.hidden.yaml": b"c: 1",
        "templates/old/d.yaml": b"d: 1",
        "templates/NOTES.txt": b"read me",
        "templates/_helpers.tpl": b"",
    }
    assert set(render(renderer, given)) == {"notes/templates/a.yaml"}


def test_hostile_patterns_of_helmignore_cost_nothing() -> None:
    patterns = "\n".join("*a" * 90 + "b" for _ in range(1000))
    started = time.process_time()
    chart_archive({".helmignore": patterns.encode(), "a" * 200: b"", **files()})
    assert time.process_time() - started < 3


def test_lists_are_their_items() -> None:
    text = "kind: List\nitems:\n- kind: A\n  metadata: {name: a}\n- kind: B\n- 5\n"
    found, _ = manifests(text)
    assert [one.kind for one in found] == ["A", "B"]
    assert [one.line_of(()) for one in found] == [3, 5]
    assert found[0].line_of(("metadata", "name")) == 4


def test_rendered_text_that_is_no_yaml_is_a_problem() -> None:
    template = 'kind: A\nmetadata:\n  labels:\n    {{- include "l" . | nindent 2 }}\nx: 1\n'
    found, problems = manifests("kind: A\nmetadata:\n  labels:\n   a: 1\n  b: [\nx: 1\n", template)
    assert found == []
    assert problems[0].place.file == "charts/notes/templates/a.yaml"
    assert problems[0].place.line == 4
    assert "rendered line 5" in problems[0].message
    assert '"b: ["' in problems[0].message


def test_rendered_secret_is_not_told() -> None:
    _, problems = manifests("kind: A\npassword: hunter22: x\n")
    assert "hunter22" not in problems[0].message


def test_rendered_text_that_is_no_object_is_a_problem() -> None:
    found, problems = manifests("just text\n---\n- 1\n---\n---\nkind: A\n")
    assert [one.kind for one in found] == ["A"]
    assert ["not a Kubernetes object" in one.message for one in problems] == [True, True]


def test_line_of_an_unknown_template_is_unknown() -> None:
    rendered = {"notes/templates/elsewhere.yaml": "kind: A\n"}
    (found,), _ = objects_of(rendered, chart_of(files()))
    assert found.line_of(("kind",)) == 0
    assert found.file == "templates/elsewhere.yaml"


def test_lines_of_repeated_and_left_out_parts() -> None:
    template = (
        "{{- range .Values.claims }}\n---\nkind: Claim\nmetadata:\n  name: {{ .name }}\n"
        "  {{- if .keep }}\n  annotations:\n    keep: yes\n  {{- end }}\nspec:\n"
        "  {{- toYaml .spec | nindent 2 }}\n{{- end }}\n---\nkind: Secret\nmetadata:\n"
        "  name: x\nspec: {}\n"
    )
    rendered = (
        "\n---\nkind: Claim\nmetadata:\n  name: a\nspec:\n  a: 1\n  b:\n    c: 2\n"
        "---\nkind: Claim\nmetadata:\n  name: b\n  annotations:\n    keep: yes\nspec:\n  a: 1\n"
        "---\nkind: Secret\nmetadata:\n  name: x\nspec: {}\n"
    )
    lines = TemplateLines(template, rendered)
    expected = [2, 2, 3, 4, 5, 10, 11, 11, 11, 2, 3, 4, 5, 7, 8, 10, 11, 13, 14, 15, 16, 17]
    assert [lines.line(number) for number in range(1, 23)] == expected
    assert lines.line(0) == 2
    assert lines.line(1000) == 17


def test_lines_of_a_huge_template_are_not_looked_for() -> None:
    started = time.process_time()
    assert TemplateLines("a: 1\n" * 100_000, "a: 1\n" * 100_000).line(5) == 0
    assert TemplateLines("", "a: 1\n").line(1) == 0
    assert TemplateLines("a: 1\n", "").line(1) == 0
    TemplateLines("a: {{ x }}\n" * 600, "a: 1\n" * 600).line(5)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ":" * 20_000,
        "a" * 20_000,
        "executing " * 2000,
        "x/templates/" * 2000,
        "<" * 20_000,
        "parse error at (a/templates/b.yaml:999999999999): x",
        "cannot load x",
        "\x1b[31m\n\0",
    ],
)
def test_no_message_of_helms_is_too_much(raw: str) -> None:
    started = time.process_time()
    found = explain(raw, {"password": "hunter22", "token": ""})
    assert time.process_time() - started < 2
    assert len(found.message) < 400
