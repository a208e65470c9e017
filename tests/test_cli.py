from __future__ import annotations

import io
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata
from pathlib import Path

import pytest

from conformance import cli
from conformance.common.settings import PROJECT_ROOT

NAME = "STACKSPIN_CONFORMANCE_CLUSTER_NAME"
SCRIPT = "from conformance.cli import main; main()"
EXAMPLE = str(PROJECT_ROOT / "reports" / "example")
BADGE = [sys.executable, "-c", SCRIPT, "report", "badge", EXAMPLE]


def run(*arguments: str, state: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the console script in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.delenv(NAME, raising=False)
        for name, value in {"STACKSPIN_CONFORMANCE_STATE": str(state), **variables}.items():
            patch.setenv(name, value)
        patch.chdir(PROJECT_ROOT)
        patch.setattr(sys, "argv", ["stackspin-conformance", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())


def run_alone(*arguments: str, state: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    environment = {name: os.environ[name] for name in os.environ if name != NAME}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=PROJECT_ROOT,
        env={**environment, "STACKSPIN_CONFORMANCE_STATE": str(state), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_harness_error_is_two_lines_and_status_2(tmp_path: Path) -> None:
    for command in ("kubeconfig", "shell", "down"):
        answer = run_alone("cluster", command, "--cluster-name", "none-such", state=tmp_path)
        assert answer.returncode == 2
        first, second = answer.stderr.splitlines()
        assert first.startswith("error: there is no cluster named none-such")
        assert second.strip().startswith("To do: ")


def test_an_error_moves_no_cursor(tmp_path: Path) -> None:
    answer = run("report", "badge", "none\x1b[2J\u202e", state=tmp_path)
    assert answer.stderr.startswith("error: none\\x1b[2J\\u202e cannot be read")


@pytest.mark.parametrize(
    ("arguments", "name"), [([], "theirs"), (["--cluster-name", "mine"], "mine")]
)
def test_a_cluster_has_the_name_that_runs_give_it(
    arguments: list[str], name: str, tmp_path: Path
) -> None:
    for command in ("kubeconfig", "shell", "down"):
        answer = run("cluster", command, *arguments, state=tmp_path, **{NAME: "theirs"})
        assert f"there is no cluster named {name} (" in answer.stderr


def test_prune_removes_snapshots_that_no_run_can_use(tmp_path: Path) -> None:
    old = tmp_path / "snapshots" / "apps-0123456789abcdef-x"
    old.mkdir(parents=True)
    cache = {"STACKSPIN_CONFORMANCE_CACHE": str(tmp_path)}
    answer = run("components", "prune", state=tmp_path, **cache)
    assert answer.returncode == 0, answer.stderr
    assert not old.exists()


def test_list_of_no_clusters(tmp_path: Path) -> None:
    answer = run_alone("cluster", "list", state=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "no clusters\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nonsense"],
            "choose from 'app', 'doctor', 'cluster', 'platform', 'job', 'report', 'comment', "
            "'components'",
        ),
        (["cluster", "nonsense"], "choose from 'up', 'down'"),
        (["cluster", "--"], "the following arguments are required: COMMAND"),
        (["cluster", "up", "--cluster"], "--cluster: expected one argument"),
        (["cluster", "down", "--cluster-n", "x"], "unrecognized arguments: --cluster-n"),
        (["components", "update", "kubernetes@v1", "more"], "unrecognized arguments: more"),
        (["components", "update", "kubernetes"], "names no version"),
        (["doctor", "--fix"], "unrecognized arguments: --fix"),
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    answer = run(*arguments, state=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    first, second = answer.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("  To do: ")


def test_without_a_command_all_of_them_are_shown(tmp_path: Path) -> None:
    for words, shown in (
        ([], ("app", "doctor", "cluster", "platform", "report", "components", "--version")),
        (["cluster"], ("up", "down", "list", "push", "kubeconfig", "shell")),
        (["platform"], ("discover", "check")),
        (["components"], ("list", "build", "export", "import", "prune", "update")),
    ):
        bare, asked = run(*words, state=tmp_path), run(*words, "--help", state=tmp_path)
        assert (bare.returncode, asked.returncode, bare.stderr) == (2, 0, "")
        assert bare.stdout == asked.stdout
        lines = [line.strip() for line in bare.stdout.splitlines()]
        assert all(any(line.split(" ")[0] == word for line in lines) for word in shown)


def test_help_says_what_a_command_does_and_what_is_the_default(tmp_path: Path) -> None:
    told = " ".join(run("cluster", "up", "--help", state=tmp_path).stdout.split())
    assert "Start a cluster and keep it" in told
    assert "provider of the cluster: auto, embedded, kind (default: embedded)" in told
    assert "the cluster's name (default: stackspin)" in told
    for command in ("down", "kubeconfig", "shell"):
        assert "--cluster-name" in run("cluster", command, "--help", state=tmp_path).stdout


def helps_in_turn(capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """Yield each command of the console script, and of its groups, with its help."""

    def shown(*words: str) -> str:
        with pytest.raises(SystemExit):
            cli.run([*words, "--help"])
        return capsys.readouterr().out

    for name in cli.COMMANDS:
        text = shown(name)
        yield name, text
        for command in re.findall(r"(?m)^    ([a-z]+)\b", text.partition("\ncommands:\n")[2]):
            yield f"{name} {command}", shown(name, command)


def test_the_help_of_each_command_says_only_what_its_user_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    helps = dict(helps_in_turn(capsys))
    assert {"app", "doctor", "cluster up", "platform clean", "job run"} <= helps.keys()
    for command, text in helps.items():
        found = re.findall(r"Raises?\b|Returns?\b|[A-Z]\w+Error|``|None|\[\]", text)
        assert not found, f"{command} --help is for programmers: {found}"


def test_a_list_of_commands_has_the_first_paragraph_of_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    helps = dict(helps_in_turn(capsys))
    assert "nothing is put there unless all" in helps["components import"]
    assert "nothing is put there unless all" not in helps["components"]


def test_version_is_the_installed_one(tmp_path: Path) -> None:
    answer = run_alone("--version", state=tmp_path)
    version = metadata.version("stackspin-conformance")
    assert (answer.returncode, answer.stdout) == (0, f"stackspin-conformance {version}\n")


def test_a_command_imports_neither_the_kubernetes_client_nor_a_browser_to_begin_with() -> None:
    script = (
        "import sys; from conformance.cli import run; "
        "[run([name]) for name in ('cluster', 'components', 'platform')]; "
        "sys.exit(bool({'kubernetes', 'playwright'} & set(sys.modules)))"
    )
    subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True, stdout=subprocess.DEVNULL
    )


def test_a_reader_who_has_seen_enough_gets_no_traceback() -> None:
    """As in ``stackspin-conformance report compare A B | head -1``."""
    reads, writes = os.pipe()
    os.close(reads)
    answer = subprocess.run(BADGE, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (answer.returncode, answer.stderr) == (141, "")


def test_output_that_finds_no_room_is_two_lines_and_status_2(tmp_path: Path) -> None:
    with (tmp_path / "badge.svg").open("w") as file:
        answer = subprocess.run(
            BADGE,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        )
    first, second = answer.stderr.splitlines()
    assert (answer.returncode, first) == (2, "error: the output cannot be written: File too large")
    assert second.startswith("  To do: ")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    answer = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *BADGE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
