"""The pages of the suite and of the linter on a phone and on a desktop, measured in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from chromium import NothingKept
from html_pages import write_cluster_page, write_history_page, write_linter_page, write_report

from conformance.services.browser import DESKTOP, PHONE, Browser


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "write", [write_report, write_linter_page, write_cluster_page, write_history_page]
)
def test_no_page_scrolls_sideways(
    chromium: Browser, tmp_path: Path, write: Callable[[Path], Path], size: tuple[int, int]
) -> None:
    with chromium.visitor(NothingKept(), size=size) as reader:
        reader.page.goto(write(tmp_path).as_uri())
        reader.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= size[0]
