"""What is committed, the order of the steps, and that names agree across charts and flux2/."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from conformance.apps.catalogue import APPS
from conformance.apps.image_builds import VERSIONS
from conformance.common.settings import data_root
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import ImagePart
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, listed, repository_files
from conformance.platform.reference.levels import (
    BACKUPS,
    PLATFORM,
    SINGLE_SIGN_ON,
    Level,
)
from conformance.platform.steps import Steps
from conformance.suite.needs import images_of_platform, parts_ahead, parts_left

FLUX2 = data_root() / "fixtures" / "flux2"
BOOTSTRAP = data_root() / "fixtures" / "bootstrap"


def _manifests(folder: Path) -> list[dict]:
    return [
        item
        for path in sorted(folder.rglob("*.yaml"))
        for item in yaml.safe_load_all(path.read_text())
        if item
    ]


def test_a_step_runs_once_and_its_failure_is_everybodys() -> None:
    steps = Steps()
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            steps.run("step", fails)
    assert calls == [1]
    assert steps.result("step") is None


def test_steps_run_side_by_side() -> None:
    steps = Steps()
    meeting = threading.Barrier(2, timeout=60)
    begun = [steps.start(name, meeting.wait) for name in ("a", "b")]
    assert sorted(future.result() for future in begun) == [0, 1]
    assert {item.name for item in steps.timings} == {"a", "b"}


def test_an_app_is_added_once() -> None:
    root = (FLUX2 / "kustomization.yaml").read_text()
    added = listed(root, add="apps/notes.yaml")
    assert yaml.safe_load(added)["resources"] == ["infrastructure", "apps/notes.yaml"]
    assert listed(added, add="apps/notes.yaml") == added


def test_the_repository_has_charts_and_flux2() -> None:
    files = repository_files(data_root())
    assert ROOT_KUSTOMIZATION in files
    assert "charts/nginx/Chart.yaml" in files


def test_no_app_is_installed_before_it_is_asked_for() -> None:
    root = yaml.safe_load((FLUX2 / "kustomization.yaml").read_text())
    assert root["resources"] == ["infrastructure"]


@pytest.mark.parametrize("item", _manifests(FLUX2), ids=lambda item: item["kind"])
def test_paths_in_the_tree_exist(item: dict) -> None:
    spec = item.get("spec", {})
    if item["apiVersion"].startswith("kustomize.toolkit"):
        assert (FLUX2.parent / spec["path"]).is_dir(), spec["path"]
    if item["kind"] == "HelmRelease":
        assert (data_root() / spec["chart"]["spec"]["chart"] / "Chart.yaml").is_file()


@pytest.mark.parametrize("level", [PLATFORM, SINGLE_SIGN_ON, BACKUPS], ids=lambda level: level.name)
def test_a_level_waits_for_everything_in_its_group(level: Level) -> None:
    folder = FLUX2 / ("infrastructure" if level is PLATFORM else level.entry)
    group = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert {Path(entry).stem for entry in group["resources"]} == set(level.kustomizations)
    assert set(level.images) <= CATALOGUE.keys()


def test_a_run_prefetches_what_the_fixtures_of_its_checks_need() -> None:
    assert "image-kratos" in images_of_platform({"stack", "single_sign_on"}, None)
    assert "image-velero" in images_of_platform({"stack", "backups"}, None)
    platform = set(images_of_platform({"stack", "platform"}, None))
    assert {"image-traefik", "image-git-server"} <= platform
    assert not {"image-kratos", "image-velero"} & platform
    assert images_of_platform({"kube"}, None) == ()


def test_helm_is_built_for_the_first_checks_of_the_platform_and_only_where_it_is_used() -> None:
    ahead = parts_ahead({"stack", "single_sign_on", "backups", "helm"}, None)
    assert ahead[0] == "image-debian"
    assert ahead[ahead.index("helm") - 1] == PLATFORM.images[-1]
    assert ahead[ahead.index("helm") + 1] == SINGLE_SIGN_ON.images[0]
    assert "helm" not in parts_ahead({"stack", "images"}, None)


def test_what_a_started_cluster_has_is_not_needed_any_more() -> None:
    fixtures = {"stack", "single_sign_on", "helm"}
    afresh = SimpleNamespace(registry="127.0.0.1:5000", snapshot="")
    assert parts_left(afresh, fixtures, None) == parts_ahead(fixtures, None)  # type: ignore[arg-type]
    fork = SimpleNamespace(registry="127.0.0.1:5000", snapshot="made a minute ago")
    assert parts_left(fork, fixtures, None) == ("image-debian", "helm")  # type: ignore[arg-type]
    without_registry = SimpleNamespace(registry=None, snapshot="")
    assert parts_left(without_registry, fixtures, None) == ("helm",)  # type: ignore[arg-type]


def test_dependencies_are_kustomizations_of_the_tree() -> None:
    items = [i for i in _manifests(FLUX2) if i["apiVersion"].startswith("kustomize.toolkit")]
    names = {item["metadata"]["name"] for item in items}
    wanted = {d["name"] for item in items for d in item["spec"].get("dependsOn", ())}
    assert wanted <= names


def test_every_image_is_a_component() -> None:
    known = {part.reference for part in CATALOGUE.values() if isinstance(part, ImagePart)}
    # Apps, built by the checks; the second form is of what they say of themselves.
    known |= {f"docker.io/stackspin/{app}{tag}" for app in APPS for tag in ("", f":{VERSIONS[0]}")}
    pattern = re.compile(r"^\s*(?:- )?(?:image|helperImage): *([\w./-]+(?::[\w.-]+)?)\s*$", re.M)
    folders = (BOOTSTRAP, data_root() / "charts", FLUX2)
    named = {
        image
        for folder in folders
        for path in folder.rglob("*.yaml")
        for image in pattern.findall(path.read_text())
    }
    assert len(named) >= 6
    assert named <= known
