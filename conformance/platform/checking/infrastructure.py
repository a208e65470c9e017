"""Whether what a description says of Flux, namespaces, ingress, storage and backups holds."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kube.objects import Object
from conformance.platform.checking.wrong import Compared, Wrong
from conformance.platform.description import Certificate, ObjectStore
from conformance.platform.discovery.backups import CREDENTIALS, is_node_agent, prefix_of
from conformance.platform.discovery.cluster import name_of, namespace_of
from conformance.platform.discovery.flux import CONTROLLERS
from conformance.platform.discovery.pods import hosts_of, images_of, running, words_of
from conformance.platform.discovery.web import are_certificates, certificates_in

_PAIR = {"tls.crt", "tls.key"}
"""Keys of a Secret with a certificate: https://kubernetes.io/docs/concepts/configuration/secret/"""


def namespaces(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with the domain and with namespaces."""
    platform = compared.platform
    if not any(host.endswith(f".{platform.domain}") for host in hosts_of(compared.cluster)):
        message = f"no Ingress has a host below {platform.domain}"
        yield compared.wrong(("domain",), message)
    for index, name in enumerate(platform.namespaces):
        yield from compared.namespace(("namespaces", index), name)
    yield from compared.namespace(("apps",), platform.apps)
    for name in sorted({platform.apps, platform.flux.namespace, platform.backup.namespace}):
        if name not in platform.namespaces:
            message = f"namespaces lacks {name}, which another key names"
            yield Wrong(("namespaces",), message, "Add it.")


def flux(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with Flux, its source and its first Kustomization."""
    cluster, described = compared.cluster, compared.platform.flux
    here = [namespace_of(pod) for pod in running(cluster, *CONTROLLERS)]
    if described.namespace not in here:
        message = f"no controller of Flux runs in namespace {described.namespace}"
        yield compared.wrong(("flux", "namespace"), message, here)
        return
    yield from compared.object(
        ("flux", "source"), "GitRepository", described.source, described.namespace
    )
    yield from compared.object(
        ("flux", "root"), "Kustomization", described.root, described.namespace
    )
    root = cluster.find("Kustomization", described.root, described.namespace)
    source = root["spec"]["sourceRef"]["name"] if root else described.source
    exists = cluster.find("GitRepository", described.source, described.namespace)
    if exists and source != described.source:
        message = f"Kustomization {described.root} comes from {source}, not {described.source}"
        yield Wrong(("flux", "source"), message, f"Write {source}, or correct flux.root.")


def ingress_and_storage(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with the classes, the authority and the provisioner."""
    platform, cluster = compared.platform, compared.cluster
    yield from compared.object(("ingress", "class"), "IngressClass", platform.ingress.ingress_class)
    where, authority = ("ingress", "authority"), platform.ingress.authority
    if authority and cluster.find("Namespace", platform.apps):
        yield from _authority(compared, authority)
    elif not authority and compared.found(where):
        yield compared.wrong(where, "pods do not trust the platform's certificate by themselves")
    if platform.ingress.certificate:
        yield from _certificate(compared, platform.ingress.certificate)
    storage = platform.storage
    yield from compared.object(("storage", "class"), "StorageClass", storage.storage_class)
    if storage.retained:
        where = ("storage", "retained")
        yield from compared.object(where, "StorageClass", storage.retained)
        found = cluster.find("StorageClass", storage.retained)
        if found and found.get("reclaimPolicy") != "Retain":
            policy = found.get("reclaimPolicy", "Delete")
            message = f"the reclaimPolicy of {storage.retained} is {policy}, not Retain"
            yield compared.wrong(where, message)
    if storage.provisioner:
        yield from compared.workload(("storage", "provisioner"), storage.provisioner)


def _authority(compared: Compared, name: str) -> Iterator[Wrong]:
    where, namespace = ("ingress", "authority"), compared.platform.apps
    item = compared.cluster.find("ConfigMap", name, namespace)
    if item is None:
        yield from compared.object(where, "ConfigMap", name, namespace)
        return
    certificates = certificates_in(item)
    called = f"ConfigMap {name} in namespace {namespace}"
    if not are_certificates(certificates):
        yield compared.wrong(where, f"{called} holds no certificates")
        return
    issuer, web = compared.platform.single_sign_on.issuer, compared.web
    if web.is_issued_by(issuer, certificates) is not False:
        return
    fix = "Name the ConfigMap with the authority that issued the certificate."
    if compared.found(where) == "":
        fix = "Leave it empty: everybody trusts the certificate."
    for other in compared.cluster.all("ConfigMap", namespace):
        held = certificates_in(other)
        if are_certificates(held) and web.is_issued_by(issuer, held):
            fix = f"Write {name_of(other)}: the certificate is trusted with what that holds."
    message = f"the certificate of {issuer} is not trusted with what {called} holds"
    yield Wrong(where, message, fix)


def _certificate(compared: Compared, described: Certificate) -> Iterator[Wrong]:
    for key, which in (("secret", described.secret), ("authority", described.authority)):
        where = ("ingress", "certificate", key)
        if compared.cluster.find("Namespace", which.namespace) is None:
            yield from compared.namespace((*where, "namespace"), which.namespace)
        elif not compared.cluster.secret(which.namespace, which.name).keys() >= _PAIR:
            message = f"Secret {which.namespace}/{which.name} has no tls.crt and tls.key"
            yield compared.wrong((*where, "name"), message)


def backup(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with Velero and the store behind it."""
    described = compared.platform.backup
    if compared.cluster.find("Namespace", described.namespace) is None:
        yield from compared.namespace(("backup", "namespace"), described.namespace)
        return
    where = ("backup", "location")
    kind = "BackupStorageLocation"
    yield from compared.object(where, kind, described.location, described.namespace)
    for key, labels, is_it in (
        ("server", described.server, _is_server),
        ("node_agent", described.node_agent, _is_node_agent),
    ):
        yield from compared.labels(("backup", key), described.namespace, labels, is_it)
    if described.store:
        location = compared.cluster.find(kind, described.location, described.namespace)
        yield from _store(compared, described.store, location)


def _store(compared: Compared, store: ObjectStore, location: Object | None) -> Iterator[Wrong]:
    where = ("backup", "store")
    yield from compared.service((*where, "service"), store.service, lambda *_: "")
    bucket = location["spec"]["objectStorage"]["bucket"] if location else store.bucket
    if bucket != store.bucket:
        message = f"the bucket of the BackupStorageLocation is {bucket}, not {store.bucket}"
        yield Wrong((*where, "bucket"), message, f"Write {bucket}.")
    prefix = prefix_of(location) if location else store.prefix
    if prefix != store.prefix:
        message = f"the prefix of the BackupStorageLocation is {prefix!r}, not {store.prefix!r}"
        yield Wrong((*where, "prefix"), message, f"Write {prefix!r}.")
    yield from compared.named((*where, "deployment"), "Deployment", store.deployment)
    credentials = store.credentials
    if compared.cluster.find("Namespace", credentials.namespace) is None:
        yield from compared.namespace((*where, "credentials", "namespace"), credentials.namespace)
        return
    texts = compared.cluster.secret(credentials.namespace, credentials.name)
    if not {*CREDENTIALS} <= texts.keys():
        called = f"Secret {credentials.namespace}/{credentials.name}"
        message = f"{called} with the keys {' and '.join(CREDENTIALS)} cannot be read"
        yield compared.wrong((*where, "credentials", "name"), message)


def _is_server(pod: Object) -> str:
    is_it = "velero" in images_of(pod) and not is_node_agent(pod) and "server" in words_of(pod)
    return "" if is_it else "pods that do not run velero server"


def _is_node_agent(pod: Object) -> str:
    return "" if is_node_agent(pod) else "pods that do not run velero node-agent"
