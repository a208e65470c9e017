"""``stackspin-conformance job``: the suite as a Job on the cluster that it judges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.cli.cluster_options import add_cluster_options
from conformance.cli.job_image import make_image
from conformance.cli.job_run import run_in_pod
from conformance.common.arguments import CommandGroup


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance job",
        "Run the checks in a pod, on the Stackspin of its own cluster: docs/in-the-cluster.md.",
    )
    image = group.add(make_image, "image")
    image.add_argument(
        "--only-lay-out", metavar="FOLDER", type=Path, help="write a new folder, and build nothing"
    )
    add_cluster_options(image)
    running = group.add(run_in_pod, "run")
    running.add_argument(
        "--fetch-within",
        metavar="MINUTES",
        type=float,
        default=0.0,
        help="at the end, wait so long for the report to be fetched (default: not at all)",
    )
    running.add_argument(
        "options", metavar="-- OPTION", nargs="*", help="options of a run, such as -m core"
    )
    return group.main(arguments)
