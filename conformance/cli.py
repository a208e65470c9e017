"""``stackspin-conformance``: what is not a test run. Checks run under pytest (``tox``)."""

from __future__ import annotations

import sys

import typer

from conformance.errors import HarnessError

EXIT_HARNESS_ERROR = 2


def make_app() -> typer.Typer:
    """Return the whole command line. Sub-commands import what is slow when they run."""
    from conformance.clusters.commands import app as cluster  # noqa: PLC0415
    from conformance.components.commands import app as components  # noqa: PLC0415
    from conformance.doctor import doctor  # noqa: PLC0415

    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Conformance suite for Stackspin. The checks run with: tox -e conformance",
    )
    app.add_typer(cluster, name="cluster")
    app.add_typer(components, name="components")
    app.command()(doctor)
    return app


def main() -> None:
    """Run a command; a HarnessError is two lines on standard error and exit status 2."""
    try:
        make_app()()
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_HARNESS_ERROR)
