"""The annex installed by the suite from its tree: judged as it is, with a change, with a defect."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.common.settings import PROJECT_ROOT

ANNEX = PROJECT_ROOT / "fixtures" / "platforms" / "annex"
CHECKS = "test_admin_apis or test_claims_and_tokens"
SECONDS = 1500.0
Judge = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the annex has beside its tree, the same for all runs on one cluster."""
    folder = tmp_path_factory.mktemp("annex")
    subprocess.run([sys.executable, ANNEX / "beside.py", folder], check=True)
    return folder


@pytest.fixture
def judge(beside: Path, tmp_path: Path) -> Judge:
    """Has the suite install a tree on a cluster of its own, and judge it."""

    def run(tree: Path) -> subprocess.CompletedProcess[str]:
        arguments = [
            *("-m", "pytest", "conformance/capabilities", "-p", "no:cacheprovider"),
            *("-k", CHECKS, "--cluster=embedded", "--cluster-name=annex-tree"),
            *(f"--reports-dir={tmp_path}", f"--platform={ANNEX / 'platform.yaml'}"),
            *(f"--platform-repository={tree}", "--platform-branch=v2"),
            *("--platform-path=flux2/cluster/base", f"--platform-setup={beside / 'setup'}"),
            f"--platform-variables={beside / '.flux.env'}",
        ]
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return run


def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "latest" / "report.json").read_text())


def verdicts(folder: Path) -> dict[str, str]:
    found = report(folder)["capabilities"]
    return {check["id"]: check["verdict"] for one in found for check in one["checks"]}


def test_a_tree_is_installed_and_passes(judge: Judge, tmp_path: Path) -> None:
    finished = judge(ANNEX / "tree")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = report(tmp_path)
    assert found["platform"]["whose"] == "tree"
    assert " at commit " in found["platform"]["origin"]
    ran = [name for name, verdict in verdicts(tmp_path).items() if verdict == "pass"]
    assert "single_sign_on.admin_apis_for_dashboard_alone" in ran
    assert "platform: Ready: " in finished.stderr


def test_a_defect_of_a_tree_is_found(judge: Judge, tmp_path: Path) -> None:
    tree = shutil.copytree(ANNEX / "tree", tmp_path / "mine")
    patch = ANNEX / "defects" / "long-id-tokens.patch"
    subprocess.run(["git", "apply", patch], cwd=tree, check=True)
    finished = judge(tree)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "fail" in verdicts(tmp_path).values()
    assert "platform: what is judged is not what is committed" in finished.stderr
