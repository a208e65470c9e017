"""Comments are about this app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.findings import Place, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("oidc.copied-comment", level=2, severity=Severity.NOTE)
def copied_comment(app: AppPackage) -> Iterator[Problem]:
    """Yield each comment in a client's file that names another app."""
    own = {app.name.lower(), *(one.name.lower() for one in app.releases)}
    for client in logins.clients(app):
        for number, line in enumerate(app.texts.get(client.file, "").splitlines(), 1):
            comment = line.partition("#")[2].lower() if line.lstrip().startswith("#") else ""
            copied = re.search(r"copied from ([a-z][\w.-]{0,60})", comment)
            words = [*re.findall(r"[a-z][a-z0-9]+", comment), *(copied.groups() if copied else ())]
            for word in words:
                foreign = word in NAMES_OF_APPS or (copied and word == copied[1])
                if foreign and not any(word in name or name in word for name in own if name):
                    yield Problem(
                        Place(client.file, number, str(client)),
                        f"the comment is about {quoted(word)}: copied from another app?",
                    )
                    break
