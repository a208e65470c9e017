"""``stackspin-conformance app`` as a packager runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.cli import main
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.rule import all_rules

SCRIPT = "from conformance.cli import main; main()"
NEXT_MONTH = date.today() + timedelta(days=30)
SLOW = ("kubernetes", "requests", "pydantic", "pytest", "playwright", "helm_python")
VIEWS = ("jinja2", "rich", "xml.etree")


def app(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, "app", *map(str, arguments)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A package with one file that is no YAML, and one that is fine."""
    folder = tmp_path / "packages" / "notes"
    folder.mkdir(parents=True)
    start = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
    (folder / "good.yaml").write_text(f"{start}  name: notes\n")
    (folder / "bad.yaml").write_text(f"{start}\tname: notes\n")
    return folder


def test_an_error_is_shown_with_its_place_and_exit_status_1(broken: Path) -> None:
    answer = app(broken)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert answer.stdout.startswith("level 0  notes  ")
    assert f"error    {broken}/bad.yaml:4  " in answer.stdout
    assert "--explain package.readable" in answer.stdout


def test_json_has_the_same_and_files_are_relative_to_path(broken: Path) -> None:
    (found,) = json.loads(app(broken.parent, "--format=json").stdout)["apps"]
    assert (found["level"], found["root"]) == (0, str(broken.parent))
    first = found["findings"][0]
    assert (first["rule"], first["severity"]) == ("package.readable", "error")
    assert (first["file"], first["line"]) == ("notes/bad.yaml", 4)


def test_a_waiver_lets_the_command_succeed_but_lifts_no_level(broken: Path) -> None:
    waiver = f"package.readable=mended next week,{NEXT_MONTH}"
    chosen = ("--rule", "package", "--waive", waiver)
    answer = app(broken, *chosen)
    assert answer.returncode == 0
    assert f"until {NEXT_MONTH}: mended next week" in answer.stdout
    answer = app(broken, "--waive", waiver, "--level", "1")
    assert answer.returncode == 1
    assert answer.stdout.startswith("level 0")


def test_the_exit_status_of_a_level_is_not_that_of_errors() -> None:
    package = PROJECT_ROOT / "fixtures" / "packages" / "remote-chart"
    assert app(package).returncode == 0, "nothing is wrong with it, as far as can be seen"
    assert app(package, "--level", "0").returncode == 0
    assert app(package, "--level=2").returncode == 1, "what is not run is no level"


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    answer = app(tmp_path)
    assert answer.returncode == 1
    assert "no app found here" in answer.stdout


def test_several_paths_are_one_result(broken: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    apps = json.loads(app(broken, other, "--format", "json").stdout)["apps"]
    assert [one["root"] for one in apps] == [str(broken), str(other)]
    assert [one["name"] for one in apps] == ["notes", "other"]


def test_chosen_rules_claim_no_level(broken: Path) -> None:
    answer = app("--rule", "package.renders", broken, "--format", "json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["apps"][0]["level"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give at least one PATH"),
        (("none-such",), "none-such: no such file or folder"),
        ((".", "none-such"), "none-such: no such file or folder"),
        ((".", "--previous", "none-such"), "none-such: no such file or folder"),
        ((".", "--cluster", "--app-description", "none-such"), "none-such: no such file"),
        ((".", "--app-description", "tests"), "tests: a folder, no file"),
        ((".", "--level", "7"), "invalid choice: 7"),
        ((".", "--format", "yaml"), "invalid choice: 'yaml'"),
        ((".", "--lev", "2"), "unrecognized arguments: --lev"),
        ((".", "--rule", "package", "--level", "2"), "use --rule or --level, not both"),
        ((".", "--rule", "pakage"), '--rule: there is no rule "pakage"; did you mean package'),
        ((".", "--waive", "package.readable=why"), "no end date"),
        ((".", "--values", "none-such.yaml"), "--values: none-such.yaml cannot be read"),
        ((".", "--values", "pyproject.toml"), "--values: pyproject.toml"),
        (("--explain", "pakage"), '--explain: there is no rule "pakage"'),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_status_2(
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    monkeypatch.setattr(sys, "argv", ["stackspin-conformance", "app", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (2, "")
    first, second = told.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("  To do: ")


def test_help_is_there_and_the_command_is_in_the_list() -> None:
    assert "--previous PATH" in app("--help").stdout
    listed = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "check app packages against Stackspin's requirements" in listed.stdout


def test_each_rule_can_be_explained() -> None:
    for name in list(all_rules())[::20]:  # a process each; the views' tests have the text
        assert f"[{name}]" in app("--explain", name).stdout
    assert "package.nothing" in app("--explain", "package").stdout
    listed = app("--explain", "all").stdout
    assert all(f"\n{name} " in listed for name in all_rules())


def test_a_result_goes_into_a_file_and_is_seen_as_well(broken: Path, tmp_path: Path) -> None:
    for form, check in (("html", "<!doctype html>"), ("junit", "<?xml"), ("json", "{")):
        file = tmp_path / f"result.{form}"
        answer = app(broken, "--format", form, "--output", file)
        assert answer.stdout.startswith("level 0  notes")
        assert answer.returncode == 1
        assert file.read_text(encoding="utf-8").startswith(check)
    refused = app(broken, "--output", tmp_path / "none" / "such.txt")
    assert (refused.returncode, "cannot be written" in refused.stderr) == (2, True)


def test_every_format_is_printed(broken: Path) -> None:
    assert ET.fromstring(app(broken, "--format", "junit").stdout).tag == "testsuites"  # noqa: S314
    assert app(broken, "--format", "html").stdout.rstrip().endswith("</html>")


def test_a_name_that_the_terminal_cannot_show_ends_no_run(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + "/packages/größe-日本".encode()
    os.makedirs(folder + b"-\xff")  # noqa: PTH103 - no text
    answer = app(tmp_path / "packages", PYTHONIOENCODING="latin-1:strict", LC_ALL="C")
    assert (answer.returncode, answer.stderr) == (1, "")


def test_a_reader_that_stops_reading_is_no_trouble(broken: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "app", str(broken), "--format", "html"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1
    process.stderr.close()


def test_values_and_an_earlier_version_are_used(tmp_path: Path) -> None:
    chart = PROJECT_ROOT / "fixtures" / "packages" / "single-chart"
    values = tmp_path / "values.yaml"
    values.write_text("ingress: {}\n")
    previous = tmp_path / "previous"
    previous.mkdir()
    (previous / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    (previous / "deploy.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\nspec: {}\n"
    )
    answer = app(chart, "--values", values, "--previous", previous, "--format", "json")
    assert answer.stderr == ""
    assert json.loads(answer.stdout)["apps"][0]["name"] == "polls"


@pytest.mark.parametrize(
    ("form", "allowed"), [("terminal", ()), ("json", ()), ("html", ("jinja2",))]
)
def test_nothing_is_imported_that_is_slow_and_not_needed(
    form: str, allowed: tuple[str, ...]
) -> None:
    chart = PROJECT_ROOT / "fixtures" / "packages" / "single-chart"
    script = (
        "import sys; from conformance.cli import main\n"
        f"sys.argv = ['x', 'app', {str(chart)!r}, '--format', {form!r}]\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, *sys.modules, file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(answer.stderr.split())
    assert "conformance.linter.detection" in loaded
    assert not loaded & {one for one in (*SLOW, *VIEWS) if one not in allowed}
