"""``stackspin-conformance``: what is not a test run. Checks run under pytest (``tox``)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from conformance.errors import HarnessError

if TYPE_CHECKING:
    import typer

EXIT_HARNESS_ERROR = 2
EXIT_INTERRUPTED = 130


def make_app() -> typer.Typer:
    """Return the whole command line. Sub-commands import what is slow when they run."""
    import typer  # noqa: PLC0415 - slow

    from conformance.clusters.commands import app as cluster  # noqa: PLC0415
    from conformance.components.commands import app as components  # noqa: PLC0415
    from conformance.doctor import doctor  # noqa: PLC0415
    from conformance.linter import command  # noqa: PLC0415

    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Conformance suite for Stackspin. The checks run with: ./bootstrap tox -e conformance",
    )

    passed_on = {"ignore_unknown_options": True}

    @app.command("app", help=command.SUMMARY, add_help_option=False, context_settings=passed_on)
    def packages(arguments: list[str] = typer.Argument(default_factory=list)) -> None:  # noqa: B008
        raise typer.Exit(command.main(arguments))

    app.add_typer(cluster, name="cluster")
    app.add_typer(components, name="components")
    app.command()(doctor)
    return app


def main() -> None:
    """Run a command; a HarnessError is two lines on standard error and exit status 2."""
    try:
        if sys.argv[1:2] == ["app"]:  # typer alone would take as long as all of its rules
            from conformance.linter import command  # noqa: PLC0415

            sys.exit(command.main(sys.argv[2:]))
        make_app()()
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_HARNESS_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
