"""Secrets that an operator makes by hand before an app, as its description says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from conformance.apps.package import variables

if TYPE_CHECKING:
    from conformance.apps.package.model import Description
    from conformance.common.redaction import Redactor
    from conformance.kube.objects import Object


def made_by_hand(description: Description, domain: str, redactor: Redactor) -> list[Object]:
    """Return the Secrets of a description; ``${generated}`` is another word each time."""

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
        for one in description.secrets
    ]
