"""What must exist before Flux: DNS, the Git server, variables, the ingress's certificate.

Each step first looks at what a kept cluster already has. Credentials and the certificate are read
from the cluster's Secrets; they are never on the suite's disk.
"""

from __future__ import annotations

import base64
import re

from conformance.common.pki import CertificateAuthority, ServerCertificate
from conformance.kube.apply import apply
from conformance.kube.conditions import rolled_out
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.platform.git_server import make_credentials, serve_repository
from conformance.platform.reference.content import ROOT_KUSTOMIZATION, flux_file, repository_files
from conformance.platform.reference.context import Context
from conformance.services import git
from conformance.services.git import Credential, GitServer

MANAGED_BY = ("app.kubernetes.io/managed-by", "stackspin-conformance")
CERTIFICATE = ("stackspin", "ingress-default-certificate")
ISSUER = ("stackspin-conformance", "ingress-authority")
"""The authority with its key: a platform in use renews its certificate, so a check does."""
AUTHORITY = "stackspin-ca"
"""ConfigMap with the certificate that pods trust: they call the platform by its public names."""
AUTHORITY_NAMESPACES = ("stackspin", "stackspin-apps")
GIT_NAMESPACE = "stackspin-conformance"
"""Of what only the suite needs. On any other platform there is none of this name."""
FLUX_CREDENTIAL = ("flux-system", "stackspin-git")
"""The read-only credential, in the form a GitRepository's secretRef takes."""
VARIABLES = ("flux-system", "stackspin-cluster-variables")
BUCKET_CREDENTIALS = Ref("v1", "Secret", "stackspin-object-store-variables", "flux-system")
MAIL_HOST = "mail.stackspin.svc.cluster.local"
MAIL_PORT = "1025"


def to_ingress(domain: str) -> str:
    """Return what CoreDNS needs to lead a domain's names to the reference platform's ingress."""
    name = rf"^(.*\.)?{re.escape(domain)}\.$ nginx.stackspin.svc.cluster.local."
    return f"rewrite stop {{\n            name regex {name} answer auto\n        }}"


def dns(context: Context, names: str, *, with_others: bool) -> None:
    """Install CoreDNS, unless the cluster has its own DNS, which is not changed.

    ``names`` is what it needs to lead the domain's names to the ingress. ``with_others``: names
    outside of the cluster are asked for where the node asks for them.
    """
    service = context.kube.find("v1", "Service", "kube-dns", "kube-system")
    key, value = MANAGED_BY
    if service is None and context.cluster.provider == "existing":
        _foreign_dns(context, "no Service kube-system/kube-dns")
        return
    if service is not None and service["metadata"].get("labels", {}).get(key) != value:
        _foreign_dns(context, "it has its own")
        return
    context.images(["image-coredns"])
    others = "forward . /etc/resolv.conf" if with_others else "file /etc/coredns/root.zone ."
    context.apply_bootstrap("coredns.yaml", names=names, others=others)
    _rolled_out(context, "coredns", "kube-system")


def certificate(context: Context) -> ServerCertificate:
    """Return the platform's certificate, whose CA the pods of the platform and of apps trust."""
    context.namespaces()
    issued = _certificate(context)
    data = {"ca.crt": issued.ca_certificate.decode()}
    apply(
        context.kube,
        *(_object("ConfigMap", (namespace, AUTHORITY), data) for namespace in AUTHORITY_NAMESPACES),
    )
    return issued


def variables(context: Context) -> None:
    """Write the Secret with the values that an administrator gives Stackspin's installer."""
    context.namespaces()
    domain = context.settings.domain
    values = {
        "domain": domain,
        "admin_email": f"admin@{domain}",
        "org_name": "Stackspin conformance suite",
        "ip_address": context.cluster.node_address,
        "kubelet_root": context.cluster.kubelet_root,
        "outgoing_mail_enabled": "true",
        "outgoing_mail_from_address": f"no-reply@{domain}",
        "outgoing_mail_smtp_host": MAIL_HOST,
        "outgoing_mail_smtp_port": MAIL_PORT,
    }
    context.kube.redactor.allow(*values.values())  # in a Secret, as on any Stackspin, but none
    data = {key: value.encode() for key, value in values.items()}
    apply(context.kube, _secret(VARIABLES, data))


def repository(context: Context) -> GitServer:
    """Install the Git server and push what Flux is to apply; update a kept one."""
    context.image("image-git-server")
    context.namespaces()
    reader, pusher = _credentials(context)
    context.images(["image-git-server"])
    manifest = context.bootstrap_file("git-server.yaml")
    url = serve_repository(context.kube, manifest, GIT_NAMESPACE, context.cluster.node_address)
    server = GitServer(context.kube, GIT_NAMESPACE, url, reader, pusher)
    files = {**repository_files(context.root), **flux_file(context.flux_manifests())}
    if not server.fetch():
        server.commit(files, "Stackspin as the suite installs it")
        return server
    del files[ROOT_KUSTOMIZATION]  # says which apps are installed
    changed = server.differing(files)
    if changed:
        server.commit(changed, "Bring a kept cluster up to the suite's files")
    context.say(f"stack: the Git repository exists, {len(changed)} files brought up to date")
    return server


def _certificate(context: Context) -> ServerCertificate:
    """Return the certificate in the cluster, or a new one of a new CA."""
    found = _read(context, CERTIFICATE)
    if {"tls.crt", "tls.key", "ca.crt"} <= found.keys():
        kept = ServerCertificate(found["tls.crt"], found["tls.key"], found["ca.crt"])
        if kept.covers(context.settings.domain):
            context.say("stack: the ingress certificate exists and is kept")
            return kept
    issuer = CertificateAuthority()
    issued = issuer.issue(context.settings.domain)
    data = {
        "tls.crt": issued.certificate,
        "tls.key": issued.key,
        "ca.crt": issued.ca_certificate,
    }
    pair = {"tls.crt": issuer.key_pair.certificate, "tls.key": issuer.key_pair.key}
    apply(
        context.kube,
        _secret(ISSUER, pair, type_="kubernetes.io/tls"),
        _secret(CERTIFICATE, data, type_="kubernetes.io/tls"),
    )
    return issued


def _credentials(context: Context) -> tuple[Credential, Credential]:
    found = _read(context, (GIT_NAMESPACE, git.SERVER))
    passwords = {user: found.get(user, b"").decode() for user in ("reader", "pusher")}
    return make_credentials(context.kube, GIT_NAMESPACE, FLUX_CREDENTIAL, passwords)


def _foreign_dns(context: Context, found: str) -> None:
    name = f"DNS for *.{context.settings.domain} inside the cluster"
    context.not_run[name] = f"the suite does not change this cluster's DNS ({found})"
    context.say(f"stack: {name} is not run: {context.not_run[name]}")


def _rolled_out(context: Context, name: str, namespace: str) -> None:
    timeout = context.settings.timeouts.rollout
    deployment = Ref("apps/v1", "Deployment", name, namespace)
    wait(context.kube, deployment, rolled_out(), timeout=timeout)


def _read(context: Context, secret: tuple[str, str]) -> dict[str, bytes]:
    namespace, name = secret
    found = context.kube.find("v1", "Secret", name, namespace) or {}
    return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}


def _secret(secret: tuple[str, str], data: dict[str, bytes], *, type_: str = "Opaque") -> Object:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {**_object("Secret", secret, encoded), "type": type_}


def _object(kind: str, name: tuple[str, str], data: dict[str, str]) -> Object:
    namespace, name_ = name
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name_, "namespace": namespace},
        "data": data,
    }
