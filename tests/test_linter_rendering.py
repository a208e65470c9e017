"""Charts rendered in a child process: what good ones give, and that bad ones end in time."""

from __future__ import annotations

import gzip
import io
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.common.settings import PROJECT_ROOT
from conformance.linter.app import Chart
from conformance.linter.helm.chart_archive import chart_archive
from conformance.linter.helm.errors import explain
from conformance.linter.helm.rendered import objects_of
from conformance.linter.helm.rendering import Renderer, RenderError
from conformance.linter.helm.template_lines import TemplateLines
from conformance.linter.limits import MEBIBYTE, Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse
from conformance.linter.reading.tree import Tree

METADATA = "apiVersion: v2\nname: notes\nversion: 1.0.0\n"
SMALL = Limits(seconds=60, chart_seconds=1.5, memory_bytes=256 * MEBIBYTE, rendered_bytes=MEBIBYTE)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as ready:
        yield ready


@pytest.fixture(scope="module")
def small() -> Iterator[Renderer]:
    with Renderer(SMALL) as ready:
        yield ready


def files(**texts: str) -> dict[str, bytes]:
    """Return a chart's files; ``templates__a`` stands for ``templates/a.yaml``."""
    named = {name.replace("__", "/") + ".yaml": text for name, text in texts.items()}
    return {name: text.encode() for name, text in {"Chart.yaml": METADATA, **named}.items()}


def render(renderer: Renderer, given: Mapping[str, bytes], **values: Any) -> dict[str, str]:
    return renderer.render(given, values=values, name="my", namespace="apps")


def chart_of(given: Mapping[str, bytes], folder: str = ".") -> Chart:
    metadata = parse(given["Chart.yaml"].decode(), "Chart.yaml")[0][0]
    return Chart(folder, given, metadata, None)


def children() -> set[int]:
    """Return the processes that this one has started, the dead ones not waited for included."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


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


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
            "rendering takes longer than 1.5 s",
        ),
        ("{{ range until 100000000 }}x{{ end }}", "more than 256 MiB of memory"),
        ('{{ repeat 1000000000 "x" }}', "more than 256 MiB of memory"),
        ('{{ range until 100000 }}{{ repeat 100000 "x" }}{{ end }}', "of memory"),
        ('{{ repeat 2000000 "x" }}', "renders to more than 1 MiB"),
        ('{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}', "longer than 1.5 s"),
    ],
)
def test_hostile_template_ends_in_time(small: Renderer, template: str, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(RenderError) as caught:
        render(small, files(templates__a=template))
    # Its limit is of CPU time; starting again is not the chart's, and the machine may be busy.
    assert time.monotonic() - started < 90
    assert message in caught.value.message
    assert caught.value.limit
    with pytest.raises(RenderError, match=message):
        render(small, files(templates__a=template), other="values")
    assert render(small, files(templates__a="a: 1")) == {"notes/templates/a.yaml": "a: 1"}


def test_subchart_that_is_a_bomb_ends(small: Renderer) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, size in (("db/Chart.yaml", 100), ("db/values.yaml", 150 * MEBIBYTE)):
            info = tarfile.TarInfo(name)
            info.size = size
            with Path("/dev/zero").open("rb") as zeros:
                archive.addfile(info, zeros)
    given = files() | {"charts/db.tgz": gzip.compress(packed.getvalue(), 1)}
    with pytest.raises(RenderError):
        render(small, given)
    assert render(small, files(templates__a="a: 1"))


def test_time_for_all_charts_together_ends() -> None:
    with Renderer(Limits(seconds=1, chart_seconds=5)) as renderer:
        loop = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
        with pytest.raises(RenderError, match="longer than"):
            render(renderer, files(templates__a=loop))
        with pytest.raises(RenderError, match="the 1 s for rendering are used up") as caught:
            render(renderer, files(templates__a="a: 1"))
        assert caught.value.limit


def test_interrupted_rendering_does_not_answer_the_next(renderer: Renderer) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        render(renderer, files(templates__a="a: 1"))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            render(renderer, files(templates__a="{{ range until 9999999 }}x{{ end }}"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert render(renderer, files(templates__a="a: 2")) == {"notes/templates/a.yaml": "a: 2"}


def test_no_process_is_left() -> None:
    before = children()
    with Renderer(SMALL) as renderer:
        assert len(children() - before) == 1
        render(renderer, files(templates__a="a: 1"))
        with pytest.raises(RenderError):
            render(renderer, files(templates__a='{{ repeat 1000000000 "x" }}'))
        render(renderer, files(templates__a="a: 1"))
        assert len(children() - before) == 1
    assert children() == before


def test_process_ends_with_the_one_that_started_it() -> None:
    program = (
        "import os, sys, threading\n"
        "from conformance.linter.helm.rendering import Renderer\n"
        "renderer = Renderer()\n"
        "renderer.start()\n"
        "loop = b'{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}'\n"
        f"files = {{'Chart.yaml': {METADATA.encode()!r}, 'templates/a.yaml': loop}}\n"
        "renderer.render({**files, 'templates/a.yaml': b'a: 1'}, values={}, name='n',"
        " namespace='n')\n"
        "print(renderer._process.pid, flush=True)\n"
        "renderer.render(files, values={}, name='n', namespace='n')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.3)  # it renders by now
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_child_has_nothing_of_ours(renderer: Renderer) -> None:
    render(renderer, files(templates__a="a: 1"))
    assert renderer._process is not None
    folder = Path(f"/proc/{renderer._process.pid}")
    names = {entry.split(b"=")[0] for entry in (folder / "environ").read_bytes().split(b"\0")}
    assert names <= {b"", b"LC_ALL", b"GOTRACEBACK", b"GOMEMLIMIT", b"LD_LIBRARY_PATH"}
    limits = (folder / "limits").read_text()
    for name, most in (("open files", "3"), ("file size", "0"), ("core file size", "0")):
        line = next(line for line in limits.split("\n") if line.startswith(f"Max {name}"))
        assert line.removeprefix(f"Max {name}").split()[:2] == [most, most]
    assert (folder / "cwd").readlink() == Path("/")
    opened = [str(one.readlink()) for one in (folder / "fd").iterdir()]
    # Go itself reads how much of the processors it may use.
    assert all(one.startswith(("pipe:", "anon_inode:", "/sys/fs/cgroup/")) for one in opened)


def test_helm_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with Renderer() as renderer, pytest.raises(RenderError, match="not installed") as caught:
        render(renderer, files(templates__a="a: 1"))
    assert caught.value.limit


def test_helm_that_does_not_load_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.so").write_bytes(b"no library")
    monkeypatch.setenv("HELM_C_LIB", str(tmp_path / "broken.so"))
    with Renderer() as renderer, pytest.raises(RenderError, match="cannot be loaded") as caught:
        render(renderer, files(templates__a="a: 1"))
    assert caught.value.limit


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


def manifests(text: str, template: str | None = None) -> tuple[list[Manifest], list[Any]]:
    given = files(templates__a=template if template is not None else text)
    return objects_of({"notes/templates/a.yaml": text}, chart_of(given, "charts/notes"))


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
