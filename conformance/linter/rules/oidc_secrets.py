"""Whether the client, its Secret and the values of the app agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.facts.configuration import Setting
    from conformance.linter.manifest import Manifest

_SPEC = "https://openid.net/specs/openid-connect-core-1_0.html"
_HYDRA = "https://www.ory.sh/docs/hydra/reference/api#tag/oAuth2/operation/createOAuth2Client"
_MAESTER = "https://github.com/ory/hydra-maester"


@rule(
    "oidc.client-auth",
    "A client that has a secret must show it",
    level=2,
    why="With tokenEndpointAuthMethod none, Hydra does not ask for a secret: it refuses an app "
    "that sends one, and accepts anybody who knows the client id.",
    source=f"{_SPEC}#ClientAuthentication",
    fix="Write client_secret_post, or client_secret_basic if the app uses that.",
    example="""
tokenEndpointAuthMethod: client_secret_post
""",
)
def client_auth(app: AppPackage) -> Iterator[Problem]:
    """Yield each public client for which a secret is made."""
    for client in logins.clients(app):
        maker = logins.maker_of(app, client)
        secret = maker is not None and "client_secret" in logins.keys_of(maker)
        if client.get("spec", "tokenEndpointAuthMethod") == "none" and secret:
            yield Problem(
                client.place("spec", "tokenEndpointAuthMethod"),
                "tokenEndpointAuthMethod is none, but the client has a secret: Hydra refuses an "
                "app that sends it",
            )


@rule(
    "oidc.secret-name",
    "The client's secretName is the Secret that the package creates",
    level=2,
    why="Hydra Maester looks for the Secret in the OAuth2Client's namespace. If it finds none, it "
    "creates one, with an id and a secret that are not in the app's values.",
    source=_MAESTER,
    fix="Put OAuth2Client and StringSecret into the same namespace, and write the StringSecret's "
    "name as secretName.",
    example="""
kind: OAuth2Client
metadata:
  namespace: flux-system
spec:
  secretName: stackspin-notes-oauth-variables  # the StringSecret's name, same namespace
""",
)
def secret_name(app: AppPackage) -> Iterator[Problem]:
    """Yield each client whose Secret is elsewhere, or called otherwise."""
    clients = logins.clients(app)
    named = {text(one.get("spec", "secretName")) for one in clients}
    for client in clients:
        name = text(client.get("spec", "secretName"))
        if not name or logins.maker_of(app, client) is not None:
            continue
        same = [one for one in logins.makers(app) if one.name == name]
        free = [
            one
            for one in logins.makers(app)
            if "client_secret" in logins.keys_of(one) and one.name not in named
        ]
        if same:
            yield Problem(
                client.place("metadata", "namespace"),
                f"secretName {quoted(name)} is expected in namespace {client.namespace}, but "
                f"{same[0].kind} {name} is in {same[0].namespace}",
            )
        elif len(free) == 1 and logins.same_namespace(free[0], client):
            yield Problem(
                client.place("spec", "secretName"),
                f"nothing creates the Secret {quoted(name)}, but {free[0].kind} {free[0].name} has "
                "a client_secret but no client",
            )


@rule(
    "oidc.secret-keys",
    "The client's Secret has client_id and client_secret",
    level=2,
    why="Hydra Maester registers the client with exactly these two keys. If one is missing, it "
    "registers nothing, and the login page says that the client is unknown.",
    source=_MAESTER,
    fix="Give the StringSecret client_id under data, and a field client_secret.",
    example="""
kind: StringSecret
spec:
  data:
    client_id: notes
  fields:
    - fieldName: client_secret
      encoding: hex
      length: "32"
""",
)
def secret_keys(app: AppPackage) -> Iterator[Problem]:
    """Yield each key that the Secret of a client lacks."""
    for client in logins.clients(app):
        maker = logins.maker_of(app, client)
        if maker is None:
            continue
        keys = logins.keys_of(maker)
        for key in ("client_id", "client_secret") if keys else ():
            if key not in keys:
                where = ("spec",) if maker.kind == "StringSecret" else ("data",)
                yield Problem(
                    maker.place(*where),
                    f"{maker.kind} {maker.name} has no {key}, which OAuth2Client {client.name} "
                    "needs",
                )


@rule(
    "oidc.client-values",
    "The app's values have the client's own id and secret",
    level=2,
    why="The app sends Hydra the id and secret from its values. If Hydra has others, people see "
    "an error at every login.",
    source="Stackspin",
    fix="Use the variables ${client_id} and ${client_secret} of the app's own Secret.",
    example="""
oidc:
  clientId: "${client_id}"
  clientSecret: "${client_secret}"
""",
)
def client_values(app: AppPackage) -> Iterator[Problem]:
    """Yield each id and secret in values that are not the client's."""
    lines = Lines(app)
    for one in logins.mismatches(app):
        yield Problem(lines.located(one.setting), one.message)


@rule(
    "oidc.unused-client",
    "The app uses the client that is created for it",
    level=2,
    severity=Severity.WARNING,
    why="Hydra knows the client, but the app does not get its id and secret: the app has no "
    "single sign-on.",
    source="Stackspin",
    fix="Set ${client_id} and ${client_secret} in the app's values, or remove the OAuth2Client.",
    example="""
oidc:
  clientId: "${client_id}"
  clientSecret: "${client_secret}"
""",
)
def unused_client(app: AppPackage) -> Iterator[Problem]:
    """Yield each client of which nothing knows."""
    if logins.misses_variable(app) or logins.mismatches(app) or any(secret_name(app)):
        return
    if any(release.values_missing for release in app.releases):
        return
    for client in logins.clients(app):
        if app.kustomizations and not logins.is_used(app, logins.credentials(app, client)):
            yield Problem(
                client.place("spec", "secretName"),
                f"nothing uses the id and secret of OAuth2Client {client.name}: the app has no "
                "single sign-on",
            )


@rule(
    "oidc.issuer",
    "The app's login provider is Stackspin's",
    level=2,
    why="The app checks that a login comes from the provider that its values name. At another "
    "address there is no provider, or one that does not know the users of this Stackspin.",
    source=f"{_SPEC}#IDTokenValidation",
    fix="Write https://${hydra_domain}/ (or the .well-known/openid-configuration under it).",
    example="""
oidc:
  issuer: "https://${hydra_domain}/"
""",
)
def issuer(app: AppPackage) -> Iterator[Problem]:
    """Yield each issuer or discovery address, beside the client's id or secret, that is another."""
    lines = Lines(app)
    for setting in _issuers(app):
        parts = logins.url_of(setting.value)
        host = (parts.hostname or "").lower() if parts else ""
        place = lines.located(setting)
        if "." not in host or ".svc" in host or lines.undefined(place):
            continue
        if host not in logins.PROVIDER_HOSTS:
            yield Problem(
                place, f"{setting.key} {quoted(setting.value)} is not at ${{hydra_domain}}"
            )
        elif parts and parts.scheme.lower() != "https":
            yield Problem(place, f"{setting.key} {quoted(setting.value)} is not https")


_ISSUER_KEY = re.compile(
    r"\w*(issuer(url|uri)?|(auto)?discover(y|url|uri|yurl|yuri|yendpoint)|wellknown(url|uri)?|"
    r"provider(url|uri)|authurl|openidconfiguration(url|uri)?)"
)


def _issuers(app: AppPackage) -> Iterator[Setting]:
    """Yield the addresses of the provider in the app's values."""
    own = [logins.credentials(app, one) for one in logins.clients(app)]
    if not own or not app.kustomizations:
        return
    settings = logins.app_settings(app)
    ours = {
        pair.group
        for pair in logins.pairs(settings)
        if any(
            (pair.secret and one.secret in pair.secret.value)
            or (pair.id and one.id and pair.id.value == one.id)
            for one in own
        )
    }
    for one in settings:
        group = (one.place.file, one.place.object, one.group)
        if group in ours and "://" in one.value and _ISSUER_KEY.fullmatch(logins.plain(one.key)):
            yield one


@rule(
    "oidc.one-client-each",
    "Every app has its own client",
    level=2,
    why="Two clients with the same id overwrite each other in Hydra: only the last one's redirect "
    "URIs are valid, and the other app's login fails.",
    source=_HYDRA,
    fix="Give each app its own StringSecret, with its own client_id.",
    example="""
kind: StringSecret
metadata:
  name: stackspin-notes-oauth-variables
spec:
  data:
    client_id: notes
""",
)
def one_client_each(app: AppPackage) -> Iterator[Problem]:
    """Yield each client that shares its Secret or id with another."""
    clients = logins.clients(app)
    other_clients = [one for one in app.neighbours if one.kind == "OAuth2Client"]
    for client in clients:
        for other in (*clients, *other_clients):
            # The same object in two files is one app in two clusters.
            apart = (other.namespace, other.name) != (client.namespace, client.name)
            same = other.get("spec", "secretName") == client.get("spec", "secretName")
            if apart and same and other.namespace == client.namespace:
                yield Problem(
                    client.place("spec", "secretName"),
                    f"OAuth2Client {client.name} has the same secretName as {other.name} "
                    f"({other.file}): they are one client in Hydra",
                )
        yield from _same_id(app, client, other_clients)


def _same_id(app: AppPackage, client: Manifest, others: list[Manifest]) -> Iterator[Problem]:
    maker = logins.maker_of(app, client)
    if maker is None:
        return
    mine = text(maker.get("spec", "data", "client_id"))
    used = {text(one.get("spec", "secretName")) for one in (*others, *logins.clients(app))}
    for other in (*app.neighbours, *app.written) if mine else ():
        if other.kind != "StringSecret" or other.name not in used:
            continue
        if other.name != maker.name and other.get("spec", "data", "client_id") == mine:
            yield Problem(
                maker.place("spec", "data", "client_id"),
                f"client_id {quoted(mine)} is also that of StringSecret {other.name} "
                f"({other.file}): they are one client in Hydra",
            )
