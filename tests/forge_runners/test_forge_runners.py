"""The nightly jobs by runners of their forges: gitlab-ci-local and act, from npm and PyPI."""

from __future__ import annotations

from pathlib import Path

import forge_runners as runners
import pytest
from forge_runners import Forge
from stub_forge import stub_forge

from bench.years_of_reports import BROKEN

pytestmark = pytest.mark.root  # installs Debian packages, and takes registries

PREPARED = [
    "apt-get update --quiet",
    "apt-get install --yes --no-install-recommends ca-certificates git python3",
]
RUN = "bootstrap tox -e conformance -- --cluster=embedded --all"
ANNEX = " --platform=fixtures/platforms/annex/platform.yaml"
NIGHT = {
    "embedded-reference": RUN,
    "embedded-annex": f"{RUN}{ANNEX}",
    "kind-reference": "bootstrap tox -e kind -- --all",
    "kind-annex": f"bootstrap tox -e kind -- --all{ANNEX}",
    "twins-reference": "bootstrap tox -e twins -- --cluster=embedded --snapshot=never",
}
"""What each job of the matrix runs, without the options that say where the annex' tree is."""
GITLAB_JOB = "nightly: [embedded,reference]"
GITHUB_JOB = ("--matrix=job:embedded", "--matrix=platform:reference")


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return runners.make_forge(tmp_path)


@pytest.fixture(scope="module")
def gitlab_ci_local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runners.install_gitlab_ci_local(tmp_path_factory.mktemp("gitlab-ci-local"))


@pytest.fixture(scope="module")
def act(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runners.install_act(tmp_path_factory.mktemp("act"))


def test_gitlab_keeps_a_night_for_the_next_and_shows_what_fails(
    forge: Forge, gitlab_ci_local: Path
) -> None:
    good = runners.run_gitlab(forge, gitlab_ci_local, 0, 0, GITLAB_JOB)
    assert good.returncode == 0, good.stdout
    assert forge.calls == [*PREPARED, RUN]
    arguments = ["--variable", "PYTEST_ADDOPTS=-k single_sign_on"]
    bad = runners.run_gitlab(forge, gitlab_ci_local, 1, 1, GITLAB_JOB, *arguments)
    assert bad.returncode == 1, bad.stdout
    assert forge.calls == [*PREPARED, RUN, *PREPARED, f"{RUN} -k single_sign_on"]
    kept = forge.checkout / ".gitlab-ci-local"
    (artifacts,) = (kept / "artifacts").glob("nightly*")
    assert f"failing: {BROKEN}" in (artifacts / "history.md").read_text().replace("`", "")
    shown = {str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file()}
    assert {"report/report.json", "report/junit.xml", "reports/history.html"} <= shown
    (history,) = (kept / "cache").rglob("history.jsonl")
    assert len(history.read_text().splitlines()) == 2
    (part,) = (kept / "cache").rglob("part")
    assert part.read_text() == "built\nbuilt\n"


def test_github_keeps_a_night_for_the_next_and_shows_what_fails(forge: Forge, act: Path) -> None:
    good = runners.run_github(forge, act, 0, 0, "schedule", *GITHUB_JOB)
    assert good.returncode == 0, good.stdout
    assert forge.calls == [*PREPARED, RUN]
    arguments = ["--input", "arguments=-k single_sign_on"]
    bad = runners.run_github(forge, act, 1, 1, "workflow_dispatch", *GITHUB_JOB, *arguments)
    assert bad.returncode == 1, bad.stdout
    assert forge.calls[-1] == f"{RUN} -k single_sign_on"
    failed = [line for line in bad.stdout.splitlines() if "Failure" in line]
    assert len(failed) == 1, bad.stdout
    assert "Run the checks" in failed[0]
    artifacts = forge.folder / "kept" / "report-embedded-reference"
    assert BROKEN in (artifacts / "reports" / "history.html").read_text()
    shown = {str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file()}
    assert {"report/report.json", "report/junit.xml", "reports/history.html"} <= shown
    histories = sorted((forge.folder / "kept").glob("history-embedded-reference-*/content"))
    assert [len(path.read_text().splitlines()) for path in histories] == [1, 2]
    (part,) = (forge.folder / "kept").glob("components-embedded-*/content/part")
    assert part.read_text() == "built\n"  # its key was there already: the second night saved none


def test_gitlab_runs_every_job_of_the_night_on_its_platforms(
    forge: Forge, gitlab_ci_local: Path
) -> None:
    night = runners.run_gitlab(forge, gitlab_ci_local, 0, 0, "nightly")
    assert night.returncode == 0, night.stdout
    _each_ran(forge)
    cache = forge.checkout / ".gitlab-ci-local" / "cache"
    assert {path.name for path in cache.iterdir()} == {
        f"{what}-{job}" for what in ("components", "history") for job in NIGHT
    }


def test_github_runs_every_job_of_the_night_on_its_platforms(forge: Forge, act: Path) -> None:
    night = runners.run_github(forge, act, 0, 0, "schedule")
    assert night.returncode == 0, night.stdout
    _each_ran(forge)
    kept = {path.name for path in (forge.folder / "kept").iterdir()}
    for job in NIGHT:
        assert f"report-{job}" in kept
        for what in ("components", "history"):
            assert len([name for name in kept if name.startswith(f"{what}-{job}-")]) == 1


def _each_ran(forge: Forge) -> None:
    runs = [line for line in forge.calls if line.startswith("bootstrap")]
    assert sorted(line.partition(" --platform-repository=")[0] for line in runs) == sorted(
        NIGHT.values()
    )


def test_github_says_why_where_nothing_ran(forge: Forge, act: Path) -> None:
    runners.program(forge.checkout / "bootstrap", "#!/bin/sh\necho no Python\nexit 4\n")
    runners.program(forge.folder / "programs" / "apt-get", "#!/bin/sh\nexit 100\n")
    failed = runners.run_github(forge, act, 0, 0, "schedule", *GITHUB_JOB)
    assert failed.returncode == 1, failed.stdout
    lines = [line for line in failed.stdout.splitlines() if "Failure" in line]
    assert len(lines) == 1, failed.stdout
    assert "Install what ./bootstrap needs" in lines[0]


def test_gitlab_checks_the_apps_of_a_merge_request(tmp_path: Path, gitlab_ci_local: Path) -> None:
    """The component for packagers, two pushes in a row."""
    packages = runners.make_packages(tmp_path)
    with stub_forge() as forge:
        found = [
            runners.run_component(packages, gitlab_ci_local, forge.address, request=7)
            for _ in range(2)
        ]
    assert [one.returncode for one in found] == [1, 1], found[-1].stdout
    notes = "/projects/1/merge_requests/7/notes"
    [said] = forge.comments.values()
    assert "secret.yaml" in said
    assert [f"POST {notes}", f"PUT {notes}/1"] == [
        one for one in forge.asked if not one.startswith("GET ")
    ]
    (artifacts,) = (packages.checkout / ".gitlab-ci-local" / "artifacts").glob("stackspin-app*")
    assert {"comment.md", "lint.xml"} <= {path.name for path in artifacts.rglob("*")}


def test_github_checks_the_apps_of_a_pull_request(tmp_path: Path, act: Path) -> None:
    """The action for packagers, with nothing in the place of anything but the forge."""
    packages = runners.make_packages(tmp_path)
    event = ["--eventpath", str(tmp_path / "event.json")]
    cache = ["--action-cache-path", str(tmp_path / "act")]
    with stub_forge() as forge:
        api = [f"--env=GITHUB_API_URL={forge.address}"]
        command = [str(act), "pull_request", *runners.HERE, *event, *cache, *api]
        forge.comments[5] = (
            "<!-- stackspin-conformance: packages in charts/notes -->\nof the last push"
        )
        found = packages.call(command)
    assert found.returncode == 1, found.stdout
    [said] = forge.comments.values()
    assert "secret.yaml" in said
    assert "of the last push" not in said
    failed = [line for line in found.stdout.splitlines() if "Failure - Main Check" in line]
    assert [line.partition("Main ")[2].partition(" [")[0] for line in failed] == ["Check"]
