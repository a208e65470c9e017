"""The annex's script: what it commits, and what it waits for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from annex_platform import ANNEX, installer

DEFECT = "long-id-tokens"
COMMIT = "0123456789abcdef"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = installer()
    monkeypatch.setattr(made, "PAUSE", 0)
    return made


class Forge:
    """The Git server's pod; its repository is a folder."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.git("init", "--quiet", "--bare", "--initial-branch=main")

    def __call__(self, *arguments: str, stdin: bytes) -> bytes:
        command = arguments[arguments.index("--") + 1 :]
        assert command[0] == "git"
        return self.git(
            *[one for one in command[1:] if not one.startswith("--git-dir")], text=stdin
        )

    def git(self, *arguments: str, text: bytes | None = None) -> bytes:
        argv = ["git", f"--git-dir={self.repository}", *arguments]
        return subprocess.run(argv, input=text, check=True, capture_output=True, timeout=30).stdout


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "stackspin.git")


class Flux:
    """A cluster with Flux's objects, each Ready once it was looked at so often."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.asked = ""
        self.patched: list[str] = []

    def __call__(self, *arguments: str) -> None:
        if arguments[0] == "annotate":
            self.asked = arguments[-1].partition("=")[2]
        else:
            self.patched.append(arguments[-1])

    def apply_path(self, path: Path) -> None:
        assert path == ANNEX / "source.yaml"

    def read(self, kind: str, *_: str) -> dict[str, Any]:
        self.looks -= 1
        is_ready = self.looks <= 0
        condition = {"type": "Ready", "status": str(is_ready), "message": "waits for a pod\nof it"}
        status = {"observedGeneration": 2, "conditions": [condition]}
        if kind.startswith("kustomizations"):
            status["lastAppliedRevision"] = f"v2@sha1:{COMMIT}"
        else:
            status["lastHandledReconcileAt"] = self.asked
        item = {"kind": "Thing", "metadata": {"name": "one", "generation": 2}, "status": status}
        return {"items": [item]}


def test_the_tree_is_the_branch_and_the_same_tree_the_same_commit(
    script: ModuleType, forge: Forge
) -> None:
    made = script.commit(forge, [])
    assert forge.git("rev-parse", "v2").decode().strip() == made
    listed = forge.git("ls-tree", "-r", "--name-only", "v2").decode().splitlines()
    tree = ANNEX / "tree"
    there = [path for path in tree.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sorted(listed) == sorted(str(path.relative_to(tree)) for path in there)
    assert script.commit(forge, []) == made


def test_a_defect_is_another_commit_and_goes_away_again(script: ModuleType, forge: Forge) -> None:
    good = script.commit(forge, [])
    bad = script.commit(forge, [DEFECT])
    assert bad != good
    changed = forge.git("diff", "--name-only", good, "v2").decode().splitlines()
    assert changed == ["flux2/core/single-sign-on/tokens-values.yaml"]
    script.commit(forge, [])
    assert forge.git("rev-parse", "v2").decode().strip() == good


def test_defects_may_be_there_together(script: ModuleType, forge: Forge) -> None:
    good = script.commit(forge, [])
    # Both in the same file.
    script.commit(forge, [DEFECT, "logout-not-told"])
    changed = forge.git("diff", "--numstat", good, "v2").decode().split()
    assert changed == ["1", "2", "flux2/core/single-sign-on/tokens-values.yaml"]


def test_it_waits_until_all_is_ready_and_suspends_the_source(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Flux(looks=3)
    script.follow(cluster, COMMIT, seconds=60)
    assert [json.loads(one.partition("=")[2]) for one in cluster.patched] == [
        {"spec": {"suspend": True}}
    ]
    assert capsys.readouterr().out == "1 not Ready yet: Thing one: waits for a pod\n"


def test_what_does_not_get_ready_is_reported(script: ModuleType) -> None:
    with pytest.raises(script.Failed, match=r"not Ready in time:\n  Thing one: waits for a pod$"):
        script.follow(Flux(looks=99), COMMIT, seconds=0)


def test_another_commit_is_not_the_one_that_is_waited_for(script: ModuleType) -> None:
    with pytest.raises(script.Failed, match="not Ready in time"):
        script.follow(Flux(looks=0), "another", seconds=0)


def test_a_failed_command_is_an_error_in_its_own_words(script: ModuleType) -> None:
    with pytest.raises(script.Failed, match=r"^git no-such-command .*is not a git command"):
        script.run(shutil.which("git"), "no-such-command")
