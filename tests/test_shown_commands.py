"""Who types what the documents show is understood: each command runs, or a comment says why not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from package_walk import Command
from shown_commands import DOCUMENTS, Shown, all_commands, without_tox

from bench.years_of_reports import write_year
from conformance.cli import run
from conformance.common.settings import PROJECT_ROOT

CI = {"tox", "ruff", "mypy", "mkdocs", "pytest tests"}
"""Programs that CI runs as they are shown: ``./bootstrap tox`` in .ci/run, and what that runs."""
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: NAME
clusters: [{name: c, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: NAME, context: {cluster: c, user: u}}]
"""


def the_command(shown: Shown) -> list[str]:
    words = shown.words
    return without_tox(words) if words[:2] == ["./bootstrap", "tox"] else words


def kind(words: list[str]) -> str:
    return " ".join(words[:2]) if words[0] == "pytest" else words[0]


TO_RUN = [*{tuple(the_command(one)): one for one in all_commands() if not one.not_run}.values()]
"""Each once, however many documents show it."""
RUNS = [one for one in TO_RUN if kind(the_command(one)) == "pytest conformance/capabilities"]
PROGRAM = [one for one in TO_RUN if kind(the_command(one)) == "stackspin-conformance"]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports under the names that the documents have."""
    folder = tmp_path_factory.mktemp("samples")
    nights = write_year(folder / "made", 3, broke_at=2)
    names = (
        (
            "reports/20261127T020000Z-k3f9ab",
            "reports/kind/latest",
            "shard-1/latest",
        ),
        ("reports/embedded/latest", "shard-2/latest"),
        ("reports/20261128T020000Z-w4fdnt", "reports/latest", "report", "shard-3/latest"),
    )
    for night, called in zip(nights, names, strict=True):
        for name in called:
            shutil.copytree(night, folder / name)
    (folder / "reports" / "example").symlink_to(PROJECT_ROOT / "reports" / "example")
    shutil.rmtree(folder / "made")
    return folder


@pytest.fixture
def here(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader types: a checkout with reports and a cluster's kubeconfig."""
    shutil.copytree(samples, tmp_path, symlinks=True, dirs_exist_ok=True)
    shutil.copytree(PROJECT_ROOT / "charts" / "notes", tmp_path / "charts" / "notes")
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    for name in ("CACHE", "STATE"):
        monkeypatch.setenv(f"STACKSPIN_CONFORMANCE_{name}", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_command_is_one_that_a_test_runs_or_says_why_not() -> None:
    unknown = [
        str(one) for one in TO_RUN if one not in RUNS + PROGRAM and kind(the_command(one)) not in CI
    ]
    assert unknown == [], "run these here, or put <!-- not run by a test: WHY --> above the block"
    assert "./bootstrap tox\n" in (PROJECT_ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("shown", RUNS, ids=str)
def test_a_run_finds_its_options_and_checks(
    shown: Shown, here: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    program, path, *arguments = the_command(shown)
    where = [str(PROJECT_ROOT / path), "-c", str(PROJECT_ROOT / "pyproject.toml")]
    answer = pytester.runpytest_inprocess(*where, *arguments, "--collect-only", "-q")
    assert answer.ret == pytest.ExitCode.OK, f"{program}: {answer.stdout.str()}"


@pytest.mark.parametrize("shown", PROGRAM, ids=str)
def test_a_command_runs(shown: Shown, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = the_command(shown)
    assert program == "stackspin-conformance"
    if ">" in arguments:
        arguments = arguments[: arguments.index(">")]
    status = run(arguments)
    output = capsys.readouterr().out
    assert status in (0, 1), output
    assert output
    if shown.said:
        Command(tuple(arguments), shown.said).assert_said(output)
    assert here.exists()


def named_in_texts() -> list[str]:
    texts = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    return sorted(set(re.findall(r"`stackspin-conformance ([a-z]+(?: [a-z]+)?)", texts)))


@pytest.mark.parametrize("words", named_in_texts())
def test_a_command_that_a_text_names_is_there(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([*words.split(), "--help"])
    assert ended.value.code == 0
    assert f"stackspin-conformance {words.partition(' ')[0]}" in capsys.readouterr().out


def test_what_one_sees_in_trouble_is_what_the_suite_says() -> None:
    text = (PROJECT_ROOT / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r"(?m)^\| [^|]*`([a-z][^`]* [^`]*)`[^|]* \|", text)
    files = [PROJECT_ROOT / "bootstrap", *(PROJECT_ROOT / "conformance").rglob("*.py")]
    sources = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert len(quoted) > 3
    assert [one for one in quoted if one not in sources] == []


def test_a_page_says_first_who_it_is_for() -> None:
    heads = {one.name: one.read_text(encoding="utf-8").splitlines()[:3] for one in DOCUMENTS[2:]}
    assert all(title.startswith("# ") and not blank for title, blank, _ in heads.values())
    assert [name for name, head in heads.items() if not head[2].startswith("For ")] == []


def test_the_readme_leads_to_every_page() -> None:
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in DOCUMENTS[2:] if f"(docs/{one.name}" not in readme] == []
