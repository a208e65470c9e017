"""The options of ``stackspin-conformance app``."""

from __future__ import annotations

from pathlib import Path

from conformance.common.arguments import Parser
from conformance.common.pins import pin
from conformance.linter.levels import HIGHEST
from conformance.linter.on_cluster.options import add_options
from conformance.linter.output import FORMATS
from conformance.linter.versions import FLUX, dotted, minor
from conformance.linter.waivers import FORM

_MORE = """\
Levels: 1, Flux can apply it; 2, it runs the Stackspin way; 3, its data is safe.
With --cluster: 4, it runs on Stackspin; 5, its data survives; 6, people log in once.
Exit status: 0, no error (with --level: each app has that level); 1, an error (an app has not);
2, something is wrong with the command, or the run on the cluster did not come to its end.
"""


def option_parser() -> Parser:
    """Return what reads the command line."""
    parser = Parser(
        "stackspin-conformance app",
        description="Check app packages against Stackspin's requirements, without cluster or root, "
        "and\nwithout network unless --fetch is given. With --cluster, run them on Stackspin, too.",
        epilog=_MORE,
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        type=Path,
        help="a Helm chart (folder or .tgz), a Flux package, or a folder with many of them",
    )
    parser.add_argument(
        "--rule",
        metavar="RULE",
        action="append",
        help="run only this rule, or this family of rules; may be repeated",
    )
    parser.add_argument(
        "--waive",
        metavar=FORM,
        action="append",
        help="accept a rule's findings until a date such as 2027-01-31; may be repeated",
    )
    parser.add_argument(
        "--level",
        type=int,
        choices=range(HIGHEST + 1),
        help="exit with 1 if an app is below this level, not if there is an error",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="how the result is shown"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write the result to this file; the terminal shows the findings, too",
    )
    parser.add_argument(
        "--init",
        action="store_true",
        help="write a first conformance.yaml into PATH, and a Flux package for a chart without one",
    )
    parser.add_argument(
        "--explain",
        metavar="RULE",
        help="say what this rule or check wants, and why; a family, or all: list them",
    )
    parser.add_argument(
        "--values", metavar="FILE", type=Path, help="render charts with these values, too"
    )
    parser.add_argument(
        "--previous",
        metavar="PATH",
        type=Path,
        help="an earlier version: check whether people can upgrade from it",
    )
    parser.add_argument(
        "--app-description",
        type=Path,
        metavar="FILE",
        help="a conformance.yaml for a package that you may not change",
    )
    parser.add_argument(
        "--changed-since",
        metavar="REF",
        help="check only apps with files that differ from this branch, tag or commit of Git",
    )
    parser.add_argument(
        "--baseline",
        metavar="FILE",
        type=Path,
        help="findings that are in this earlier result (of --format json) do not fail",
    )
    parser.add_argument(
        "--flux",
        metavar="VERSION",
        type=minor,
        help=f"judge API versions for this Flux (default: {dotted(FLUX)})",
    )
    parser.add_argument(
        "--kubernetes",
        metavar="VERSION",
        type=minor,
        help="judge API versions and kubeVersion for this Kubernetes (default: "
        f"{dotted(minor(pin('kubernetes').version))})",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch charts of Helm repositories and registries from their own address",
    )
    add_options(parser)
    return parser
