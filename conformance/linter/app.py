"""An app as its package describes it: what every rule looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from conformance.linter.access import Key, mapping, text
from conformance.linter.findings import Place, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Pod, pods_of
from conformance.linter.reading.documents import Document
from conformance.linter.versions import PINNED, Versions

_READ_BY_HELM = frozenset({"Chart.yaml", "values.yaml", "values.schema.json"})
SOURCE_KINDS = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket", "HelmChart")
"""What Flux fetches charts and folders from."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A Helm chart among the package's files."""

    folder: str
    """Relative to PATH; ``.`` if PATH is the chart."""
    files: Mapping[str, bytes]
    """Path inside the chart -> content."""
    metadata: Document
    """``Chart.yaml``."""
    values: Document | None
    """``values.yaml``, if there is one."""

    @property
    def name(self) -> str:
        """The name in ``Chart.yaml``."""
        return text(mapping(self.metadata.value).get("name"))

    @property
    def version(self) -> str:
        """The version in ``Chart.yaml``."""
        return str(mapping(self.metadata.value).get("version") or "")

    def text(self, file: str) -> str | None:
        """Return the text of a file of the chart; None if there is none, or it is no text."""
        content = self.files.get(file)
        try:
            return None if content is None else content.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def needs(self, path: str) -> bool:
        """Return whether Helm reads a file, be it there or not; ``path`` is relative to PATH."""
        file = path if self.folder == "." else path.removeprefix(f"{self.folder}/")
        return file in _READ_BY_HELM or file.startswith(("templates/", "crds/", "charts/"))

    def path(self, file: str) -> str:
        """Return the path, relative to PATH, of a file of the chart."""
        return file if self.folder == "." else f"{self.folder}/{file}"


@dataclass(frozen=True)
class Variable:
    """What a ``${variable}`` of a Flux Kustomization stands for."""

    name: str
    source: str
    """As in ``Secret stackspin-notes-variables``."""
    value: str
    """What is written, or a placeholder of the right type."""
    secret: bool
    """Whether nobody may see the value."""
    generated: bool = False
    """Whether a StringSecret makes it in the cluster."""


@dataclass(frozen=True)
class SubstituteSource:
    """One entry of ``postBuild``: an inline map, or one of ``substituteFrom``."""

    name: str
    """As in ``Secret stackspin-notes-variables``; ``postBuild.substitute`` for the inline map."""
    place: Place
    optional: bool
    variables: Mapping[str, Variable]
    """Empty also where nobody knows the source."""
    known: bool
    """False: neither the package nor Stackspin, as far as known here, has this source."""
    open_ended: bool = False
    """Whether it may have variables that nobody knows here: an operator makes it in the cluster."""


@dataclass(frozen=True)
class VariableUse:
    """A ``${variable}`` in an object that a Kustomization applies."""

    name: str
    place: Place
    has_default: bool
    """As in ``${name:=default}``."""


@dataclass(frozen=True, eq=False)
class FluxKustomization:
    """A Flux Kustomization and what it applies."""

    manifest: Manifest
    path: str
    """``spec.path`` as written."""
    folder: str | None
    """That folder relative to PATH; None: it is not in the package."""
    missing: bool
    """Whether the folder should be in the package, but is not."""
    sources: tuple[SubstituteSource, ...]
    """In order; a later one wins."""
    substitutes: bool
    """Whether Flux fills in variables at all: there is a ``postBuild``."""
    members: tuple[Manifest, ...]
    """What it applies, variables filled in."""
    uses: tuple[VariableUse, ...]
    clusters: frozenset[str] = frozenset()
    """Folders of the clusters that have it; none: the tree is for one, or for any."""
    problems: tuple[Problem, ...] = ()
    """Why Flux could not build the folder: files named but not there, files that are no objects."""
    beyond: tuple[str, ...] = ()
    """What of it is not followed here, a sentence each: remote resources, plugins."""

    @property
    def name(self) -> str:
        """The Kustomization's name."""
        return self.manifest.name


@dataclass(frozen=True, eq=False)
class ValuesSource:
    """One link of a HelmRelease's chain of values."""

    name: str
    """As in ``ConfigMap stackspin-notes-values``; ``spec.values`` for the inline ones."""
    place: Place
    optional: bool
    manifest: Manifest | None
    """The object that has the values; None: it is not in the package."""
    document: Document | None
    """The parsed values, with lines; None: not in the package, no such key, or no YAML."""
    problem: str = ""
    """What is wrong with the values: no such key, no YAML."""
    repeated: str = ""
    """Which key of the values is there twice."""
    hidden: bool = False
    """Whether the values are known in a cluster only: encrypted, or made by an operator."""


@dataclass(frozen=True, eq=False)
class Release:
    """A HelmRelease, its values and its chart."""

    manifest: Manifest
    chart: Chart | None
    chart_missing: str
    """Why ``chart`` is None: ``chart forgejo of HelmRepository forgejo is not in the package``."""
    sources: tuple[ValuesSource, ...]
    """In order; a later one wins."""
    values: Mapping[str, Any]
    """All of them merged, as helm-controller does: what the chart's own values are overlaid by."""
    broken: bool = False
    """Whether there is no chart where the release says; ``chart`` may be the one that was meant."""
    elsewhere: bool = False
    """Whether ``chart`` is what is used in the place of one that the package takes from elsewhere:
    what its description names, or what was fetched."""

    @property
    def name(self) -> str:
        """The HelmRelease's name."""
        return self.manifest.name

    @property
    def namespace(self) -> str:
        """Where the chart's objects go."""
        target = text(self.manifest.get("spec", "targetNamespace"))
        return target or self.manifest.namespace

    @property
    def values_missing(self) -> str:
        """Why not all of its values are known; empty if they are."""
        for source in self.sources:
            if source.hidden:
                return f"the values of {source.name} are known in a cluster only"
            if source.problem or (source.manifest is None and not source.optional):
                return f"HelmRelease {self.name} takes values from {source.name}, which has none"
        return ""

    def place(self, *path: Key) -> Place:
        """Return where the value at ``path``, or what is around it, is written.

        That is in the last source that has it: its values win.
        """
        for length in range(len(path), 0, -1):
            for source in reversed(self.sources):
                if source.document is not None and source.document.has(path[:length]):
                    name = str(source.manifest or self.manifest)
                    return Place(source.document.file, source.document.line(path[:length]), name)
        return self.manifest.place()


@dataclass(frozen=True, eq=False)
class Installation:
    """What is in the cluster when the app is installed with one set of values."""

    label: str
    """As in ``default values``, ``ci/login-values.yaml``, ``HelmRelease notes``."""
    manifests: tuple[Manifest, ...]
    """The package's own objects, and what the charts render to."""
    missing: tuple[str, ...] = ()
    """Why objects are missing here, a sentence each: a chart that is elsewhere, or not rendered."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the chart was rendered with, beside its own values."""
    release: Release | None = None
    beyond: tuple[str, ...] = ()
    """What Flux does to the chart's objects and is not followed here, a sentence each."""
    renewed: tuple[Place, ...] = ()
    """Where passwords stand that the chart makes anew at each upgrade."""
    undecided: str = ""
    """Why it is not known whether there are any; empty if it is."""

    @property
    def complete(self) -> bool:
        """Whether every object is known."""
        return not self.missing

    @cached_property
    def pods(self) -> list[Pod]:
        """The pod templates of all objects."""
        return list(pods_of(self.manifests))

    def objects(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the objects of these kinds."""
        return (manifest for manifest in self.manifests if manifest.kind in kinds)


@dataclass(frozen=True, eq=False)
class RenderFailure:
    """A chart that some values do not render."""

    chart: Chart
    label: str
    """As in ``Installation.label``."""
    message: str
    place: Place
    limit: bool = False
    """Whether a limit on time or memory ended it."""
    needed: bool = False
    """Whether the chart itself says that a value is missing or wrong."""


@dataclass(frozen=True, eq=False)
class AppPackage:
    """An app: its charts, objects, Kustomizations and releases."""

    name: str
    path: str
    """Its main folder or file, relative to PATH; ``.`` for PATH itself."""
    detected: str
    """What it was taken for, in words."""
    charts: tuple[Chart, ...] = ()
    written: tuple[Manifest, ...] = ()
    """Objects that stand in files, variables filled in; Flux's Kustomizations included."""
    kustomizations: tuple[FluxKustomization, ...] = ()
    """Those that apply this app's objects, and those that apply what its variables come from."""
    releases: tuple[Release, ...] = ()
    installations: tuple[Installation, ...] = ()
    failures: tuple[RenderFailure, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    """Path relative to PATH -> text of each file that the app's written objects stand in."""
    problems: Sequence[Problem] = ()
    """Files that could not be read, documents that are no YAML."""
    unread: tuple[str, ...] = ()
    """Files of its objects that nothing could be read of."""
    linked: tuple[str, ...] = ()
    """Files of its objects that are symbolic links, or lie behind one."""
    neighbours: tuple[Manifest, ...] = ()
    """Objects elsewhere under PATH: of other apps, or of nobody."""
    above: tuple[Problem, ...] = ()
    """Why folders cannot be built that lead to the app's own Kustomizations."""
    strays: tuple[FluxKustomization, ...] = ()
    """Kustomizations of nobody whose folder is not in the package."""
    unlisted: tuple[Manifest, ...] = ()
    """Objects beside the app's that a kustomization.yaml leaves out."""
    unapplied: bool = False
    """Whether the tree has Kustomizations, and neither one of them nor a person applies the app."""
    idle: tuple[Manifest, ...] = ()
    """What belongs to no app and is applied by nothing, though it is wanted."""
    rest: bool = False
    """Whether this is no app, but what belongs to none of the tree."""
    unseen: tuple[str, ...] = ()
    """Where there is no app: what a kustomization.yaml names and is not here, a sentence each."""
    strict: bool = False
    """Whether a Kustomization fails at variables that nothing defines: Flux is installed so."""
    part: bool = False
    """Whether PATH is a folder of a repository, as paths in it say: there is more than is seen."""
    previous: AppPackage | None = None
    """The same app in the tree that ``--previous`` names."""
    versions: Versions = PINNED
    """What it is to run on."""

    def everything(self) -> Iterator[Manifest]:
        """Yield the written objects of the whole tree, the app's own first."""
        yield from self.written
        yield from self.neighbours

    def without_rendered(self) -> AppPackage:
        """Return what is left to know of the app once it has been judged: it takes less memory."""
        bare = (replace(one, manifests=(), values={}) for one in self.installations)
        return replace(self, installations=tuple(bare), failures=(), texts={}, neighbours=())

    def objects(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the objects of these kinds, written or rendered, each place once."""
        seen = set()
        for manifest in (*self.written, *(m for i in self.installations for m in i.manifests)):
            key = (manifest.file, str(manifest))
            if manifest.kind in kinds and key not in seen:
                seen.add(key)
                yield manifest
