"""``app --init PATH``: writes first drafts into the package, and never over anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import relpath

from conformance.common.errors import HarnessError
from conformance.linter.app import AppPackage
from conformance.linter.deadline import CPU, TooLongError, at_most
from conformance.linter.draft.description import describe
from conformance.linter.draft.flux_package import draft_for, is_chart_alone
from conformance.linter.draft.said import described, given_in
from conformance.linter.files import KUSTOMIZATION_FILES, inside, parent
from conformance.linter.limits import Limits
from conformance.linter.lint import lint
from conformance.linter.reading.description import FILE
from conformance.linter.reading.tree import Tree, shown

_DEFAULT = Limits()


@dataclass(frozen=True)
class Draft:
    """What is written for one app."""

    app: str
    files: Mapping[str, str]
    """Path relative to PATH -> text."""
    todo: tuple[str, ...]
    """What a person has to do, a sentence each."""


def init(root: Path, limits: Limits = _DEFAULT) -> list[Draft]:
    """Write the drafts for the apps of a package into it; return what was written.

    Of a chart that is described already, the Flux package is made of what the description says.
    Nothing is written unless everything can be. Raises HarnessError: PATH is no folder or has no
    app, a file is there already, there is no folder for a description, or it takes too long.
    """
    if not root.is_dir():
        raise HarnessError(
            f"{shown(str(root))} is not a folder", "unpack the archive, and give its folder"
        )
    files = Tree.read(root, limits).files
    dockerfiles = [parent(file) for file in files if PurePosixPath(file).name == "Dockerfile"]
    apps = [one.app for one in lint(root, rules=(), limits=limits).apps]
    apps = [one for one in apps if one.charts or one.written]
    if not apps:
        raise HarnessError(f"{shown(str(root))} has no app", "give a chart or a Flux package")
    drafts: list[Draft] = []
    try:
        with at_most(limits.seconds, CPU):
            for app in apps:
                if is_chart_alone(app) and (there := described(root, app, limits)) is not None:
                    package = draft_for(app, given_in(there))
                    drafts.append(Draft(app.name, package.files, tuple(package.todo())))
                    continue
                taken = {path for draft in drafts for path in draft.files}
                folder = _folder(root, app, taken, alone=len(apps) == 1)
                drafts.append(_draft(app, folder, [relpath(one, folder) for one in dockerfiles]))
    except TooLongError:
        raise HarnessError(
            f"drafting took longer than {limits.seconds:g} s: nothing was written",
            "give a smaller folder",
        ) from None
    _write(root, {path: text for draft in drafts for path, text in draft.files.items()})
    return drafts


def told(root: Path, drafts: Iterable[Draft]) -> str:
    """Return what was written, and what a person has to do, for the terminal."""
    lines = []
    for draft in drafts:
        lines.append(shown(draft.app))
        lines += [f"  wrote    {shown(str(root / path))}" for path in draft.files]
        lines += [f"  fill in  {shown(one)}" for one in draft.todo]
    lines.append(f"Then: stackspin-conformance app {shown(str(root))}")
    return "\n".join(lines) + "\n"


def _draft(app: AppPackage, folder: str, contexts: list[str]) -> Draft:
    path = FILE if folder == "." else f"{folder}/{FILE}"
    if is_chart_alone(app):
        package = draft_for(app)
        described = describe(app, contexts, package.chosen)
        files, todo = package.files, (*described.todo(), *package.todo())
    else:
        described = describe(app, contexts)
        files, todo = {}, tuple(described.todo())
    return Draft(app.name, {path: described.text(), **files}, todo)


def _folder(root: Path, app: AppPackage, taken: set[str], *, alone: bool) -> str:
    """Return the folder for an app's description: where it is found, and Flux does not apply it."""
    home = app.path if (root / app.path).is_dir() else parent(app.path)
    folders = [*(chart.folder for chart in app.charts), home, *(["."] if alone else [])]
    for folder in folders:
        path = FILE if folder == "." else f"{folder}/{FILE}"
        if path not in taken and not _applied(root, app, folder):
            return folder
    raise HarnessError(
        f"there is no folder for the {FILE} of {app.name}: Flux applies every file of "
        f"{shown(home)}, and this one is not an object of Kubernetes",
        "list what Flux applies in a kustomization.yaml there, or write the description "
        "elsewhere and give it as --app-description",
    )


def _applied(root: Path, app: AppPackage, folder: str) -> bool:
    """Return whether Flux applies every YAML file of a folder: no kustomization.yaml says which."""
    if any(chart.folder == folder for chart in app.charts):
        return False
    tops = {one.folder for one in app.kustomizations if one.folder is not None}
    tops |= {parent(one.file) for one in app.written}
    return any(
        inside(folder, top)
        and not any(
            (root / between / name).is_file()
            for between in _between(folder, top)
            for name in KUSTOMIZATION_FILES
        )
        for top in tops
    )


def _between(folder: str, top: str) -> Iterator[str]:
    """Yield a folder and those above it, up to one of them."""
    yield folder
    while folder != top:
        folder = parent(folder)
        yield folder


def _write(root: Path, files: Mapping[str, str]) -> None:
    """Write new files below ``root``. Raises HarnessError if one is there, or lies elsewhere."""
    for path in files:
        file = root / path
        if os.path.lexists(file):
            raise HarnessError(
                f"{shown(str(file))} is there already: nothing was written",
                "move it away, or give a folder with apps that have none",
            )
        # A link of the package's may lead anywhere.
        if not file.parent.resolve().is_relative_to(root.resolve()):
            raise HarnessError(
                f"{shown(str(file.parent))} is outside of PATH: nothing was written",
                "replace the link by a folder",
            )
    for path, text in files.items():
        file = root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as written:
                written.write(text)
        except OSError as error:
            raise HarnessError(
                f"{shown(str(file))} cannot be written: {error.strerror}",
                "make the folder writable, or give a copy of the package",
            ) from None
