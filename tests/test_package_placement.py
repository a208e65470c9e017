"""Where a package's files go in the tracked repository, and what it may not bring there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from conformance.apps.package.given import read_apps
from conformance.apps.package.placement import Placement, place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.refusals import Reach, refusals
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.platform.reference.content import PLATFORM_CHARTS

pytestmark = pytest.mark.usefixtures("one_renderer")

PACKAGES = data_root() / "fixtures" / "packages"


def placed(root: Path) -> Placement:
    [app] = read_apps(root)
    return place(app)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Make a copy of good packages that a test may break."""
    shutil.copytree(PACKAGES, tmp_path / "packages")
    return tmp_path / "packages"


def test_the_paths_of_kustomizations_and_releases_say_where_files_go() -> None:
    found = placed(PACKAGES / "existing-claims")
    assert found.problems == ()
    assert found.entry == "packages/wiki.yaml"
    assert {"deploy/wiki/manifests/release.yaml", "helm/wiki/Chart.yaml"} <= set(found.files)
    assert sorted(found.kustomizations) == ["add-wiki", "wiki", "wiki-secrets"]
    assert [one.name for one in found.releases] == ["wiki"]
    [entry] = yaml.safe_load_all(found.files["flux2/packages/wiki.yaml"])
    assert entry["metadata"]["name"] == "add-wiki"


def test_a_part_of_a_repository_goes_where_it_is_in_the_repository(copied: Path) -> None:
    (copied / "static-site" / "website" / "public" / "conformance.yaml").write_text("{}")
    found = placed(copied / "static-site" / "website")
    assert set(found.files) == {
        "flux2/packages/pages.yaml",
        *(f"website/public/{name}.yaml" for name in ("content", "server", "web")),
    }


def test_objects_without_a_kustomization_get_one(copied: Path) -> None:
    folder = copied / "static-site" / "website"
    found = placed(folder / "public")
    assert found.kustomizations == ["pages"]
    [made] = yaml.safe_load_all(found.files["flux2/packages/pages.yaml"])
    assert made["spec"]["path"] == "./flux2/packages/pages"
    assert sum(path.startswith("flux2/packages/pages/") for path in found.files) == 3


def test_a_package_of_another_repository_takes_everything_from_the_tracked_one(
    copied: Path,
) -> None:
    root = copied / "remote-chart"
    assert placed(root).problems == (
        "chart forgejo of HelmRepository forgejo is not in the package: name a chart in its place"
        " in conformance.yaml (charts), or use --fetch",
    )
    shutil.copytree(copied / "single-chart", root / "forgejo-chart")
    (root / "conformance.yaml").write_text("charts: [{chart: forgejo, path: forgejo-chart}]")
    found = placed(root)
    assert found.problems == ()
    assert "charts/forgejo-forgejo/Chart.yaml" in found.files
    release = yaml.safe_load(found.files["apps/forge/forgejo/forgejo-release.yaml"])
    assert release["spec"]["chart"]["spec"] == {
        "chart": "./charts/forgejo-forgejo",
        "sourceRef": {"kind": "GitRepository", "name": "stackspin", "namespace": "flux-system"},
        "reconcileStrategy": "ChartVersion",
    }
    entry = yaml.safe_load(found.files["flux2/packages/forgejo.yaml"])
    assert entry["spec"]["sourceRef"]["name"] == "stackspin"
    [chart] = found.app.charts
    assert (chart.folder, chart.name) == ("charts/forgejo-forgejo", "polls")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("./website/publik", "applies ./website/publik, which is not in the package"),
        ("./", "that is the platform's whole tree"),
        ("./flux2/infrastructure/nginx", "applies ./flux2/infrastructure/nginx, which is not"),
    ],
)
def test_what_cannot_be_placed_is_said(path: str, problem: str, copied: Path) -> None:
    file = copied / "static-site" / "website" / "sync.yaml"
    file.write_text(file.read_text().replace("./website/public", path))
    [app, *_] = read_apps(copied / "static-site")
    assert problem in " ".join(place(app).problems)


def test_files_of_the_platform_are_not_replaced(copied: Path) -> None:
    root = copied / "static-site"
    (root / "flux2").mkdir()
    (root / "website" / "public").rename(root / "flux2" / "infrastructure")
    file = root / "website" / "sync.yaml"
    file.write_text(file.read_text().replace("./website/public", "./flux2/infrastructure"))
    assert "belongs to the platform" in " ".join(placed(root).problems)


@pytest.mark.parametrize("key", ["resources", "components", "generators"])
def test_a_kustomization_yaml_cannot_name_files_of_the_platform(key: str, copied: Path) -> None:
    folder = copied / "static-site" / "website" / "public"
    (folder / "kustomization.yaml").write_text(
        f"resources: [server.yaml]\n{key}: [../../flux2/infrastructure/backups]\n"
        if key != "resources"
        else "resources: [server.yaml, ../../flux2/infrastructure/backups]\n"
    )
    problems = placed(copied / "static-site").problems
    assert any("names ../../flux2/infrastructure/backups" in one for one in problems), problems


def test_a_chart_where_the_platform_has_one_gets_another_place(copied: Path) -> None:
    root = copied / "miniflux"
    (root / "charts" / "miniflux").rename(root / "charts" / "hydra")
    for file in root.rglob("*.yaml"):
        file.write_text(file.read_text().replace("charts/miniflux", "charts/hydra"))
    found = placed(root)
    assert found.problems == ()
    assert "charts/miniflux-charts-hydra/Chart.yaml" in found.files
    assert not any(path.startswith("charts/hydra/") for path in found.files)
    [release] = found.releases
    assert release.chart is not None
    assert release.chart.folder == "charts/miniflux-charts-hydra"


def test_the_charts_of_the_platform_are_all_but_those_of_apps() -> None:
    there = {one.name for one in (data_root() / "charts").iterdir()}
    assert there - {"notes", "wordpress"} == set(PLATFORM_CHARTS)


def test_where_there_is_nothing_to_install_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Nothing here.")
    assert placed(tmp_path).problems == (f"{tmp_path.name} has nothing that Flux could install",)


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_a_reference_app_does_nothing_that_is_refused(app: str, tmp_path: Path) -> None:
    found = place(reference_copy(Package(data_root()), app, f"{app}-given", tmp_path))
    assert (found.problems, refusals(found.app)) == ((), [])


@pytest.mark.parametrize("name", sorted(one.name for one in PACKAGES.iterdir() if one.is_dir()))
def test_good_packages_do_nothing_that_is_refused(name: str) -> None:
    for app in read_apps(PACKAGES / name):
        assert refusals(place(app).app) == []


POD = """
apiVersion: v1
kind: Pod
metadata: {name: tool, namespace: stackspin-apps}
spec:
  hostNetwork: true
  volumes: [{name: node, hostPath: {path: /var/lib}}]
  containers:
    - name: tool
      image: docker.io/example/tool:1
      ports: [{containerPort: 80, hostPort: 80}]
      securityContext: {privileged: true}
"""


def an_object(kind: str, name: str, namespace: str = "", more: str = "") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}{where}}}\n{more}\n"


def a_role(rule: str, namespace: str = "stackspin-apps") -> str:
    return an_object("Role", "x", namespace, f"rules: [{rule}]")


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (an_object("ClusterRole", "reader"), ["ClusterRole reader: belongs to the whole cluster"]),
        (an_object("ConfigMap", "x", "velero"), ["the namespace velero is the platform's"]),
        (an_object("ConfigMap", "x", "kube-system"), ["the namespace kube-system is the"]),
        (an_object("Namespace", "stackspin"), ["Namespace stackspin: is the platform's"]),
        (an_object("Namespace", "stackspin-apps"), ["Namespace stackspin-apps: is the platform's"]),
        (an_object("Namespace", "pages"), []),
        (an_object("Deployment", "x", "flux-system"), ["put no Deployment into flux-system"]),
        (an_object("ConfigMap", "x", "flux-system"), ["only variables (stackspin-APP-variables)"]),
        (an_object("ConfigMap", "stackspin-x-kustomization-variables", "flux-system"), []),
        (
            an_object("StringSecret", "stackspin-cluster-variables", "flux-system"),
            ["the platform has this object"],
        ),
        (
            an_object("CustomResourceDefinition", "x", more="spec: {group: source.fluxcd.io}"),
            ["the API group source.fluxcd.io is the platform's"],
        ),
        (an_object("CustomResourceDefinition", "x", more="spec: {group: pages.example}"), []),
        (
            an_object(
                "RoleBinding", "x", "stackspin-apps", "roleRef: {kind: ClusterRole, name: edit}"
            ),
            ["gives the role edit over what other apps have"],
        ),
        (
            an_object(
                "RoleBinding", "x", "stackspin-apps", "roleRef: {kind: ClusterRole, name: view}"
            ),
            [],
        ),
        (
            an_object(
                "RoleBinding", "x", "stackspin-apps", "roleRef: {kind: ClusterRole, name: velero}"
            ),
            ["gives the role velero over what other apps have"],
        ),
        (a_role("{resources: ['*'], verbs: [get]}"), ["rights over the objects of other apps"]),
        (a_role("{resources: [secrets], verbs: [list]}"), ["over the Secrets of other apps"]),
        (a_role("{resources: [pods], verbs: [get, delete]}"), ["over the pods of other apps"]),
        (a_role("{resources: [secrets], verbs: ['*'], resourceNames: [own]}"), []),
        (a_role("{resources: [pods, configmaps], verbs: [get, list, watch]}"), []),
        (a_role("{resources: ['*'], verbs: ['*']}", "of-its-own"), []),
        (an_object("FlowSchema", "x"), ["FlowSchema x: belongs to the whole cluster"]),
        (
            an_object(
                "Secret",
                "stackspin-x-variables",
                "flux-system",
                "type: kubernetes.io/service-account-token",
            ),
            ["only Secrets of the type Opaque"],
        ),
        (
            an_object("Service", "x", "stackspin-apps", "spec: {externalIPs: [10.96.0.1]}"),
            ["takes what is sent to 10.96.0.1 (externalIPs)"],
        ),
        (
            an_object(
                "Kustomization",
                "x",
                "flux-system",
                "spec: {path: ./flux2/./infrastructure/flux, sourceRef: {name: stackspin}}",
            ),
            ["applies flux2/infrastructure/flux, which is the platform's"],
        ),
        (
            an_object("HelmRelease", "x", "stackspin-apps", "spec: {storageNamespace: stackspin}"),
            ["its storageNamespace stackspin is the platform's"],
        ),
        (
            an_object("Pod", "x", "stackspin-apps", "spec: {priorityClassName: system-x}"),
            ["with the priority system-x"],
        ),
        (
            an_object(
                "Pod",
                "x",
                "stackspin-apps",
                "spec: {containers: [{name: c, securityContext: {capabilities:"
                " {add: [SYS_ADMIN, CHOWN]}}}]}",
            ),
            ["container c has the capability SYS_ADMIN"],
        ),
        (
            an_object("HelmRelease", "x", "stackspin-apps", "spec: {targetNamespace: stackspin}"),
            ["its targetNamespace stackspin is the platform's"],
        ),
        (
            POD,
            [
                "with hostNetwork the pod",
                "container tool is privileged",
                "takes port 80 of the node",
                "mounts /var/lib of the node (hostPath)",
            ],
        ),
    ],
)
def test_what_a_package_may_not_do_is_told_with_its_reason(
    text: str, reasons: list[str], copied: Path
) -> None:
    (copied / "static-site" / "website" / "public" / "more.yaml").write_text(text)
    app = placed(copied / "static-site").app
    found = refusals(app)
    assert len(found) == len(reasons), found
    for reason in reasons:
        assert any(reason in line for line in found), (reason, found)
    words = {line.rpartition("refused without --allow ")[2].rstrip(")") for line in found}
    assert len(words) <= 1
    assert refusals(app, words) == []
    assert refusals(app, {one.value for one in Reach} - words) == found


def test_a_chart_alone_gets_a_flux_package_with_the_values_of_its_description(
    tmp_path: Path,
) -> None:
    described = tmp_path / "conformance.yaml"
    described.write_text("values: {title: 'Polls at ${host}'}")
    [app] = read_apps(PACKAGES / "single-chart")
    plain = place(app)
    assert plain.problems == ()
    assert plain.kustomizations == ["polls", "polls-secrets", "add-polls"]
    app = type(app)(app.root, app.tree, app.app, described)
    [release] = place(app).releases
    assert [one.name for one in release.sources][:2] == [
        "ConfigMap stackspin-polls-values",
        "ConfigMap stackspin-polls-override",
    ]
    assert release.values["title"].startswith("Polls at polls.")


def test_what_a_description_of_a_chart_alone_leaves_open_is_drafted(tmp_path: Path) -> None:
    described = tmp_path / "conformance.yaml"
    described.write_text(
        "host: books.${domain}\n"
        "values: {ingress: {host: '${host}'}, script: 'echo $${HOME}'}\n"
        "secrets: [{name: wiki-database, data: {password: '${generated}'}}]\n"
    )
    [app] = read_apps(PACKAGES / "existing-claims" / "helm" / "wiki")
    found = place(type(app)(app.root, app.tree, app.app, described))
    [release] = found.releases
    assert release.values["ingress"]["host"] == "books.stackspin.example"
    assert release.values["script"] == "echo ${HOME}"
    made = {(one.kind, one.name) for one in found.app.written}
    assert ("PersistentVolumeClaim", "wiki-data") in made
    assert ("StringSecret", "stackspin-wiki-oauth-variables") in made
    # One Secret is made by hand, as the description says; the other one with the package.
    assert {name for kind, name in made if kind == "Secret"} == {"wiki-oidc"}
