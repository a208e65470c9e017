"""``--changed-since``, and the differences of ``--format changes``."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from linter_packages import GOOD

from conformance.common.errors import HarnessError
from conformance.linter.changed import changed_since
from conformance.linter.command import main
from conformance.linter.lint import lint
from conformance.linter.views.object_changes import to_changes


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two charts, on a branch that has left ``main``."""
    for name in ("single-chart", "caddy"):
        shutil.copytree(GOOD / name, tmp_path / "charts" / name)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "both")
    git(tmp_path, "checkout", "-qb", "work")
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Return the apps that the command has looked at."""
    main([*arguments, "--rule", "chart.version", "--format", "json"], lambda: None)  # type: ignore[arg-type,return-value]
    return [one["name"] for one in json.loads(capsys.readouterr().out)["apps"]]


def test_only_apps_that_a_branch_touches_are_checked(repository: Path, capsys) -> None:
    charts = str(repository / "charts")
    assert checked(capsys, charts, "--changed-since", "main") == []

    (repository / "charts" / "single-chart" / "ci" / "new-values.yaml").write_text("title: New\n")
    assert checked(capsys, charts, "--changed-since", "main") == ["polls"]

    git(repository, "add", ".")
    git(repository, "commit", "-qm", "new")
    assert checked(capsys, charts, "--changed-since", "main") == ["polls"]
    assert checked(capsys, charts, "--changed-since", "work") == []
    assert len(checked(capsys, charts)) == 2


def test_a_file_that_moved_changes_both_apps(repository: Path, capsys) -> None:
    charts = repository / "charts"
    git(repository, "mv", "charts/caddy/values.schema.json", "charts/single-chart/ci/")
    assert checked(capsys, str(charts), "--changed-since", "main") == ["caddy", "polls"]


def test_what_changed_on_the_other_branch_meanwhile_does_not_count(
    repository: Path, capsys
) -> None:
    git(repository, "checkout", "-q", "main")
    (repository / "charts" / "caddy" / "README.md").write_text("new\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "elsewhere")
    git(repository, "checkout", "-q", "work")

    assert checked(capsys, str(repository / "charts"), "--changed-since", "main") == []


def test_a_reference_that_git_does_not_know_is_told(repository: Path) -> None:
    with pytest.raises(HarnessError, match="--changed-since nowhere"):
        changed_since(repository, "nowhere")


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions of a chart with passwords in several places."""
    for version, word in (("before", "first"), ("now", "second")):
        root = tmp_path / version
        shutil.copytree(GOOD / "single-chart", root)
        (root / "templates" / "more.yaml").write_text(
            "apiVersion: v1\n"
            "kind: Secret\n"
            "metadata: {name: polls-more}\n"
            f"stringData: {{key: hush-{word}-hush, same: always-the-same-one}}\n"
            "---\n"
            "apiVersion: v1\n"
            "kind: ConfigMap\n"
            "metadata: {name: polls-more}\n"
            "data:\n"
            f"  ADMIN_PASSWORD: {word}-of-the-admin\n"
            "  app.ini: |\n"
            f"    title = {word}\n"
            f"    db_password = {word}-of-the-database\n"
        )
    return tmp_path / "before", tmp_path / "now"


def test_changes_are_told_without_secrets(versions: tuple[Path, Path]) -> None:
    before, now = versions
    text = to_changes(lint(now, previous=before))

    assert "## Secret stackspin-apps/polls-more: changed" in text
    assert "+  key: '*** (another value)'" in text
    assert "-    title = first" in text
    assert "+    title = second" in text
    for secret in ("hush", "of-the-admin", "of-the-database", "always"):
        assert secret not in text
    assert "Deployment" not in text


def test_a_change_of_nothing_but_a_password_is_told(versions: tuple[Path, Path]) -> None:
    before, now = versions
    more = (before / "templates" / "more.yaml").read_text()
    changed = more.replace("first-of-the-admin", "another")
    (now / "templates" / "more.yaml").write_text(changed)

    text = to_changes(lint(now, previous=before))

    assert "## ConfigMap stackspin-apps/polls-more: changed" in text
    assert "another\n" not in text


def test_added_and_removed_objects_are_told(versions: tuple[Path, Path]) -> None:
    before, now = versions
    (now / "templates" / "more.yaml").unlink()

    assert "## ConfigMap stackspin-apps/polls-more: removed" in to_changes(
        lint(now, previous=before)
    )
    assert "## ConfigMap stackspin-apps/polls-more: added" in to_changes(lint(before, previous=now))


def test_the_same_version_has_no_changes(versions: tuple[Path, Path]) -> None:
    assert "# no object changed" in to_changes(lint(versions[0], previous=versions[0]))


def test_changes_need_an_earlier_version() -> None:
    with pytest.raises(HarnessError, match="add --previous"):
        main([str(GOOD / "single-chart"), "--format", "changes"], lambda: None)  # type: ignore[arg-type,return-value]


def test_what_was_not_compared_is_not_said_to_be_unchanged() -> None:
    chart = GOOD / "single-chart"
    said = to_changes(lint(chart, previous=GOOD / "flux-app"))
    assert "# not compared: of PATH and --previous, one is a chart" in said
    assert "no object changed" not in said
