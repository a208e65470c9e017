"""``stackspin-conformance platform``: descriptions of installed platforms, written and checked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.clusters.existing import ExistingCluster
from conformance.common.arguments import CommandGroup
from conformance.common.errors import HarnessError
from conformance.common.options import add_argument
from conformance.common.settings import Settings
from conformance.kube.client import Kube
from conformance.linter.findings import Place, Problem
from conformance.linter.reading.one_document import in_one_line
from conformance.platform.checking import read_for_check, what_does_not_hold
from conformance.platform.description import FILE
from conformance.platform.discovery import Cluster, Web, discover, read_cluster, web_of, written
from conformance.platform.discovery.web import are_certificates
from conformance.suite.exemptions import unknown_checks

EXIT_DOES_NOT_HOLD = 1


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance platform",
        "Describe the Stackspin on a cluster, and check a description. Nothing is changed there.",
    )
    discover_parser = group.add(discover_, "discover")
    discover_parser.add_argument(
        "--output",
        type=Path,
        default=Path(FILE),
        help=f"the file to write, - for standard output (default: {FILE})",
    )
    check_parser = group.add(check)
    check_parser.add_argument("file", metavar="FILE", type=Path, help="the description")
    for parser in (discover_parser, check_parser):
        add_argument(parser, Settings, "kubeconfig", type=Path, default=None)
        add_argument(parser, Settings, "context")
        parser.add_argument(
            "--ca-file",
            type=Path,
            help="the authority that issued the platform's certificate, PEM (default: those that "
            "everybody trusts, and the ConfigMaps of the cluster)",
        )
    return group.main(arguments)


def discover_(
    output: Path, kubeconfig: Path | None, context: str | None, ca_file: Path | None
) -> None:
    """Write a description of the platform on a cluster, with how each value was found."""
    to_file = str(output) != "-"
    if to_file and output.exists():
        raise HarnessError(
            f"{output} exists, and may have what a person wrote", "give another: --output FILE"
        )
    with _opened(kubeconfig, context, ca_file) as (name, cluster, web):
        findings = discover(cluster, web)
    text = written(findings, name)
    if not to_file:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(
            f"{output} cannot be written: {error.strerror}", "give another: --output FILE"
        ) from error
    print(f"{output}: {len(findings.found)} values found, {len(findings.missing)} not found")
    for key, why in findings.missing.items():
        print(f"  not found: {key}: {why}")
    print(f"next: fill in implementation, then stackspin-conformance platform check {output}")


def check(file: Path, kubeconfig: Path | None, context: str | None, ca_file: Path | None) -> int:
    """Say what of a description does not hold on the cluster.

    Exit status 0: all of it holds; 1: something does not; 2: the file or the cluster cannot be
    read.
    """
    document, platform, problems = read_for_check(file)
    with _opened(kubeconfig, context, ca_file) as (name, cluster, web):
        if cluster.unread:
            unread = "\n".join(f"{kind}: {why}" for kind, why in cluster.unread.items())
            raise HarnessError(
                f"{name} cannot be compared with {file}\n{unread}",
                "give a kubeconfig or context whose user may list all of these",
            )
        problems += what_does_not_hold(document, platform, cluster, web)
    problems += [
        Problem(Place(str(file), document.line(("exempt", name))), f"there is no check {name}", fix)
        for name, fix in unknown_checks(platform.exempt).items()
    ]
    for problem in problems:
        print(in_one_line(problem))
    if problems:
        return EXIT_DOES_NOT_HOLD
    print(f"{file}: all of it holds on {name}")
    return 0


@contextlib.contextmanager
def _opened(
    kubeconfig: Path | None, context: str | None, ca_file: Path | None
) -> Iterator[tuple[str, Cluster, Web]]:
    """Yield the cluster's name, what is on it, and what asks its platform."""
    try:
        authority = ca_file.read_text(encoding="utf-8") if ca_file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(
            f"{ca_file} cannot be read: {error}", "give a file with certificates, PEM"
        ) from error
    if ca_file and not are_certificates(authority):
        raise HarnessError(f"{ca_file} has no certificates", "give a file with certificates, PEM")
    existing = ExistingCluster(Settings(kubeconfig=kubeconfig, context=context))
    try:
        kube = Kube(existing.copy_kubeconfig())
        try:
            cluster = read_cluster(kube)
            yield existing.name, cluster, web_of(cluster, authority)
        finally:
            kube.close()
    finally:
        existing.delete()
