"""Ingresses: those that are known as objects, and those that a distant chart makes of values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import Key, Path, get, mapping, sequence, text
from conformance.linter.app import AppPackage, Release
from conformance.linter.facts.cluster import Cluster, settings, unknown_charts
from conformance.linter.findings import Place
from conformance.linter.flux import platform
from conformance.linter.manifest import Manifest

NGINX = "nginx.ingress.kubernetes.io/"
_CERTIFICATE = re.compile(r"cert|issuer|acme", re.IGNORECASE)
ISSUERS = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")
ACME = "kubernetes.io/tls-acme"
_LONGEST_NAME = 253


@dataclass(frozen=True)
class Host:
    """A host name, and where it is written."""

    name: str
    """Empty: none, so that the rule is about every host name."""
    path: Path


@dataclass(frozen=True, eq=False)
class Ingress:
    """What is known of an Ingress."""

    name: str
    """As in ``Ingress notes``, or ``ingress in the values``."""
    namespace: str
    place: Callable[..., Place]
    annotations: Mapping[str, Any]
    annotations_path: Path
    hosts: tuple[Host, ...]
    covered: tuple[str, ...]
    """Host names that the TLS section has."""
    tls: bool
    """Whether there is a TLS section."""
    tls_path: Path
    secrets: tuple[str, ...]
    """Names of the Secrets with certificates."""
    class_name: str
    class_path: Path
    manifest: Manifest | None
    """None: only the values are known."""
    release: Release | None = None
    asks_by_value: bool = False
    """Whether a value of the chart's own is about certificates."""

    def covers(self, host: str) -> bool:
        """Return whether the TLS section has a host name, by itself or by a wildcard."""
        wildcard = f"*.{host.partition('.')[2]}"
        return host in self.covered or wildcard in self.covered

    def annotation(self, key: str) -> str:
        """Return the value of an annotation of nginx; empty if there is none."""
        value = self.annotations.get(NGINX + key)
        return "" if value is None else str(value).strip()

    def has(self, key: str) -> bool:
        """Return whether there is such an annotation of nginx."""
        return NGINX + key in self.annotations

    def place_of(self, key: str) -> Place:
        """Return where an annotation of nginx is written."""
        return self.place(*self.annotations_path, NGINX + key)

    @property
    def asks_for_certificate(self) -> bool:
        """Whether cert-manager is asked for the certificate."""
        return (
            str(self.annotations.get(ACME)).lower() == "true"
            or any(self.annotations.get(key) for key in ISSUERS)
            or self.asks_by_value
        )


def ingresses(cluster: Cluster) -> Iterator[Ingress]:
    """Yield the Ingresses of a cluster."""
    for manifest in cluster.objects("Ingress"):
        if cluster.certain(manifest):
            yield _of_manifest(manifest)
    for release in unknown_charts(cluster):
        for path, value in settings(release.values):
            if "ingress" in path[-2:] and get(value, "enabled") is True:
                yield _of_values(release, path, mapping(value))


def _of_manifest(manifest: Manifest) -> Ingress:
    rules = sequence(manifest.get("spec", "rules"))
    hosts = [
        Host(text(get(entry, "host"))[:_LONGEST_NAME], ("spec", "rules", index, "host"))
        for index, entry in enumerate(rules)
    ]
    if not hosts:
        hosts = [Host("", ("spec",))]
    tls = sequence(manifest.get("spec", "tls"))
    of_annotation = text(manifest.annotations.get("kubernetes.io/ingress.class"))
    of_spec = text(manifest.get("spec", "ingressClassName"))
    return Ingress(
        name=f"Ingress {manifest.name}",
        namespace=manifest.namespace,
        place=manifest.place,
        annotations=manifest.annotations,
        annotations_path=("metadata", "annotations"),
        hosts=tuple(hosts),
        covered=tuple(text(one) for entry in tls for one in sequence(get(entry, "hosts"))),
        tls=bool(tls),
        tls_path=("spec", "tls"),
        secrets=_secrets(tls),
        class_name=of_spec or of_annotation,
        class_path=("spec", "ingressClassName")
        if of_spec or not of_annotation
        else ("metadata", "annotations", "kubernetes.io/ingress.class"),
        manifest=manifest,
    )


def _secrets(tls: object) -> tuple[str, ...]:
    names = (text(get(entry, "secretName")) for entry in sequence(tls))
    return tuple(name for name in names if name)


def _of_values(release: Release, path: Path, value: Mapping[str, Any]) -> Ingress:
    """Return an Ingress as the values describe it that most charts take."""

    def place(*inner: Key) -> Place:
        end = len(inner)
        while end and get(value, *inner[:end]) is None:
            end -= 1  # what is not there is missed where it belongs
        return release.place(*path, *inner[:end])

    hosts = []
    for index, entry in enumerate(sequence(value.get("hosts"))):
        if isinstance(entry, str):
            hosts.append(Host(entry, ("hosts", index)))
        elif isinstance(get(entry, "host"), str):
            hosts.append(Host(entry["host"], ("hosts", index, "host")))
    for key in ("host", "hostname"):
        if isinstance(value.get(key), str):
            hosts.append(Host(value[key], (key,)))
    found = [one for one in hosts if one.name and "{{" not in one.name]
    class_key = "ingressClassName" if "ingressClassName" in value else "className"
    return Ingress(
        name=f"{'.'.join(map(str, path))} in the values of {release.name}",
        namespace=release.namespace,
        place=place,
        annotations=mapping(value.get("annotations")),
        annotations_path=("annotations",),
        hosts=tuple(Host(one.name[:_LONGEST_NAME], one.path) for one in found),
        covered=_covered(value) or tuple(one.name[:_LONGEST_NAME] for one in found),
        tls=not found or not _without_tls(value),
        tls_path=("tls",),
        secrets=_secrets(value.get("tls")),
        class_name=text(value.get(class_key)),
        class_path=(class_key,),
        manifest=None,
        release=release,
        asks_by_value=any(_CERTIFICATE.search(str(key)[:100]) for key in value)
        or not isinstance(value.get("tls"), list),
    )


def _without_tls(value: Mapping[str, Any]) -> bool:
    """Return whether such values leave no doubt that there is no TLS section."""
    if any(key != "tls" and "tls" in str(key).lower() and value[key] for key in value):
        return False
    tls = value.get("tls")
    if tls is False or get(tls, "enabled") is False:
        return True
    return not tls and isinstance(value.get("hosts"), list)


def _covered(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the host names of the TLS section; none where a chart adds them by itself."""
    entries = [get(entry, "hosts") for entry in sequence(value.get("tls"))]
    if not all(isinstance(one, list) for one in entries):
        return ()
    return tuple(text(name) for one in entries for name in one)


def domain_of(app: AppPackage) -> str:
    """Return what stands for the domain of the platform."""
    for kustomization in app.kustomizations:
        for source in kustomization.sources:
            variable = source.variables.get("domain")
            if variable is not None and variable.value:
                return variable.value
    return platform.DOMAIN


def of_domain(host: str, domain: str) -> bool:
    """Return whether a host name is the platform's, or one below it."""
    return host == domain or host.endswith(f".{domain}")


def variable_of(app: AppPackage, value: str) -> tuple[str, Place] | None:
    """Return the variable of the package that stands for ``value``, and where it is defined."""
    for kustomization in app.kustomizations:
        for source in kustomization.sources:
            for variable in source.variables.values():
                if variable.value == value and not variable.secret:
                    kind, _, name = source.name.partition(" ")
                    for one in app.written:
                        if (one.kind, one.name) == (kind, name):
                            return variable.name, one.place("data", variable.name)
    return None
