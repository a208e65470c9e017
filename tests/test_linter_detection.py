"""Which apps the linter finds in a tree, and what it takes their parts for."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_trees import apps_in, config_map, kustomization, release, rest_in, string_secret, write

from conformance.linter.detection import detect
from conformance.linter.reading.tree import Tree


@pytest.fixture
def two_apps(tmp_path: Path) -> Path:
    """``do`` and its test instance share their secrets, as in real packages."""
    return write(
        tmp_path / "tree",
        {
            "apps/do-kustomization.yaml": kustomization("add-do", "./apps/do"),
            "apps/do/kustomization.yaml": {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": ["do.yaml", "do-test.yaml", "do-secrets.yaml"],
            },
            "apps/do/do.yaml": kustomization(
                "do", "./apps/do/live", sources=["Secret do-variables"], depends=["do-secrets"]
            ),
            "apps/do/do-test.yaml": kustomization(
                "do-test", "./apps/do/test", sources=["Secret do-variables"], depends=["do-secrets"]
            ),
            "apps/do/do-secrets.yaml": kustomization("do-secrets", "./apps/do/secrets"),
            "apps/do/live/release.yaml": release("do", values={"password": "${password}"}),
            "apps/do/test/release.yaml": release("do-test"),
            "apps/do/secrets/variables.yaml": string_secret("do-variables", "password"),
            "infrastructure/sources.yaml": {
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "HelmRepository",
                "metadata": {"name": "do", "namespace": "apps"},
            },
        },
    )


def test_each_kustomization_that_installs_something_is_an_app(two_apps):
    apps = apps_in(two_apps)
    assert [(app.name, app.path) for app in apps] == [
        ("do", "apps/do/live"),
        ("do-test", "apps/do/test"),
    ]


def test_secrets_that_two_apps_share_are_part_of_both(two_apps):
    for app in apps_in(two_apps):
        assert [k.name for k in app.kustomizations] == [app.name, "do-secrets"]
        assert any(one.kind == "StringSecret" for one in app.written)


def test_the_rest_of_the_tree_is_known_as_neighbours(two_apps):
    [do, _] = apps_in(two_apps)
    assert {one.kind for one in do.neighbours} >= {"HelmRelease", "HelmRepository"}


def test_variables_are_filled_in_the_same_way_each_time(two_apps):
    values = [apps_in(two_apps)[0].releases[0].values["password"] for _ in range(2)]
    assert values[0] == values[1]
    assert len(values[0]) == 32


@pytest.mark.parametrize("inside", ["apps/do", "apps"])
def test_a_part_of_the_repository_is_enough(two_apps, inside):
    apps = apps_in(two_apps / inside)
    assert [app.name for app in apps] == ["do", "do-test"]
    assert all(k.folder is not None for app in apps for k in app.kustomizations)


def test_a_tree_of_repositories_has_the_apps_of_each(tmp_path):
    for name in ("one", "two"):
        write(
            tmp_path / "tree" / name,
            {
                "flux/app.yaml": kustomization("app", "./flux/app", repository=name),
                "flux/app/release.yaml": release(name),
            },
        )
    apps = apps_in(tmp_path / "tree")
    assert [(app.path, app.releases[0].name) for app in apps] == [
        ("one/flux/app", "one"),
        ("two/flux/app", "two"),
    ]


def test_plain_manifests_are_an_app_of_their_own(tmp_path):
    write(
        tmp_path / "site",
        {
            "web.yaml": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web"},
            },
            "config.yaml": config_map("web"),
            "compose.yaml": {"services": {}},
        },
    )
    [app] = apps_in(tmp_path / "site")
    assert app.name == "web"
    assert {one.kind for one in app.written} == {"Deployment", "ConfigMap"}


def test_nothing_to_install_is_no_app(tmp_path):
    write(tmp_path, {"compose.yaml": {"services": {}}, "README.md": "none"})
    assert apps_in(tmp_path) == []


def test_a_broken_file_beside_several_apps_is_told_once(two_apps):
    write(two_apps, {"other/broken.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {"})
    rest = rest_in(two_apps)
    assert [app.problems for app in apps_in(two_apps)] == [[], []]
    assert rest is not None
    assert [problem.place.file for problem in rest.problems] == ["other/broken.yaml"]


def test_kustomizations_that_apply_each_other_end(tmp_path):
    write(
        tmp_path,
        {
            "a/kustomization.yaml": {"resources": ["../b"]},
            "b/kustomization.yaml": {"resources": ["../a", "release.yaml"]},
            "b/release.yaml": release("app"),
            "app.yaml": kustomization("app", "./a", sources=["ConfigMap x"]),
        },
    )
    assert [app.name for app in apps_in(tmp_path)] == ["app"]


@pytest.mark.parametrize("wrong", [None, [], "text", 7, {"spec": []}, {"metadata": "x"}])
def test_wrong_types_are_no_error(tmp_path, wrong):
    base = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease"}
    broken = {**base, **(wrong if isinstance(wrong, dict) else {"spec": wrong, "metadata": wrong})}
    flux = {**kustomization("app", "./app"), "spec": wrong}
    write(tmp_path, {"app/release.yaml": broken, "flux.yaml": flux})
    assert len(apps_in(tmp_path)) == 1


class EmptyCharts:
    def render(self, files, **_):
        assert not [path for path in files if path.startswith("flux2/")]
        return {}


@pytest.mark.parametrize("folder", [".", "charts/board"])
def test_a_chart_may_have_its_flux_package_in_its_folder(folder, tmp_path):
    source = {"kind": "GitRepository", "name": "stackspin"}
    chart = {"chart": "./charts/board", "sourceRef": source}
    write(
        tmp_path / folder,
        {
            "Chart.yaml": {"apiVersion": "v2", "name": "board", "version": "1.0.0"},
            "templates/web.yaml": "kind: {{ .Values.kind }}",
            "flux2/apps/board.yaml": kustomization("board", "./flux2/apps/board"),
            "flux2/apps/board/release.yaml": release("board", chart={"spec": chart}),
        },
    )
    [app] = detect(Tree.read(tmp_path), EmptyCharts())
    [found] = app.releases
    assert found.chart is not None
    assert (found.chart.folder, found.broken) == (folder, False)
    assert not app.problems
