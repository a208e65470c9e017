"""A Stackspin as checks see it: every name, address and class of it that they use.

``platform.yaml`` is such a description. Nothing in services/, apps/, suite/ or capabilities/ knows
what a platform calls its parts: it is told by this. Names of namespaces, services, labels and
releases are those of the cluster; ``${domain}`` is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urljoin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from conformance.formats.reading import Format, nearest, refused, validate
from conformance.linter.findings import Place, Problem
from conformance.linter.reading.documents import Document
from conformance.linter.reading.one_document import FormatError, read_document
from conformance.platform.features import NEEDED, PlatformFeature

FILE = "platform.yaml"
DOCUMENTATION = "docs/platforms.md"
Text = Annotated[str, StringConstraints(min_length=1)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Seconds = Annotated[int, Field(strict=True, ge=1)]
Grace = Annotated[int, Field(strict=True, ge=0, le=300)]
"""Seconds; Hydra has five minutes at most."""
CHECK_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_FEATURES = [*map(str, PlatformFeature)]


def _feature(value: object) -> object:
    if value in _FEATURES:
        return value
    near = nearest(str(value), _FEATURES)
    fix = f"Did you mean {near}?" if near else f"There are: {', '.join(_FEATURES)}."
    raise refused(f"there is no feature {value}", fix)


class Part(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Implementation(Part):
    """Whose platform it is; for the report."""

    organization: Text
    """Who is responsible for it."""
    project: Text
    """Its name."""
    version: Text
    """Its version."""
    url: str = ""
    """Where its sources or its documentation are."""
    contact: tuple[Text, ...] = ()
    """Whom to ask about it: addresses of people, lists or pages."""


class Service(Part):
    """A port of a Service."""

    namespace: Text
    """Its namespace."""
    name: Text
    """Its name."""
    port: Port = 80
    """The number of its port."""


class NamespacedName(Part):
    """An object of a kind that is known, by its namespace and name."""

    namespace: Text
    """Its namespace."""
    name: Text
    """Its name."""


class Workload(Part):
    """The pods of a part of the platform, and what Flux makes them of."""

    namespace: Text
    """Of the pods."""
    labels: Text
    """Labels that select the pods, as for kubectl get --selector."""
    release: NamespacedName | None = None
    """The HelmRelease that they belong to."""
    override: str = ""
    """The ConfigMap beside the release whose ``values.yaml`` wins over its values."""


class Flux(Part):
    """Flux, and what it installs the platform from."""

    namespace: Text = "flux-system"
    """Of Flux's controllers and of the platform's own Kustomizations."""
    source: Text = "stackspin"
    """The GitRepository of the platform."""
    root: Text = "stackspin"
    """The Kustomization that applies all of it."""


class Pages(Part):
    """The pages at which users log in: paths at the dashboard's host, or addresses elsewhere."""

    login: Text = "/web/login"
    """Where a login begins."""
    recovery: Text = "/web/recovery"
    """For users who lost their password."""
    settings: Text = "/web/settings"
    """Where users change their password and their second factor."""
    consent: Text = "/web/consent"
    """Asks whether an app may know who the user is."""
    logout: Text = "/web/logout"
    """Where a logout begins."""
    kratos: Text = "/"
    """Kratos' public API, as browsers reach it."""


class Kratos(Part):
    """Where users are kept."""

    admin: Service
    """The admin API."""
    workload: Workload
    """Kratos itself."""


class Hydra(Part):
    """The OpenID Connect provider."""

    admin: Service
    """The admin API."""
    public: Service
    """What every pod may reach."""
    workload: Workload
    """Hydra itself."""


class Lifetimes(Part):
    """How long tokens and sessions are valid at most, in seconds. The defaults are those that Hydra
    and Kratos have themselves."""

    access_token: Seconds = 60 * 60
    """An access token of an app; in Hydra ``ttl.access_token``."""
    id_token: Seconds = 60 * 60
    """An id_token; in Hydra ``ttl.id_token``."""
    refresh_token: Seconds = 30 * 24 * 60 * 60
    """A refresh token of an app; in Hydra ``ttl.refresh_token``."""
    session: Seconds = 24 * 60 * 60
    """A user's session at the login pages; in Kratos ``session.lifespan``."""


class SingleSignOn(Part):
    """What people log in with."""

    issuer: Text = "https://sso.${domain}/"
    """The provider's identifier: where its discovery document is, and what its tokens name."""
    dashboard: Text = "https://dashboard.${domain}"
    """The first page of the dashboard, without a slash at the end."""
    pages: Pages = Pages()
    """The pages at which users log in: paths at the dashboard's host, or addresses elsewhere."""
    kratos: Kratos
    """Where users are kept."""
    hydra: Hydra
    """The OpenID Connect provider."""
    needs: Mapping[Text, Workload] = {}
    """What else a login needs, such as databases and the dashboard, by a name for each."""
    lifetimes: Lifetimes = Lifetimes()
    """How long tokens and sessions are valid at most, in seconds. The defaults are those that Hydra
    and Kratos have themselves."""
    refresh_grace: Grace = 0
    """For how many seconds a used refresh token works again, as the answer may have been lost; in
    Hydra ``oauth2.grant.refresh_token.rotation_grace_period``. With 0, a second use ends all tokens
    of the login."""
    administrators: tuple[Text, ...] = ()
    """Values of the label app.kubernetes.io/name of pods that may use the admin APIs."""
    mail: Service | None = None
    """The API of a Mailpit that gets all mail of the platform; without it, mails are read from
    Kratos' courier."""

    @field_validator("dashboard")
    @classmethod
    def _has_no_slash_at_the_end(cls, dashboard: str) -> str:
        if dashboard.endswith("/"):
            message = "single_sign_on.dashboard has a slash at the end"
            raise refused(message, f"Write {dashboard.rstrip('/')}.")
        return dashboard

    def page(self, name: str, dashboard: str = "") -> str:
        """Return the address of one of ``pages``, by its key.

        ``dashboard`` is the address of a dashboard in place of the described one.
        """
        path: str = getattr(self.pages, name)
        return urljoin(f"{dashboard or self.dashboard}/", path)


class Certificate(Part):
    """The ingress' certificate, if the suite may renew it."""

    secret: NamespacedName
    """Its Secret, with tls.crt and tls.key."""
    authority: NamespacedName
    """The Secret, with tls.crt and tls.key, of the authority that issued it, as of a CA issuer of
    cert-manager."""


class Ingress(Part):
    """How the platform is reached."""

    ingress_class: Text = Field(default="nginx", alias="class")
    """The IngressClass of apps."""
    authority: str = ""
    """The ConfigMap, in each namespace that needs it, with the authority of the platform's
    certificate; empty if that is a public one."""
    certificate: Certificate | None = None
    """The ingress' certificate, if the suite may renew it."""


class Storage(Part):
    """Where claims get their volumes from."""

    storage_class: Text = Field(default="local-path", alias="class")
    """The StorageClass of apps."""
    retained: str = ""
    """A StorageClass whose volumes stay when their claims are deleted."""
    provisioner: Workload | None = None
    """What makes the volumes."""


class ObjectStore(Part):
    """The bucket behind the backup location, where the suite may look into it."""

    service: Service
    """Where it speaks S3, without TLS."""
    credentials: NamespacedName
    """A Secret with access_key and secret_key."""
    bucket: Text
    """The bucket's name."""
    prefix: str = ""
    """Of all that the location has in the bucket, without a slash at the end."""
    deployment: NamespacedName
    """Its Deployment."""


class Backup(Part):
    """Velero, and what it keeps backups in."""

    namespace: Text = "velero"
    """Of Velero and of all its objects."""
    location: Text = "default"
    """The BackupStorageLocation."""
    server: Text = "app.kubernetes.io/name=velero"
    """Labels of the pod that is Velero itself."""
    node_agent: Text = "role=node-agent"
    """Labels of the pods that copy volumes."""
    store: ObjectStore | None = None
    """The bucket behind the location."""


class Platform(Part):
    """A Stackspin."""

    implementation: Implementation
    """Whose platform it is; for the report."""
    domain: Text
    """Apps answer at APP.DOMAIN."""
    namespaces: tuple[Text, ...]
    """The platform's, those of Flux and of apps among them."""
    flux: Flux = Flux()
    """Flux, and what it installs the platform from."""
    apps: Text = "stackspin-apps"
    """The namespace of apps."""
    single_sign_on: SingleSignOn
    """What people log in with."""
    ingress: Ingress = Ingress()
    """How the platform is reached."""
    storage: Storage = Storage()
    """Where claims get their volumes from."""
    backup: Backup = Backup()
    """Velero, and what it keeps backups in."""
    features: tuple[Annotated[PlatformFeature, BeforeValidator(_feature)], ...] = ()
    """The features that it claims."""
    exempt: Mapping[Text, Text] = {}
    """Why it does not claim a feature, or why a check (by its id) is not to count."""

    @field_validator("single_sign_on")
    @classmethod
    def _is_of_the_domain(cls, part: SingleSignOn, info: ValidationInfo) -> SingleSignOn:
        """Fill the domain into the defaults; in what the file says, it is filled in already."""
        if "domain" not in info.data:
            return part
        domain = info.data["domain"]
        known = {"issuer": part.issuer, "dashboard": part.dashboard}
        return part.model_copy(update=_filled(known, domain))

    @field_validator("features")
    @classmethod
    def _can_be_tested(
        cls, features: tuple[PlatformFeature, ...], info: ValidationInfo
    ) -> tuple[PlatformFeature, ...]:
        for feature, (part, key) in NEEDED.items():
            # A part that is wrong itself is not there; that is reported by itself.
            if feature in features and part in info.data and not getattr(info.data[part], key):
                name = f"{part}.{key}"
                fix = f"Add {name}, or leave {feature} out."
                raise refused(f"{feature} is claimed, and {name} is missing", fix)
        return features

    @field_validator("exempt")
    @classmethod
    def _is_known_and_not_claimed(
        cls, exempt: Mapping[str, str], info: ValidationInfo
    ) -> Mapping[str, str]:
        for name in exempt:
            if name in info.data.get("features", ()):
                raise refused(f"{name} is claimed, and exempt", "Leave one of them out.")
            if not CHECK_ID.fullmatch(name):
                _feature(name)
        return exempt

    @classmethod
    def read(cls, path: Path, domain: str = "") -> Self:
        """Return the platform that a file describes.

        ``domain`` is that of a platform which is described for any domain, as the reference is.
        Raises ``FormatError`` with everything that is wrong with the file.
        """
        return cls.of(document_of(path), domain)

    @classmethod
    def of(cls, document: Document, domain: str = "") -> Self:
        """Return the platform that the document of a file describes, as ``read`` does."""

        def filled(read: Any) -> Any:  # noqa: ANN401 - YAML
            if not isinstance(read, dict):
                return read
            if domain:
                read = {**read, "domain": domain}
            name = read.get("domain")
            return _filled(read, name) if isinstance(name, str) else read

        found, problems = validate(document, Format(cls), filled)
        if found is None:
            raise FormatError(problems, DOCUMENTATION)
        return found


def document_of(path: Path) -> Document:
    """Return what a file says, with its lines. Raises ``FormatError``."""
    document, problems = read_document(path, "one platform")
    if document is None and not problems:
        fix = "Write it with: stackspin-conformance platform discover."
        problems = [Problem(Place(str(path)), "the file says nothing", fix)]
    if document is None:
        raise FormatError(problems, DOCUMENTATION)
    return document


def _filled(value: Any, domain: str) -> Any:  # noqa: ANN401 - YAML
    """Return a value of YAML whose texts have ``${domain}`` filled in."""
    if isinstance(value, str):
        return value.replace("${domain}", domain)
    if isinstance(value, dict):
        return {key: _filled(item, domain) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, domain) for item in value]
    return value
