"""Where the files of a package go in the repository that Flux tracks.

The path of each Kustomization and the chart path of each HelmRelease decide. What the package
takes from elsewhere comes from that repository, too: its own Git repository, and the charts that
are used in the place of those in a Helm repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from conformance.apps.package.chart_alone import drafted
from conformance.apps.package.given import GivenApp, read_tree
from conformance.apps.package.platform_files import is_of_the_platform, named_of_the_platform
from conformance.common.errors import HarnessError
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.app import AppPackage, FluxKustomization, Release
from conformance.linter.draft.flux_package import is_chart_alone
from conformance.linter.files import KUSTOMIZATION_FILES, inside, parent
from conformance.linter.reading.description import FILE, DescriptionError
from conformance.linter.reading.tree import YAML_SUFFIXES, Tree, decode
from conformance.platform.conventions import FLUX_NAMESPACE
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.platform.reference.levels import SINGLE_SIGN_ON
from conformance.services.flux import API_VERSIONS

PACKAGES = "packages"
"""The folder of flux2 in which each package has a file of the Kustomizations that begin it."""
_SOURCE = {"kind": "GitRepository", "name": "stackspin"}
_GIT = ("GitRepository", "Bucket")
_UNSAFE = re.compile(r"[^a-z0-9]+")

Files = Mapping[str, bytes]
Changes = Mapping[str, str | bytes | None]


@dataclass(frozen=True, eq=False)
class Placement:
    """A package as the repository has it."""

    app: AppPackage
    """The package, read anew from ``files``."""
    files: Files
    """Path in the repository -> content."""
    entry: str
    """Its line in flux2/kustomization.yaml."""
    given: GivenApp = field(repr=False)
    """The package as it was given."""
    problems: tuple[str, ...] = ()
    """Why Flux cannot install it like this, a sentence each."""

    def moved(self, move: Callable[[Changes], Changes]) -> Placement:
        """Return it with its files as a repository has them that changes what is committed."""
        files = {
            path: text.encode() if isinstance(text, str) else text
            for path, text in move(self.files).items()
            if text is not None
        }
        if files == self.files:
            return self
        return replace(self, app=_read(self.given, files).app, files=files)

    @property
    def kustomizations(self) -> list[str]:
        """Names of its Kustomizations, in flux-system."""
        return [one.name for one in self.app.kustomizations]

    @property
    def depends_on(self) -> set[str]:
        """Names of the Kustomizations that its own wait for."""
        return {
            text(get(entry, "name"))
            for one in self.app.kustomizations
            for entry in sequence(one.manifest.get("spec", "dependsOn"))
        } - set(self.kustomizations)

    @property
    def needs_login(self) -> bool:
        """Whether it needs the platform's login provider."""
        return bool(self.depends_on & set(SINGLE_SIGN_ON.kustomizations)) or any(
            one.kind == "OAuth2Client" for one in self.app.written
        )

    @property
    def releases(self) -> list[Release]:
        """Its HelmReleases."""
        return list(self.app.releases)


def place(given: GivenApp) -> Placement:
    """Return the files of a package at their places; of a chart alone, of one drafted for it.

    Raises DescriptionError.
    """
    if not is_chart_alone(given.app):
        return _Placing(given).placement()
    entry = f"{PACKAGES}/{safe(given.name)}.yaml"
    try:
        files = drafted(given)
    except DescriptionError:
        raise
    except HarnessError as error:
        return Placement(given.app, {}, entry, given, (f"{error.message}: {error.fix}",))
    return _Placing(_read(given, files)).placement()


def _read(given: GivenApp, files: Files) -> GivenApp:
    """Return the app as the repository has it."""
    folders = {"."} | {str(one) for path in files for one in PurePosixPath(path).parents}
    found = read_tree(Tree("repository", (), files, frozenset(folders), []), given.root)
    app = next((one.app for one in found if one.name == given.name), found[0].app)
    return GivenApp(given.root, found[0].tree, app, given.description_file)


@dataclass
class _Placing:
    given: GivenApp
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def placement(self) -> Placement:
        app, name = self.given.app, safe(self.given.name)
        entry = f"{PACKAGES}/{name}.yaml"
        if not app.written:
            self.problems.append(f"{self.given.root.name} has nothing that Flux could install")
            return Placement(app, {}, entry, self.given, tuple(self.problems))
        charts = self._charts(app.releases)
        for one in dict.fromkeys((*app.kustomizations, *app.strays)):
            self._folder(one)
        begin = self._loose(name) if not app.kustomizations else self._entries()
        self._add(f"flux2/{entry}", begin)
        self.files = {path: _at_home(path, content, charts) for path, content in self.files.items()}
        app = _read(self.given, self.files).app
        return Placement(app, self.files, entry, self.given, tuple(self.problems))

    def _folder(self, one: FluxKustomization) -> None:
        """Put what a Kustomization applies to where its path says."""
        target = posixpath.normpath(one.path).lstrip("/")
        if one.folder is None or one.missing:
            self.problems.append(
                f"Kustomization {one.name} applies {one.path or 'no path'}, which is not in the"
                " package"
            )
            return
        if target in (".", "flux2") or target.startswith(".."):
            self.problems.append(
                f"Kustomization {one.name} applies {one.path}: that is the platform's whole tree"
            )
            return
        for file in self._files_of(one, one.folder):
            there = posixpath.relpath(file, one.folder)
            self._add(posixpath.normpath(posixpath.join(target, there)), self._content(file))

    def _files_of(self, one: FluxKustomization, folder: str) -> Iterator[str]:
        """Yield the files of a folder, and those elsewhere that its kustomization.yaml names."""
        members = {member.file for member in one.members}
        beside = {parent(file) for file in members}
        for file in self.given.tree.files:
            path = PurePosixPath(file)
            named = path.name in KUSTOMIZATION_FILES and parent(file) in beside
            if path.name != FILE and (inside(file, folder) or file in members or named):
                yield file

    def _charts(self, releases: Iterable[Release]) -> dict[str, str]:
        """Put the charts of releases to their places; return the new ones, by a chart's name."""
        moved: dict[str, str] = {}
        for one in releases:
            spec = mapping(one.manifest.get("spec", "chart", "spec"))
            name = str(spec.get("chart") or one.manifest.get("spec", "chartRef", "name") or "")
            if one.chart is None or one.broken:
                self.problems.append(
                    f"{one.chart_missing}: name a chart in its place in conformance.yaml (charts), "
                    "or use --fetch"
                )
            elif one.elsewhere or is_of_the_platform(posixpath.normpath(name)):
                moved[name] = f"charts/{safe(self.given.name)}-{safe(name)}"
                self._chart(moved[name], one.chart.files)
            else:
                self._chart(posixpath.normpath(name), one.chart.files)
        return moved

    def _chart(self, folder: str, files: Files) -> None:
        for path, content in files.items():
            self._add(f"{folder}/{path}", content)

    def _entries(self) -> bytes:
        """Return the Kustomizations that no other one of the package applies, in one file."""
        app = self.given.app
        applied = {member.file for one in app.kustomizations for member in one.members}
        files = {one.manifest.file: None for one in app.kustomizations}
        return b"\n---\n".join(self._content(file) for file in files if file not in applied)

    def _loose(self, name: str) -> bytes:
        """Place objects that no Kustomization applies; return one that does."""
        folder = f"flux2/{PACKAGES}/{name}"
        for number, file in enumerate(dict.fromkeys(one.file for one in self.given.app.written)):
            self._add(f"{folder}/{number}-{posixpath.basename(file)}", self._content(file))
        spec = {
            "interval": "10m",
            "retryInterval": "5s",
            "timeout": "5m",
            "path": f"./{folder}",
            "prune": True,
            "wait": True,
            "sourceRef": _SOURCE,
            "postBuild": {
                "substituteFrom": [{"kind": "Secret", "name": "stackspin-cluster-variables"}]
            },
        }
        made = {
            "apiVersion": API_VERSIONS["Kustomization"],
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
            "spec": spec,
        }
        return yaml.safe_dump(made, sort_keys=False).encode()

    def _content(self, file: str) -> bytes:
        return self.given.tree.files[file]

    def _add(self, path: str, content: bytes) -> None:
        taken = path == ROOT_KUSTOMIZATION or path.startswith(("../", "/"))
        if taken or is_of_the_platform(path):
            self.problems.append(f"{path} belongs to the platform: no package may have such a file")
        elif self.files.setdefault(path, content) != content:
            self.problems.append(f"two files of the package belong at {path}")
        elif posixpath.basename(path) in KUSTOMIZATION_FILES:
            self.problems += [
                f"{path} names {text}, which is the platform's"
                for text in named_of_the_platform(path, content)
            ]


def safe(name: str) -> str:
    """Return a name as files and objects can have it."""
    return _UNSAFE.sub("-", name.lower()).strip("-")[:40].rstrip("-") or "app"


def _at_home(path: str, content: bytes, charts: Mapping[str, str]) -> bytes:
    """Return a file whose Flux objects take everything from the tracked repository."""
    written = decode(content) if path.endswith(YAML_SUFFIXES) else None
    if written is None or not any(one in written for one in ("sourceRef:", "chartRef:")):
        return content
    try:
        documents = list(yaml.safe_load_all(written))
    except yaml.YAMLError:  # a template of a chart, or what the linter reports
        return content
    changed = [_changed(document, charts) for document in documents]
    if not any(changed):
        return content
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True).encode()


def _changed(document: Any, charts: Mapping[str, str]) -> bool:  # noqa: ANN401 - any YAML
    """Have an object of Flux take its source from the tracked repository; return whether it did."""
    move: Callable[[Any, Mapping[str, str]], bool] | None = {
        "Kustomization": _move_kustomization,
        "HelmRelease": _move_release,
    }.get(str(get(document, "kind")))
    spec = get(document, "spec")
    return isinstance(spec, dict) and move is not None and move(spec, charts)


def _move_kustomization(spec: dict[str, Any], charts: Mapping[str, str]) -> bool:
    del charts
    source = mapping(spec.get("sourceRef"))
    if source.get("kind") not in _GIT or source.get("name") == _SOURCE["name"]:
        return False
    spec["sourceRef"] = dict(_SOURCE)
    return True


def _move_release(spec: dict[str, Any], charts: Mapping[str, str]) -> bool:
    chart = get(spec, "chart", "spec")
    name = get(chart, "chart") or get(spec, "chartRef", "name")
    if name in charts:
        spec.pop("chartRef", None)
        where = {
            "chart": f"./{charts[name]}",
            "sourceRef": {**_SOURCE, "namespace": FLUX_NAMESPACE},
        }
        spec["chart"] = {"spec": {**where, "reconcileStrategy": "ChartVersion"}}
        return True
    source = mapping(get(chart, "sourceRef"))
    if source.get("kind") not in _GIT or source.get("name") == _SOURCE["name"]:
        return False
    chart["sourceRef"] = {**_SOURCE, "namespace": FLUX_NAMESPACE}
    return True
