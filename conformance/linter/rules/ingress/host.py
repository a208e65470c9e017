"""The host name of an app is in the platform's domain, whatever that is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each, guessed, settings
from conformance.linter.facts.ingresses import (
    Host,
    Ingress,
    domain_of,
    ingresses,
    of_domain,
    variable_of,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Release


_HOST_LINE = re.compile(r"""(?m)^\s*(?:-\s*)?host:\s*["']?([^\s"'{}]+)["']?\s*$""")


@rule("ingress.host", level=2)
def host(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each host name that is fixed, and each rule without one."""
    yield from each(app, _fixed_hosts)


def _fixed_hosts(cluster: Cluster) -> Iterator[Problem]:
    domain = domain_of(cluster.app)
    for ingress in ingresses(cluster):
        for one in ingress.hosts:
            if cluster.bare:
                yield from _fixed_in_template(cluster, ingress, one)
            elif not one.name:
                yield _without_host(ingress, one)
            elif not (of_domain(one.name, domain) or guessed(one.name)):
                problem = _fixed(cluster, ingress, one)
                if problem is not None:
                    yield problem


def _without_host(ingress: Ingress, one: Host) -> Problem:
    message = f"{ingress.name} has no host: it gets the requests for every host name"
    return Problem(ingress.place(*one.path), message)


def _fixed_in_template(cluster: Cluster, ingress: Ingress, one: Host) -> Iterator[Problem]:
    """Yield a host name of a chart that no value changes."""
    template = "" if ingress.manifest is None else cluster.template_of(ingress.manifest)
    if not one.name:
        if template and not re.search(r"\bhost", template, re.IGNORECASE):
            yield _without_host(ingress, one)
    elif one.name in _HOST_LINE.findall(template):
        yield Problem(
            ingress.place(*one.path),
            f"{ingress.name} is for host {quoted(one.name)}, and no value changes that",
        )


def _fixed(cluster: Cluster, ingress: Ingress, one: Host) -> Problem | None:
    """Return what to say of a host name that is not the platform's, where it is written.

    None where the values cannot be read that might set it.
    """
    beside = "which is not on the domain of the platform (${domain})"
    variable = variable_of(cluster.app, one.name)
    if variable is not None:
        name, place = variable
        return Problem(place, f"{name} is {quoted(one.name)}, {beside}")
    place = ingress.place(*one.path)
    if ingress.manifest is not None and ingress.manifest.rendered:
        for release in cluster.app.releases:
            for path, value in settings(release.values):
                if value == one.name:
                    name = ".".join(map(str, path))
                    message = f"{name} is the host name {quoted(one.name)}, {beside}"
                    return Problem(release.place(*path), message)
        if any(_unread(release) for release in cluster.app.releases):
            return None
        example = f"{ingress.name} is for {quoted(one.name)}, the chart's example"
        return Problem(place, f"{example}: no value of the release sets the host name")
    return Problem(place, f"{ingress.name} is for host {quoted(one.name)}, {beside}")


def _unread(release: Release) -> bool:
    return any(
        source.problem or (source.manifest is None and not source.optional)
        for source in release.sources
    )
