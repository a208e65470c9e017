"""Whether people reach an app: under a host name of the platform, encrypted, by nginx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts.cluster import Cluster, each, guessed, settings
from conformance.linter.facts.ingresses import (
    ACME,
    Host,
    Ingress,
    domain_of,
    ingresses,
    of_domain,
    variable_of,
)
from conformance.linter.facts.needs import State, look_up, origin, whole
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Release

_NGINX = "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
_INGRESS = "https://kubernetes.io/docs/concepts/services-networking/ingress/"
_TLS_WORD = re.compile(r"(?<![\w-])tls(?![\w-])")
_HOST_LINE = re.compile(r"""(?m)^\s*(?:-\s*)?host:\s*["']?([^\s"'{}]+)["']?\s*$""")
_ANY_YAML = re.compile(r"annotations:?\s*\{\{|toYaml")
_AUTH_TYPES = ("basic", "digest")
_SECRET_TYPES = ("auth-file", "auth-map")


@rule(
    "ingress.host",
    "The host name of an app is in the platform's domain, whatever that is",
    level=2,
    why="Every installation has its own domain. With a fixed host name nobody reaches the app; "
    "without any host name it gets the requests of all others.",
    source="Stackspin",
    fix="Take the host name from a variable; in a chart, from a value.",
    example="""
rules:
  - host: "{{ .Values.hostname }}" # with hostname: ${notes_domain} in the release's values
""",
)
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


@rule(
    "ingress.tls",
    "Every host name of an Ingress is in its TLS section",
    level=2,
    why="A host that is not in the TLS section gets no certificate: people see a warning or send "
    "their passwords as plain text, and the login provider refuses the app.",
    source=f"{_INGRESS}#tls",
    fix="Add the host name to spec.tls.",
    example="""
tls:
  - hosts: ["{{ .Values.hostname }}"]
    secretName: notes-tls
""",
)
def tls(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each host name that is not covered."""
    yield from each(app, _plain_hosts)


def _plain_hosts(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        if cluster.bare and _in_template(cluster, ingress, _TLS_WORD):
            continue
        if not ingress.tls:
            message = f"{ingress.name} has no TLS section"
            yield Problem(ingress.place(*ingress.tls_path), message)
            continue
        for one in ingress.hosts:
            if one.name and not ingress.covers(one.name):
                yield Problem(
                    ingress.place(*ingress.tls_path),
                    f"host {quoted(one.name)} is not in the TLS section of {ingress.name}",
                )


def _in_template(cluster: Cluster, ingress: Ingress, word: re.Pattern[str]) -> bool:
    """Return whether the template of a chart that stands alone has a word: values may be set."""
    manifest = ingress.manifest
    return manifest is not None and bool(word.search(cluster.template_of(manifest)))


@rule(
    "ingress.certificate",
    "An Ingress has a source for its certificate",
    level=2,
    severity=Severity.WARNING,
    why="Unless cert-manager is asked for a certificate or the Secret exists, browsers get the "
    "certificate of the ingress controller and warn about it.",
    source="https://cert-manager.io/docs/usage/ingress/",
    fix=f'Add the annotation {ACME}: "true".',
    example="""
metadata:
  annotations:
    kubernetes.io/tls-acme: "true"
""",
)
def certificate(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Ingress that neither asks for a certificate nor has one."""
    yield from each(app, _uncertified)


def _uncertified(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        if not ingress.tls or ingress.asks_for_certificate:
            continue
        if cluster.bare and (ingress.secrets or _in_template(cluster, ingress, _ANY_YAML)):
            continue
        if ingress.manifest is not None and not (cluster.bare or cluster.complete):
            continue
        makers = {
            text(one.get("spec", "secretName")) if one.kind == "Certificate" else one.name
            for one in (*cluster.manifests, *cluster.app.neighbours)
            if one.kind in ("Certificate", "Secret")
        }
        lost = [name for name in ingress.secrets if name not in makers]
        if ingress.secrets and (not lost or not whole(cluster.app)):
            continue
        made = f": nothing creates Secret {lost[0]}" if lost else ""
        yield Problem(
            ingress.place(*ingress.annotations_path),
            f"{ingress.name} does not ask cert-manager for its certificate{made}",
        )


@rule(
    "ingress.class",
    "An Ingress is for the platform's nginx",
    level=2,
    severity=Severity.WARNING,
    why="An Ingress with a class that no controller of the platform serves is ignored: the app's "
    "host name answers with 404.",
    source=f"{_INGRESS}#ingress-class",
    fix="Use ingressClassName: nginx, or leave it out, which means the same.",
    example="""
spec:
  ingressClassName: nginx
""",
)
def ingress_class(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Ingress of another class."""
    yield from each(app, _strange_classes)


def _strange_classes(cluster: Cluster) -> Iterator[Problem]:
    known = {"", "nginx", *(one.name for one in cluster.objects("IngressClass"))}
    for ingress in ingresses(cluster):
        if ingress.class_name in known or "{{" in ingress.class_name:
            continue
        if guessed(ingress.class_name):
            continue
        name = re.escape(ingress.class_name[:100])
        literal = re.compile(rf"""lass(Name)?["']?:\s*["']?{name}\b""")
        if cluster.bare and not _in_template(cluster, ingress, literal):
            continue
        yield Problem(
            ingress.place(*ingress.class_path),
            f"{ingress.name} has class {quoted(ingress.class_name)}; the platform has nginx",
        )


@rule(
    "ingress.http-auth",
    "HTTP authentication has a type and a Secret with passwords",
    level=2,
    why="With only one of the annotations, or a Secret that does not exist, the ingress "
    "controller either asks nobody for a password or answers every request with 503.",
    source=f"{_NGINX}#authentication",
    fix="Set auth-type (basic or digest) and auth-secret: the name of a Secret whose key auth has "
    "htpasswd lines, as a BasicAuth creates it.",
    example="""
nginx.ingress.kubernetes.io/auth-type: basic
nginx.ingress.kubernetes.io/auth-secret: notes-basic-auth
nginx.ingress.kubernetes.io/auth-realm: Notes
""",
)
def http_auth(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is wrong with the annotations."""
    yield from each(app, _wrong_auth)


def _wrong_auth(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        kind, secret = ingress.annotation("auth-type"), ingress.annotation("auth-secret")
        form = ingress.annotation("auth-secret-type")
        has_type = ingress.has("auth-type")
        if has_type and kind not in _AUTH_TYPES:
            yield Problem(
                ingress.place_of("auth-type"),
                f"auth-type of {ingress.name} is {quoted(kind)}; nginx allows basic and digest",
            )
        elif has_type and not secret:
            message = f"{ingress.name} has auth-type {kind} but no auth-secret"
            yield Problem(ingress.place_of("auth-type"), message)
        elif secret and not has_type:
            message = (
                f"{ingress.name} has auth-secret but no auth-type: nobody is asked for a password"
            )
            yield Problem(ingress.place_of("auth-secret"), message)
        elif form and form not in _SECRET_TYPES:
            message = f"auth-secret-type of {ingress.name} is neither auth-file nor auth-map"
            yield Problem(ingress.place_of("auth-secret-type"), message)
        elif secret:
            yield from _wrong_secret(cluster, ingress, secret, form)


def _wrong_secret(cluster: Cluster, ingress: Ingress, secret: str, form: str) -> Iterator[Problem]:
    namespace, _, name = secret.rpartition("/")
    by = ingress.manifest
    if by is None:
        return
    answer = look_up(cluster, "Secret", name, namespace or ingress.namespace, by)
    if answer.state is State.NOWHERE:
        yield Problem(
            origin(cluster, by, secret, ingress.place_of("auth-secret")),
            f"{ingress.name} asks for the passwords in Secret {name[:80]}, which nothing creates"
            f"{answer.hint}",
        )
    elif answer.keys is not None and "auth" not in answer.keys and form != "auth-map":
        yield Problem(
            ingress.place_of("auth-secret"),
            f"{ingress.name} takes the passwords from Secret {name[:80]}, which has no key auth",
        )


@rule(
    "ingress.snippets",
    "An Ingress has no snippets of nginx configuration",
    level=2,
    severity=Severity.WARNING,
    why="ingress-nginx refuses an Ingress with snippets unless its operator allows them, because "
    "they can read every secret in the cluster; other controllers ignore them.",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/"
    "#allow-snippet-annotations",
    fix="Use the annotation for this purpose, or let the app itself do it.",
    example="""
nginx.ingress.kubernetes.io/proxy-body-size: 200m
""",
)
def snippets(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each snippet."""
    yield from each(app, _snippets)


def _snippets(cluster: Cluster) -> Iterator[Problem]:
    for ingress in ingresses(cluster):
        for key in ingress.annotations:
            if "nginx" in key and key.endswith("-snippet"):
                yield Problem(
                    ingress.place(*ingress.annotations_path, key),
                    f"{ingress.name} has {quoted(key.rpartition('/')[2])}, which ingress-nginx "
                    "refuses by default",
                )
