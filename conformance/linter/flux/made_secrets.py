"""Secrets that operators make of their own objects: what they are called, and which keys they have.

Sources: the manuals of cert-manager, CloudNativePG, Elastic Cloud on Kubernetes, External Secrets,
Keycloak, MariaDB's operator, RabbitMQ's operator, Sealed Secrets, Vault's and Zalando's operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from conformance.linter.access import get, mapping, sequence, text, walk
from conformance.linter.manifest import Manifest

_CNPG = frozenset(
    {
        "username", "user", "password", "dbname", "host", "port", "uri", "jdbc-uri", "fqdn-uri",
        "fqdn-jdbc-uri", "pgpass",
    }
)  # fmt: skip
_TLS = frozenset({"tls.crt", "tls.key", "ca.crt"})
_USER = frozenset({"username", "password"})


@dataclass(frozen=True)
class MadeSecret:
    """A Secret that is in the cluster once an operator has seen its object."""

    name: str
    keys: frozenset[str] | None
    """None: nobody knows them all."""


_MADE: WeakKeyDictionary[Manifest, tuple[MadeSecret, ...]] = WeakKeyDictionary()
"""Several rules ask about the same object."""


def made_secrets(manifest: Manifest) -> tuple[MadeSecret, ...]:
    """Return the Secrets that an operator makes of an object, in its namespace."""
    if manifest not in _MADE:
        _MADE[manifest] = tuple(_made(manifest))
    return _MADE[manifest]


def makes_secrets(manifest: Manifest) -> bool:
    """Return whether an object is of a kind of which it is known here which Secrets it makes."""
    return (manifest.group, manifest.kind) in _MAKERS


def _made(manifest: Manifest) -> Iterator[MadeSecret]:
    make = _MAKERS.get((manifest.group, manifest.kind))
    for one in make(manifest) if make is not None else ():
        if one.name:
            yield one
    for path, value in walk(manifest.get("spec") if manifest.group else None):
        # MariaDB's operator and others fill a Secret that a reference asks them to.
        if path and str(path[-1]).endswith("SecretKeyRef") and get(value, "generate") is True:
            yield MadeSecret(text(get(value, "name")), frozenset({text(get(value, "key"))}))


def _sealed(one: Manifest) -> Iterator[MadeSecret]:
    name = text(one.get("spec", "template", "metadata", "name")) or one.name
    parts = (one.get("spec", "encryptedData"), one.get("spec", "template", "data"))
    yield MadeSecret(name, frozenset(key for part in parts for key in mapping(part)))


def _external(one: Manifest) -> Iterator[MadeSecret]:
    name = text(one.get("spec", "target", "name")) or one.name
    keys = frozenset(text(get(entry, "secretKey")) for entry in sequence(one.get("spec", "data")))
    more = one.get("spec", "dataFrom") or one.get("spec", "target", "template")
    yield MadeSecret(name, None if more else keys)


def _certificate(one: Manifest) -> Iterator[MadeSecret]:
    yield MadeSecret(text(one.get("spec", "secretName")), _TLS)


def _cnpg(one: Manifest) -> Iterator[MadeSecret]:
    for end, keys in (("app", _CNPG), ("superuser", _CNPG)):
        yield MadeSecret(f"{one.name}-{end}", keys)
    for end in ("ca", "server", "replication"):
        yield MadeSecret(f"{one.name}-{end}", None)


def _elastic(short: str) -> Callable[[Manifest], Iterator[MadeSecret]]:
    def made(one: Manifest) -> Iterator[MadeSecret]:
        start = f"{one.name}-{short}"
        if short == "es":
            yield MadeSecret(f"{start}-elastic-user", frozenset({"elastic"}))
        for end in ("http-certs-public", "http-certs-internal", "http-ca-internal"):
            yield MadeSecret(f"{start}-{end}", _TLS)

    return made


def _zalando(one: Manifest) -> Iterator[MadeSecret]:
    for user in ("postgres", "standby", *mapping(one.get("spec", "users"))):
        name = f"{user.replace('_', '-')}.{one.name}.credentials.{one.kind}.{one.group}"
        yield MadeSecret(name, _USER)


def _infisical(one: Manifest) -> Iterator[MadeSecret]:
    several = sequence(one.get("spec", "managedKubeSecretReferences"))
    for ref in (one.get("spec", "managedSecretReference"), *several):
        yield MadeSecret(text(get(ref, "secretName")), None)


def _named(end: str, keys: frozenset[str] | None) -> Callable[[Manifest], Iterator[MadeSecret]]:
    return lambda one: iter([MadeSecret(f"{one.name}{end}", keys)])


def _at(*path: str) -> Callable[[Manifest], Iterator[MadeSecret]]:
    return lambda one: iter([MadeSecret(text(one.get("spec", *path)), None)])


_MAKERS: Mapping[tuple[str, str], Callable[[Manifest], Iterator[MadeSecret]]] = {
    ("acid.zalan.do", "postgresql"): _zalando,
    ("bitnami.com", "SealedSecret"): _sealed,
    ("cert-manager.io", "Certificate"): _certificate,
    ("elasticsearch.k8s.elastic.co", "Elasticsearch"): _elastic("es"),
    ("external-secrets.io", "ExternalSecret"): _external,
    ("k8s.keycloak.org", "Keycloak"): _named("-initial-admin", _USER),
    ("kibana.k8s.elastic.co", "Kibana"): _elastic("kb"),
    ("objectbucket.io", "ObjectBucketClaim"): _named("", None),
    ("onepassword.com", "OnePasswordItem"): _named("", None),
    ("postgresql.cnpg.io", "Cluster"): _cnpg,
    ("rabbitmq.com", "RabbitmqCluster"): _named("-default-user", None),
    ("secrets.hashicorp.com", "VaultDynamicSecret"): _at("destination", "name"),
    ("secrets.hashicorp.com", "VaultStaticSecret"): _at("destination", "name"),
    ("secrets.infisical.com", "InfisicalSecret"): _infisical,
}
