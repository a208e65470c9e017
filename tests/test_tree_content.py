"""A maintainer's repository is read as it is, and what it is is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.platform.tree import content
from tests.maintainers_tree import committed, git, write


def test_what_is_committed_is_read(tmp_path: Path) -> None:
    found = content.read(committed(tmp_path / "mine"), "mine")
    assert "flux2/velero/release.yaml" in found.files
    assert found.clean
    assert found.origin.startswith("mine at commit ")
    assert found.origin.endswith(" of branch main")


def test_what_is_not_committed_is_judged_too_and_said(tmp_path: Path) -> None:
    folder = committed(tmp_path / "mine")
    (folder / "flux2/velero/release.yaml").write_text("changed: true\n")
    (folder / "flux2/new.yaml").write_text("new: true\n")
    (folder / "flux2/sources.yaml").unlink()
    (folder / ".gitignore").write_text("secret*\n")
    (folder / "secret.env").write_text("password\n")
    found = content.read(folder, "mine")
    assert found.files["flux2/velero/release.yaml"] == b"changed: true\n"
    assert "flux2/new.yaml" in found.files
    assert not {"flux2/sources.yaml", "secret.env"} & found.files.keys()
    assert not found.clean
    assert found.origin.endswith(", with 4 files not committed")


def test_a_folder_inside_a_working_copy_is_judged_by_what_is_in_it(tmp_path: Path) -> None:
    folder = committed(tmp_path / "mine")
    (folder / "beside.txt").write_text("not of the tree")
    found = content.read(folder / "flux2", "mine/flux2")
    assert "velero/release.yaml" in found.files
    assert found.clean


def test_no_folder_elsewhere_is_read_in_the_place_of_one_of_the_repository(tmp_path: Path) -> None:
    folder = committed(tmp_path / "mine")
    (folder / "flux2/velero").rename(tmp_path / "elsewhere")
    (folder / "flux2/velero").symlink_to(tmp_path / "elsewhere")
    found = content.read(folder, "mine")
    assert "flux2/sources.yaml" in found.files
    assert "flux2/velero/release.yaml" not in found.files


def test_a_folder_without_git_is_read_whole(tmp_path: Path) -> None:
    folder = write(tmp_path / "plain")
    (folder / "link.yaml").symlink_to("platform.yaml")
    found = content.read(folder, "plain")
    assert "platform.yaml" in found.files
    assert "link.yaml" not in found.files
    assert not found.clean
    assert found.origin == "plain, which Git does not know"


def test_a_url_is_cloned_at_its_branch(tmp_path: Path) -> None:
    folder = committed(tmp_path / "mine", branch="v2")
    (folder / "not-committed.yaml").write_text("x: 1\n")
    url = folder.as_uri()
    with content.opened(url, "v2") as clone:
        found = content.read(clone, url)
    assert found.clean
    assert "flux2/kustomization.yaml" in found.files
    assert "not-committed.yaml" not in found.files
    assert not clone.exists()


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    folder = committed(tmp_path / "mine")
    with (
        pytest.raises(HarnessError, match=r"(?s)cannot be cloned, branch v9: .*v9 not found"),
        content.opened(folder.as_uri(), "v9"),
    ):
        pass
    with pytest.raises(HarnessError, match="no such folder"), content.opened("nowhere", "main"):
        pass


def test_no_password_of_a_url_is_shown() -> None:
    assert content.without_password("https://u:p@example.org/a.git") == "https://example.org/a.git"
    assert content.without_password("git@example.org:a.git") == "git@example.org:a.git"


def test_a_folder_that_is_too_big_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "_FILES", 3)
    with pytest.raises(HarnessError, match="more than 3 files"):
        content.read(write(tmp_path), "plain")


def test_a_hook_of_another_repository_does_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = committed(tmp_path / "mine")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert content.read(folder, "mine").clean
    monkeypatch.delenv("GIT_DIR")
    git(folder, "status")
