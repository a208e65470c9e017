"""Forms that a page's scripts draw from what Kratos says of a flow.

A page with such scripts has no form in its source. Its address names the flow, and Kratos' public
API describes that to whoever has its cookie.
https://www.ory.sh/docs/kratos/bring-your-own-ui/custom-ui-overview
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

FLOWS = ("login", "recovery", "settings")
"""The flows that pages have forms for."""
_BUTTONS = ("submit", "button")


def flow_of(url: str) -> str:
    """Return the id of the flow that a page is about; empty: of none."""
    return parse_qs(urlsplit(url).query).get("flow", [""])[0]


def endpoints(page: Callable[[str], str]) -> dict[str, str]:
    """Return the address of each page with a flow, and where Kratos describes its flows.

    ``page`` returns the address of a page by its key in a platform's description.
    """
    kratos = page("kratos").rstrip("/")
    return {page(name): f"{kratos}/self-service/{name}/flows" for name in FLOWS}


def fields(ui: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a flow's form as they are before anybody fills them in."""
    return {name: value for name, value, kind in _inputs(ui) if kind not in (*_BUTTONS, "checkbox")}


def buttons(ui: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of each button that sends a flow's form."""
    return [(name, value) for name, value, kind in _inputs(ui) if kind in _BUTTONS]


def messages(ui: Mapping[str, Any]) -> list[str]:
    """Return what a flow tells the user, of single fields, too."""
    places = (ui, *(ui.get("nodes") or ()))
    return [str(one["text"]) for place in places for one in place.get("messages") or ()]


def _inputs(ui: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and type of each input."""
    for node in ui.get("nodes") or ():
        if node.get("type") == "input":
            attributes = node["attributes"]
            yield attributes["name"], str(attributes.get("value") or ""), attributes["type"]
