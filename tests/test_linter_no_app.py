"""What belongs to no app of a tree, and what somebody applies by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_trees import apps_in, config_map, kustomization, release, rest_in, write

from conformance.linter.lint import lint

KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
SOURCE = {
    "apiVersion": "source.toolkit.fluxcd.io/v1",
    "kind": "HelmRepository",
    "metadata": {"name": "wiki", "namespace": "apps"},
    "spec": {"url": "https://charts.example.org"},
}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}


def tree(root: Path, files: dict[str, object]) -> Path:
    """Write two apps below one Kustomization, and ``files``."""
    return write(
        root / "tree",
        {
            "root.yaml": kustomization("root", "./all"),
            "all/wiki.yaml": kustomization("wiki", "./apps/wiki"),
            "all/pad.yaml": kustomization("pad", "./apps/pad"),
            "all/sources.yaml": kustomization("sources", "./sources"),
            "sources/wiki.yaml": SOURCE,
            "sources/namespace.yaml": NAMESPACE,
            "apps/wiki/release.yaml": release("wiki"),
            "apps/pad/release.yaml": release("pad"),
            **files,
        },
    )


def of_no_app(root: Path, rule: str) -> list[str]:
    """Return what a rule says of what belongs to no app."""
    [rest] = [one for one in lint(root).apps if one.app.rest] or [None]
    return [one.message for one in rest.findings if one.rule.id == rule] if rest else []


def test_everything_belongs_somewhere(tmp_path):
    root = tree(tmp_path, {})
    apps, rest = apps_in(root), rest_in(root)
    assert [app.name for app in apps] == ["pad", "wiki"]
    assert rest is not None
    assert sorted(one.name for one in rest.kustomizations) == ["root", "sources"]
    there = [*rest.written, *(one for app in apps for one in app.written)]
    files = {path.relative_to(root).as_posix() for path in root.rglob("*.yaml")}
    assert {one.file for one in there} == files
    assert "HelmRepository wiki" in rest.detected


def test_where_nothing_is_wrong_with_it_nobody_hears_of_it(tmp_path):
    result = lint(tree(tmp_path, {}))
    assert [one.name for one in result.apps] == ["pad", "wiki"]


@pytest.mark.parametrize(
    ("path", "content", "rule", "says"),
    [
        (
            "all/more.yaml",
            kustomization("more", "./more", depends=["nobody"]),
            "reference.depends-on",
            "nobody",
        ),
        (
            "sources/more.yaml",
            {**SOURCE, "apiVersion": "source.toolkit.fluxcd.io/v1beta1"},
            "schema.removed-api",
            "v1beta1",
        ),
        (
            "sources/secret.yaml",
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "mirror", "namespace": "apps"},
                "stringData": {"password": "Tr0ub4dor&3xyz"},
            },
            "secrets.committed",
            "mirror",
        ),
        ("all/gone.yaml", kustomization("gone", "./nowhere"), "kustomization.path", "nowhere"),
    ],
)
def test_what_is_wrong_with_it_is_said_once(tmp_path, path, content, rule, says):
    root = tree(tmp_path, {path: content})
    found = [(app.name, one) for app in lint(root).apps for one in app.findings]
    of_rule = [(name, one.message) for name, one in found if one.rule.id == rule]
    assert len(of_rule) == 1, found
    assert of_rule[0][0] == "no app"
    assert says in of_rule[0][1]


def test_what_fails_above_the_apps_is_told_of_these(tmp_path):
    broken = {**KUSTOMIZE, "resources": ["wiki.yaml", "pad.yaml", "sources.yaml", "gone.yaml"]}
    root = tree(tmp_path, {"all/kustomization.yaml": broken})
    assert of_no_app(root, "kustomization.resources") == []
    told = [one.rule.id for app in lint(root).apps for one in app.findings]
    assert told.count("kustomization.resources") == 2


def test_an_override_with_nearly_the_right_name_is_found(tmp_path):
    wanted = [{"kind": "ConfigMap", "name": "stackspin-wiki-override", "optional": True}]
    root = tree(
        tmp_path,
        {
            "apps/wiki/release.yaml": release("wiki", valuesFrom=wanted),
            "all/more.yaml": kustomization("overrides", "./overrides"),
            "overrides/a.yaml": config_map("stackspin-wikki-override"),
            "overrides/b.yaml": config_map("stackspin-nextcloud-override"),
        },
    )
    [message] = of_no_app(root, "reference.override")
    assert "stackspin-wikki-override; did you mean stackspin-wiki-override?" in message


def test_a_source_that_nothing_applies_is_told(tmp_path):
    (tree(tmp_path, {}) / "sources" / "wiki.yaml").unlink()
    root = write(tmp_path / "tree", {"forgotten/wiki.yaml": SOURCE, "forgotten/docs.yaml": {
        **SOURCE, "metadata": {"name": "nobody", "namespace": "apps"}}})  # fmt: skip
    assert of_no_app(root, "kustomization.applied") == [
        "no Kustomization of the tree leads to HelmRepository wiki"
    ]


def test_what_stands_beside_a_root_is_applied_as_that_is(tmp_path):
    (tree(tmp_path, {}) / "sources" / "wiki.yaml").unlink()
    root = write(tmp_path / "tree", {"install/wiki.yaml": SOURCE})
    (root / "root.yaml").rename(root / "install" / "root.yaml")
    assert of_no_app(root, "kustomization.applied") == []


def deployment(name: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": spec,
    }


PATCH = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: apps}, spec: %s}"


def test_an_overlay_without_flux_is_judged_as_kustomize_leaves_it(tmp_path):
    root = write(
        tmp_path,
        {
            "base/kustomization.yaml": {**KUSTOMIZE, "resources": ["web.yaml"]},
            "base/web.yaml": deployment("web", replicas=1),
            "prod/kustomization.yaml": {
                **KUSTOMIZE,
                "resources": ["../base"],
                "patches": [{"patch": PATCH % "{replicas: 3}"}],
            },
        },
    )
    [app] = apps_in(root)
    assert [one.get("spec", "replicas") for one in app.written] == [3]


def test_overlays_of_one_base_are_judged_each(tmp_path):
    files: dict[str, object] = {
        f"overlays/{name}/kustomization.yaml": {
            **KUSTOMIZE,
            "resources": ["../../base"],
            "patches": [{"patch": PATCH % f"{{replicas: {number}}}"}],
        }
        for name, number in (("prod", 3), ("test", 1))
    }
    files["base/kustomization.yaml"] = {**KUSTOMIZE, "resources": ["web.yaml"]}
    files["base/web.yaml"] = deployment("web", replicas=0)
    found = {
        app.path: [one.get("spec", "replicas") for one in app.everything()]
        for app in apps_in(write(tmp_path, files))
    }
    assert found == {"overlays/prod": [3], "overlays/test": [1]}


def test_what_kustomize_refuses_in_an_overlay_is_found(tmp_path):
    root = write(
        tmp_path,
        {
            "prod/kustomization.yaml": {**KUSTOMIZE, "resources": ["web.yaml", "gone.yaml"]},
            "prod/web.yaml": deployment("web"),
        },
    )
    [app] = apps_in(root)
    assert ["gone.yaml" in one.message for one in app.above] == [True]
