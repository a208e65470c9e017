"""Who follows docs/package-an-app.md gets what it says, as far as that takes no cluster."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from package_walk import DOCUMENT, PROGRAM, Change, Command, File, steps

from conformance.apps.package.abilities import Ability, lack_of
from conformance.apps.package.given import read_apps
from conformance.cli import run
from conformance.linter.lint import lint
from conformance.linter.on_cluster.merge import merged
from conformance.linter.on_cluster.process import CAPABILITIES
from conformance.linter.on_cluster.promises import promises
from conformance.linter.result import CheckResult, ClusterRun
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal
from conformance.suite.check import is_check

LACKING = {4: {Ability.DATA, Ability.LOGIN}, 5: {Ability.LOGIN}, 6: set[Ability]()}
"""What nobody has said of the app yet where the page runs it for a level."""
UPGRADE = "app_data.survives_upgrade"
"""The check that does not apply: the page names no earlier version."""


def test_the_page_is_what_one_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    levels = iter(LACKING)
    for step in steps(DOCUMENT.read_text(encoding="utf-8")):
        if not isinstance(step, Command):
            step.do(tmp_path)
        elif not step.needs_cluster:
            run(step.arguments)
            step.assert_said(capsys.readouterr().out)
        elif step.arguments[0] == "app":
            step.assert_said(as_if_run(Path("handouts"), next(levels)))
    assert list(levels) == []


def as_if_run(package: Path, level: int) -> str:
    """Return what the command says of the app if it passes what is described for a level."""
    [app] = read_apps(package)
    lacks = {one: lack_of(one, app.description) for one in Ability}
    assert {one for one, lack in lacks.items() if lack} == LACKING[level]
    [image] = app.description.images
    assert app.description_file is not None
    assert (app.description_file.parent / str(image.context) / "Dockerfile").is_file()
    found = []
    for promise in promises(CAPABILITIES).values():
        lack = next((lacks[one] for one in abilities(promise.id) if lacks[one]), None)
        verdict = "not run" if lack else "not applicable" if promise.id == UPGRADE else "pass"
        found.append(CheckResult(app.name, promise, verdict, lack.reason if lack else ""))
    folder = Path("reports/apps/20261128T213000Z-k3f9ab")
    result = merged(lint(package), ClusterRun(folder=folder, checks=tuple(found)))
    assert [one.level for one in result.apps] == [level]
    return to_terminal(result, Look())


def abilities(check_id: str) -> tuple[Ability, ...]:
    capability, _, _ = check_id.partition(".")
    for file in CAPABILITIES.glob(f"{capability}/test_*.py"):
        module = importlib.import_module(f"conformance.capabilities.{capability}.{file.stem}")
        for function in filter(is_check, filter(callable, vars(module).values())):
            [check] = [one.args[0] for one in function.pytestmark if one.name == "check"]
            if check.id == check_id:
                return check.abilities
    raise LookupError(check_id)


PAGE = f"""
`a/file`

```yaml
one: 1
two: 2
```

This is changed:

`a/file`

```diff
 one: 1
-two: 2
+two: 3
@@
-one: 1
+one: 0
```

```sh
not for the test
```

```console
$ {PROGRAM} app a
level 3  a
...
(1.5 s)
$ {PROGRAM} cluster down
gone
```
"""


def test_a_page_is_read_as_files_changes_and_commands(tmp_path: Path) -> None:
    file, change, first, second = steps(PAGE)
    assert isinstance(file, File)
    assert isinstance(change, Change)
    file.do(tmp_path)
    change.do(tmp_path)
    assert (tmp_path / "a" / "file").read_text() == "one: 0\ntwo: 3\n"
    with pytest.raises(AssertionError, match="a/file has this 0 times"):
        change.do(tmp_path)
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert (first.needs_cluster, second.needs_cluster) == (False, True)
    first.assert_said("level 3  a\nand more\n\n(0.3 s)\n")
    with pytest.raises(AssertionError, match="level 2"):
        first.assert_said("level 2  a\n(0.3 s)\n")
    with pytest.raises(AssertionError, match="more"):
        second.assert_said("gone\nand more\n")


def test_a_page_that_cannot_be_followed_is_refused() -> None:
    with pytest.raises(AssertionError, match="helm"):
        list(steps("```console\n$ helm create a\n```\n"))
    with pytest.raises(AssertionError, match="begin with"):
        list(steps("`a`\n\n```diff\nno sign\n```\n"))
