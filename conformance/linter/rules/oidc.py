"""What a client may ask Hydra for: grants, response types, scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.findings import Place, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

_SPEC = "https://openid.net/specs/openid-connect-core-1_0.html"
_BEST_PRACTICE = "https://www.rfc-editor.org/rfc/rfc9700"
_SCOPES = frozenset(
    {"openid", "profile", "email", "address", "phone", "groups", "stackspin_roles",
     "offline", "offline_access"}
)  # fmt: skip


@rule(
    "oidc.implicit-grant",
    "A client gets no token in the browser's address",
    level=2,
    why="With the grant implicit, tokens are part of an address: they end up in the browser's "
    "history and in logs, and whoever has one is logged in. Usually the grant is left over from a "
    "template; today's apps do not need it.",
    source=f"{_BEST_PRACTICE}#section-2.1.2",
    fix="Remove implicit from grantTypes.",
    example="""
grantTypes:
  - authorization_code
  - refresh_token
""",
)
def implicit_grant(app: AppPackage) -> Iterator[Problem]:
    """Yield each grant ``implicit``."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "implicit":
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "implicit": tokens are sent in the browser\'s address',
            )


@rule(
    "oidc.response-types",
    "A client is answered with a code only",
    level=2,
    severity=Severity.WARNING,
    why="token and id_token belong to the implicit grant. Without that grant they have no effect; "
    "with it, tokens are sent in the browser's address.",
    source=f"{_BEST_PRACTICE}#section-2.1.2",
    fix="Leave only code in responseTypes.",
    example="""
responseTypes:
  - code
""",
)
def response_types(app: AppPackage) -> Iterator[Problem]:
    """Yield each other type beside ``code``."""
    for client, index, kind in logins.items(app, "responseTypes"):
        given = " ".join(logins.strings(client, "responseTypes")).split()
        if kind != "code" and "code" in given:
            yield Problem(
                client.place("spec", "responseTypes", index),
                f"response type {quoted(kind)} besides code: left over from the implicit grant",
            )


@rule(
    "oidc.client-credentials",
    "A client for users' logins cannot log in as itself",
    level=2,
    severity=Severity.WARNING,
    why="With the grant client_credentials, the app's secret alone gets tokens, without a user "
    "who logs in. Few apps need it; usually it is left over from a template.",
    source=f"{_BEST_PRACTICE}#section-2",
    fix="Remove client_credentials from grantTypes, unless the app itself uses an API.",
    example="""
grantTypes:
  - authorization_code
  - refresh_token
""",
)
def client_credentials(app: AppPackage) -> Iterator[Problem]:
    """Yield the grant ``client_credentials`` beside others."""
    for client, index, grant in logins.items(app, "grantTypes"):
        if grant == "client_credentials" and logins.for_people(client):
            yield Problem(
                client.place("spec", "grantTypes", index),
                'grant "client_credentials" in a client for users\' logins',
            )


@rule(
    "oidc.code-flow",
    "A client may use the authorization code flow",
    level=2,
    why="Apps log users in with this flow. Without it Hydra answers every login with an error.",
    source=f"{_SPEC}#CodeFlowAuth",
    fix="Add authorization_code to grantTypes and code to responseTypes.",
    example="""
grantTypes: [authorization_code, refresh_token]
responseTypes: [code]
""",
)
def code_flow(app: AppPackage) -> Iterator[Problem]:
    """Yield each list that lacks it; Hydra's default is this flow."""
    for client in logins.clients(app):
        if not logins.for_people(client):
            continue
        for field, wanted in (("grantTypes", "authorization_code"), ("responseTypes", "code")):
            given = logins.strings(client, field)
            if given and wanted not in " ".join(given).split():
                yield Problem(
                    client.place("spec", field),
                    f"{field} has no {wanted}: nobody can log in",
                )


@rule(
    "oidc.scope",
    "A client may ask for the scope openid",
    level=2,
    why="Without openid there is no ID token: the app does not learn who the user is, and shows "
    "an error after the login.",
    source=f"{_SPEC}#AuthRequest",
    fix="Begin the scope with openid.",
    example="""
scope: openid profile email stackspin_roles
""",
)
def scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each client for people that lacks it; one without any has Hydra's default."""
    for client in logins.clients(app):
        given = logins.scopes(client)
        if logins.for_people(client) and given and "openid" not in given:
            yield Problem(
                client.place("spec", "scope"),
                f"scope {quoted(' '.join(given))} has no openid: nobody can log in",
            )


@rule(
    "oidc.roles-scope",
    "A client may ask for users' roles",
    level=2,
    severity=Severity.WARNING,
    why="The claim stackspin_roles says who is an administrator of the app. Without the scope "
    "everybody is an ordinary user.",
    source="Stackspin",
    fix="Add stackspin_roles to the scope.",
    example="""
scope: openid profile email stackspin_roles
""",
)
def roles_scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each client for people without it."""
    for client in logins.clients(app):
        given = logins.scopes(client)
        if "openid" in given and "stackspin_roles" not in given:
            yield Problem(
                client.place("spec", "scope"),
                f"scope {quoted(' '.join(given))} has no stackspin_roles: the app cannot know who "
                "is its administrator",
            )


@rule(
    "oidc.known-scope",
    "Stackspin knows every scope of the client",
    level=2,
    severity=Severity.NOTE,
    why="A scope that the dashboard does not know gives the app no data; usually it is mistyped, "
    "or is the name of a claim.",
    source=f"{_SPEC}#ScopeClaims",
    fix="Remove it, or use the scope that contains the claim: name is part of profile.",
    example="""
scope: openid profile email stackspin_roles
""",
)
def known_scope(app: AppPackage) -> Iterator[Problem]:
    """Yield each scope that nobody knows."""
    for client in logins.clients(app):
        for one in dict.fromkeys(logins.scopes(client)):
            if one not in _SCOPES and logins.for_people(client):
                yield Problem(
                    client.place("spec", "scope"), f"scope {quoted(one)} is not one of Stackspin's"
                )


@rule(
    "oidc.refresh-token",
    "A client with offline access may refresh tokens",
    level=2,
    severity=Severity.WARNING,
    why="The scope offline_access asks for a refresh token, which Hydra gives only to a client "
    "with the grant refresh_token. Without it users are logged out after an hour.",
    source="https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess",
    fix="Add refresh_token to grantTypes.",
    example="""
grantTypes: [authorization_code, refresh_token]
scope: openid profile email stackspin_roles offline_access
""",
)
def refresh_token(app: AppPackage) -> Iterator[Problem]:
    """Yield each client with the scope and without the grant."""
    for client in logins.clients(app):
        grants = logins.strings(client, "grantTypes")
        offline = {"offline", "offline_access"} & set(logins.scopes(client))
        if offline and grants and "refresh_token" not in grants and logins.for_people(client):
            yield Problem(
                client.place("spec", "grantTypes"),
                f'scope "{min(offline)}" without the grant refresh_token: no such token is given',
            )


@rule(
    "oidc.copied-comment",
    "Comments are about this app",
    level=2,
    severity=Severity.NOTE,
    why="A comment about another app shows that the file was copied. It may be wrong here, and "
    "settings for the other app may still be in the file.",
    source="Stackspin",
    fix="Check the settings below the comment against the app's own manual, and delete the "
    "comment.",
    example="""
spec:
  # https://notes.example.org/manual/openid-connect
  grantTypes: [authorization_code]
""",
)
def copied_comment(app: AppPackage) -> Iterator[Problem]:
    """Yield each comment in a client's file that names another app."""
    own = {app.name.lower(), *(one.name.lower() for one in app.releases)}
    for client in logins.clients(app):
        for number, line in enumerate(app.texts.get(client.file, "").splitlines(), 1):
            comment = line.partition("#")[2].lower() if line.lstrip().startswith("#") else ""
            copied = re.search(r"copied from ([a-z][\w.-]{0,60})", comment)
            words = [*re.findall(r"[a-z][a-z0-9]+", comment), *(copied.groups() if copied else ())]
            for word in words:
                foreign = word in NAMES_OF_APPS or (copied and word == copied[1])
                if foreign and not any(word in name or name in word for name in own if name):
                    yield Problem(
                        Place(client.file, number, str(client)),
                        f"the comment is about {quoted(word)}: copied from another app?",
                    )
                    break
