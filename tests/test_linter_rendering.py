"""Charts rendered as Helm renders them, and what does not render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from linter_charts import METADATA, chart_of, files, render

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.app import Chart
from conformance.linter.helm.chart_archive import chart_archive
from conformance.linter.helm.rendered import objects_of
from conformance.linter.helm.rendering import Renderer, RenderError
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import Tree


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as ready:
        yield ready


def manifests_of(
    renderer: Renderer, name: str
) -> tuple[dict[str, Manifest], Mapping[str, bytes], Chart]:
    tree = Tree.read(PROJECT_ROOT / "charts" / name)
    rendered = renderer.render(tree.files, values={}, name=name, namespace="apps")
    chart = chart_of(tree.files, "charts/" + name)
    manifests, problems = objects_of(rendered, chart)
    assert problems == []
    return {str(one): one for one in manifests}, tree.files, chart


@pytest.mark.parametrize("name", ["notes", "wordpress"])
def test_good_charts_render_as_helm_renders_them(renderer: Renderer, name: str) -> None:
    from helm_python.chart import Chart as HelmChart

    tree = Tree.read(PROJECT_ROOT / "charts" / name)
    rendered = renderer.render(tree.files, values={}, name=name, namespace="apps")
    with HelmChart.load(PROJECT_ROOT / "charts" / name) as chart:
        expected = chart.render(values={}, name=name, namespace="apps")
    del expected[f"{name}/templates/NOTES.txt"]
    assert rendered == expected
    manifests, problems = objects_of(rendered, chart_of(tree.files))
    assert problems == []
    documents = [one for text in expected.values() for one in yaml.safe_load_all(text) if one]
    assert [manifest.value for manifest in manifests] == documents
    assert all(manifest.rendered for manifest in manifests)


def test_places_of_the_notes_chart(renderer: Renderer) -> None:
    manifests, given, _ = manifests_of(renderer, "notes")
    template = given["templates/deployment.yaml"].decode().split("\n")
    deployment = manifests["Deployment notes"]
    assert deployment.file == "charts/notes/templates/deployment.yaml"
    spec = ("spec", "template", "spec")
    container = (*spec, "containers", 0)
    for path, words in (
        (("kind",), "kind: Deployment"),
        (("metadata", "labels"), "labels:"),
        (("spec", "strategy"), "strategy:"),
        ((*spec, "volumes"), "volumes:"),
        ((*container, "image"), "image:"),
        ((*container, "livenessProbe"), "livenessProbe:"),
        ((*container, "readinessProbe"), "readinessProbe:"),
        ((*container, "resources", "limits"), "resources"),
    ):
        assert words in template[deployment.line_of(path) - 1]


@pytest.mark.parametrize("name", ["notes", "wordpress", "dashboard", "velero"])
def test_every_rendered_key_is_found_in_its_template(renderer: Renderer, name: str) -> None:
    manifests, given, _ = manifests_of(renderer, name)

    def look(manifest: Manifest, here: Any, path: tuple[str | int, ...]) -> None:
        template = given[manifest.file.removeprefix(f"charts/{name}/")].decode().split("\n")
        items = here.items() if isinstance(here, dict) else enumerate(here)
        for key, inner in items:
            line = template[manifest.line_of((*path, key)) - 1]
            if isinstance(key, str):
                assert key in line or "{{" in line
            if isinstance(inner, dict | list):
                look(manifest, inner, (*path, key))

    for manifest in manifests.values():
        look(manifest, manifest.value, ())


def test_values_name_and_namespace_reach_the_templates(renderer: Renderer) -> None:
    given = files(
        values="a: 1\nb: {c: 2, d: 3}\n",
        templates__a="x: {{ .Values | toJson }}\nn: {{ .Release.Name }}.{{ .Release.Namespace }}\n",
    )
    text = render(renderer, given, b={"c": "ü", "d": None})["notes/templates/a.yaml"]
    assert yaml.safe_load(text) == {"x": {"a": 1, "b": {"c": "ü"}}, "n": "my.apps"}


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("networking.k8s.io/v1", True),
        ("networking.k8s.io/v1/Ingress", True),
        ("v1/PersistentVolumeClaim", True),
        ("helm.toolkit.fluxcd.io/v2", True),
        ("hydra.ory.sh/v1alpha1/OAuth2Client", True),
        ("cert-manager.io/v1/Certificate", True),
        ("gateway.networking.k8s.io/v1/HTTPRoute", False),
        ("networking.k8s.io/v1/Egress", False),
    ],
)
def test_a_chart_finds_the_kinds_that_the_platform_has(
    renderer: Renderer, asked: str, there: bool
) -> None:
    template = f'has: {{{{ .Capabilities.APIVersions.Has "{asked}" }}}}'
    chart = files(templates__a=template)

    [text] = render(renderer, chart).values()

    assert yaml.safe_load(text) == {"has": there}


def test_subcharts_render_too(renderer: Renderer) -> None:
    inner = {
        "Chart.yaml": b"apiVersion: v2\nname: db\nversion: 1.0.0\n",
        "templates/db.yaml": b"kind: Service\nmetadata:\n  name: {{ .Chart.Name }}\n",
    }
    metadata = METADATA + (
        "dependencies:\n- {name: db, version: 1.0.0, alias: pg, condition: pg.enabled}\n"
    )
    folder = {
        **files(templates__a="kind: A\n"),
        "Chart.yaml": metadata.encode(),
        **{f"charts/db/{name}": content for name, content in inner.items()},
    }
    rendered = render(renderer, folder)
    assert set(rendered) == {"notes/templates/a.yaml", "notes/charts/pg/templates/db.yaml"}
    manifests, problems = objects_of(rendered, chart_of(folder))
    assert problems == []
    service = next(one for one in manifests if one.kind == "Service")
    assert service.file == "charts/db/templates/db.yaml"
    assert service.line_of(("metadata", "name")) == 3
    assert set(render(renderer, folder, pg={"enabled": False})) == {"notes/templates/a.yaml"}

    packed_inner = files(templates__a="kind: A\n") | {"charts/db-1.0.0.tgz": chart_archive(inner)}
    rendered = render(renderer, packed_inner)
    manifests, _ = objects_of(rendered, chart_of(packed_inner, "x"))
    service = next(one for one in manifests if one.kind == "Service")
    assert service.file == "x/charts/db-1.0.0.tgz"
    assert service.line_of(("kind",)) == 0


@pytest.mark.parametrize(
    ("template", "message", "file", "line"),
    [
        ("a: 1\nb: {{ .Values.x.y }}\n", ".Values.x.y is used, but .Values.x is not set", "a", 2),
        ('a: {{ required "need x" .Values.x }}\n', "need x", "a", 1),
        ("\nb: {{ foo }}\n", 'cannot be parsed: function "foo" not defined', "a", 2),
        ("b: {{ if }}\n", "cannot be parsed: missing value for if", "a", 1),
        ('b: {{ include "nope" . }}\n', 'template "nope" that the chart does not define', "a", 1),
        ('\n\nb: {{ include "inner" . }}\n', ".Values.q is not set", "_inner", 2),
        ('{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', "without end", "a", 1),
        ('{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}', "without", "a", 1),
        ('a: {{ .Values.s | trunc "x" }}\n', "expected integer", "a", 1),
        ('a: {{ fail (printf "no: %s" .Values.password) }}', "no: ***", "a", 1),
    ],
)
def test_what_does_not_render_is_told(
    renderer: Renderer, template: str, message: str, file: str, line: int
) -> None:
    inner = '{{ define "inner" }}\n{{ .Values.q.r }}{{ end }}'
    given = files(templates__a=template, templates___inner=inner)
    with pytest.raises(RenderError) as caught:
        render(renderer, given, password="hunter22", s="x")
    error = caught.value
    assert message in error.message
    assert "hunter22" not in error.message
    assert error.message.isprintable()
    assert (error.template, error.line) == (f"notes/templates/{file}.yaml", line)
    assert not error.limit


def test_values_that_the_schema_forbids_are_told(renderer: Renderer) -> None:
    schema = '{"required": ["x"], "properties": {"password": {"pattern": "^a"}}}'
    given = files() | {"values.schema.json": schema.encode()}
    with pytest.raises(RenderError) as caught:
        render(renderer, given, password="hunter22")
    assert "do not fit values.schema.json" in caught.value.message
    assert "missing property 'x'" in caught.value.message
    assert "at '/password'" in caught.value.message
    assert "hunter22" not in caught.value.message
    assert not caught.value.limit


@pytest.mark.parametrize("name", ["values", "Chart"])
def test_files_that_are_no_yaml_are_told(renderer: Renderer, name: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(renderer, files() | {f"{name}.yaml": b"a: 1\nb: [\n"})
    assert f"{name}.yaml cannot be read" in caught.value.message
    assert caught.value.template == f"chart/{name}.yaml"


def test_values_that_are_no_json_are_told(renderer: Renderer) -> None:
    with pytest.raises(RenderError, match="not valid JSON"):
        render(renderer, files(templates__a="a: 1"), x=float("nan"))
    with pytest.raises(RenderError, match="not valid JSON"):
        render(renderer, files(templates__a="a: 1"), x={1, 2})


@pytest.mark.parametrize(
    ("reference", "limit"), [("file:///etc/passwd", False), ("../../../etc/passwd", False)]
)
def test_schema_cannot_read_files_of_the_machine(
    renderer: Renderer, reference: str, limit: bool
) -> None:
    given = files() | {"values.schema.json": f'{{"$ref": "{reference}"}}'.encode()}
    with pytest.raises(RenderError) as caught:
        render(renderer, given)
    assert "which is not part of it" in caught.value.message
    assert caught.value.limit is limit


def test_schema_at_an_address_is_not_fetched(renderer: Renderer) -> None:
    schema = b'{"properties": {"a": {"$ref": "https://127.0.0.1:9/x.json"}}}'
    given = files(templates__a="a: 1\n") | {"values.schema.json": schema}
    assert render(renderer, given, a=1) == {"notes/templates/a.yaml": "a: 1\n"}
    hidden = schema.replace(b'"$ref"', b'"\\u0024ref"')
    with pytest.raises(RenderError, match="which is not fetched") as caught:
        render(renderer, given | {"values.schema.json": hidden}, a=1)
    assert caught.value.limit


def test_templates_reach_neither_files_nor_the_environment(renderer: Renderer) -> None:
    template = (
        'a: "{{ .Files.Get "../../../etc/passwd" }}{{ .Files.Get "/etc/passwd" }}"\n'
        'b: "{{ getHostByName "localhost" }}{{ lookup "v1" "Secret" "a" "b" }}"\n'
    )
    text = render(renderer, files(templates__a=template))["notes/templates/a.yaml"]
    assert yaml.safe_load(text) == {"a": "", "b": "map[]"}
    with pytest.raises(RenderError, match="env"):
        render(renderer, files(templates__a='{{ env "HOME" }}'))
