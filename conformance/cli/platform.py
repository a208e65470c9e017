"""``stackspin-conformance platform``: descriptions of installed platforms, written and checked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.cli.cluster_options import add_cluster_options
from conformance.common.arguments import CommandGroup
from conformance.common.errors import HarnessError
from conformance.common.options import add_argument
from conformance.common.settings import Settings
from conformance.linter.findings import Place, Problem
from conformance.linter.reading.one_document import in_one_line
from conformance.platform.checking import read_for_check, what_does_not_hold
from conformance.platform.clients import Clients
from conformance.platform.description import FILE, Platform
from conformance.platform.discovery import Cluster, Web, discover, read_cluster, web_of, written
from conformance.platform.installed.given import authority_of, opened
from conformance.platform.installed.ledger import refuse_beside_another_run
from conformance.platform.installed.leftovers import remove
from conformance.suite.exemptions import unknown_checks

EXIT_DOES_NOT_HOLD = 1


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance platform",
        "Describe the Stackspin on a cluster, check a description, clean up after killed runs.",
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
    clean_parser = group.add(clean)
    clean_parser.add_argument(
        "--platform",
        metavar="FILE",
        type=Path,
        help="its description (default: what platform discover finds)",
    )
    for parser in (discover_parser, check_parser, clean_parser):
        add_cluster_options(parser)
        add_argument(parser, Settings, "ca_file", type=Path)
    return group.main(arguments)


def discover_(
    output: Path, kubeconfig: Path | None, context: str | None, ca_file: Path | None
) -> None:
    """Write a description of the platform on a cluster, and how each value was found."""
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
    """Say what in a description does not hold on the cluster.

    Exit status 0: all of it holds; 1: something does not; 2: the file or the cluster cannot be
    read.
    """
    document, platform, problems = read_for_check(file)
    with _opened(kubeconfig, context, ca_file) as (name, cluster, web):
        cluster.refuse_unread(name)
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


def clean(
    platform: Path | None, kubeconfig: Path | None, context: str | None, ca_file: Path | None
) -> None:
    """Remove what killed runs have left on a platform.

    Raises HarnessError if a run goes on, or if something cannot be removed.
    """
    with opened(Settings(kubeconfig=kubeconfig, context=context)) as (name, kube):
        refuse_beside_another_run(kube)
        cluster = read_cluster(kube)
        web = web_of(cluster, authority_of(ca_file))
        described = Platform.read(platform) if platform else discover(cluster, web).platform()
        if left := remove(kube, Clients(kube, described, ""), print):
            lines = "\n".join(f"  {one}" for one in left)
            raise HarnessError(
                f"{len(left)} things are still on {name}\n{lines}",
                "kubectl describe says what each waits for",
            )
    print(f"{name}: nothing of any run is left")


@contextlib.contextmanager
def _opened(
    kubeconfig: Path | None, context: str | None, ca_file: Path | None
) -> Iterator[tuple[str, Cluster, Web]]:
    """Yield the cluster's name, what is on it, and what asks its platform."""
    authority = authority_of(ca_file)
    with opened(Settings(kubeconfig=kubeconfig, context=context)) as (name, kube):
        cluster = read_cluster(kube)
        yield name, cluster, web_of(cluster, authority)
