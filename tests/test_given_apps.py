"""``--app``: checks of app packages run on these, and on nothing else."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_runs import RunChecks, report, runner

from conformance.apps.package.abilities import Ability, lack_of
from conformance.apps.package.given import by_name, read_apps
from conformance.apps.package.model.description import Description
from conformance.apps.package.model.steps import CommandStep, RequestStep
from conformance.apps.package.reference import reference_copy
from conformance.common.errors import HarnessError
from conformance.common.package import Package
from conformance.common.settings import Settings, data_root
from conformance.linter.elsewhere import Origin
from conformance.suite import given_reading
from conformance.suite.given_apps import earlier_version, given_apps
from conformance.suite.given_reading import read_given

PACKAGES = data_root() / "fixtures" / "packages"
ON_PACKAGES = """
from conformance.apps.package import chart_fetch
from conformance.apps.package.abilities import Ability
from conformance.suite.check import extended

@check("auto_update.plain", promise="It holds.")
def test_plain(): pass

@check(
    "auto_update.serves", level="core", promise="It serves.", apps=extended("notes"), app_level=4,
)
def test_serves(app_package):
    assert app_package.name != "polls", f"{app_package.name} does not"

@check(
    "auto_update.keeps", promise="It keeps.", apps=extended("notes"), app_level=5,
    abilities=[Ability.DATA],
)
def test_keeps(app_package): pass
"""
DATA = """
data:
  seed: [{request: GET /}]
  verify: [{request: GET /}]
"""
UNTIL = date.today() + timedelta(days=30)
_OF_MISTAKES = "not run: conformance.yaml has a mistake, of which app_runs.described tells"
SKIP = f"skip: [{{check: %s, reason: upstream issue 12, until: {UNTIL}}}]"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def results(pytester: pytest.Pytester) -> list[dict[str, Any]]:
    (capability,) = report(pytester)["capabilities"]
    return list(capability["checks"])


def told(pytester: pytest.Pytester) -> dict[tuple[str, str], str]:
    return {
        (one["app"], one["id"].partition(".")[2]): f"{one['verdict']}: {one['reason']}"
        for one in results(pytester)
    }


def test_checks_of_packages_run_on_each_given_app_and_nothing_else_runs(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    paths = [PACKAGES / "single-chart", PACKAGES / "static-site"]
    run(ON_PACKAGES, *[f"--app={path}" for path in paths]).assert_outcomes(
        passed=1, failed=1, skipped=2
    )
    unsaid = "conformance.yaml says nothing of its data: add data (seed and verify), or without: "
    assert [
        (one["app"], one["id"], one["appLevel"], one["level"]) for one in results(pytester)
    ] == [
        ("polls", "auto_update.serves", 4, "core"),
        ("polls", "auto_update.keeps", 5, "core"),
        ("pages", "auto_update.serves", 4, "core"),
        ("pages", "auto_update.keeps", 5, "core"),
    ]
    assert told(pytester)["pages", "keeps"] == f"not run: {unsaid}data"
    assert "polls does not" in told(pytester)["polls", "serves"]
    assert [one for one in report(pytester)["selection"] if one.startswith("--app ")]


def test_without_the_option_they_run_on_the_reference_apps(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_PACKAGES, "-k", "plain or serves").assert_outcomes(passed=2)
    assert [(one["app"], one["appLevel"], one["level"]) for one in results(pytester)] == [
        (None, None, "core"),
        ("notes", 4, "extended"),
        ("notes", 5, "extended"),
    ]


def test_what_was_not_selected_of_a_given_app_is_not_run(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(ON_PACKAGES, f"--app={PACKAGES / 'static-site'}", "-k", "serves").assert_outcomes(passed=1)
    assert told(pytester)["pages", "keeps"] == "not run: not selected on the command line"
    assert len(results(pytester)) == 2


def test_the_variable_names_several_packages(
    run: RunChecks, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = f"{PACKAGES / 'single-chart'}:{PACKAGES / 'static-site'}"
    monkeypatch.setenv("STACKSPIN_CONFORMANCE_APP", both)
    run(ON_PACKAGES, "-k", "serves").assert_outcomes(passed=1, failed=1)
    assert {app for app, _ in told(pytester)} == {"polls", "pages"}


@pytest.mark.parametrize(
    ("described", "verdict"),
    [
        (DATA, "pass: "),
        ("without: {data: it only shows pages}", "not applicable: the app has no data: it only*"),
        (DATA + SKIP % "auto_update.drift_reverted", "pass: "),
        (DATA + SKIP % "auto_update.drift_revert", _OF_MISTAKES),
        (DATA + "skp: []", _OF_MISTAKES),
    ],
)
def test_what_an_app_can_do_decides_what_a_check_says(
    described: str, verdict: str, run: RunChecks, pytester: pytest.Pytester
) -> None:
    package = pytester.path / "static-site"
    shutil.copytree(PACKAGES / "static-site", package)
    (package / "conformance.yaml").write_text(described)
    run(ON_PACKAGES, f"--app={package}", "-k", "keeps")
    found = told(pytester)["pages", "keeps"].replace("\n", " ")
    pytest.LineMatcher([found]).fnmatch_lines([verdict])


INSTALLED = """
from conformance.suite.check import extended

@check("auto_update.allowed", promise="It is.", apps=extended("notes"), app_level=4)
def test_allowed(placement): pass

@check("auto_update.runs", promise="It runs.", apps=extended("notes"), app_level=4)
def test_runs(delivered): pass
"""


def test_no_cluster_is_brought_up_for_what_cannot_be_installed(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    """This one would not come up, and the run would say so."""
    (pytester.path / "nothing").mkdir()
    refused = PACKAGES.with_name("packages-broken") / "privileged"
    run(INSTALLED, f"--app={refused}", "--app=nothing").assert_outcomes(passed=2, skipped=2)
    found = {app: reason for (app, check), reason in told(pytester).items() if check == "runs"}
    assert found["nothing"].startswith("not run: there is nothing to install")
    assert "is privileged (refused without --allow node)" in found.pop("privileged")


def test_a_skipped_check_is_not_run_and_says_until_when(
    run: RunChecks, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    (tmp_path / "conformance.yaml").write_text(SKIP % "auto_update.drift_reverted")
    checks = ON_PACKAGES.replace("auto_update.serves", "auto_update.drift_reverted")
    package, described = PACKAGES / "static-site", tmp_path / "conformance.yaml"
    run(checks, f"--app={package}", f"--app-description={described}", "-k", "drift")
    assert told(pytester)["pages", "drift_reverted"] == (
        f"not run: skipped until {UNTIL}: upstream issue 12"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--app=/nowhere"], "*/nowhere cannot be read*"),
        (["--app=static-site", "--twins"], "*leave --app out*"),
        (["--app=static-site", "--app=copy"], "*2 apps are called pages*"),
        (["--app-description=conformance.yaml"], "*--app-description needs an app*"),
        (["--previous=static-site"], "*--previous needs an app*"),
        (["--app=static-site", "--previous=/nowhere"], "*/nowhere cannot be read*"),
        (["--app=static-site", "--app-time=0"], "*--app-time=0: give a number above 0*"),
        (
            ["--app=static-site", "--app-allow=all"],
            "*--app-allow=all: choose from cluster, platform, node*",
        ),
        (
            ["--app=static-site", "--app=single-chart", "--app-description=conformance.yaml"],
            "*write app: NAME into it*",
        ),
    ],
)
def test_wrong_usage_says_what_to_do(
    arguments: list[str], complaint: str, run: RunChecks, pytester: pytest.Pytester
) -> None:
    for name in ("static-site", "single-chart"):
        shutil.copytree(PACKAGES / name, pytester.path / name)
    shutil.copytree(PACKAGES / "static-site", pytester.path / "copy")
    (pytester.path / "conformance.yaml").write_text(DATA)
    result = run(ON_PACKAGES, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


UPGRADED = """
from conformance.suite.check import extended
from conformance.suite.given_apps import earlier_version

@check("auto_update.upgrades", promise="It does.", apps=extended("notes"), app_level=5)
def test_upgrades(app_package, request):
    earlier = earlier_version(request.config, app_package.name)
    assert earlier is None, f"from {earlier.name} in {earlier.root.name}"
"""


@pytest.mark.parametrize(
    ("apps", "before", "expected"),
    [
        (["static-site"], "static-site", {"pages": "from pages in static-site"}),
        (["static-site"], "single-chart", {"pages": "from polls in single-chart"}),
        (["static-site", "single-chart"], "single-chart", {"polls": "from polls in single-chart"}),
        (["static-site", "single-chart"], "other", {}),
    ],
)
def test_an_earlier_version_is_that_of_the_same_name_or_the_only_one(
    apps: list[str],
    before: str,
    expected: dict[str, str],
    run: RunChecks,
    pytester: pytest.Pytester,
) -> None:
    shutil.copytree(PACKAGES / "static-site", pytester.path / "other")
    for file in (pytester.path / "other").rglob("*.yaml"):
        file.write_text(file.read_text().replace("pages", "leaves"))
    path = PACKAGES / before if before != "other" else pytester.path / before
    run(UPGRADED, *(f"--app={PACKAGES / name}" for name in apps), f"--previous={path}")
    failed = {one["app"]: one["reason"] for one in results(pytester) if one["verdict"] == "fail"}
    assert set(failed) == set(expected)
    assert all(text in failed[app] for app, text in expected.items())


def test_both_versions_have_the_description_beside_them_and_charts_that_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    earlier = shutil.copytree(PACKAGES / "remote-chart", tmp_path / "earlier")
    release = earlier / "apps/forge/forgejo/forgejo-release.yaml"
    version = r"(?m)(version: ).*$"
    release.write_text(re.sub(version, r"\g<1>1.2.3", release.read_text()))
    asked: list[str] = []

    def fetched(origin: Origin) -> Path:
        asked.append(origin.version)
        return PACKAGES / "single-chart"

    monkeypatch.setattr(given_reading, "ChartFetcher", lambda _: fetched)
    described = tmp_path / "conformance.yaml"
    described.write_text("host: forge.${domain}")
    config: Any = SimpleNamespace(stash=pytest.Stash(), getoption=lambda _: False)
    read_given(
        config,
        Settings(
            app=(PACKAGES / "remote-chart",),
            previous=earlier,
            app_description=described,
            app_fetch=True,
        ),
    )
    [later] = given_apps(config).values()
    before = earlier_version(config, later.name)
    assert before is not None
    assert [one.description.host for one in (before, later)] == 2 * ["forge.${domain}"]
    assert [len(one.app.charts) for one in (before, later)] == [1, 1]
    assert asked[1:] == ["1.2.3"]


def test_a_folder_without_an_app_stands_for_something_that_cannot_be_installed(
    tmp_path: Path,
) -> None:
    (tmp_path / "README.md").write_text("Nothing here.")
    [found] = read_apps(tmp_path)
    assert (found.name, found.app.written, found.app.charts) == (tmp_path.name, (), ())


def test_apps_are_told_apart_by_their_names() -> None:
    apps = read_apps(PACKAGES / "static-site")
    assert list(by_name(apps)) == ["pages"]
    twice = [*apps, *read_apps(PACKAGES / "static-site")]
    with pytest.raises(HarnessError, match=r"2 apps are called pages: in .*static-site.* and in "):
        by_name(twice)
    assert list(by_name([*twice, *read_apps(PACKAGES / "single-chart")])) == ["polls"]


def test_a_copy_of_a_reference_app_has_another_name_throughout(tmp_path: Path) -> None:
    package = Package(data_root())
    copy = reference_copy(package, "notes", "notes-given-1", tmp_path)
    assert copy.name == "notes-given-1"
    assert {one.name for one in copy.app.kustomizations} == {
        "add-notes-given-1", "notes-given-1", "notes-given-1-secrets",
    }  # fmt: skip
    assert [one.namespace for one in copy.app.releases] == ["stackspin-apps"]
    [installation] = copy.app.installations
    assert installation.complete
    assert [one.name for one in installation.objects("Ingress")] == ["notes-given-1"]


def test_of_the_description_of_a_copy_only_host_and_secrets_are_called_anew(
    tmp_path: Path,
) -> None:
    package = Package(data_root())
    notes = reference_copy(package, "notes", "memos", tmp_path / "notes").description
    assert notes.host == "memos.${domain}"
    assert notes.data
    created = notes.data.seed[0]
    assert isinstance(created, RequestStep)
    assert created.request == "POST /api/notes"
    assert created.headers == {"X-Api-Token": "${secret:memos-api-token/api-token}"}
    press = reference_copy(package, "wordpress", "press", tmp_path / "wordpress").description
    assert press.data
    command = press.data.seed[0]
    assert isinstance(command, CommandStep)
    assert command.run[0] == "wordpress-application-password"


def test_abilities_are_those_of_the_description() -> None:
    assert all(hasattr(Description(), ability.value) for ability in Ability)
    lack = lack_of(Ability.LOGIN, Description())
    assert lack is not None
    assert not lack.by_nature
