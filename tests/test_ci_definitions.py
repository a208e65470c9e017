"""The definitions of the suite's own pipelines: valid for their forges, and each command runs."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance.common.options import options, read
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.platform.tree.given import given_tree

GITLAB = PROJECT_ROOT / ".gitlab-ci.yml"
GITHUB = PROJECT_ROOT / ".github" / "workflows" / "nightly.yml"
JOB = PROJECT_ROOT / ".ci" / "job"
PLATFORMS = PROJECT_ROOT / ".ci" / "platforms"
JOBS = {
    "embedded": "tox -e conformance -- --cluster=embedded --all",
    "kind": "tox -e kind -- --all",
    "twins": "tox -e twins -- --cluster=embedded --snapshot=never",
}
BOOTSTRAP = """#!/bin/sh
echo "$@" >> calls
[ -n "$MADE" ] || exit "$STATUS"
mkdir -p "reports/$MADE"
echo '<testsuites/>' > "reports/$MADE/junit.xml"
exit "$STATUS"
"""
OURS = """
[ "$PWD" != / ] || return
options=(--platform-repository="our tree" --platform-branch=v2)
clone="our tree"
"""
COMMAND = '#!/bin/sh\necho "$@" >> calls\necho "one check fails"\n'


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("gitlab-ci", GITLAB),
        ("github-workflows", GITHUB),
        ("github-actions", PROJECT_ROOT / "ci" / "github" / "action.yml"),
    ],
)
def test_it_follows_the_schema_of_its_forge(schema: str, file: Path) -> None:
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    command = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *transform]
    answer = subprocess.run(
        [sys.executable, *command, str(file)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def commands() -> dict[str, list[str]]:
    """Return what each definition runs, but for what it installs."""
    gitlab, github = (yaml.safe_load(file.read_text()) for file in (GITLAB, GITHUB))
    steps = [step["run"] for step in github["jobs"]["nightly"]["steps"] if "run" in step]
    scripts = [line for job in ("tests", "nightly") for line in gitlab[job]["script"]]
    found = {"gitlab": scripts, "github": steps}
    return {
        forge: [line for line in lines if not line.startswith("apt-get update ")]
        for forge, lines in found.items()
    }


def test_the_definitions_run_nothing_that_is_not_tested_here() -> None:
    assert commands() == {
        "gitlab": ["./bootstrap tox", '.ci/job "$JOB" "$PLATFORM"'],
        "github": ['.ci/job "$JOB" "$PLATFORM"', 'cat history.md >> "$GITHUB_STEP_SUMMARY"'],
    }


def test_both_forges_run_the_same_jobs() -> None:
    gitlab, github = (yaml.safe_load(file.read_text()) for file in (GITLAB, GITHUB))
    each, twins = gitlab["nightly"]["parallel"]["matrix"]
    matrix = github["jobs"]["nightly"]["strategy"]["matrix"]
    assert each == {"JOB": matrix["job"], "PLATFORM": matrix["platform"]}
    assert matrix["include"] == [{name.lower(): value for name, value in twins.items()}]
    assert [*matrix["job"], twins["JOB"]] == [*JOBS]
    there = {path.name for path in PLATFORMS.iterdir()}
    assert {*matrix["platform"]} == {"reference", *there}


def test_what_a_job_keeps_is_that_of_its_provider_and_platform() -> None:
    gitlab, github = (yaml.safe_load(file.read_text()) for file in (GITLAB, GITHUB))
    keys = [cache["key"] for cache in gitlab["nightly"]["cache"]]
    assert keys == ["components-$JOB-$PLATFORM", "history-$JOB-$PLATFORM"]
    job = github["jobs"]["nightly"]
    assert job["env"]["JOB"] == "${{ matrix.job }}"
    assert job["env"]["PLATFORM"] == "${{ matrix.platform }}"
    own = "${{ matrix.job }}-${{ matrix.platform }}"
    given = [step.get("with", {}) for step in job["steps"]]
    restored = {one["restore-keys"]: one["key"] for one in given if "restore-keys" in one}
    assert {*restored} == {f"components-{own}-", f"history-{own}-"}
    assert all(key.startswith(before) for before, key in restored.items())
    assert [one["name"] for one in given if "name" in one] == [f"report-{own}"]


def test_a_night_in_which_a_check_fails_keeps_what_the_next_one_needs() -> None:
    gitlab, github = (yaml.safe_load(file.read_text()) for file in (GITLAB, GITHUB))
    caches = gitlab["nightly"]["cache"]
    assert [cache["when"] for cache in caches] == ["always", "always"]
    steps = github["jobs"]["nightly"]["steps"]
    # actions/cache saves nothing when a step before has failed, and nobody can tell it to.
    assert not [step for step in steps if step.get("uses", "").startswith("actions/cache@")]
    restored, saved = (
        {step["with"]["path"]: step for step in steps if f"/cache/{what}@" in step.get("uses", "")}
        for what in ("restore", "save")
    )
    assert {path for cache in caches for path in cache["paths"]} == {*restored} == {*saved}
    for path, step in saved.items():
        key = f"${{{{ steps.{restored[path]['id']}.outputs.cache-primary-key }}}}"
        assert step["with"]["key"] == key
        assert step["if"].startswith(("always() ", "!cancelled() "))


def test_the_history_has_all_commits_to_choose_from() -> None:
    gitlab, github = (yaml.safe_load(file.read_text()) for file in (GITLAB, GITHUB))
    assert gitlab["nightly"]["variables"]["GIT_DEPTH"] == "0"
    (checkout,) = (
        step
        for step in github["jobs"]["nightly"]["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    )
    assert checkout["with"] == {"fetch-depth": 0}


def test_arguments_of_a_person_reach_the_run() -> None:
    github = yaml.safe_load(GITHUB.read_text())
    assert github["jobs"]["nightly"]["env"]["PYTEST_ADDOPTS"] == "${{ inputs.arguments }}"
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(PROJECT_ROOT / "tox.ini")
    assert "PYTEST_ADDOPTS" in tox["testenv"]["pass_env"].split()


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("job", JOBS)
def test_a_job_leaves_its_report_and_ends_as_the_run_did(
    tmp_path: Path, job: str, status: int
) -> None:
    made = f"20261129T020000Z-now{'-twins' if job == 'twins' else ''}"
    answer = run_job(tmp_path, job, made, status)
    assert answer.returncode == status
    assert (tmp_path / "calls").read_text().splitlines() == [JOBS[job], "report history reports"]
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["junit.xml"]
    assert (tmp_path / "history.md").read_text() == "one check fails\n"


def test_another_platform_is_what_its_file_says(tmp_path: Path) -> None:
    answer = run_job(tmp_path, "kind", "20261129T020000Z-now", 0, "ours")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"{JOBS['kind']} --platform-repository=our tree --platform-branch=v2",
        "report history reports --platform-repository our tree",
    ]


def test_the_annex_has_all_that_a_run_of_its_tree_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = run_job(tmp_path, "embedded", "20261129T020000Z-now", 0, "annex")
    assert answer.returncode == 0, answer.stderr
    run, _ = (tmp_path / "calls").read_text().splitlines()
    assert run.startswith(f"{JOBS['embedded']} ")
    given = dict(re.findall(r"--([a-z-]+)=(\S+)", run))
    known = {each.flag.removeprefix("--"): each.field for each in options(Settings)}
    monkeypatch.chdir(tmp_path)
    values = {known[name]: value for name, value in given.items()}
    tree = given_tree(Settings(**read(Settings, values.get, {})))
    assert tree is not None
    assert tree.variables["domain"] == tree.described.domain
    assert tree.setup


@pytest.mark.parametrize(("status", "ends"), [(0, 1), (4, 4)])
def test_a_job_without_a_report_shows_none_of_an_earlier_night(
    tmp_path: Path, status: int, ends: int
) -> None:
    answer = run_job(tmp_path, "embedded", "", status)
    assert answer.returncode == ends
    said = "The run left no report: the log of the job says why.\n"
    assert (answer.stdout, (tmp_path / "history.md").read_text()) == (said, said)
    assert not (tmp_path / "report").exists()


def test_a_platform_that_cannot_be_had_leaves_no_report_of_an_earlier_night(tmp_path: Path) -> None:
    answer = run_job(tmp_path, "embedded", "20261129T020000Z-now", 0, "lost")
    assert answer.returncode == 3
    assert not (tmp_path / "report").exists()
    assert not (tmp_path / "calls").exists()


def run_job(
    folder: Path, job: str, made: str, status: int, *platform: str
) -> subprocess.CompletedProcess[str]:
    """Run a job whose run makes a report of that name, after a night that left its own."""
    shutil.copytree(JOB.parent, folder / ".ci")
    annex = folder / "fixtures" / "platforms" / "annex"
    if "annex" in platform:
        shutil.copytree(PROJECT_ROOT / "fixtures" / "platforms" / "annex", annex)
    if "ours" in platform:
        (folder / ".ci" / "platforms" / "ours").write_text(OURS)
    if "lost" in platform:
        (folder / ".ci" / "platforms" / "lost").write_text("return 3\n")
    for old in ("reports/20261128T020000Z-before", "report"):
        (folder / old).mkdir(parents=True)
        (folder / old / "old.txt").touch()
    program(folder / "bootstrap", BOOTSTRAP)
    environment = JOBS[job].split()[2]
    program(folder / ".tox" / environment / "bin" / "stackspin-conformance", COMMAND)
    told = {**os.environ, "MADE": made, "STATUS": str(status)}
    command = [str(folder / ".ci" / "job"), job, *platform]
    return subprocess.run(command, env=told, capture_output=True, text=True, check=False)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["noon"], "there is no job noon"),
        (["twins", "annex"], "twins are of the reference platform"),
        (["kind", "theirs"], "there is no file .ci/platforms/theirs"),
    ],
)
def test_another_job_or_platform_is_wrong_usage(arguments: list[str], why: str) -> None:
    answer = subprocess.run([str(JOB), *arguments], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.endswith(f"job embedded|kind [PLATFORM], or {JOB} twins; {why}\n")


def test_all_jobs_of_a_night_can_be_run_on_one_machine() -> None:
    found = re.findall(r'^  "\.ci/job (.*?)"', (JOB.parent / "nightly").read_text(), re.MULTILINE)
    assert {*JOBS} == {words.split()[0] for words in found}
    assert "embedded annex" in found


@pytest.mark.parametrize("job", JOBS)
def test_the_options_of_a_job_are_options_of_a_run(job: str) -> None:
    given = dict(re.findall(r"--([a-z-]+)(?:=(\S+))?", JOBS[job].partition(" -- ")[2]))
    known = {each.flag.removeprefix("--"): each.field for each in options(Settings)}
    fields = {known[name]: value or True for name, value in given.items()}
    assert read(Settings, fields.get, {}) == fields
    assert f"[testenv:{JOBS[job].split()[2]}]" in (PROJECT_ROOT / "tox.ini").read_text()
