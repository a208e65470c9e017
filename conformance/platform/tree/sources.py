"""Sources that a tree names beside its own: what is where, and what is served in their place.

A folder of ``--source NAME=FOLDER`` becomes a branch of the suite's repository, which a
GitRepository of the suite's follows. Flux takes charts and manifests from there, because what is
committed of the tree says so: a GitRepository cannot have the name of a HelmRepository in a
``sourceRef``, which names its kind.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml

from conformance.common.errors import HarnessError
from conformance.linter.access import get, mapping, text
from conformance.linter.manifest import Manifest
from conformance.linter.reading.tree import YAML_SUFFIXES, decode
from conformance.platform.tree import content

KINDS = ("HelmRepository", "OCIRepository", "GitRepository", "Bucket")
_GROUP = "source.toolkit.fluxcd.io"
_PREFIX = "conformance-"
"""Of the names of the suite's GitRepositories and branches: a tree has its own of the same name."""
_OF_FLUX = re.compile(rf"(?m)^kind: *(Kustomization|HelmRelease|{'|'.join(KINDS)})\b")
"""Not in the descriptions of these kinds, which are long."""
_MIB = 1 << 20


@dataclass(frozen=True)
class Source:
    """A source that a tree names."""

    kind: str
    name: str
    url: str
    place: str
    """File and line."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is not on the cluster itself."""
        address = self.url if "://" in self.url else f"ssh://{self.url.partition('@')[2]}"
        host = urlsplit(address).hostname or ""
        return "." in host and not host.endswith((".svc", ".svc.cluster.local", ".localhost"))

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({content.without_password(self.url)}; {self.place})"


@dataclass(frozen=True)
class Folder:
    """What is served in the place of a source."""

    name: str
    files: Mapping[str, bytes]
    """Charts are unpacked, each in a folder of its name."""

    @property
    def served_as(self) -> str:
        """The name of the GitRepository, and of the branch that it follows."""
        return f"{_PREFIX}{self.name}"

    def chart(self, name: str) -> str | None:
        """Return the path of a chart; None if there is none of that name."""
        for folder in (name, "."):
            written = self.files.get(str(PurePosixPath(folder, "Chart.yaml")))
            if written is not None and (folder == name or _name_in(written) == name):
                return f"./{folder}" if folder != "." else "./"
        return None


def sources_in(objects: Iterable[Manifest], own: str) -> list[Source]:
    """Return the sources that objects of the tree take something from; ``own`` is the tree's."""
    objects = list(objects)
    used = {name for one in objects for name in _named_by(one.value)}
    found = [
        Source(
            one.kind, one.name, text(one.get("spec", "url")), f"{one.file}, line {one.line_of(())}"
        )
        for one in objects
        if one.group == _GROUP and one.kind in KINDS and one.name in used
    ]
    return [one for one in found if (one.kind, one.name) != ("GitRepository", own)]


def read_folders(given: Iterable[str]) -> dict[str, Folder]:
    """Return what ``--source`` names, by name. Raises HarnessError."""
    found: dict[str, Folder] = {}
    for one in given:
        name, is_pair, where = one.partition("=")
        if not (is_pair and name and where):
            raise HarnessError(f"--source={one}", "write --source=NAME=FOLDER")
        folder = Path(where).absolute()
        if not folder.is_dir():
            raise HarnessError(
                f"--source={one}: there is no such folder", "give one with the source's charts"
            )
        if name in found:
            raise HarnessError(f"--source={one}: {name} is there twice", "give one folder for it")
        found[name] = Folder(name, _unpacked(content.read(folder, where).files))
    return found


def in_place(
    files: Mapping[str, bytes], folders: Mapping[str, Folder], own: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the tree with what it takes from these sources taken from the suite's.

    ``own`` is the GitRepository of the tree itself, as the suite has it: what the tree says of that
    is replaced, too, or Flux would go back to where it is kept. Raises HarnessError for a chart
    that a folder does not have.
    """
    placing = _Placing(folders, own)
    return {path: placing.file(path, written) for path, written in files.items()}


@dataclass(frozen=True)
class _Placing:
    folders: Mapping[str, Folder]
    own: Mapping[str, Any]

    def file(self, path: str, written: bytes) -> bytes:
        as_text = decode(written) if path.endswith(YAML_SUFFIXES) else None
        if as_text is None or not _OF_FLUX.search(as_text):
            return written
        try:
            documents = list(yaml.safe_load_all(as_text))
        except yaml.YAMLError:  # a template of a chart, or what Flux is to report
            return written
        changed = [self._document(one, path) for one in documents]
        if not any(changed):
            return written
        return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True).encode()

    def _document(self, document: Any, path: str) -> bool:  # noqa: ANN401 - YAML
        """Change an object of Flux's; return whether it was."""
        spec, kind = get(document, "spec"), text(get(document, "kind"))
        if not isinstance(spec, dict):
            return False
        name = text(get(document, "metadata", "name"))
        if kind == "GitRepository" and name == get(self.own, "metadata", "name"):
            spec.clear()
            spec.update(self.own["spec"])
            return True
        if kind in KINDS and name in self.folders:
            spec["suspend"] = True  # nothing is taken from it, so it need not answer
            return True
        if kind == "Kustomization":
            return self._repoint(spec)
        if kind == "HelmRelease":
            return self._release(spec, f"HelmRelease {name} ({path})")
        return False

    def _repoint(self, holder: dict[str, Any]) -> bool:
        folder = self.folders.get(text(get(holder, "sourceRef", "name")))
        if folder is None:
            return False
        holder["sourceRef"] = self._reference(folder)
        return True

    def _release(self, spec: dict[str, Any], which: str) -> bool:
        reference = mapping(spec.get("chartRef"))
        chart = get(spec, "chart", "spec")
        source = reference or mapping(get(chart, "sourceRef"))
        folder = self.folders.get(text(source.get("name")))
        if folder is None:
            return False
        name = text(get(chart, "chart")) or _only_chart(folder)
        path = folder.chart(name) if source.get("kind") != "GitRepository" else name
        if path is None:
            raise HarnessError(
                f"{which} takes chart {name} from {folder.name}, and the folder of "
                f"--source={folder.name} does not have it",
                f"put the chart there, as a folder {name} or as {name}-VERSION.tgz",
            )
        spec.pop("chartRef", None)
        kept = chart if isinstance(chart, dict) else {}
        kept.pop("version", None)  # of a repository; a folder has one version
        kept |= {"chart": path, "sourceRef": self._reference(folder)}
        spec["chart"] = {"spec": kept}
        return True

    def _reference(self, folder: Folder) -> dict[str, str]:
        namespace = str(get(self.own, "metadata", "namespace"))
        return {"kind": "GitRepository", "name": folder.served_as, "namespace": namespace}


def _named_by(value: Any) -> Iterator[str]:  # noqa: ANN401 - YAML
    """Yield the names of the sources that an object takes something from."""
    for where in (("spec",), ("spec", "chart", "spec")):
        yield text(get(value, *where, "sourceRef", "name"))
    yield text(get(value, "spec", "chartRef", "name"))


def _unpacked(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files with charts that are archives at the top unpacked. Raises HarnessError."""
    found: dict[str, bytes] = {}
    for path, written in files.items():
        if "/" in path or not path.endswith(".tgz"):
            found[path] = written
            continue
        try:
            found.update(_members(written))
        except (tarfile.TarError, EOFError, OSError) as error:
            raise HarnessError(
                f"{path} is not an archive of a chart: {error}", "make it with `helm package`"
            ) from error
    return found


def _members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files in an archive; only their names and contents are used."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        for member in opened:
            path = PurePosixPath(member.name)
            if not member.isfile() or path.is_absolute() or ".." in path.parts:
                continue
            if member.size > 64 * _MIB:
                raise tarfile.ReadError(f"{member.name} has more than 64 MiB")
            content_of = opened.extractfile(member)
            if content_of is not None:
                yield path.as_posix(), content_of.read()


def _only_chart(folder: Folder) -> str:
    """Return the name of a folder's only chart: an OCIRepository is one chart."""
    charts = [path for path in folder.files if PurePosixPath(path).name == "Chart.yaml"]
    outer = min(charts, key=lambda path: path.count("/"), default="")
    return _name_in(folder.files[outer]) if outer else folder.name


def _name_in(chart: bytes) -> str:
    try:
        return text(get(yaml.safe_load(chart), "name"))
    except yaml.YAMLError:
        return ""
