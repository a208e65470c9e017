"""Which apps the linter finds in a tree, and what it takes their parts for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from conformance.linter.app import AppPackage
from conformance.linter.detection import detect
from conformance.linter.reading.tree import Tree


class NoCharts:
    def render(self, *_, **__):
        raise AssertionError("there is no chart to render")


def apps_in(root: Path) -> list[AppPackage]:
    return [one for one in detect(Tree.read(root), NoCharts()) if not one.rest]


def rest_in(root: Path) -> AppPackage | None:
    found = detect(Tree.read(root), NoCharts())
    return next((one for one in found if one.rest), None)


def write(root: Path, files: dict[str, object]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        documents = content if isinstance(content, list) else [content]
        text = content if isinstance(content, str) else yaml.safe_dump_all(documents)
        file.write_text(text)
    return root


def kustomization(name: str, path: str, *, sources=(), depends=(), repository="apps"):
    spec = {
        "interval": "5m",
        "path": path,
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": repository},
        "dependsOn": [{"name": one} for one in depends],
    }
    if sources:
        spec["postBuild"] = {
            "substituteFrom": [
                dict(zip(("kind", "name"), one.split(), strict=True)) for one in sources
            ]
        }
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": spec,
    }


def release(name: str, **spec: object):
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": {
            "chart": {
                "spec": {
                    "chart": name,
                    "version": "1.0.0",
                    "sourceRef": {"kind": "HelmRepository", "name": name},
                }
            },
            **spec,
        },
    }


def config_map(name: str, namespace: str = "apps", **data: str):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def string_secret(name: str, *fields: str):
    return {
        "apiVersion": "secretgenerator.mittwald.de/v1alpha1",
        "kind": "StringSecret",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"fields": [{"fieldName": field} for field in fields]},
    }


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


def test_a_folder_without_kustomization_file_is_every_file_in_it(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/more/deep/values.yml": config_map("values"),
        },
    )
    [app] = apps_in(tmp_path)
    assert {one.kind for one in app.kustomizations[0].members} == {"HelmRelease", "ConfigMap"}


def test_a_folder_with_one_is_what_that_names(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/unused.yaml": config_map("unused"),
            "app/kustomization.yaml": {
                "resources": ["release.yaml"],
                "namespace": "elsewhere",
                "namePrefix": "our-",
                "configMapGenerator": [{"name": "made", "literals": ["a=b"]}],
            },
        },
    )
    [app] = apps_in(tmp_path)
    assert [str(one) for one in app.kustomizations[0].members] == [
        "HelmRelease elsewhere/our-app",
        "ConfigMap elsewhere/our-made",
    ]


@pytest.mark.parametrize(
    "labels",
    [
        {"labels": [{"pairs": {"app": "web"}, "includeSelectors": True}]},
        {"commonLabels": {"app": "web"}},
    ],
)
def test_labels_for_selectors_select_the_pods_that_they_are_on(labels, tmp_path):
    def manifest(kind: str, spec: object):
        return {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}

    template = {"metadata": {"labels": {"more": "yes"}}, "spec": {}}
    write(
        tmp_path,
        {
            "web.yaml": kustomization("web", "./web"),
            "web/all.yaml": [
                manifest("Deployment", {"template": template}),
                manifest("Service", {"ports": []}),
                manifest("ConfigMap", {}),
            ],
            "web/kustomization.yaml": {"resources": ["all.yaml"], **labels},
        },
    )
    [app] = apps_in(tmp_path)
    found = {one.kind: one.value["spec"] for one in app.kustomizations[0].members}
    assert found == {
        "Deployment": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"more": "yes", "app": "web"}}, "spec": {}},
        },
        "Service": {"ports": [], "selector": {"app": "web"}},
        "ConfigMap": {},
    }


def test_an_app_is_judged_as_its_patches_leave_it(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/release.yaml": release("app"),
            "app/patch.yaml": release("app", interval="1h"),
            "app/kustomization.yaml": {
                "resources": ["release.yaml"],
                "patches": [{"path": "patch.yaml"}],
            },
        },
    )
    [app] = apps_in(tmp_path)
    assert len(app.releases) == 1
    assert app.releases[0].manifest.get("spec", "interval") == "1h"
    assert not any("patches" in why for one in app.installations for why in one.missing)


def test_values_are_merged_in_order_and_know_their_lines(tmp_path):
    write(
        tmp_path,
        {
            "release.yaml": release(
                "app",
                valuesFrom=[
                    {"kind": "ConfigMap", "name": "first"},
                    {"kind": "ConfigMap", "name": "second", "valuesKey": "more.yaml"},
                    {"kind": "Secret", "name": "none", "optional": True},
                ],
                values={"c": {"inline": True}},
            ),
            "first.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: first, namespace: apps}\n"
            "data:\n  values.yaml: |\n    a: 1\n    b:\n      x: 1\n      y: 1\n",
            "second.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: second, namespace: apps}\n"
            "data:\n  more.yaml: |\n    b:\n      y: 2\n",
        },
    )
    [app] = apps_in(tmp_path)
    [found] = app.releases
    assert found.values == {"a": 1, "b": {"x": 1, "y": 2}, "c": {"inline": True}}
    assert (found.place("b", "x").file, found.place("b", "x").line) == ("first.yaml", 8)
    assert (found.place("b", "y").file, found.place("b", "y").line) == ("second.yaml", 7)
    assert found.place("c", "inline").file == "release.yaml"


def test_of_two_equal_keys_in_values_the_last_counts_and_is_told(tmp_path):
    given = config_map("given", **{"values.yaml": "a: 1\nb: 2\na: 3\n"})
    chain = [{"kind": "ConfigMap", "name": "given"}]
    write(tmp_path, {"release.yaml": [release("app", valuesFrom=chain), given]})
    [found] = apps_in(tmp_path)[0].releases
    assert found.values == {"a": 3, "b": 2}
    assert "twice" in found.sources[0].repeated


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


def test_a_link_in_the_tree_is_applied_as_what_it_leads_to(tmp_path):
    write(
        tmp_path,
        {
            "app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml": {"resources": ["release.yaml"]},
            "shared/release.yaml": release("app"),
        },
    )
    (tmp_path / "app" / "release.yaml").symlink_to("../shared/release.yaml")
    (tmp_path / "LICENSE").symlink_to("../LICENSE")

    [app] = apps_in(tmp_path)

    assert [one.name for one in app.releases] == ["app"]
    assert (list(app.problems), [k.problems for k in app.kustomizations]) == ([], [()])
    assert [one for one in app.neighbours if one.kind == "HelmRelease"] == []
    assert app.linked == ("app/release.yaml",)


def test_a_link_that_leads_out_is_a_problem_only_where_it_is_needed(tmp_path):
    root = write(
        tmp_path / "tree",
        {
            "named.yaml": kustomization("named", "./named"),
            "named/kustomization.yaml": {"resources": ["release.yaml", "out.yaml"]},
            "named/release.yaml": release("named"),
            "scanned.yaml": kustomization("scanned", "./scanned"),
            "scanned/release.yaml": release("scanned"),
        },
    )
    (tmp_path / "out.yaml").write_text("a: b\n")
    for folder in ("named", "scanned", "."):
        (root / folder / "out.yaml").symlink_to(tmp_path / "out.yaml")
        (root / folder / "NOTES.md").symlink_to("nowhere")

    [named, scanned] = apps_in(root)

    [refused] = named.kustomizations[0].problems
    assert "symbolic link that cannot be followed: it leads out of the package" in refused.message
    assert [one.place.file for one in scanned.problems] == ["scanned/out.yaml"]
    assert list(named.problems) == []
