"""No program that a repository names is run when git is asked about it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.linter.changed import changed_since
from conformance.platform.tree import content
from conformance.report.history import commits
from tests.maintainers_tree import committed, git

_WORK_TREE = ("flux2/sources.yaml", "flux2/velero.yaml")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves a file beside itself when it is run."""
    path = tmp_path / "program.sh"
    path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/ran\nexec cat\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A repository with a branch, on which a file is changed without another size."""
    folder = committed(tmp_path / "mine")
    git(folder, "checkout", "-q", "-b", "work")
    for name in _WORK_TREE:
        os.utime(folder / name, (1, 1))
    return folder


def answer_of(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=folder, text=True).strip()


def monitor(folder: Path, program: Path) -> None:
    git(folder, "config", "core.fsmonitor", str(program))


def clean_filter(folder: Path, program: Path) -> None:
    (folder / ".gitattributes").write_text("* filter=a.b=c\n")
    git(folder, "config", "filter.a.b=c.clean", str(program))


def process_filter(folder: Path, program: Path) -> None:
    (folder / ".gitattributes").write_text("* filter=x\n")
    git(folder, "config", "filter.x.process", str(program))
    git(folder, "config", "filter.x.required", "true")


def nameless_filter(folder: Path, program: Path) -> None:
    (folder / ".gitattributes").write_text("* filter=\n")
    with (folder / ".git/config").open("a") as config:
        config.write(f'[Filter ""]\nClean = {program}\n')


def included_filter(folder: Path, program: Path) -> None:
    (folder / ".gitattributes").write_text("* filter=x\n")
    (folder / ".git/more").write_text(f'[filter "x"]\nclean = {program}\n')
    git(folder, "config", "include.path", "more")


def hook(folder: Path, program: Path) -> None:
    (folder / ".git/hooks").mkdir(exist_ok=True)
    (folder / ".git/hooks/post-index-change").symlink_to(program)


def filter_of_a_submodule(folder: Path, program: Path) -> None:
    inner = committed(folder / "inner")
    git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    git(folder, "commit", "-qm", "inner")
    clean_filter(inner, program)
    for name in _WORK_TREE:
        os.utime(inner / name, (1, 1))


def remote_of_missing_objects(folder: Path, program: Path) -> None:
    (folder / "flux2/sources.yaml").write_text("x: 1\n")
    git(folder, "commit", "-qam", "other")
    tree = answer_of(folder, "rev-parse", "main:flux2")
    (folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(folder)),
        ("remote.origin.uploadpack", str(program)),
    ):
        git(folder, "config", key, value)


@pytest.mark.parametrize(
    "attack",
    [
        monitor,
        clean_filter,
        process_filter,
        nameless_filter,
        included_filter,
        hook,
        filter_of_a_submodule,
        remote_of_missing_objects,
    ],
)
def test_no_program_of_a_repository_is_run(
    mine: Path, program: Path, attack: Callable[[Path, Path], None]
) -> None:
    attack(mine, program)
    for look in (lambda: changed_since(mine, "main"), lambda: content.read(mine, "mine")):
        with contextlib.suppress(HarnessError):
            look()
    assert not (program.parent / "ran").exists()


def test_a_folder_that_looks_like_a_git_folder_is_none(tmp_path: Path, program: Path) -> None:
    mine = committed(tmp_path / "mine")
    evil = mine / "evil"
    for folder in ("objects", "refs/heads"):
        (evil / folder).mkdir(parents=True)
        (evil / folder / ".keep").touch()
    for name in ("HEAD", "index"):
        (evil / name).write_bytes((mine / ".git" / name).read_bytes())
    (evil / "packed-refs").write_text("")
    (evil / "config").write_text(
        "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\n"
        f'fsmonitor = "{program}"\n'
    )
    git(mine, "add", "--all")
    git(mine, "commit", "-qm", "evil")
    git(tmp_path, "clone", "-q", str(mine), "clone")

    with pytest.raises(HarnessError, match="cannot use bare repository"):
        changed_since(tmp_path / "clone/evil", "origin/main")
    assert content.read(tmp_path / "clone/evil", "evil").origin == "evil, which Git does not know"
    assert not (program.parent / "ran").exists()


def test_the_signatures_of_commits_are_not_checked(
    mine: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = mine.parent / "signer.sh"
    signer.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signer.chmod(0o755)
    signed = ("commit", "-q", "--gpg-sign", "--allow-empty", "--message=a new one")
    git(mine, "-c", f"gpg.program={signer}", *signed)
    git(mine, "config", "gpg.program", str(program))
    git(mine, "config", "log.showSignature", "true")
    monkeypatch.setattr(commits, "_suite", lambda _: "")
    monkeypatch.setattr(commits, "_tree", lambda run: run)

    found = commits.between("main", "work", mine)  # type: ignore[arg-type]

    assert [line.partition(" ")[2] for line in found["platform"]] == ["a new one"]
    assert not (program.parent / "ran").exists()


def test_a_file_of_git_lfs_is_unchanged_until_it_is_written(tmp_path: Path) -> None:
    mine = committed(tmp_path / "mine")
    git(mine, "config", "filter.lfs.clean", "sed s/large/pointer/")
    (mine / ".gitattributes").write_text("*.bin filter=lfs\n")
    (mine / "one.bin").write_text("large\n")
    os.utime(mine / "one.bin", (1, 1))
    git(mine, "add", "--all")
    git(mine, "commit", "-qm", "with git-lfs")
    assert content.read(mine, "mine").clean
    assert changed_since(mine, "main") == frozenset()

    (mine / "one.bin").write_text("large\n")
    assert not content.read(mine, "mine").clean
    assert changed_since(mine, "main") == {"one.bin"}


def test_what_git_cannot_compare_is_not_called_clean(mine: Path) -> None:
    for kept in (mine / ".git/objects").glob("??/*"):
        kept.unlink()
    with pytest.raises(HarnessError, match="cannot compare its files with what is committed"):
        content.read(mine, "mine")
