"""A chart that is not in the package is judged where something is used in its place."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from remote_charts import VERSION, Web, packed, remote_package, web

from conformance.apps.package.chart_fetch import ChartFetcher
from conformance.apps.package.given import read_apps
from conformance.apps.package.placement import place
from conformance.cli import main
from conformance.common.errors import HarnessError
from conformance.linter.elsewhere import Origin
from conformance.linter.lint import lint
from conformance.linter.result import AppResult
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal

pytestmark = pytest.mark.usefixtures("one_renderer")

SOURCE = {"url": "https://charts.example/stable"}
MISSING = "chart wiki of HelmRepository charts is not in the package"


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as found:
        yield found


def only(result) -> AppResult:
    [found] = result.apps
    return found


def missing(found: AppResult) -> str:
    """Return why the only release has no chart, which says why rules were not run."""
    [release] = found.app.releases
    assert found.level in (0, 1)
    assert any(release.chart_missing in reason for _, reason in found.not_run)
    return release.chart_missing


def described(root: Path, path: str, **more: str) -> None:
    said = {"charts": [{"chart": "wiki", "path": path}], **more}
    (root / "conformance.yaml").write_text(yaml.safe_dump(said))


def test_what_is_elsewhere_and_not_described_is_not_judged(tmp_path: Path) -> None:
    result = lint(remote_package(tmp_path, SOURCE))
    assert missing(only(result)) == MISSING
    assert "\nCharts from elsewhere are judged with --fetch" in to_terminal(result, Look())


def test_of_a_registry_it_is_the_chart_that_is_missing_and_not_the_source(tmp_path: Path) -> None:
    found = lint(remote_package(tmp_path, {"url": "oci://a.example/b"}, "OCIRepository"))
    assert missing(only(found)) == "the chart of OCIRepository charts is not in the package"


def a_folder(folder: Path) -> str:
    shutil.move(folder / "wiki", folder / "package" / "vendor")
    return "vendor"


def an_archive(folder: Path) -> str:
    (folder / "package" / "wiki.tgz").write_bytes(packed(folder / "wiki"))
    return "wiki.tgz"


def beside_it_in_the_checkout(folder: Path) -> str:
    (folder / ".git").mkdir()
    return "../wiki"


@pytest.mark.parametrize("put", [a_folder, an_archive, beside_it_in_the_checkout])
def test_the_chart_that_the_description_names_is_judged(
    put: Callable[[Path], str], tmp_path: Path
) -> None:
    root = remote_package(tmp_path, SOURCE)
    path = put(tmp_path)
    described(root, path)
    found = only(lint(root))
    assert (found.level, found.findings, found.not_run) == (3, (), ())
    [chart] = found.app.charts
    assert (chart.name, chart.folder) == ("wiki", path)
    [release] = found.app.releases
    assert release.elsewhere


def test_what_is_wrong_with_it_is_found_in_its_own_files(tmp_path: Path) -> None:
    root = remote_package(tmp_path, SOURCE)
    template = tmp_path / "wiki" / "templates" / "web.yaml"
    template.write_text(template.read_text().replace("readinessProbe", "readynessProbe"))
    described(root, an_archive(tmp_path))
    found = only(lint(root))
    assert found.level == 1
    assert {one.place.file for one in found.findings} == {"wiki.tgz/templates/web.yaml"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("charts: [{chart: wiki, path: nowhere}]", 'line 1: "nowhere" does not exist'),
        ("a: 1\ncharts: [{chart: wiki, path: ../wiki}]", 'line 2: "../wiki" is outside of the'),
        ("charts: [{chart: wiki, path: deploy}]", "deploy has no Chart.yaml"),
        ("charts: [", "line 1: not valid YAML"),
        ("charts: [{chart: wiky, path: deploy}]", ""),
        ("charts: 5", ""),
        ("app: another\ncharts: [{chart: wiki, path: deploy}]", ""),
    ],
)
def test_why_there_is_no_chart_in_its_place_is_said(text: str, why: str, tmp_path: Path) -> None:
    root = remote_package(tmp_path, SOURCE)
    (root / "conformance.yaml").write_text(text)
    reason = missing(only(lint(root)))
    assert reason.startswith(MISSING)
    assert why in reason
    assert why or reason == MISSING


def test_a_description_elsewhere_wins_over_that_of_the_package(tmp_path: Path) -> None:
    root = remote_package(tmp_path, SOURCE)
    described(root, "nowhere")
    described(tmp_path, "wiki")
    assert only(lint(root, description=tmp_path / "conformance.yaml")).level == 3
    described(tmp_path, "wiki", app="another")
    assert only(lint(root, description=tmp_path / "conformance.yaml")).level == 1


def test_delivery_takes_the_same_chart(tmp_path: Path) -> None:
    root = remote_package(tmp_path, SOURCE)
    described(root, an_archive(tmp_path))
    [app] = read_apps(root)
    found = place(app)
    assert found.problems == ()
    assert "charts/wiki-wiki/templates/web.yaml" in found.files
    assert [one.chart.folder for one in found.releases if one.chart] == ["charts/wiki-wiki"]


@pytest.mark.parametrize("registry", [True, False])
def test_a_chart_is_fetched_from_its_address_and_judged(
    registry: bool, server: Web, tmp_path: Path
) -> None:
    kind = "OCIRepository" if registry else "HelmRepository"
    url = f"oci://{server.address}/charts/wiki" if registry else f"http://{server.address}/charts"
    more = {"insecure": True, "ref": {"tag": VERSION}} if registry else {}
    root = remote_package(tmp_path, {"url": url, **more}, kind)
    chart = packed(tmp_path / "wiki")
    server.has_image(chart) if registry else server.has_repository(chart)
    fetch = ChartFetcher(tmp_path / "cache")
    found = only(lint(root, fetch=fetch))
    assert (found.level, found.findings, found.not_run) == (3, (), ())
    [used] = found.app.charts
    assert used.folder == f"wiki-{VERSION}.tgz"
    asked = len(server.asked)
    [app] = read_apps(root, fetch=fetch)
    assert place(app).problems == ()
    assert len(server.asked) == asked  # it is in the cache


def test_what_cannot_be_fetched_is_said(server: Web, tmp_path: Path) -> None:
    root = remote_package(tmp_path, {"url": f"http://{server.address}/charts"})
    found = only(lint(root, fetch=ChartFetcher(tmp_path / "cache")))
    why = f"http://{server.address}/charts/index.yaml answered HTTP 404"
    assert missing(found) == f"{MISSING} ({why})"
    [app] = read_apps(root, fetch=ChartFetcher(tmp_path / "cache"))
    [problem] = place(app).problems
    assert problem.startswith(f"{MISSING} ({why}): name a chart in its place")


@pytest.mark.parametrize(
    ("source", "kind", "why"),
    [
        ({**SOURCE, "version": "3.x"}, "HelmRepository", "names the version 3.x, and --fetch"),
        ({**SOURCE, "version": ""}, "HelmRepository", "names no version, and --fetch needs"),
        ({**SOURCE, "secretRef": {"name": "a"}}, "HelmRepository", "needs a login (secretRef)"),
        ({"url": "oci://a.example/b"}, "OCIRepository", "pins neither a tag nor a digest"),
        (
            {"url": "oci://a.example/b", "ref": {"semver": "1.x"}},
            "OCIRepository",
            "pins neither a tag nor a digest",
        ),
        (SOURCE, "Bucket", "--fetch takes nothing from a Bucket"),
    ],
)
def test_only_one_version_of_an_open_source_is_fetched(
    source: dict[str, str], kind: str, why: str, tmp_path: Path
) -> None:
    def never(origin: Origin) -> Path:
        raise AssertionError(origin)

    found = only(lint(remote_package(tmp_path, source, kind), fetch=never))
    assert why in missing(found)


def test_a_source_that_the_package_does_not_have_has_no_address(tmp_path: Path) -> None:
    root = remote_package(tmp_path, SOURCE)
    file = root / "deploy" / "wiki" / "manifests" / "release.yaml"
    file.write_text(file.read_text().partition("---")[0])
    found = only(lint(root, fetch=lambda _: tmp_path))
    assert "HelmRepository charts is not in the package, so that nobody knows" in missing(found)


def test_the_command_fetches(
    server: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    root = remote_package(tmp_path, {"url": f"http://{server.address}/charts"})
    server.has_repository(packed(tmp_path / "wiki"))
    monkeypatch.setattr(sys, "argv", ["x", "app", str(root), "--fetch"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("level 3  wiki")
    assert "--fetch" not in out


def test_a_description_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = remote_package(tmp_path, SOURCE)
    monkeypatch.setattr(sys, "argv", ["x", "app", str(root), "--app-description=about.yaml"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "about.yaml: no such file" in capsys.readouterr().err


def test_a_fetch_that_fails_is_not_tried_twice(tmp_path: Path) -> None:
    tried = []

    def fetch(origin: Origin) -> Path:
        tried.append(str(origin))
        raise HarnessError("not today")

    found = only(lint(remote_package(tmp_path, SOURCE), fetch=fetch))
    assert missing(found) == f"{MISSING} (not today)"
    assert tried == [f"wiki {VERSION} of https://charts.example/stable"]
