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


def test_a_link_to_a_check_opens_it_and_a_search_hides_the_others(
    chromium: Browser, tmp_path: Path
) -> None:
    with chromium.visitor(NothingKept(), size=DESKTOP) as reader:
        page = reader.page
        page.goto(write_report(tmp_path).as_uri())
        passed = page.locator("details.check[data-verdict=pass]")
        assert passed.get_attribute("open") is None
        page.goto(f"{page.url}#{passed.get_attribute('id')}")
        assert passed.get_attribute("open") is not None
        page.get_by_label("Search the checks").fill("promise_3 notes")
        assert page.locator("details.check:visible").count() == 2
        page.get_by_role("button", name="fail").click()
        assert page.locator("details.check:visible").count() == 1


@pytest.mark.parametrize("write", [write_report, write_history_page])
def test_paper_is_light(chromium: Browser, tmp_path: Path, write: Callable[[Path], Path]) -> None:
    with chromium.visitor(NothingKept(), size=DESKTOP) as reader:
        reader.page.goto(write(tmp_path).as_uri())
        reader.page.emulate_media(media="print", color_scheme="dark")
        ground = "getComputedStyle(document.documentElement).getPropertyValue('--ground')"
        assert reader.page.evaluate(ground).strip() == "#f6f7f9"
        assert not reader.page.get_by_label("Search the checks").is_visible()
