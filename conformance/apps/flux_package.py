"""An app's package in the flux2 tree, copies of it that install side by side, and changes to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.common.package import Package


@dataclass(frozen=True)
class Edit:
    """One edit of a file of a package."""

    path: str
    """With ``{manifests}``, ``{secrets}``, ``{chart}`` for its folders, ``{name}`` for its name."""
    find: str
    """Must occur exactly once: a commit that changes nothing would prove nothing."""
    replace: str


@dataclass(frozen=True)
class Commit:
    """What a commit makes of a package: the package as it was made, with these changes."""

    message: str
    chart_version: str | None = None
    app_version: str | None = None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class FluxPackage:
    """The files of an app called ``name``: path in the repository to content."""

    name: str
    files: Mapping[str, str]

    @property
    def entry(self) -> str:
        """The app's line in the list of what the cluster runs."""
        return f"apps/{self.name}.yaml"

    @property
    def release(self) -> str:
        """Path of the app's HelmRelease."""
        folder = f"flux2/apps/{self.name}/"
        [path] = [
            path
            for path, text in self.files.items()
            if path.startswith(folder) and re.search(r"(?m)^kind: HelmRelease$", text)
        ]
        return path

    def changes_to(self, other: FluxPackage) -> dict[str, str | None]:
        """Return the changes of files that make ``other`` of this package; None removes a file."""
        paths = [*self.files, *(path for path in other.files if path not in self.files)]
        return {
            path: other.files.get(path)
            for path in paths
            if self.files.get(path) != other.files.get(path)
        }

    def with_commit(self, commit: Commit) -> FluxPackage:
        """Return the package that a commit leaves.

        Raises ``ValueError`` when an edit does not fit its file.
        """
        files = dict(self.files)
        for edit in commit.edits:
            path = edit.path.format(
                name=self.name,
                manifests=f"flux2/apps/{self.name}",
                secrets=f"flux2/apps/{self.name}-secrets",
                chart=f"charts/{self.name}",
            )
            if (times := files[path].count(edit.find)) != 1:
                raise ValueError(f"{path} has {edit.find!r} {times} times instead of once")
            files[path] = files[path].replace(edit.find, edit.replace)
        chart = f"charts/{self.name}/Chart.yaml"
        for key, version in (("version", commit.chart_version), ("appVersion", commit.app_version)):
            if version is not None:
                files[chart] = re.sub(rf"(?m)^{key}: .*$", f'{key}: "{version}"', files[chart])
        return FluxPackage(self.name, files)


def copy_of(package: Package, app: str, name: str, *, failure_after: int) -> FluxPackage:
    """Return the package of ``app`` as that of another app called ``name``.

    Everything that bears the app's name bears the new one: Kustomizations, release, claims,
    variables, host name, and the chart, of which the copy has its own. Images keep their name.
    ``failure_after`` (seconds) is after how long an upgrade, or its roll-back, counts as failed,
    unless the package itself says so.
    """
    flux2, chart = package.flux2, package.chart(app)
    sources = [flux2 / "apps" / f"{app}.yaml"]
    for folder in (f"add-{app}", f"{app}-secrets", app):
        sources += sorted((flux2 / "apps" / folder).rglob("*.yaml"))
    word = re.compile(rf"(?<!stackspin/)\b{re.escape(app)}\b")
    files = {}
    for source in sources:
        path = Path("flux2", source.relative_to(flux2)).as_posix()
        files[word.sub(name, path)] = word.sub(name, source.read_text(encoding="utf-8"))
    for source in sorted(path for path in chart.rglob("*") if path.is_file()):
        path = f"charts/{name}/{source.relative_to(chart).as_posix()}"
        files[path] = source.read_text(encoding="utf-8")
    release = FluxPackage(name, files).release
    files[release] = _with_timeouts(files[release], failure_after)
    return FluxPackage(name, files)


def commits_in(path: Path) -> dict[str, Commit]:
    """Return the commits that a YAML file describes, by name."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        name: Commit(
            message=entry["message"],
            chart_version=entry.get("chart_version"),
            app_version=entry.get("app_version"),
            edits=tuple(Edit(**edit) for edit in entry.get("edits", ())),
        )
        for name, entry in content.items()
    }


def _with_timeouts(text: str, seconds: int) -> str:
    documents = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        if document["kind"] == "HelmRelease":
            for action in ("upgrade", "rollback"):
                document["spec"].setdefault(action, {}).setdefault("timeout", f"{seconds}s")
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
