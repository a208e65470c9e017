"""What else a login needs: databases, the dashboard's pods, and who may use the admin APIs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, labels_of, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.ory import (
    HYDRA,
    KRATOS,
    Instance,
    find_workload,
    instance_of,
)
from conformance.platform.discovery.pages import administrators
from conformance.platform.discovery.pods import (
    images_of,
    labels_that_select,
    routes,
    running,
    service_to,
)
from conformance.platform.discovery.settings import environment, setting

NAME = "app.kubernetes.io/name"
MAILPIT = "mailpit"
MAILPIT_PORT = 8025
_OTHER_CATCHERS = ("mailhog", "maildev", "inbucket")
_DATABASES = {"mariadb": 3306, "mysql": 3306, "percona-server": 3306}
_DATABASES |= dict.fromkeys(("postgres", "postgresql", "cloudnative-pg"), 5432)
"""Image -> port."""
_HOST = re.compile(r"@(?:tcp\()?([A-Za-z0-9.-]+)[^@]*$")
"""The host in a DSN, ``postgres://user:password@HOST:5432/...`` or ``mysql://...@tcp(HOST:3306)``."""


def find_needs(cluster: Cluster, findings: Findings) -> None:
    """Find the databases of Hydra and Kratos, and the pods behind the dashboard's address."""
    taken: set[tuple[str, str]] = set()
    names: Counter[str] = Counter()
    for name, pod, how in [*_databases(cluster), *_dashboards(cluster, findings)]:
        place = (namespace_of(pod), labels_that_select(cluster, pod))
        if place in taken:
            continue
        taken.add(place)
        names[name] += 1
        key = f"single_sign_on.needs.{name}" + (f"-{names[name]}" if names[name] > 1 else "")
        find_workload(cluster, findings, key, pod, how)
    for name, why in (
        ("database", "Hydra and Kratos do not say where their database is, or it is elsewhere"),
        ("dashboard", "no Ingress leads from the dashboard's host to other pods than Kratos"),
    ):
        if not any(one.endswith(name) for one in names):
            findings.miss(f"single_sign_on.needs.{name}", why)


def find_administrators(cluster: Cluster, findings: Findings) -> None:
    """Find the pods that use the admin APIs, by their own settings."""
    names = sorted({labels_of(pod).get(NAME, "") for pod in administrators(cluster)} - {""})
    key = "single_sign_on.administrators"
    if names:
        findings.put(key, names, "their environment, arguments or files name an admin Service")
    else:
        findings.miss(key, f"no pod with label {NAME} names an admin Service in its settings")


def find_mail(cluster: Cluster, findings: Findings) -> None:
    """Find the Mailpit that Kratos sends to."""
    key = "single_sign_on.mail"
    for pod in running(cluster, MAILPIT):
        service = service_to(cluster, pod, MAILPIT_PORT)
        if service is None:
            findings.miss(key, f"no Service leads to port {MAILPIT_PORT} of the Mailpit")
            return
        names = {name_of(one) for one in cluster.services(pod)}
        goes = _mail_host(cluster)
        if goes and goes.partition(".")[0] not in names:
            findings.miss(key, f"there is a Mailpit, but Kratos sends to {goes}")
            return
        known = f", and Kratos sends to {goes}" if goes else "; where Kratos sends to is not known"
        how = f"the Service that leads to port {MAILPIT_PORT} of the pods that run a Mailpit"
        findings.put(key, service, how + known)
        return
    goes = _mail_host(cluster)
    if running(cluster, *_OTHER_CATCHERS):
        findings.miss(key, "there is a mail catcher, but no Mailpit, the one that the suite reads")
    else:
        sends = f"; Kratos sends to {goes}" if goes else ""
        findings.miss(key, f"no pod runs a Mailpit, in which every mail ends{sends}")


def _databases(cluster: Cluster) -> Iterator[tuple[str, Object, str]]:
    found = [*_named_databases(cluster)]
    if not found:
        instances = [instance_of(cluster, software) for software in (HYDRA, KRATOS)]
        beside = {namespace_of(one.pod) for one in instances if one}
        for pod in running(cluster, *_DATABASES):
            if namespace_of(pod) in beside:
                image = min(images_of(pod) & _DATABASES.keys())
                found.append(("", pod, f"pods run an image called {image} beside Hydra or Kratos"))
    several = len({labels_that_select(cluster, pod) for _, pod, _ in found}) > 1
    for name, pod, how in found:
        yield (f"{name}-database" if several and name else "database"), pod, how


def _named_databases(cluster: Cluster) -> Iterator[tuple[str, Object, str]]:
    """Yield the databases that Hydra and Kratos name, and for whom they are."""
    for software in (HYDRA, KRATOS):
        instance = instance_of(cluster, software)
        if instance and (host := _database_host(cluster, instance)):
            name, _, rest = host.partition(".")
            namespace = rest.partition(".")[0] or namespace_of(instance.pod)
            service = cluster.find("Service", name, namespace)
            selector = (service or {}).get("spec", {}).get("selector")
            for pod in cluster.selected(selector, namespace)[:1] if selector else ():
                yield software.name, pod, f"the DSN of {software.name} names Service {name}"


def _database_host(cluster: Cluster, instance: Instance) -> str:
    dsn = environment(cluster, instance.pod, "DSN").get("DSN", "")
    found = _HOST.search(dsn or setting(cluster, instance.pod, "dsn"))
    return found.group(1) if found else ""


def _mail_host(cluster: Cluster) -> str:
    kratos = instance_of(cluster, KRATOS)
    keys = ("courier", "smtp", "connection_uri")
    uri = setting(cluster, kratos.pod, *keys) if kratos else ""
    return urlsplit(uri).hostname or ""


def _dashboards(cluster: Cluster, findings: Findings) -> Iterator[tuple[str, Object, str]]:
    """Yield the pods behind the dashboard's host, but for those of Kratos and Hydra."""
    address = findings.value("single_sign_on.dashboard") or ""
    host = urlsplit(address).hostname
    for routed, path, service in routes(cluster):
        selector = service["spec"].get("selector")
        if routed != host or not selector:
            continue
        for pod in cluster.selected(selector, namespace_of(service))[:1]:
            if not images_of(pod) & {HYDRA.name, KRATOS.name}:
                yield "dashboard", pod, f"an Ingress leads from {host}{path} to these pods"
