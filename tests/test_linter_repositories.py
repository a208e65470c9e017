"""Trees shaped as public ones are: composed artifacts, shared folders, parts of a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_trees import apps_in, config_map, kustomization, release, rest_in, write

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import all_rules

KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "${claim:-${app}-data}", "namespace": "apps"},
    "spec": {"storageClassName": "${class:=local-path}"},
}


def of(rule: str, app: AppPackage | None) -> tuple[list[str], list[str]]:
    """Return what a rule finds, and what it cannot judge."""
    found = list(all_rules()[rule].check(app)) if app is not None else []
    problems = [one.message for one in found if isinstance(one, Problem)]
    return problems, [one.reason for one in found if isinstance(one, NotRun)]


def everywhere(rule: str, root: Path) -> tuple[list[str], list[str]]:
    """Return the same of all apps of a tree, and of what belongs to none."""
    found = [of(rule, app) for app in (*apps_in(root), rest_in(root))]
    return [one for problems, _ in found for one in problems], [
        one for _, reasons in found for one in reasons
    ]


def composed(name: str, path: str) -> dict[str, object]:
    one = kustomization(name, path)
    one["spec"]["sourceRef"] = {"kind": "ExternalArtifact", "name": "apps"}
    return one


def composer(cluster: str) -> dict[str, object]:
    return {
        "apiVersion": "source.extensions.fluxcd.io/v1beta1",
        "kind": "ArtifactGenerator",
        "metadata": {"name": "flux-system", "namespace": "flux-system"},
        "spec": {
            "sources": [{"alias": "it", "kind": "GitRepository", "name": "flux-system"}],
            "artifacts": [
                {
                    "name": "apps",
                    "copy": [
                        {"from": "@it/apps/base/**", "to": "@artifact/base/"},
                        {"from": f"@it/apps/{cluster}/**", "to": f"@artifact/{cluster}/"},
                    ],
                }
            ],
        },
    }


def two_clusters(path: str) -> dict[str, object]:
    """Return two clusters whose Kustomization has ``path`` in an artifact; {} is the cluster."""
    files: dict[str, object] = {
        "apps/base/kustomization.yaml": {**KUSTOMIZE, "resources": ["release.yaml"]},
        "apps/base/release.yaml": release("wiki"),
    }
    for name in ("one", "two"):
        files |= {
            f"clusters/{name}/root.yaml": kustomization("root", f"./clusters/{name}"),
            f"clusters/{name}/apps.yaml": composed("apps", path.format(name)),
            f"clusters/{name}/artifacts.yaml": composer(name),
            f"apps/{name}/kustomization.yaml": {
                **KUSTOMIZE,
                "resources": ["../base"],
                "commonAnnotations": {"example.org/cluster": name},
            },
        }
    return files


def test_a_path_in_a_composed_artifact_leads_to_where_that_comes_from(tmp_path: Path) -> None:
    root = write(tmp_path, two_clusters("./{}"))

    assert [(app.name, app.path) for app in apps_in(root)] == [
        ("apps", "apps/one"),
        ("apps", "apps/two"),
    ]
    for rule in ("kustomization.path", "schema.duplicate"):
        assert everywhere(rule, root) == ([], [])
    assert "ExternalArtifact" not in str(everywhere("reference.source", root))


def test_a_folder_that_a_composed_artifact_has_not_is_missing(tmp_path: Path) -> None:
    root = write(tmp_path, two_clusters("./{}/wikis"))

    problems, _ = everywhere("kustomization.path", root)
    assert problems == [
        'Kustomization apps applies "./one/wikis", which does not exist',
        'Kustomization apps applies "./two/wikis", which does not exist',
    ]


def repository(name: str, url: str) -> dict[str, object]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"url": url},
    }


@pytest.mark.parametrize("path", ["./deploy", "./", "./apps"])
def test_a_path_in_another_repository_is_none_of_this_one(path: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "cluster/root.yaml": kustomization("root", "./cluster", repository="home"),
            "cluster/home.yaml": repository("home", "ssh://git@example.org/me/home.git"),
            "cluster/apps.yaml": kustomization("wiki", "./apps", repository="home"),
            "cluster/other.yaml": kustomization("other", path, repository="other"),
            "cluster/source.yaml": repository("other", "https://example.org/them/other"),
            "apps/release.yaml": release("wiki"),
        },
    )

    assert [app.name for app in apps_in(root)] == ["wiki"]
    assert everywhere("kustomization.path", root) == (
        [],
        [f"{path} of Kustomization other is outside of PATH"],
    )


def test_a_second_source_of_the_same_repository_is_the_repository(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "cluster/root.yaml": kustomization("root", "./cluster", repository="home"),
            "cluster/home.yaml": repository("home", "ssh://git@example.org/me/home.git"),
            "cluster/apps.yaml": kustomization("wiki", "./apps", repository="home"),
            "cluster/next.yaml": kustomization("next", "./aps", repository="next"),
            "cluster/source.yaml": repository("next", "https://example.org/me/home"),
            "apps/release.yaml": release("wiki"),
        },
    )

    problems, _ = everywhere("kustomization.path", root)
    assert problems == ['Kustomization next applies "./aps", which does not exist']


def with_claims(**claims: str) -> dict[str, object]:
    """Return apps that share a folder with a claim, and are given claims of these names."""
    files: dict[str, object] = {
        "templates/kustomization.yaml": {**KUSTOMIZE, "resources": ["claim.yaml"]},
        "templates/claim.yaml": CLAIM,
    }
    for name, claim in claims.items():
        one = kustomization(name, f"./apps/{name}")
        one["spec"]["postBuild"] = {"substitute": {"app": name}}
        files |= {
            f"apps/{name}.yaml": one,
            f"apps/{name}/kustomization.yaml": {
                **KUSTOMIZE,
                "resources": ["release.yaml", "../../templates"],
            },
            f"apps/{name}/release.yaml": release(
                name, values={"persistence": {"existingClaim": claim}}
            ),
        }
    return files


def test_a_folder_that_several_apps_share_is_a_part_of_each(tmp_path: Path) -> None:
    root = write(tmp_path, with_claims(wiki="wiki-data", board="board-data", pad="wiki-data"))
    apps = {app.name: app for app in apps_in(root)}

    assert {
        name: [
            (one.name, one.get("spec", "storageClassName")) for one in app.objects(CLAIM["kind"])
        ]
        for name, app in apps.items()
    } == {name: [(f"{name}-data", "local-path")] for name in ("wiki", "board", "pad")}
    assert all(of("claims.missing", app)[0] == [] for app in apps.values())


def test_a_claim_that_no_app_makes_of_a_shared_folder_is_missing(tmp_path: Path) -> None:
    root = write(tmp_path, with_claims(wiki="wiki-files", board="board-data"))
    found = {app.name: of("claims.missing", app)[0] for app in apps_in(root)}

    assert found["board"] == []
    assert found["wiki"] == [
        'persistence.existingClaim is "wiki-files", and the package has no such claim'
    ]


def test_of_a_part_of_a_repository_nothing_is_said_of_the_rest(tmp_path: Path) -> None:
    one = kustomization("wiki", "./cluster/apps/wiki", depends=["storage"], repository="home")
    one["spec"]["targetNamespace"] = "wikis"
    secret = {**config_map("login"), "kind": "Secret", "sops": {"mac": "x"}}
    files: dict[str, object] = {
        "flux.yaml": one,
        "wiki/release.yaml": release("wiki", values={"existingClaim": "wiki-data"}),
        "wiki/login.yaml": secret,
        "wiki/source.yaml": repository("pad", "https://example.org/pad"),
    }
    part = write(tmp_path / "home" / "cluster" / "apps", files)
    whole = write(tmp_path / "whole", {f"cluster/apps/{path}": one for path, one in files.items()})
    rules = ("reference.depends-on", "reference.namespace", "secrets.decryption", "claims.missing")

    [app] = apps_in(part)
    assert {rule: of(rule, app) for rule in rules} == {
        rules[0]: ([], ['"storage" is not in PATH: it is not known whether it exists']),
        rules[1]: ([], ["namespace wikis is not in PATH: it is not known whether it exists"]),
        rules[2]: (
            [],
            ["what applies Kustomization wiki may be outside of PATH, and add spec.decryption"],
        ),
        rules[3]: ([], ["chart wiki of HelmRepository wiki is not in the package"]),
    }
    [app] = apps_in(whole)
    assert all(len(of(rule, app)[0]) == 1 for rule in rules)


@pytest.mark.parametrize(("depends", "said"), [((), 1), (("settings",), 0)])
def test_variables_that_come_with_the_kustomization_itself_are_waited_for(
    depends: tuple[str, ...], said: int, tmp_path: Path
) -> None:
    root = write(
        tmp_path,
        {
            "cluster/root.yaml": kustomization("root", "./cluster"),
            "cluster/set.yaml": config_map("set", "flux-system", title="Wiki"),
            "cluster/apps.yaml": kustomization("apps", "./apps", sources=["ConfigMap set"]),
            "cluster/settings.yaml": kustomization("settings", "./settings"),
            "settings/more.yaml": config_map("more", "flux-system", colour="blue"),
            "apps/more.yaml": kustomization(
                "more", "./more", sources=["ConfigMap set", "ConfigMap more"], depends=depends
            ),
            "more/config.yaml": config_map("wiki", title="${title}", colour="${colour}"),
            **{f"{name}/release.yaml": release(name) for name in ("wiki", "pad")},
            **{
                f"cluster/{name}.yaml": kustomization(name, f"./{name}") for name in ("wiki", "pad")
            },
        },
    )

    problems, _ = everywhere("kustomization.order", root)
    assert len(problems) == said, problems


def with_variables(path: str, **variables: str) -> dict[str, object]:
    """Return an app in ``path``, applied by a Kustomization that fills in these variables."""
    root = kustomization("flux-system", "./cluster")
    root["spec"]["postBuild"] = {"substitute": variables}
    app = kustomization("wiki", path)
    app["spec"]["targetNamespace"] = "${space:=apps}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}
    return {
        "cluster/flux-system/gotk-sync.yaml": root,
        "cluster/wiki.yaml": app,
        "cluster/space.yaml": namespace,
        "apps/prod/config.yaml": config_map("wiki", ""),
        "apps/prod/release.yaml": release("wiki"),
    }


def test_a_kustomization_has_the_variables_of_what_applies_it(tmp_path: Path) -> None:
    root = write(tmp_path, with_variables("./apps/${stage}", stage="prod"))

    [app] = apps_in(root)
    assert (app.name, app.path) == ("wiki", "apps/prod")
    assert {one.namespace for one in app.objects("ConfigMap")} == {"apps"}
    for rule in ("kustomization.path", "reference.namespace", "schema.names"):
        assert everywhere(rule, root) == ([], [])


def test_a_folder_that_variables_lead_to_may_be_missing(tmp_path: Path) -> None:
    root = write(tmp_path, with_variables("./apps/${stage}", stage="test"))

    problems, _ = everywhere("kustomization.path", root)
    assert problems == ['Kustomization wiki applies "./apps/test", which does not exist']


def test_where_an_unknown_variable_leads_is_not_known(tmp_path: Path) -> None:
    root = write(tmp_path, with_variables("./apps/${stage}", other="prod"))

    assert everywhere("kustomization.path", root) == (
        [],
        ["where ./apps/${stage} of Kustomization wiki leads is not known"],
    )


def test_the_root_of_a_repository_is_above_the_folder_of_flux(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "flux-system/gotk-sync.yaml": kustomization("flux-system", "./"),
            "wiki.yaml": release("wiki"),
        },
    )

    [app] = apps_in(root)
    assert everywhere("kustomization.applied", root) == ([], [])
    assert [one.name for one in app.kustomizations] == ["flux-system"]


@pytest.mark.parametrize(("url", "said"), [("them/wiki", 0), ("me/home", 1)])
def test_a_chart_in_another_repository_is_not_missing(url: str, said: int, tmp_path: Path) -> None:
    chart = {"chart": "./wiki", "sourceRef": {"kind": "GitRepository", "name": "wiki"}}
    root = write(
        tmp_path,
        {
            "cluster/root.yaml": kustomization("root", "./cluster", repository="home"),
            "cluster/home.yaml": repository("home", "https://example.org/me/home.git"),
            "cluster/wiki.yaml": repository("wiki", f"https://example.org/{url}"),
            "cluster/release.yaml": release("wiki", chart={"spec": chart}),
        },
    )

    problems, _ = everywhere("reference.chart", root)
    assert len(problems) == said


def test_what_another_repository_has_applies_nothing_of_this_one(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "cluster/root.yaml": kustomization("root", "./cluster", repository="home"),
            "cluster/home.yaml": repository("home", "https://example.org/me/home"),
            "cluster/apps.yaml": kustomization("wiki", "./wiki", repository="home"),
            "cluster/other.yaml": kustomization("other", "./pad", repository="other"),
            "cluster/source.yaml": repository("other", "https://example.org/them/other"),
            "wiki/release.yaml": release("wiki"),
            "pad/release.yaml": release("pad"),
        },
    )

    [problem] = everywhere("kustomization.applied", root)[0]
    assert problem.startswith("no Kustomization of the tree leads to HelmRelease pad")
