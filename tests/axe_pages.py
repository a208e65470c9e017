"""What axe-core finds in a page, by the rules of WCAG 2.2, level AA."""

from __future__ import annotations

from playwright.sync_api import Page

from conformance.services.browser import DESKTOP, PHONE

WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""Tags of axe-core's rules: https://github.com/dequelabs/axe-core/blob/develop/doc/API.md"""
SIZES = {"phone": PHONE, "desktop": DESKTOP}
SCHEMES = ("light", "dark")


def violations(page: Page) -> list[str]:
    """Return a line for each violation, light and dark, on a phone and on a desktop."""
    from axe_playwright_python.sync_playwright import Axe  # half a megabyte

    found = []
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            options = {"runOnly": WCAG_AA, "resultTypes": ["violations"]}
            for one in Axe().run(page, options=options).response["violations"]:
                where = one["nodes"][0]
                said = " ".join(where["failureSummary"].split())
                found.append(f"{size}, {scheme}: {one['id']}: {where['html'][:200]}: {said[:300]}")
    return found
