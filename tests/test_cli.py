from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conformance.settings import PROJECT_ROOT


def run(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from conformance.cli import main; main()", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "STACKSPIN_CONFORMANCE_STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_harness_error_is_two_lines_and_status_2(tmp_path: Path) -> None:
    for command in ("kubeconfig", "shell", "down"):
        answer = run("cluster", command, "--cluster-name", "none-such", state=tmp_path)
        assert answer.returncode == 2
        first, second = answer.stderr.splitlines()
        assert first.startswith("error: there is no cluster named none-such")
        assert second.strip().startswith("To do: ")


def test_list_of_no_clusters(tmp_path: Path) -> None:
    answer = run("cluster", "list", state=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "no clusters\n")


def test_unknown_command_is_an_error(tmp_path: Path) -> None:
    assert run("nonsense", state=tmp_path).returncode != 0


def test_no_command_imports_the_kubernetes_client_to_begin_with() -> None:
    script = (
        "import sys; from conformance.cli import make_app; make_app(); "
        "sys.exit('kubernetes' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True)
