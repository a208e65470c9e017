"""Hosts of a package's Ingresses at which something else answers already."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kube.objects import Object, Objects
from conformance.linter.access import get, sequence, text

INGRESS_API, INGRESS = "networking.k8s.io/v1", "Ingress"


def taken_hosts(applied: Objects, there: Objects) -> Iterator[str]:
    """Yield which Ingresses of a package have a host of another one's, a sentence each.

    Both would answer there, each for the paths that its rules name more closely: who asks for the
    login page could get the app's. ``applied`` is what Flux has applied of the package, ``there``
    are the Ingresses of the cluster.
    """
    own = {_name(one): one for one in applied if one["kind"] == INGRESS}
    owners: dict[str, str] = {}
    for other in sorted((one for one in there if _name(one) not in own), key=_name):
        for host in _hosts(other):
            owners.setdefault(host, _name(other))
    for name, ingress in own.items():
        for host in dict.fromkeys(_hosts(ingress)):
            if host in owners:
                yield f"{name}: {host} is the host of {owners[host]}"


def _name(ingress: Object) -> str:
    metadata = ingress["metadata"]
    return f"{INGRESS} {metadata['namespace']}/{metadata['name']}"


def _hosts(ingress: Object) -> Iterator[str]:
    for rule in sequence(get(ingress, "spec", "rules")):
        if host := text(get(rule, "host")):
            yield host.lower()
