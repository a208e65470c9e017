"""A package on a cluster, without the cluster: what is committed, attributed and compared."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from delivered_packages import (
    NAMESPACES,
    ROOT,
    FakeBranch,
    FakeKube,
    a_delivery,
    an_object,
    installed,
)

from conformance.apps.package.delivery import Delivery
from conformance.apps.package.given import read_apps
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import TimeLimit
from conformance.common.errors import HarnessError
from conformance.common.package import Package
from conformance.common.redaction import Redactor
from conformance.common.settings import data_root
from conformance.kube.inventory import everything
from conformance.kube.wait import Wait
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import Flux


def test_a_package_is_listed_beside_its_files_and_leaves_the_repository_as_it_was(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    delivery, branch = a_delivery(kube, {"website/public/web.yaml": "of another app"})
    before = dict(branch.content)
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    listed = yaml.safe_load(branch.content[ROOT_KUSTOMIZATION])["resources"]
    assert listed == ["infrastructure", "packages/pages.yaml"]
    assert branch.content["website/public/web.yaml"] != "of another app"
    delivery.remove()
    assert yaml.safe_load(branch.content.pop(ROOT_KUSTOMIZATION)) == yaml.safe_load(ROOT)
    assert branch.content == {k: v for k, v in before.items() if k != ROOT_KUSTOMIZATION}
    assert [wait.target.kind for wait in no_waiting] == ["Kustomization"]


def test_what_has_come_since_is_the_apps_unless_flux_says_whose_it_is(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    delivery, branch = a_delivery(kube)
    of_flux = "kustomize.toolkit.fluxcd.io/name"

    def install() -> None:
        kube.objects += [
            an_object("ConfigMap", "mine", labels={of_flux: "pages"}),
            an_object("ConfigMap", "made-by-the-app"),
            an_object("ConfigMap", "of-another", labels={of_flux: "notes"}),
            an_object("ConfigMap", "elsewhere", "velero"),
            an_object("Secret", "sh.helm.release.v1.pages.v1", type="helm.sh/release.v1"),
            an_object("ClusterRole", "somebody", None),
            an_object("PersistentVolumeClaim", "pages-data"),
            made_from_a_template,
        ]

    # A StatefulSet's claim has what labels the package gives it.
    made_from_a_template = an_object("PersistentVolumeClaim", "db-0", labels={of_flux: "stackspin"})
    made_from_a_template["metadata"]["managedFields"] = [{"manager": "kube-controller-manager"}]
    branch.flux_does = [install]
    delivery.begin()
    assert {one["metadata"]["name"] for one in delivery.made()} == {
        "mine", "made-by-the-app", "pages-data", "db-0",
    }  # fmt: skip
    assert [one["metadata"]["name"] for one in delivery.claims()] == ["pages-data", "db-0"]


def test_where_helm_puts_objects_and_records_is_looked_at_too(
    kube: FakeKube, tmp_path: Path
) -> None:
    root = tmp_path / "miniflux"
    shutil.copytree(data_root() / "fixtures" / "packages" / "miniflux", root)
    [file] = [one for one in root.rglob("*.yaml") if "kind: HelmRelease" in one.read_text()]
    more = "spec:\n  targetNamespace: readers\n  storageNamespace: records\n"
    file.write_text(file.read_text().replace("spec:\n", more, 1))
    [app] = read_apps(root)
    delivery = Delivery(FakeBranch(kube), place(app), "miniflux", TimeLimit(1))  # type: ignore[arg-type]
    assert {"readers", "records"} <= delivery.namespaces
    assert not {"velero", "kube-system"} & delivery.namespaces


class FakeFlux(Flux):
    """Is asked to reconcile."""

    def __init__(self) -> None:
        super().__init__(None, "flux-system", "stackspin", "stackspin")  # type: ignore[arg-type]
        self.asked: list[str] = []

    def reconcile(
        self, kind: str, name: str, namespace: str | None = None, *, force: bool = False
    ) -> str:
        del force
        self.asked.append(f"{kind} {name} in {namespace}")
        return "now"


def test_a_later_version_takes_the_place_of_the_earlier_one(
    kube: FakeKube, no_waiting: list[Wait], tmp_path: Path
) -> None:
    package = Package(data_root())
    copies = [
        reference_copy(package, "notes", "memos", tmp_path / (version or "first"), version)
        for version in (None, "2.0.0")
    ]
    first, later = (place(one) for one in copies)
    later = replace(later, files={path: text for path, text in later.files.items()
                                  if not path.endswith("NOTES.txt")})  # fmt: skip
    release = an_object("HelmRelease", "memos", status={"helmChart": "flux-system/apps-memos"})
    branch = FakeBranch(kube, {"charts/memos/Chart.yaml": "of another app"})
    branch.flux, before = FakeFlux(), dict(branch.content)  # type: ignore[attr-defined]
    branch.flux_does = [lambda: kube.objects.append(release), lambda: None, lambda: None]
    delivery = Delivery(branch, first, "memos", TimeLimit(1))  # type: ignore[arg-type]
    delivery.begin()
    assert b"version: 1.0.0" in branch.content["charts/memos/Chart.yaml"]
    words = [{"kind": "Secret", "metadata": {"name": name}} for name in ("old", "new")]
    kube.create(words[0], "stackspin-apps")
    delivery.upgrade(later, words)
    assert [one["metadata"]["name"] for one in kube.list("v1", "Secret")] == ["old", "new"]
    assert b'version: "2.0.0"' in branch.content["charts/memos/Chart.yaml"]
    assert "charts/memos/templates/NOTES.txt" not in branch.content
    assert branch.flux.asked == ["HelmRelease memos in stackspin-apps"]  # type: ignore[attr-defined]
    *_, chart, upgraded = no_waiting
    assert (chart.target.kind, chart.target.name) == ("HelmChart", "apps-memos")
    item = {"status": {"observedSourceArtifactRevision": "main@sha1:abc"}}
    assert chart.condition.test(item)
    assert "as requested at now" in str(upgraded.condition)
    kube.objects.remove(release)
    delivery.remove()
    assert yaml.safe_load(branch.content.pop(ROOT_KUSTOMIZATION)) == yaml.safe_load(ROOT)
    assert branch.content == {k: v for k, v in before.items() if k != ROOT_KUSTOMIZATION}


def test_what_flux_applies_again_it_is_asked_for_all_at_once_and_upgrades_come_after(
    kube: FakeKube, no_waiting: list[Wait], tmp_path: Path
) -> None:
    copy = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    branch = FakeBranch(kube)
    branch.flux = flux = FakeFlux()  # type: ignore[attr-defined]
    delivery = Delivery(branch, place(copy), "memos", TimeLimit(1))  # type: ignore[arg-type]
    delivery.reconcile()
    release = "HelmRelease memos in stackspin-apps"
    assert len(flux.asked) == 4
    assert flux.asked[-1] == release
    assert [wait.target.kind for wait in no_waiting] == [*3 * ["Kustomization"], "HelmRelease"]
    assert all("as requested at now" in str(wait.condition) for wait in no_waiting)


def test_an_app_is_back_with_its_releases_whatever_kustomizations_say_of_their_health(
    kube: FakeKube, no_waiting: list[Wait], tmp_path: Path
) -> None:
    copy = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    branch = FakeBranch(kube)
    Delivery(branch, place(copy), "memos", TimeLimit(1)).wait_back()  # type: ignore[arg-type]
    assert [wait.target.kind for wait in no_waiting] == ["HelmRelease"]
    no_waiting.clear()
    without_releases, _ = a_delivery(kube)
    without_releases.wait_back()
    assert [wait.target.kind for wait in no_waiting] == ["Kustomization"]


def test_flux_goes_on_with_an_app_even_if_something_fails_meanwhile(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    done: list[str] = []
    delivery, branch = installed(kube)
    branch.flux = flux_that_notes(done)
    with delivery.suspended():
        done.append("restored")
    assert done == [
        "suspend Kustomization", "restored", "resume Kustomization", "reconcile Kustomization",
    ]  # fmt: skip
    done.clear()
    with pytest.raises(ValueError, match="no"), delivery.suspended():
        raise ValueError("no")
    assert done == ["suspend Kustomization", "resume Kustomization"]


def flux_that_notes(done: list[str]) -> Any:
    def note(act: str) -> Any:
        return lambda kind, *_, **__: done.append(f"{act} {kind}")

    return SimpleNamespace(
        namespace="flux-system",
        ref=Flux(None, "flux-system", "stackspin", "stackspin").ref,  # type: ignore[arg-type]
        suspend=note("suspend"),
        resume=note("resume"),
        reconcile=note("reconcile"),
        wait_ready=lambda *_, **__: None,
    )


def test_an_app_of_the_same_name_is_not_replaced(kube: FakeKube) -> None:
    kube.objects.append(an_object("Kustomization", "pages", "flux-system"))
    delivery, branch = a_delivery(kube)
    with pytest.raises(HarnessError, match="Kustomization pages in flux-system already"):
        delivery.begin()
    assert branch.content == {ROOT_KUSTOMIZATION: ROOT}


def test_a_flux_package_has_no_secrets_made_by_hand(tmp_path: Path) -> None:
    notes = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    assert notes.description.secrets
    assert made_by_hand(notes, "stackspin.test", Redactor()) == []


def test_an_inventory_has_every_kind_in_the_wanted_namespaces() -> None:
    kube = FakeKube(
        an_object("ConfigMap", "a", "one"),
        an_object("Widget", "b", "two"),
        an_object("ClusterRole", "c", None),
        an_object("Event", "d", "one"),
    )
    found = everything(kube, namespaces=["one"])  # type: ignore[arg-type]
    assert {one["metadata"]["name"] for one in found} == {"a", "c", *NAMESPACES}
