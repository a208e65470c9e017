"""The platform as people reach it: over https, by its ingress or node."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from urllib3.exceptions import TimeoutError as PoolTimeout

from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, name_of, namespace_of
from conformance.services.ingress import HttpClient
from conformance.services.tls import presented

_CONNECTION_SECONDS = 1.0
"""Each of a cluster's addresses is tried: most of those that nothing listens at say so at once."""
_ANSWER_SECONDS = 10.0
"""For an answer, once something listens: a busy platform takes longer, and is no wrong one."""
BROKEN = 500
"""From here on, a status says that a server fails, or that the ingress finds none that runs."""
DOCUMENT = ".well-known/openid-configuration"
PUBLISHED = "an authority that everybody trusts"
_GIVEN = "the given authority"
_REFUSED = re.compile(r"certificate verify failed: ([^(\"]+)|(hostname '[^\"]+)")
_NOT_TRUSTED = ("unable to get", "self-signed", "self signed", "certificate signature failure")
"""How OpenSSL begins to say that an authority is missing, and nothing else wrong."""
_ROOT = "kube-root-ca.crt"
"""The ConfigMap in each namespace with the authority of the API server, not of the platform."""
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Answer:
    """What a URL was answered with."""

    document: Mapping[str, Any] | None = None
    """The JSON of the answer; None: it had none."""
    trusted: str = ""
    """What the certificate was trusted by: a ConfigMap's name, ``PUBLISHED``, or the given file."""
    problem: str = ""
    """Why there is no document."""
    fix: str = ""


@dataclass(frozen=True)
class Web:
    """Asks a platform."""

    addresses: Sequence[str]
    """Where the ingress may listen, the likeliest first; host names are tried last."""
    authorities: Mapping[str, str] = field(default_factory=dict)
    """ConfigMap -> the certificates in it, PEM."""
    ca_file: str = ""
    """Certificates that the user trusts, PEM."""

    def document(self, issuer: str) -> Answer:
        """Return the discovery document of an issuer."""
        url = f"{issuer.rstrip('/')}/{DOCUMENT}"
        answer = self.get(url)
        if isinstance(answer, Answer):
            return answer
        response, trusted = answer
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code == requests.codes.ok and isinstance(document, dict):
            return Answer(document, trusted)
        problem = f"{url} answers {response.status_code}, without a discovery document"
        fix = "Write the issuer as Hydra's urls.self.issuer has it."
        if response.status_code >= BROKEN:
            fix = "Hydra does not run, or fails: look at its pods and their logs."
        return Answer(problem=problem, fix=fix)

    def get(self, url: str) -> Answer | tuple[requests.Response, str]:
        """Return the answer to GET and what its certificate was trusted by; or why there is none.

        The authorities of the cluster are tried where nobody else's certificate is enough.
        """
        host = urlsplit(url).hostname or ""
        address = self._address(host, urlsplit(url).port or 443)
        if not address:
            where = ", ".join([*self.addresses, host])
            problem = f"{url} does not answer: nothing accepts connections at {where}"
            return Answer(problem=problem, fix="See that the ingress is reachable from here.")
        refused = ""
        for name, certificates in self._trusts().items():
            if not are_certificates(certificates):
                continue
            try:
                timeouts = Timeouts(http=_ANSWER_SECONDS)
                client = HttpClient(host, address, certificates.encode(), timeouts=timeouts)
                with client:
                    return client.get(url, allow_redirects=False), name
            except requests.exceptions.SSLError as error:
                found = _REFUSED.search(str(error))
                why = (found[1] or found[2]).strip() if found else "no TLS"
                if not why.startswith(_NOT_TRUSTED):
                    refused = why
            except (requests.RequestException, OSError) as error:
                problem = f"{url} does not answer at {address}: {_why(error)}"
                return Answer(problem=problem, fix="Look at the ingress, and at what is behind it.")
        if refused:
            problem = f"the certificate of {host} at {address} is refused: {refused}"
            return Answer(problem=problem, fix="Have the ingress present another one.")
        problem = f"the certificate of {host} is not trusted"
        return Answer(problem=problem, fix="Give the authority that issued it: --ca-file FILE.")

    def is_issued_by(self, url: str, certificates: str) -> bool | None:
        """Whether the certificate at ``url`` is trusted with these authorities, PEM.

        None: nothing answers there, or the certificate is refused for another reason.
        """
        host, port = urlsplit(url).hostname or "", urlsplit(url).port or 443
        if not (address := self._address(host, port)):
            return None
        trust = ssl.create_default_context(cadata=certificates)
        try:
            connection = socket.create_connection((address, port), _ANSWER_SECONDS)
            presented(connection, host, trust)
        except ssl.SSLCertVerificationError as error:
            return False if error.verify_message.startswith(_NOT_TRUSTED) else None
        except OSError:
            return None
        return True

    def certificates(self, trusted: str) -> str:
        """Return the certificates, PEM, of what an ``Answer`` was trusted by; empty: of nothing."""
        return self._trusts().get(trusted, "")

    def _trusts(self) -> dict[str, str]:
        first = {_GIVEN: self.ca_file} if self.ca_file else {PUBLISHED: certifi.contents()}
        return {**first, **self.authorities}

    def _address(self, host: str, port: int) -> str:
        """Return the first of the addresses that accepts a connection; empty: none does.

        The name's own address comes last: nothing bounds the time that a look-up may take.
        """
        with ThreadPoolExecutor(thread_name_prefix="discovery") as executor:
            accept = [*executor.map(lambda one: _accepts(one, port), self.addresses)]
        found = [one for one, yes in zip(self.addresses, accept, strict=True) if yes]
        return found[0] if found else host * _accepts(host, port)


def web_of(cluster: Cluster, ca_file: str = "") -> Web:
    """Return what asks the platform of a cluster."""
    return Web(addresses_of(cluster), authorities_of(cluster), ca_file)


def addresses_of(cluster: Cluster) -> list[str]:
    """Return the addresses where an ingress may listen: as Ingresses say, else as nodes have."""
    found = [
        str(one.get("ip") or one.get("hostname"))
        for kind in ("Ingress", "Service")
        for item in cluster.all(kind)
        for one in (item.get("status", {}).get("loadBalancer") or {}).get("ingress") or ()
    ]
    for kind in ("ExternalIP", "InternalIP"):
        found += [
            str(one["address"])
            for node in cluster.all("Node")
            for one in node.get("status", {}).get("addresses") or ()
            if one["type"] == kind
        ]
    return [*dict.fromkeys(found)]


def authorities_of(cluster: Cluster) -> dict[str, str]:
    """Return the ConfigMaps that hold certificates, by name, each content once."""
    found: dict[str, str] = {}
    for item in cluster.all("ConfigMap"):
        if name_of(item) == _ROOT or namespace_of(item).startswith("kube-"):
            continue
        certificates = certificates_in(item)
        if certificates and certificates not in found.values():
            found.setdefault(name_of(item), certificates)
    return found


def certificates_in(item: Object) -> str:
    """Return the certificates, PEM, that a ConfigMap holds; empty: it holds none."""
    texts = (item.get("data") or {}).values()
    return "\n".join(text for text in texts if text.lstrip().startswith(_CERTIFICATE))


def are_certificates(text: str) -> bool:
    """Whether a text is certificates in PEM."""
    try:  # without a text, Python would take those of the machine
        return bool(text and ssl.create_default_context(cadata=text).get_ca_certs())
    except (ssl.SSLError, ValueError):
        return False


def _why(error: OSError) -> str:
    """Return in plain words why a request has no answer."""
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.Timeout) or isinstance(cause, PoolTimeout):
        return f"no answer within {_ANSWER_SECONDS:g} s"
    if isinstance(error, requests.ConnectionError):
        return "the connection broke off"
    return str(error)


def _accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _CONNECTION_SECONDS).close()
    except OSError:
        return False
    return True
