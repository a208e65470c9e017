"""The platform that a run is given: described, and found to be as described, before any check."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from conformance.clusters.existing import ExistingCluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.kube.client import Kube
from conformance.linter.findings import Problem
from conformance.linter.reading.documents import Document
from conformance.linter.reading.one_document import FormatError, in_one_line
from conformance.platform.checking import read_for_check, what_does_not_hold
from conformance.platform.description import FILE, Platform
from conformance.platform.discovery import discover, read_cluster, web_of, written
from conformance.platform.discovery.web import Web, are_certificates
from conformance.platform.installed.ledger import refuse_beside_another_run
from conformance.platform.installed.rights import refuse_without_rights

DISCOVER = "discover"
"""In place of a file: the platform that is found on the cluster."""
_WHOSE = "implementation."
"""What no cluster says."""
OLDEST = (1, 29)
"""The oldest Kubernetes with all that the checks use: claims for one pod alone are stable in it."""
_VERSION = re.compile(r"v(\d+)\.(\d+)")


@dataclass(frozen=True)
class GivenPlatform:
    """A platform that is on a cluster already."""

    described: Platform
    authority: bytes
    """The certificates by which its own is trusted, PEM."""
    description: str
    """The text of its platform.yaml."""


class _Description(NamedTuple):
    """A platform.yaml, and what is wrong with it by itself."""

    document: Document
    described: Platform
    problems: list[Problem]
    text: str


def given_platform(settings: Settings) -> GivenPlatform | None:
    """Return the platform that ``--platform`` names; None: the suite installs the reference one.

    Raises HarnessError if it cannot be judged: the cluster or the file cannot be read, another run
    is on it, the user lacks rights, or the platform is not as it is described. Nothing is changed
    on the cluster.
    """
    if settings.platform is None:
        return None
    if settings.cluster != "existing":
        raise HarnessError(
            "--platform judges a platform that is on a cluster already",
            "add --cluster=existing, with --kubeconfig and --context as needed; or, to have the "
            "suite install it from its repository, --platform-repository",
        )
    read = None if settings.platform == DISCOVER else _read(Path(settings.platform))
    with opened(settings) as (name, kube):
        refuse_old_kubernetes(name, kube.version())
        # First: whoever lacks a right is told of all of them, not of the first that is missed.
        refuse_without_rights(kube, read.described if read else None)
        refuse_beside_another_run(kube)
        cluster = read_cluster(kube)
        cluster.refuse_unread(name)
        web = web_of(cluster, authority_of(settings.ca_file))
        found = read or _found(written(discover(cluster, web), name))
        described = found.described
        problems = [
            *found.problems,
            *what_does_not_hold(found.document, described, cluster, web),
        ]
        if problems:
            raise not_as_described(name, problems)
        if read is None:  # where Velero is, is known now
            refuse_without_rights(kube, described)
        return GivenPlatform(described, authority_by(web, described), found.text)


def not_as_described(name: str, problems: Iterable[Problem]) -> HarnessError:
    """Return the error that says what of a description does not hold on a cluster."""
    lines = "\n".join(f"  {in_one_line(one)}" for one in problems)
    return HarnessError(
        f"the platform on {name} is not as described\n{lines}",
        "correct the description or the platform: stackspin-conformance platform check",
    )


def authority_by(web: Web, described: Platform) -> bytes:
    """Return the certificates, PEM, by which a platform's own is trusted."""
    return web.certificates(web.document(described.single_sign_on.issuer).trusted).encode()


def _read(path: Path) -> _Description:
    document, described, problems = read_for_check(path)
    return _Description(document, described, problems, path.read_text(encoding="utf-8"))


def _found(text: str) -> _Description:
    """Return what discovery has written, read as a file is; whose it is, nobody has said."""
    with tempfile.TemporaryDirectory(prefix="platform-") as folder:
        path = Path(folder, FILE)
        path.write_text(text, encoding="utf-8")
        try:
            return _read(path)._replace(problems=[])
        except FormatError as error:
            raise _not_whole(error) from error


def _not_whole(error: FormatError) -> HarnessError:
    """Return what to say of a platform of which discovery did not find all that each has."""
    found = (one.message for one in error.problems if not one.message.startswith(_WHOSE))
    lines = "\n".join(f"  {one}" for one in found)
    return HarnessError(
        f"discovery has not found all that a platform has\n{lines}",
        "is it installed, and does it run? `stackspin-conformance platform discover` says what it "
        "found and how",
    )


def refuse_old_kubernetes(cluster: str, version: str) -> None:
    """Raise HarnessError if a cluster's Kubernetes is older than the checks need."""
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise HarnessError(
            f"{cluster} runs Kubernetes {version}, which is older than {oldest}",
            "upgrade it: the checks use parts of the API that came with that version",
        )


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[tuple[str, Kube]]:
    """Yield the name of the user's cluster and a client of it."""
    existing = ExistingCluster(settings)
    try:
        copy = existing.copy_kubeconfig()
        kube = Kube(copy, timeouts=settings.timeouts, source=existing.source)
        try:
            yield existing.name, kube
        finally:
            kube.close()
    finally:
        existing.delete()


def authority_of(ca_file: Path | None) -> str:
    """Return the certificates of a file that the user trusts; empty: there is none.

    Raises HarnessError.
    """
    try:
        authority = ca_file.read_text(encoding="utf-8") if ca_file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(
            f"{ca_file} cannot be read: {error}", "give a file with certificates, PEM"
        ) from error
    if ca_file and not are_certificates(authority):
        raise HarnessError(f"{ca_file} has no certificates", "give a file with certificates, PEM")
    return authority
