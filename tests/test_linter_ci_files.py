"""The files that a packager copies, or points pre-commit at, call the command as it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.cli.comment import TOKEN
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.options import option_parser

CI = PROJECT_ROOT / "ci"
HOOKS = PROJECT_ROOT / ".pre-commit-hooks.yaml"
ACTION = CI / "github" / "action.yml"
COMPONENT = CI / "gitlab" / "stackspin-app.yml"
_OPTION = re.compile(r"(?:^|[\s(])(--[a-z-]+)")
_NOT_OURS = {"--quiet", "--detach", "--name"}
"""Of pip and git; ``--name`` is an option of ``stackspin-conformance comment``."""


def scripts() -> dict[str, str]:
    action = yaml.safe_load(ACTION.read_text())
    header, component = yaml.safe_load_all(COMPONENT.read_text())
    assert set(header["spec"]["inputs"]) == {"source", "path", "level", "stage"}
    return {
        "github": "\n".join(step["run"] for step in action["runs"]["steps"]),
        "gitlab": "\n".join(component["stackspin-app"]["script"]),
    }


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_scripts_use_options_that_there_are(where: str) -> None:
    known = {one for action in option_parser()._actions for one in action.option_strings}
    used = set(_OPTION.findall(scripts()[where])) - _NOT_OURS

    assert {"--baseline", "--format", "--level", "--output"} <= used
    assert used <= known


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_scripts_are_valid(where: str) -> None:
    shell = "bash" if where == "github" else "sh"
    answer = subprocess.run(
        [shell, "-n"], input=scripts()[where], text=True, capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_inputs_reach_scripts_through_the_environment() -> None:
    """An input in the text of a script would be run, whatever it is."""
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    assert not any("${{" in step["run"] for step in steps)
    assert "$[[" not in scripts()["gitlab"]


def test_the_hook_is_the_command() -> None:
    [hook] = yaml.safe_load(HOOKS.read_text())
    assert hook["entry"] == "stackspin-conformance app"
    assert hook["pass_filenames"] is False
    given = option_parser().parse_args(hook["args"])
    assert (given.changed_since, given.paths) == ("HEAD", [Path()])


def _fake(folder: Path, *, comments: bool = True) -> Path:
    """Return a folder with a ``stackspin-conformance`` that writes what it is called with.

    Its checks fail; that it may write ``comments`` is given.
    """
    program = folder / "bin" / "stackspin-conformance"
    program.parent.mkdir(parents=True)
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$CALLS"\nprevious=\n'
        'for word; do [ "$previous" = --output ] && echo comment > "$word"; previous=$word; done\n'
        f'[ "$1" != comment ] && exit 1\nexit {0 if comments else 2}\n'
    )
    program.chmod(0o755)
    return program.parent


def test_the_action_fails_as_the_check_does_and_writes_the_summary(tmp_path: Path) -> None:
    _fake(tmp_path / "stackspin")
    (tmp_path / "before.json").write_text("{}")
    environment: dict[str, Any] = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "CALLS": str(tmp_path / "calls"),
        "CHECKED": "charts",
        "LEVEL": "2",
        "STACKSPIN_COMMENT_TOKEN": "",
    }
    last = yaml.safe_load(ACTION.read_text())["runs"]["steps"][-1]["run"]
    answer = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", last], cwd=tmp_path, env=environment, check=False
    )

    assert answer.returncode == 1
    assert (tmp_path / "summary.md").read_text() == "comment\n"
    first, second = (tmp_path / "calls").read_text().splitlines()
    options = f"app charts --level 2 --baseline {tmp_path}/before.json"
    assert first == f"{options} --format sarif --output stackspin.sarif"
    assert second.startswith(f"{options} --format markdown")


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_the_result_is_a_comment(tmp_path: Path, where: str, refused: bool) -> None:
    programs = _fake(tmp_path / "stackspin", comments=not refused)
    (programs / "pip").write_text("#!/bin/sh\nexit 0\n")
    (programs / "pip").chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
        "CHECKED": "charts", "LEVEL": "", "SOURCE": "suite", "STACKSPIN_COMMENT_TOKEN": "secret",
        # GitHub's
        "RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }  # fmt: skip
    script = scripts()[where]
    if where == "github":
        script = yaml.safe_load(ACTION.read_text())["runs"]["steps"][-1]["run"]
    answer = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    *_, comment = (tmp_path / "calls").read_text().splitlines()
    file = {"github": f"{tmp_path}/comment.md", "gitlab": "comment.md"}[where]
    assert comment == f"comment {file} --name packages in charts"
    assert answer.returncode == 1  # as the check, whatever becomes of the comment
    assert ("No comment" in answer.stdout + answer.stderr) == refused


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_a_runner_uses_its_checkout_again(tmp_path: Path, where: str) -> None:
    """The folder for temporary files is emptied between two jobs; what is beside a checkout not."""
    checkout, temporary = tmp_path / "builds" / "checkout", tmp_path / "temporary"
    (checkout / "charts").mkdir(parents=True)
    (checkout / "charts" / "Chart.yaml").touch()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=all"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *arguments], cwd=checkout, check=True)
    script = scripts()[where]
    if where == "github":
        script = yaml.safe_load(ACTION.read_text())["runs"]["steps"][1]["run"]
    for job in ("first", "second"):
        shutil.rmtree(temporary, ignore_errors=True)
        programs = _fake(temporary / "stackspin")
        (programs / "pip").symlink_to("/bin/true")
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(tmp_path / job),
            "CHECKED": "charts", "LEVEL": "", "SOURCE": "suite", "STACKSPIN_COMMENT_TOKEN": "",
            "TMPDIR": str(temporary),
            # GitHub's
            "RUNNER_TEMP": str(temporary), "TARGET": "main",
            # GitLab's
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main",
        }  # fmt: skip
        answer = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=checkout, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == (1 if where == "gitlab" else 0), answer.stderr
        assert "--format json" in (tmp_path / job).read_text()
        if where == "gitlab":  # GitHub's runner empties its folder itself
            assert [path.name for path in temporary.iterdir()] == ["stackspin"]


def test_the_token_of_the_action_is_that_of_the_comment() -> None:
    step = yaml.safe_load(ACTION.read_text())["runs"]["steps"][-1]
    assert step["env"][TOKEN] == "${{ inputs.comment-token }}"
