"""What Flux and Helm have made of an app, and what of it is refused."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivered_packages import FakeKube, an_object

from conformance.apps.package.applied import applied
from conformance.apps.package.given import read_apps
from conformance.apps.package.helm_records import deployed_values, made_by
from conformance.apps.package.override import override_in, refuses_unknown, takes_overrides
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.refusals import refusals_as_applied
from conformance.apps.package.taken_hosts import taken_hosts
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.kube.objects import Object, Ref

RELEASE = Ref("v1", "HelmRelease", "notes", "stackspin-apps")


def a_record(
    name: str = "notes", version: int = 1, status: str = "deployed", **record: Any
) -> Object:
    """Return a revision of a release as Helm keeps it."""
    record |= {"version": version, "namespace": "stackspin-apps"}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode())))
    labels = {"owner": "helm", "name": name, "status": status}
    data = {"release": packed.decode()}
    return an_object("Secret", f"{name}.v{version}", labels=labels, data=data)


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_the_reference_apps_take_overrides(app: str, tmp_path: Path) -> None:
    placement = place(reference_copy(Package(data_root()), app, f"{app}-given", tmp_path))
    [release] = placement.releases
    assert takes_overrides(release)
    assert not refuses_unknown(release)
    assert f"ConfigMap stackspin-{app}-given-override" in [one.name for one in release.sources]


def test_a_schema_that_refuses_the_override_is_told_with_what_to_add(tmp_path: Path) -> None:
    reference_copy(Package(data_root()), "notes", "notes-given", tmp_path)
    [schema] = tmp_path.rglob("values.schema.json")
    content = json.loads(schema.read_text())
    del content["properties"]["global"]
    schema.write_text(json.dumps(content))
    [app] = read_apps(tmp_path)
    [release] = place(app).releases
    told = refuses_unknown(release)
    assert told.startswith("values.schema.json of chart notes refuses global")
    assert told.endswith("add global to its properties")


def test_values_of_a_release_are_read_where_helm_keeps_them() -> None:
    secret = a_record(config={"global": {"stackspinConformance": "abc123"}, "title": "x"})
    kube, where = FakeKube(secret, an_object("HelmRelease", "notes", spec={})), RELEASE
    assert deployed_values(kube, where)["title"] == "x"  # type: ignore[arg-type]
    assert override_in(kube, where) == "abc123"  # type: ignore[arg-type]
    kube.objects.remove(secret)
    assert override_in(kube, where) == ""  # type: ignore[arg-type]


def a_pod(name: str, **spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_what_helm_has_made_is_that_of_the_newest_revision_with_its_hooks() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [a_pod("in-a-list")]}
    manifest = yaml.safe_dump_all([a_pod("first"), None, listed])
    hooks = [{"manifest": yaml.safe_dump(a_pod("hook"))}]
    kube = FakeKube(
        an_object("HelmRelease", "notes", spec={}),
        a_record(version=9, manifest=yaml.safe_dump(a_pod("old")), status="superseded"),
        a_record(version=10, manifest=manifest, hooks=hooks, status="failed"),
        a_record("other", version=11, manifest=yaml.safe_dump(a_pod("theirs"))),
    )
    found = [one["metadata"] for one in made_by(kube, RELEASE)]  # type: ignore[arg-type]
    assert {one["name"] for one in found} == {"first", "in-a-list", "hook"}
    assert {one["namespace"] for one in found} == {"stackspin-apps"}


def listing(*ids: str) -> Any:
    return {"inventory": {"entries": [{"id": one, "v": "v1"} for one in ids]}}


def test_what_flux_has_made_of_a_package_is_followed_to_its_end() -> None:
    inner = "flux-system_inner_kustomize.toolkit.fluxcd.io_Kustomization"
    kube = FakeKube(
        an_object("Kustomization", "pages", "flux-system", status=listing(inner)),
        an_object(
            "Kustomization",
            "inner",
            "flux-system",
            status=listing(
                "stackspin-apps_notes_helm.toolkit.fluxcd.io_HelmRelease",
                "_system__reader_rbac.authorization.k8s.io_ClusterRole",
                "stackspin-apps_gone__ConfigMap",
                inner,
            ),
        ),
        an_object("HelmRelease", "notes", spec={}),
        an_object("ClusterRole", "system:reader", None),
        a_record(manifest=yaml.safe_dump(a_pod("web", hostPID=True))),
    )
    roots = [Ref("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "pages", "flux-system")]
    found = applied(kube, roots)  # type: ignore[arg-type]
    names = sorted(f"{one['kind']} {one['metadata']['name']}" for one in found)
    assert names == [
        "ClusterRole system:reader",
        "HelmRelease notes",
        "Kustomization inner",
        "Kustomization pages",
        "Pod web",
    ]
    refused = refusals_as_applied(kube, found)  # type: ignore[arg-type]
    assert len(refused) == 2
    assert refused[0].startswith("ClusterRole system:reader: belongs to the whole cluster")
    assert refused[1].startswith("Pod stackspin-apps/web: with hostPID the pod")
    assert refusals_as_applied(kube, found, ["node", "cluster"]) == []  # type: ignore[arg-type]


def an_ingress(name: str, *hosts: str, namespace: str = "stackspin-apps") -> Object:
    rules = [{"host": one} if one else {} for one in hosts]
    return an_object("Ingress", name, namespace, spec={"rules": rules})


def test_a_host_of_somebody_elses_ingress_is_refused() -> None:
    login, dashboard = (
        an_ingress(name, "dashboard.stackspin.test", namespace="stackspin")
        for name in ("kratos", "dashboard")
    )
    app = an_ingress("app", "app.stackspin.test", "Dashboard.stackspin.test", "")
    kube = FakeKube(login, dashboard, app)
    refused = refusals_as_applied(kube, [app])  # type: ignore[arg-type]
    assert refused == [
        "Ingress stackspin-apps/app: dashboard.stackspin.test is the host of Ingress "
        "stackspin/dashboard (refused without --allow platform)"
    ]
    assert refusals_as_applied(kube, [app], ["platform"]) == []  # type: ignore[arg-type]


def test_hosts_of_the_apps_own_ingresses_are_nobody_elses() -> None:
    split = [an_ingress("pages", "app.stackspin.test"), an_ingress("api", "app.stackspin.test")]
    assert list(taken_hosts(split, split)) == []
    without_host = an_object("Ingress", "any", spec={"defaultBackend": {}})
    assert list(taken_hosts([without_host], [*split, without_host])) == []
