"""The tree that a run is given, read and looked at before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.formats.reading import nearest
from conformance.kube.objects import Object
from conformance.linter.reading.documents import Document
from conformance.platform.description import FILE, Platform, document_of
from conformance.platform.installed.given import GivenPlatform
from conformance.platform.tree import content
from conformance.platform.tree.applied import applied, folder_of
from conformance.platform.tree.content import Content
from conformance.platform.tree.served import own_source
from conformance.platform.tree.sources import Folder, Source, in_place, read_folders, sources_in
from conformance.platform.tree.variables import read_variables

_WITH_A_TREE = ("platform_variables", "platform_setup", "source", "previous_platform")
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class GivenTree(GivenPlatform):
    """A platform that the suite installs from its maintainer's tree.

    ``authority`` is empty until it is installed: its certificates are made then.
    """

    document: Document
    """The description, with its lines."""
    content: Content
    """The repository, as it was given."""
    files: Mapping[str, bytes]
    """What is committed of it."""
    branch: str
    path: str
    """The folder that Flux begins at, relative to the repository."""
    variables: Mapping[str, str]
    setup: tuple[Object, ...]
    """Manifests of what the platform has elsewhere, applied before Flux begins."""
    folders: Mapping[str, Folder]
    """What is served in the place of sources, by name."""
    elsewhere: tuple[Source, ...]
    """Sources that the cluster has to fetch from where they are."""
    previous: GivenTree | None = None
    """The release before, from which a platform is upgraded to this one."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader is to know before anything starts, a line each."""
        lines = [f"platform: {self.content.origin}; Flux begins at {self.path}"]
        if not self.content.clean:
            lines.append("platform: what is judged is not what is committed")
        lines += [
            f"platform: {one} is fetched by the cluster, or give --source={one.name}=FOLDER"
            for one in self.elsewhere
        ]
        if self.previous:
            lines.append(f"platform: upgraded from {self.previous.content.origin}")
        return tuple(lines)


def given_tree(settings: Settings) -> GivenTree | None:
    """Return the tree that ``--platform-repository`` names; None: there is no such option.

    Raises HarnessError with what is wrong with it, or with what belongs to it.
    """
    where = settings.platform_repository
    if where is None:
        for name in _WITH_A_TREE:
            if getattr(settings, name):
                option = f"--{name.replace('_', '-')}"
                raise HarnessError(
                    f"{option} is an option of --platform-repository",
                    "give the tree, too: --platform-repository=FOLDER or URL",
                )
        return None
    if settings.cluster == "existing":
        raise HarnessError(
            "--platform-repository is installed on a fresh cluster of the suite's",
            "use --cluster=embedded or kind; to judge a platform that is installed already, give "
            "--platform=FILE or discover instead",
        )
    folders = read_folders(settings.source)
    with content.opened(where, settings.platform_branch) as folder:
        found = content.read(folder, where)
        file = Path(settings.platform or folder / FILE)
        document, text = _description(file)
    described = Platform.of(document)
    path = folder_of(settings.platform_path)
    if not any(one.startswith(f"{path}/") for one in found.files) and path != ".":
        raise HarnessError(
            f"there is no folder {path} in {found.origin}",
            "name the one that Flux begins at: --platform-path",
        )
    variables: dict[str, str] = {}
    if settings.platform_variables is not None:
        variables = read_variables(settings.platform_variables, described.domain)
    sources = sources_in(applied(found.files, path, described.flux.source), described.flux.source)
    _refuse_unknown(folders, sources)
    own = own_source(described, settings.platform_branch)
    return GivenTree(
        described=described,
        authority=b"",
        description=text,
        document=replace(document, file=file.name),
        content=found,
        files=in_place(found.files, folders, own),
        branch=settings.platform_branch,
        path=path,
        variables=variables,
        setup=tuple(_manifests(settings.platform_setup)),
        folders=folders,
        elsewhere=tuple(one for one in sources if one.is_elsewhere and one.name not in folders),
        previous=_previous(settings),
    )


def _previous(settings: Settings) -> GivenTree | None:
    """Return the release before, which is given as this one is. Raises HarnessError."""
    where = settings.previous_platform
    if where is None:
        return None
    try:
        return given_tree(replace(settings, platform_repository=where, previous_platform=None))
    except HarnessError as error:
        shown = content.without_password(where)
        message = f"--previous-platform={shown}: {error.message}"
        raise HarnessError(message, error.fix) from error


def _description(file: Path) -> tuple[Document, str]:
    """Return what describes the platform. Raises HarnessError."""
    if not file.is_file():
        raise HarnessError(
            f"there is no description of the platform: {file}",
            f"put {FILE} at the top of the repository, or name it with --platform=FILE; on a "
            "cluster that has the platform, stackspin-conformance platform discover writes it",
        )
    return document_of(file), file.read_text(encoding="utf-8")


def _refuse_unknown(folders: Mapping[str, Folder], sources: Iterable[Source]) -> None:
    known = {one.name for one in sources}
    for name in folders:
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}?" if near else f"it names {', '.join(sorted(known))}"
            raise HarnessError(
                f"--source={name}: nothing of the tree is taken from such a source",
                fix if known else "leave it out: the tree takes everything from itself",
            )


def _manifests(folder: Path | None) -> Iterable[Object]:
    """Yield the objects in the files of a folder, in the order of the files' names."""
    if folder is None:
        return
    if not folder.is_dir():
        raise HarnessError(
            f"--platform-setup={folder}: there is no such folder", "give one with manifests"
        )
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or not path.is_file():
            continue
        try:
            documents: list[Any] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise HarnessError(f"{path} cannot be read: {error}", "correct the file") from error
        for one in filter(None, documents):
            if not (isinstance(one, dict) and one.get("apiVersion") and one.get("kind")):
                raise HarnessError(
                    f"{path} has a document that is not a Kubernetes object",
                    "have only manifests in this folder: they are applied as they are",
                )
            yield one
