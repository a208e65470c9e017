"""What a tree takes from elsewhere, and what is served in its place."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.common.errors import HarnessError
from conformance.platform.reference import reference_platform
from conformance.platform.tree.applied import applied
from conformance.platform.tree.served import own_source
from conformance.platform.tree.sources import Source, in_place, read_folders, sources_in
from tests.maintainers_tree import FILES, KUSTOMIZATION, RELEASE, REPOSITORY, chart

OWN = own_source(reference_platform("example.org"), "main")
GIVEN = {"kind": "GitRepository", "name": "conformance-vendor", "namespace": "flux-system"}


def encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}


def sources(files: Mapping[str, str] = FILES) -> list[Source]:
    return sources_in(applied(encoded(files), "flux2", "stackspin"), "stackspin")


def replaced(text: str, folder: Path, name: str = "vendor") -> Any:
    folders = read_folders([f"{name}={folder}"])
    return yaml.safe_load(in_place({"a.yaml": text.encode()}, folders, OWN)["a.yaml"])


def test_only_what_flux_comes_to_is_looked_at() -> None:
    [found] = sources()
    assert (found.kind, found.name) == ("HelmRepository", "vendor")
    assert (
        str(found)
        == "HelmRepository vendor (https://charts.example.org/; flux2/sources.yaml, line 1)"
    )
    assert found.is_elsewhere


def test_a_source_that_nothing_is_taken_from_does_not_count() -> None:
    assert sources({**FILES, "flux2/velero/release.yaml": RELEASE.replace("vendor", "other")}) == []


def test_a_kustomization_of_another_source_applies_nothing_of_the_tree() -> None:
    other = KUSTOMIZATION.replace("NAME", "velero").replace("name: stackspin", "name: other")
    assert sources({**FILES, "flux2/velero.yaml": other}) == []


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("https://charts.example.org/", True),
        ("oci://registry.example.org/charts", True),
        ("ssh://git@example.org/a.git", True),
        ("git@example.org:a.git", True),
        ("http://git-server.stackspin.svc.cluster.local/a.git", False),
        ("http://git-server.stackspin.svc/a.git", False),
        ("http://git-server/a.git", False),
    ],
)
def test_what_is_on_the_cluster_is_not_elsewhere(url: str, elsewhere: bool) -> None:
    assert Source("GitRepository", "a", url, "").is_elsewhere is elsewhere


def test_a_release_takes_its_chart_from_the_folder(tmp_path: Path) -> None:
    spec = replaced(RELEASE, chart(tmp_path, "velero"))["spec"]
    assert spec["chart"]["spec"] == {"chart": "./velero", "sourceRef": GIVEN}


def test_an_archive_is_a_chart_too(tmp_path: Path) -> None:
    chart(tmp_path / "made", "velero")
    folder = tmp_path / "archives"
    folder.mkdir()
    with tarfile.open(folder / "velero-9.1.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "velero", "velero")
    assert replaced(RELEASE, folder)["spec"]["chart"]["spec"]["chart"] == "./velero"
    assert "velero/Chart.yaml" in read_folders([f"vendor={folder}"])["vendor"].files


def test_a_reference_to_an_oci_repository_is_its_only_chart(tmp_path: Path) -> None:
    release = yaml.safe_load(RELEASE)
    release["spec"] = {"chartRef": {"kind": "OCIRepository", "name": "vendor"}}
    folder = chart(tmp_path, "velero") / "velero"
    spec = replaced(yaml.safe_dump(release), folder)["spec"]
    assert spec == {"chart": {"spec": {"chart": "./", "sourceRef": GIVEN}}}


def test_a_kustomization_takes_its_files_from_the_folder(tmp_path: Path) -> None:
    other = KUSTOMIZATION.replace("name: stackspin", "name: vendor")
    assert replaced(other, tmp_path)["spec"]["sourceRef"] == GIVEN


def test_what_is_replaced_need_not_answer(tmp_path: Path) -> None:
    assert replaced(REPOSITORY, tmp_path)["spec"]["suspend"] is True


def test_the_trees_own_source_is_the_suites(tmp_path: Path) -> None:
    own = REPOSITORY.replace("HelmRepository", "GitRepository").replace("vendor", "stackspin")
    assert replaced(own, tmp_path)["spec"] == OWN["spec"]


def test_what_takes_nothing_from_it_stays_as_it_was_written(tmp_path: Path) -> None:
    folders = read_folders([f"vendor={chart(tmp_path, 'velero')}"])
    files = encoded({"b.yaml": KUSTOMIZATION, "c.yaml": "a: [\n", "d.yaml": RELEASE[:20]})
    assert in_place(files, folders, OWN) == files


def test_a_chart_that_the_folder_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"HelmRelease velero \(a\.yaml\) takes chart velero"):
        replaced(RELEASE, chart(tmp_path, "other"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["vendor"], "write --source=NAME=FOLDER"),
        (["vendor=nowhere"], "no such folder"),
        (["vendor=.", "vendor=."], "there twice"),
    ],
)
def test_a_source_that_is_none_is_refused(
    given: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=why):
        read_folders(given)


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "velero-1.tgz").write_bytes(b"no archive")
    with pytest.raises(HarnessError, match=r"velero-1\.tgz is not an archive of a chart"):
        read_folders([f"vendor={tmp_path}"])
