"""Secrets that an operator makes by hand before a chart alone, as its description says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from conformance.apps.package import variables
from conformance.linter.draft.flux_package import is_chart_alone

if TYPE_CHECKING:
    from conformance.apps.package.given import GivenApp
    from conformance.common.redaction import Redactor
    from conformance.kube.objects import Object


def made_by_hand(given: GivenApp, domain: str, redactor: Redactor) -> list[Object]:
    """Return the Secrets of an app's description; ``${generated}`` is another word each time.

    A Flux package has none: it brings its own, which the description may call by the same names.
    """
    if not is_chart_alone(given.app):
        return []

    def value_of(name: str) -> str:
        if name != "generated":
            return domain if name == "domain" else f"${{{name}}}"
        word = secrets.token_hex(16)
        redactor.learn_value(word)
        return word

    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": one.name},
            "stringData": {
                key: variables.filled(value, value_of) for key, value in one.data.items()
            },
        }
        for one in given.description.secrets
    ]
