"""A first ``conformance.yaml``: what the package says by itself, and what a person has to add."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.draft.chart_values import domain_variable
from conformance.linter.draft.choices import Chosen
from conformance.linter.draft.templates import environment
from conformance.linter.facts.cluster import Cluster, Target, clusters, port_number
from conformance.linter.facts.images import repository
from conformance.linter.facts.ingresses import Ingress, domain_of, ingresses
from conformance.linter.facts.logins import clients, for_people
from conformance.linter.facts.storage import claims
from conformance.linter.reading.scalars import resolve
from conformance.linter.reading.tree import shown

_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9._/${}@-]|:(?=[A-Za-z0-9]))*")
_PATH = re.compile(r"/[A-Za-z0-9._~/%?=&-]*")
_HOST = re.compile(r"[a-z0-9.-]+")
_PROBES = ("readinessProbe", "startupProbe", "livenessProbe")


@dataclass(frozen=True)
class Remote:
    """A chart that comes from elsewhere."""

    name: str
    origin: str
    """As in ``HelmRepository forgejo, version 11.0.1``."""


@dataclass(frozen=True)
class DescriptionDraft:
    """What was found out of an app."""

    app: str
    host: str
    """With ``${domain}``; empty: none was found, or one that is not the platform's."""
    path: str
    """Of a request that proves that the app serves."""
    path_from: str
    """As in ``the readinessProbe of container notes``."""
    protected: bool
    """Whether HTTP authentication is in front of the app."""
    built: Mapping[str, str]
    """Images that a folder of the package has a Dockerfile for: image -> folder."""
    images: tuple[str, ...]
    """The others."""
    remote: tuple[Remote, ...]
    claims: tuple[str, ...]
    login: bool
    redirect_uri: str = ""
    """The path of a chart's redirect URI; empty if its values do not say it."""
    backchannel_logout_uri: str = ""
    """The path where a chart says that it is told of logouts; empty if it does not."""

    def text(self) -> str:
        """Return the file."""
        rendered: str = (
            environment()
            .get_template("conformance.yaml.j2")
            .render(draft=self, scalar=scalar, line=shown)
        )
        return rendered

    def todo(self) -> Iterator[str]:
        """Yield what of the file a person has to fill in, a sentence each."""
        if not self.host:
            yield "host: the name under which people reach the app"
        if self.images:
            yield "images: those that no registry has"
        if self.remote:
            yield "charts: a folder or .tgz for each chart that comes from elsewhere"
        if self.claims:
            yield "data: steps that put data in, and steps that find it"
        if self.login:
            yield "login: where it begins, how the app shows who is logged in, how one logs out"


def describe(
    app: AppPackage, contexts: Iterable[str] = (), drafted: Chosen | None = None
) -> DescriptionDraft:
    """Return what a package says of an app by itself.

    ``contexts`` are the folders of the package with a Dockerfile, relative to where the description
    is put. ``drafted`` is what the Flux package says that is drafted for a chart alone.
    """
    if drafted is not None and drafted.installed is not None:
        app = replace(app, installations=(drafted.installed,))
    found = clusters(app)
    cluster = found[0] if found else None
    fronts = [] if cluster is None else list(ingresses(cluster))
    target = None if cluster is None else _served(cluster)
    path, path_from = _proof(cluster, target)
    images = _images(cluster)
    built = _built(images, [*contexts])
    return DescriptionDraft(
        app=app.name,
        host=_host(app, fronts),
        path=path,
        path_from=path_from,
        protected=any(one.has("auth-type") for one in fronts),
        built=built,
        images=tuple(one for one in images if one not in built),
        remote=tuple(_remote(app)),
        claims=_claims(app, cluster),
        login=any(for_people(one) for one in clients(app)) or bool(drafted and drafted.login),
        redirect_uri=drafted.callback if drafted and drafted.callback_known else "",
        backchannel_logout_uri=drafted.backchannel_logout if drafted else "",
    )


def _host(app: AppPackage, fronts: list[Ingress]) -> str:
    domain = domain_of(app)
    names = {one.name for front in fronts for one in front.hosts} or {
        source.variables[domain_variable(app.name)].value
        for kustomization in app.kustomizations
        for source in kustomization.sources
        if domain_variable(app.name) in source.variables
    }
    own = sorted(one for one in names if one.endswith(f".{domain}") and _HOST.fullmatch(one))
    return f"{own[0].removesuffix(domain)}${{domain}}" if own else ""


def _served(cluster: Cluster) -> Target | None:
    """Return what the first backend of an Ingress leads to."""
    for ingress in cluster.objects("Ingress"):
        for rule in sequence(ingress.get("spec", "rules")):
            for path in sequence(get(rule, "http", "paths")):
                service = mapping(get(path, "backend", "service"))
                wanted = [port_number(get(service, "port", key)) for key in ("name", "number")]
                for one in cluster.targets:
                    ports = [port_number(one.port.get(key)) for key in ("name", "port")]
                    if one.service.name == service.get("name") and any(
                        port and port == want for port, want in zip(ports, wanted, strict=True)
                    ):
                        return one
    return None


def _proof(cluster: Cluster | None, target: Target | None) -> tuple[str, str]:
    """Return the path of a request that the app answers, and where it was found."""
    paths = [
        text(get(path, "path"))
        for one in (cluster.objects("Ingress") if cluster is not None else ())
        for rule in sequence(one.get("spec", "rules"))
        for path in sequence(get(rule, "http", "paths"))
    ]
    if paths and "/" not in paths and _PATH.fullmatch(paths[0]):
        return paths[0], "the path of the Ingress"
    if target is not None and target.container is not None:
        ports = (target.declared.get("name"), target.declared.get("containerPort"))
        for name in _PROBES:
            probe = mapping(get(target.container.value, name, "httpGet"))
            path = text(probe.get("path"))
            if probe.get("port") in ports and _PATH.fullmatch(path):
                return path, f"the {name} of container {target.container.name}"
    return "/", ""


def _images(cluster: Cluster | None) -> tuple[str, ...]:
    found = [
        text(container.value.get("image"))
        for pod in (cluster.pods if cluster is not None else ())
        for container in pod.containers
    ]
    return tuple(dict.fromkeys(one for one in found if one))


def _built(images: Sequence[str], contexts: Sequence[str]) -> dict[str, str]:
    """Return the folder that an image is built from: the only one, or one of the same name."""
    if len(images) == len(contexts) == 1:
        return {images[0]: contexts[0]}
    names = {PurePosixPath(folder).name: folder for folder in contexts}
    return {image: names[repository(image)] for image in images if repository(image) in names}


def _remote(app: AppPackage) -> Iterator[Remote]:
    for release in app.releases:
        spec = mapping(release.manifest.get("spec", "chart", "spec"))
        if release.chart is None and spec:
            source = mapping(spec.get("sourceRef"))
            origin = f"{text(source.get('kind'))} {text(source.get('name'))}"
            version = str(spec.get("version") or "")
            origin += f", version {version}" if version else ""
            yield Remote(text(spec.get("chart")), origin)


def _claims(app: AppPackage, cluster: Cluster | None) -> tuple[str, ...]:
    """Return the names of the app's claims; of those that a StatefulSet makes, the template's."""
    found = [one.name for one in claims(cluster)] if cluster is not None else []
    for pod in cluster.pods if cluster is not None else ():
        found += [claim for claim in pod.claims.values() if not claim.endswith("-*")]
    found += [one.name for one in app.objects("PersistentVolumeClaim")]
    return tuple(dict.fromkeys(one for one in found if one))


def scalar(value: Any) -> str:
    """Return a text as YAML on one line, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and resolve(value) == value:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
