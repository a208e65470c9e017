"""Where people log in: the issuer of tokens, and the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from conformance.kube.objects import Object
from conformance.platform.description import Pages
from conformance.platform.discovery.cluster import Cluster, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.ory import HYDRA, KRATOS, Instance, instance_of
from conformance.platform.discovery.pods import images_of, routes, target_of
from conformance.platform.discovery.settings import mentions, setting
from conformance.platform.discovery.web import Web

_PAGES = {
    "login": ((HYDRA, "urls.login"), (KRATOS, "selfservice.flows.login.ui_url")),
    "recovery": ((KRATOS, "selfservice.flows.recovery.ui_url"),),
    "settings": ((KRATOS, "selfservice.flows.settings.ui_url"),),
    "consent": ((HYDRA, "urls.consent"),),
    "logout": ((HYDRA, "urls.logout"),),
    "kratos": ((KRATOS, "serve.public.base_url"),),
}
"""Page -> whose settings say its address, the first that says something."""


def find_issuer(cluster: Cluster, web: Web, findings: Findings) -> str:
    """Find it by the Ingress to Hydra, or Hydra's settings, and ask for its discovery document.

    Return by what its certificate is trusted, as ``Answer`` has it; empty: nobody knows.
    """
    key = "single_sign_on.issuer"
    hydra = instance_of(cluster, HYDRA)
    ways: dict[str, str] = {}
    for url, how in _issuers(cluster, hydra) if hydra else ():
        ways.setdefault(url, how)
    if not ways:
        findings.miss(key, "no Ingress leads to Hydra, and its settings do not say it")
        return ""
    problem = ""
    for url, how in ways.items():
        answer = web.document(url)
        if answer.document is not None:
            issuer = str(answer.document.get("issuer", ""))
            found = f"{how}; its discovery document, over https, says the same"
            if issuer != url:
                found = f"the discovery document of {url} says so ({how})"
            findings.put(key, issuer or url, found)
            return answer.trusted
        problem = problem or f"{answer.problem}. {answer.fix}"
    url, how = next(iter(ways.items()))
    findings.put(key, url, f"{how}; NOT CONFIRMED: {problem}")
    return ""


def find_dashboard(cluster: Cluster, findings: Findings) -> None:
    """Find it by where Hydra and Kratos send people, else by who may ask Hydra's admin API."""
    for url, how in _dashboards(cluster):
        host = urlsplit(url)
        if host.hostname:
            findings.put("single_sign_on.dashboard", f"{host.scheme}://{host.netloc}", how)
            return
    why = "neither Hydra's nor Kratos' settings say where people log in, and no Ingress does"
    findings.miss("single_sign_on.dashboard", why)


def find_pages(cluster: Cluster, findings: Findings) -> None:
    """Find the pages that are not where the reference platform has them."""
    # A path in a description begins at the host, wherever there the dashboard is.
    root = urljoin(findings.value("single_sign_on.dashboard") or "", "/")
    for name, (address, how) in pages_of(cluster).items():
        path = f"/{address.removeprefix(root)}" if address.startswith(root) else address
        if path != Pages.model_fields[name].default:
            findings.put(f"single_sign_on.pages.{name}", path, how)


def pages_of(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """Return the address of each page that Hydra's or Kratos' settings name, and which says so."""
    found: dict[str, tuple[str, str]] = {}
    for name, ways in _PAGES.items():
        for software, key in ways:
            instance = instance_of(cluster, software)
            address = setting(cluster, instance.pod, *key.split(".")) if instance else ""
            if urlsplit(address).hostname:
                how = f"the setting {key} of {software.name.title()}"
                found.setdefault(name, (address, how))
    return found


def administrators(cluster: Cluster) -> list[Object]:
    """Return the pods that are set up to ask an admin API of Hydra's or Kratos'."""
    found: dict[str, Object] = {}
    for software in (HYDRA, KRATOS):
        if not (instance := instance_of(cluster, software)):
            continue
        for pod in cluster.pods():
            if images_of(pod) & {HYDRA.name, KRATOS.name}:
                continue
            if any(mentions(cluster, pod, host) for host in _hosts(cluster, instance, pod)):
                found[f"{namespace_of(pod)}/{name_of(pod)}"] = pod
    return [*found.values()]


def hosts_leading_to(cluster: Cluster, pod: Object, port: int | None = None) -> Iterator[str]:
    """Yield host and path of the Ingresses that lead to a pod, or to one port of it."""
    for host, path, service in routes(cluster):
        if not any(name_of(one) == name_of(service) for one in cluster.services(pod)):
            continue
        if namespace_of(service) != namespace_of(pod):
            continue
        targets = {target_of(one, pod) for one in service["spec"].get("ports") or ()}
        if port is None or port in targets:
            yield f"{host}{path}"


def _issuers(cluster: Cluster, hydra: Instance) -> Iterator[tuple[str, str]]:
    said = setting(cluster, hydra.pod, "urls", "self", "issuer")
    for place in hosts_leading_to(cluster, hydra.pod, hydra.public):
        url = f"https://{place.rstrip('/')}/"
        issuer = said if said.rstrip("/") == url.rstrip("/") else url  # with its slash, or without
        yield issuer, f"an Ingress leads from {place} to Hydra's public port"
    if said:
        yield said, "Hydra's setting urls.self.issuer"


def _dashboards(cluster: Cluster) -> Iterator[tuple[str, str]]:
    if hydra := instance_of(cluster, HYDRA):
        yield setting(cluster, hydra.pod, "urls", "login"), "Hydra's setting urls.login"
    if kratos := instance_of(cluster, KRATOS):
        keys = ("selfservice", "flows", "login", "ui_url")
        yield setting(cluster, kratos.pod, *keys), f"Kratos' setting {'.'.join(keys)}"
    for pod in administrators(cluster):
        for place in hosts_leading_to(cluster, pod):
            how = f"an Ingress leads from {place} to pods that ask the admin API of Hydra or Kratos"
            yield f"https://{place}", how


def _hosts(cluster: Cluster, instance: Instance, pod: Object) -> Iterator[str]:
    """Yield the host names by which a pod may call the admin API of an instance."""
    for service in cluster.services(instance.pod):
        ports = service["spec"].get("ports") or ()
        if instance.admin in {target_of(port, instance.pod) for port in ports}:
            if namespace_of(pod) == namespace_of(service):
                yield name_of(service)
            yield f"{name_of(service)}.{namespace_of(service)}"
