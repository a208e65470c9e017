"""What keeps the pages of the suite and of the linter from scrolling sideways on a phone.

tests/root/test_pages.py measures it in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from html_pages import write_history_page, write_linter_page, write_report

VOID = {"meta", "input", "img", "br", "wbr"}


class Tables(HTMLParser):
    """The classes of what is around each table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.found.append(list(self._open))
        if tag not in VOID:
            self._open.append(dict(attrs).get("class") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leave nothing open: SVG closes its own."""

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open.pop()


def style_of(page: str, selector: str) -> dict[str, str]:
    """Return what the page's style sheet says of exactly this selector."""
    rules = re.findall(rf"^{re.escape(selector)} \{{(.*?)\}}", page, re.MULTILINE | re.DOTALL)
    declarations = [one.split(":", 1) for rule in rules for one in rule.split(";") if ":" in one]
    return {name.strip(): value.strip() for name, value in declarations}


@pytest.mark.parametrize("write", [write_report, write_linter_page, write_history_page])
def test_long_words_break_and_tables_scroll_in_boxes_of_their_own(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    page = write(tmp_path).read_text()
    assert style_of(page, "body")["overflow-wrap"] == "anywhere"
    tables = Tables(page).found
    assert tables
    assert all("scroll" in around for around in tables)
    box = style_of(page, ".scroll")
    assert box["overflow-x"] == "auto"
    # Else what is positioned inside, for screen readers only, widens the page.
    assert box["position"] == "relative"
