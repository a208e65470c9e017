"""Charts that a package takes from elsewhere, and what is used in their place.

That is what its ``conformance.yaml`` names (``charts``), or what ``--fetch`` gets from the chart's
own address.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from conformance.common.errors import HarnessError
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.app import Chart, Release
from conformance.linter.files import YamlFiles
from conformance.linter.findings import Problem
from conformance.linter.helm.installations import charts_of
from conformance.linter.limits import Limits
from conformance.linter.manifest import Manifest
from conformance.linter.reading.description import (
    DescriptionError,
    descriptions,
    located,
    read_document,
)
from conformance.linter.reading.tree import Tree
from conformance.linter.semver import STRICT

_DEFAULT = Limits()


@dataclass(frozen=True)
class Origin:
    """Where a chart comes from: one version of it, and no other."""

    name: str
    """Its name in the repository; empty if ``url`` is the chart's own."""
    url: str
    """Of a Helm repository or, with the scheme ``oci``, of what is in a registry."""
    version: str
    """The version, or the tag; empty if only the digest is known."""
    digest: str = ""
    """Of its manifest, ``sha256:...``, where the package pins that."""
    insecure: bool = False
    """Whether its registry has no TLS."""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.version or self.digest, "of", self.url)))


Fetch = Callable[[Origin], Path]
"""Returns the archive of a chart. Raises HarnessError with the reason why there is none."""


class ChartsElsewhere:
    """What stands for the charts of a package that are not in it."""

    def __init__(
        self,
        root: Path,
        limits: Limits = _DEFAULT,
        description: Path | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        """``root`` is PATH; ``description`` is used instead of the package's own."""
        self._root = root
        self._limits = limits
        self._description = description
        self._fetch = fetch
        self._fetched: dict[Origin, Path | HarnessError] = {}
        self._wanted: dict[Origin, None] = {}
        self._read: dict[Path, Chart | str] = {}
        self.problems: list[Problem] = []
        """What is wrong with the Chart.yaml and values.yaml of these charts."""

    def fetch_wanted(self) -> bool:
        """Fetch what was asked for and is not here yet; return whether there was anything.

        Limits on reading a package are about CPU time: to wait for the network takes none.
        """
        wanted, self._wanted = self._wanted, {}
        if self._fetch is not None:
            for origin in wanted:
                try:
                    self._fetched[origin] = self._fetch(origin)
                except HarnessError as error:
                    self._fetched[origin] = error
        return bool(wanted)

    def used_by(
        self,
        release: Release,
        app: str,
        folders: Sequence[str],
        objects: Iterable[Manifest],
        own: Mapping[str, Chart],
        *,
        alone: bool,
    ) -> Release:
        """Return a release with the chart that is used in the place of one from elsewhere, if any.

        ``folders`` are those in which the description of the app may be, and ``own`` the charts of
        the package, by their folders. ``alone`` says that the package has no other app.
        """
        found: Chart | str = ""
        try:
            path = self._described(_name(release.manifest), app, folders, alone=alone)
            if path is not None:
                found = own.get(self._label(path)) or self._chart(path, self._label(path))
            elif self._fetch is not None:
                found = self._from_its_address(release.manifest, objects)
        except DescriptionError as error:
            first = error.problems[0]
            where = f"{PurePosixPath(first.place.file).name}, line {first.place.line}"
            found = f"{where}: {first.message}"
        except HarnessError as error:
            found = error.message
        if isinstance(found, str):
            why = f" ({found})" if found else ""
            return replace(release, chart_missing=f"{release.chart_missing}{why}")
        return replace(release, chart=found, chart_missing="", broken=False, elsewhere=True)

    def _described(
        self, name: str, app: str, folders: Sequence[str], *, alone: bool
    ) -> Path | None:
        """Return what a description names in the place of a chart."""
        given = self._description
        if given is None and not self._root.is_dir():
            return None
        for file in [given] if given is not None else descriptions(self._root, folders):
            document = read_document(file, self._limits)
            if document is None:
                continue
            about = get(document.value, "app")
            if about != app and (about is not None or (given is not None and not alone)):
                continue
            for entry in sequence(get(document.value, "charts")):
                if text(get(entry, "chart")) in (name, posixpath.basename(name)):
                    return located(text(get(entry, "path")), file, self._root)
            return None
        return None

    def _from_its_address(self, release: Manifest, objects: Iterable[Manifest]) -> Chart | str:
        origin = origin_of(release, objects)
        found = self._fetched.get(origin)
        if found is None:
            self._wanted[origin] = None
            return ""
        if isinstance(found, HarnessError):
            return found.message
        name = posixpath.basename(origin.name or origin.url)
        return self._chart(found, f"{name}-{origin.version or 'fetched'}.tgz")

    def _chart(self, path: Path, label: str) -> Chart | str:
        if path not in self._read:
            self._read[path] = self._read_chart(path, label)
        return self._read[path]

    def _read_chart(self, path: Path, label: str) -> Chart | str:
        """Return a chart whose files are called as if they were in a folder of the package."""
        tree = Tree.read(path, self._limits)
        content = {f"{label}/{file}": content for file, content in tree.files.items()}
        files = YamlFiles(Tree(tree.name, (), content, frozenset(), []), self._limits)
        charts, problems = charts_of(files)
        self.problems += problems
        if (chart := next((one for one in charts if one.folder == label), None)) is None:
            return f"{label} has no Chart.yaml"
        return chart

    def _label(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._root.resolve())).as_posix()


def _name(release: Manifest) -> str:
    """Return what a release calls its chart."""
    chart = release.get("spec", "chart", "spec", "chart")
    return text(chart or release.get("spec", "chartRef", "name"))


def origin_of(release: Manifest, objects: Iterable[Manifest]) -> Origin:
    """Return where a release's chart comes from. Raises HarnessError if the package does not say.

    ``objects`` are those of the package, the source among them.
    """
    spec = mapping(release.get("spec", "chart", "spec"))
    ref = mapping(release.get("spec", "chartRef") or spec.get("sourceRef"))
    kind, name = text(ref.get("kind")), text(ref.get("name"))
    if kind not in ("HelmRepository", "OCIRepository"):
        raise HarnessError(f"--fetch takes nothing from a {kind or 'source without a kind'}")
    namespace = text(ref.get("namespace")) or release.namespace
    source = next(
        (
            one
            for one in objects
            if (one.kind, one.name) == (kind, name) and namespace in (one.namespace, "")
        ),
        None,
    )
    if source is None:
        raise HarnessError(f"{kind} {name} is not in the package, so that nobody knows its address")
    for key in ("secretRef", "certSecretRef"):
        if source.get("spec", key):
            raise HarnessError(f"{kind} {name} needs a login ({key}), and --fetch has none")
    url = text(source.get("spec", "url"))
    insecure = source.get("spec", "insecure") is True
    if kind == "OCIRepository":
        pinned = mapping(source.get("spec", "ref"))
        tag, digest = text(pinned.get("tag")), text(pinned.get("digest"))
        if not tag and not digest:
            raise HarnessError(f"{kind} {name} pins neither a tag nor a digest (spec.ref)")
        return Origin("", url, tag, digest, insecure)
    version = str(spec.get("version") or "")
    if not STRICT.fullmatch(version.removeprefix("v")):
        what = f"the version {version}" if version else "no version"
        raise HarnessError(f"the HelmRelease names {what}, and --fetch needs a single one")
    return Origin(text(spec.get("chart")), url, version, "", insecure)
