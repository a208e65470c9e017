"""``stackspin-conformance app``: the linter's command, with what the linter may not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.common.installation import require_cluster_extra
from conformance.common.settings import cache_dir
from conformance.linter import command

if TYPE_CHECKING:
    from conformance.linter.elsewhere import Fetch


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    return command.main(arguments, _fetcher)


def _fetcher() -> Fetch:
    require_cluster_extra("stackspin-conformance app --fetch")
    from conformance.apps.package.chart_fetch import ChartFetcher  # noqa: PLC0415 - the extra

    return ChartFetcher(cache_dir())
