"""Pages of the dashboard, as a browser asks for them."""

from __future__ import annotations

import re
from typing import Any

from dashboard_answers import HOST


def get(browser: Any, path: str) -> Any:
    return browser.get(path, secure=True)


def post(browser: Any, page: str, path: str, **values: str) -> Any:
    """Send a form as the page has it: with its token."""
    token = get(browser, page).context["csrf_token"]
    return browser.post(
        path,
        {"csrfmiddlewaretoken": str(token), **values},
        secure=True,
        headers={"origin": f"https://{HOST}"},
    )


def state_on(page: str) -> str:
    """Return the first state that a page shows: that of its only app."""
    found = re.search(r'<span class="state (\S+)">([^<]*)</span>', page)
    assert found is not None
    assert found[1] == found[2].lower(), "the state has no colour"
    return found[2]
