"""Every page of the suite and of the linter can be read by everybody: WCAG AA, by axe-core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_pages import violations
from html_pages import write_cluster_page, write_history_page, write_linter_page, write_report

from conformance.services.visitor import Visitor

PAGES = [write_report, write_linter_page, write_cluster_page, write_history_page]


@pytest.mark.parametrize("write", PAGES)
def test_everybody_can_read_it(
    reader: Visitor, tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    reader.page.goto(write(tmp_path).as_uri())
    assert violations(reader.page) == []


def test_what_is_too_pale_is_found(reader: Visitor, tmp_path: Path) -> None:
    page = tmp_path / "pale.html"
    pale = "<p style='color:#aaa;background:#fff'>pale</p>"
    page.write_text(f"<!doctype html><html lang=en><title>Pale</title><main>{pale}</main></html>")
    reader.page.goto(page.as_uri())
    found = violations(reader.page)
    assert len(found) == 4
    assert all("color-contrast" in one for one in found)
