"""What a description says, beside the cluster that it is said to describe; nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.formats.reading import name_of
from conformance.linter.findings import Place, Problem
from conformance.linter.reading.documents import Document
from conformance.linter.reading.one_document import FormatError
from conformance.platform.checking import infrastructure, login
from conformance.platform.checking.features import features
from conformance.platform.checking.wrong import Compared, Wrong
from conformance.platform.description import Platform, document_of
from conformance.platform.discovery import discover
from conformance.platform.discovery.cluster import Cluster
from conformance.platform.discovery.findings import NOT_GIVEN
from conformance.platform.discovery.web import Web

_CHECKS = (
    infrastructure.namespaces,
    infrastructure.flux,
    login.pages,
    login.services,
    infrastructure.ingress_and_storage,
    infrastructure.backup,
    features,
)


def read_for_check(path: Path) -> tuple[Document, Platform, list[Problem]]:
    """Return what a file says, also if it does not say yet whose platform it is.

    That is among the problems then. Raises ``FormatError`` for any other mistake.
    """
    document = document_of(path)
    try:
        return document, Platform.of(document), []
    except FormatError as error:
        value = document.value
        if not isinstance(value, dict):
            raise
        whose = dict.fromkeys(("organization", "project", "version"), NOT_GIVEN)
        named = replace(document, value={**value, "implementation": whose})
        try:
            platform = Platform.of(named)
        except FormatError:
            raise error from None
        return document, platform, [*error.problems]


def what_does_not_hold(
    document: Document, platform: Platform, cluster: Cluster, web: Web
) -> list[Problem]:
    """Return what of a file does not hold on a cluster, in the order of its lines.

    ``platform`` is what ``document`` says.
    """
    compared = Compared(platform, cluster, discover(cluster, web), web)
    problems = [_problem(document, wrong) for check in _CHECKS for wrong in check(compared)]
    return sorted(problems, key=lambda one: one.place.line)


def _problem(document: Document, wrong: Wrong) -> Problem:
    message = wrong.message
    if not document.has(wrong.where):
        message += f" (the file does not have {name_of(wrong.where)}: this is what holds without)"
    return Problem(Place(document.file, document.line(wrong.where)), message, wrong.fix)
