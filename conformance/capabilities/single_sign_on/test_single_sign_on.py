"""Single sign-on: one login for every app, by OpenID Connect, and nobody else gets in.

Stackspin's design, "Single sign-on": Kratos has the users, Hydra is the OpenID Connect provider,
the dashboard has the pages, an OAuth2Client registers an app. Users' journeys run in a real
browser; what needs many variants is tested at protocol level, through the same pages.
"""

from __future__ import annotations

import functools
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.capabilities.single_sign_on.expectations import (
    PRIVATE_PARTS,
    cookie_faults,
    refused,
)
from conformance.capabilities.single_sign_on.journeys import (
    APPS,
    NOTES,
    WORDPRESS,
    enrols_second_factor,
    gives_password,
)
from conformance.capabilities.single_sign_on.platform import (
    LOGIN_SERVICES,
    SHORT,
)
from conformance.capabilities.single_sign_on.policies import (
    ADMIN_SERVICES,
    MAY_ADMINISTER,
    NAMESPACE,
    OPEN_SERVICE,
    admin_peers,
    live_finding,
)
from conformance.capabilities.single_sign_on.walks import (
    OTHER_SITES,
    SCRIPT,
    WITHOUT_MARKUP,
    FirstFactorGiven,
    altered,
    asks_for_code,
    can_log_in,
    code_in,
    disable,
    has_session,
    injected,
    parameter,
    posts_from,
    resigned,
    unsigned_logout_token,
    values_of_form,
    with_parameter,
    without_token,
)
from conformance.clusters.base import Feature
from conformance.common.soon import soon
from conformance.kube.apply import apply_file
from conformance.kube.conditions import ready
from conformance.kube.objects import Selection
from conformance.kube.wait import wait_each
from conformance.services.login_pages import login_form, shown
from conformance.services.oidc import Provider, RelyingParty, unsigned
from conformance.services.user_agent import visible
from conformance.suite.check import check, core

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.journeys import (
        AppPages,
        Journey,
        OpenBrowser,
    )
    from conformance.capabilities.single_sign_on.platform import LoginServices
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube
    from conformance.report.evidence import EvidenceBox
    from conformance.services.login_pages import Walker
    from conformance.services.oidc import Tokens
    from conformance.services.visitor import Visitor
    from conformance.suite.parties import Parties
    from conformance.suite.told import Told

MANIFESTS = Path(__file__).with_name("network_policies.yaml")
SERVER_PORT = 8080
"""Of the pods in these manifests."""

ENFORCED_SECONDS = 5.0
"""Within which the network enforces a policy; it learns of it independently of the pods."""


# What users do.


@check(
    "single_sign_on.login",
    promise="A user can log in to an app on the platform's login page after giving consent.",
    apps=core("notes", "wordpress"),
)
def test_login(
    pages: AppPages,
    parties: Parties,
    journey: Journey,
    visitor: OpenBrowser,
    evidence: EvidenceBox,
    told: Told,
) -> None:
    person = parties.person("zoe", may_use={told("may_use", pages.name): "user"})
    with visitor("zoe") as zoe:
        journey.begins_login(zoe, pages)
        zoe.screenshot("login")
        gives_password(zoe, person)
        zoe.screenshot("consent")
        journey.allows(zoe, pages)
        zoe.screenshot(pages.name)
        assert journey.user_of(zoe, pages) == person.name
    with visitor("zoe, another day") as zoe, evidence.timed("login"):
        journey.begins_login(zoe, pages)
        gives_password(zoe, person)
        zoe.arrives(journey.url(pages))


@check(
    "single_sign_on.second_app_without_password",
    promise="A user logged in to one app can open the next without a password.",
)
def test_second_app_without_password(
    parties: Parties,
    journey: Journey,
    visitor: OpenBrowser,
    told: Told,
) -> None:
    person = parties.person("yan")
    with visitor("yan") as yan:
        journey.logs_in(yan, NOTES, person)
        if told("cookies") == "lost":
            yan.page.context.clear_cookies()
        journey.begins_login(yan, WORDPRESS)
        journey.allows(yan, WORDPRESS)
        yan.screenshot("second app")
        assert journey.user_of(yan, WORDPRESS) == person.name


@check(
    "single_sign_on.logout_everywhere",
    promise="A user who logs out of one app is logged out of every app and of the platform.",
    apps=core("notes", "wordpress"),
)
def test_logout_everywhere(
    pages: AppPages,
    parties: Parties,
    journey: Journey,
    visitor: OpenBrowser,
    told: Told,
) -> None:
    person = parties.person("xena")
    deaf = next(each for each in APPS if each is not pages) if told("back_channel") else None
    with visitor("xena") as xena, journey.deaf(deaf):
        for each in APPS:
            journey.logs_in(xena, each, person)
        journey.logs_out(xena, pages)
        xena.screenshot("logged out")
        still = [each.name for each in APPS if not journey.forgets(xena, each)]
        assert not still, f"still logged in: {', '.join(still)}"
        xena.open(parties.dashboard)
        assert xena.page.get_by_label("Password").count(), "still logged in: the dashboard"


@check(
    "single_sign_on.recovery",
    promise="A user who lost a password sets a new one with a mailed code that works once.",
)
def test_recovery(parties: Parties, visitor: OpenBrowser, told: Told) -> None:
    person = parties.person("wendy")
    fresh = told("new_password", secrets.token_urlsafe(18)).format(old=person.password)
    with visitor("wendy") as wendy:
        wendy.open(f"{parties.dashboard}/web/recovery")
        wendy.screenshot("recovery")
        wendy.fill("E-mail address", person.email)
        wendy.press("Continue")
        code = code_in(parties.mail.wait_for(person.email).text)
        wendy.screenshot("code")
        wendy.fill("Code from the mail", code)
        wendy.press("Continue")
        wendy.arrives(f"{parties.dashboard}/web/settings")
        wendy.screenshot("new password")
        wendy.fill("New password", fresh)
        wendy.press("Save the new password")
        wendy.screenshot("saved")
    assert not can_log_in(parties, person), "the old password still works"
    assert can_log_in(parties, replace(person, password=fresh)), "the new password does not work"


@check(
    "single_sign_on.recovery_code_refused",
    promise="A recovery code that was altered or already used is refused.",
)
def test_recovery_code_refused(parties: Parties, told: Told) -> None:
    person = parties.person("walter")
    walter = parties.walker(person)
    asked = asks_for_code(walter, parties.dashboard)
    code = code_in(parties.mail.wait_for(person.email).text)
    wrong = code if told("code") == "right" else altered(code)
    page = walter.give(asked, code=wrong)
    assert page.find("code"), f"an altered code was accepted: {shown(page)}"
    # A code is valid only in the flow that asked for it: another flow would refuse any code.
    again = parties.walker(person)
    again.agent.http.cookies.update(walter.agent.http.cookies)
    if told("code") != "unused":
        page = walter.give(asked, code=code)
        assert has_session(walter, parties.dashboard), f"the code is refused: {shown(page)}"
    page = again.give(asked, code=code)
    assert not has_session(again, parties.dashboard), f"a used code was accepted: {shown(page)}"


@check(
    "single_sign_on.second_factor",
    promise="A user with a second factor is asked for it, and a wrong one is refused.",
)
def test_second_factor(
    parties: Parties,
    probe: RelyingParty,
    visitor: OpenBrowser,
    evidence: EvidenceBox,
    told: Told,
) -> None:
    person = parties.person("uma")
    dashboard = parties.dashboard
    with visitor("uma") as uma:
        uma.open(dashboard)
        gives_password(uma, person)
        uma.arrives(dashboard)
        authenticator, codes = enrols_second_factor(uma, f"{dashboard}/web/settings")
    halfway = FirstFactorGiven.by(parties, person).walker
    if told("factor") == "never set up":
        halfway = parties.walker(parties.person("una"))
    page = halfway.authorize(probe).page
    assert page.find("totp_code"), f"the app is reached without the second factor: {shown(page)}"
    asked = FirstFactorGiven.by(parties, person)
    right = authenticator.now()
    wrong = right if told("factor") == "right" else altered(right)
    assert not asked.gets_in(totp_code=wrong), "a wrong code of the authenticator is accepted"
    right = authenticator.now()  # valid for half a minute, so it is made after the logins
    assert asked.gets_in(totp_code=right), f"the right code is refused: {shown(asked.page)}"
    if FirstFactorGiven.by(parties, person).gets_in(totp_code=right):
        evidence.note("Upstream finding: Kratos takes a code of the authenticator a second time.")
    spare, other = codes[:2]
    assert FirstFactorGiven.by(parties, person).gets_in(lookup_secret=spare)
    again = other if told("recovery_code") == "another" else spare
    taken = FirstFactorGiven.by(parties, person).gets_in(lookup_secret=again)
    assert not taken, "a used recovery code is accepted"


# What apps learn from the provider.


@check(
    "single_sign_on.discovery",
    promise="The issuer's discovery document gives an app the endpoints, features and keys.",
)
def test_discovery(parties: Parties, told: Told) -> None:
    issuer = told("issuer", "https://sso.{domain}/").format(domain=parties.domain)
    provider = Provider(parties.http(), issuer)
    metadata = provider.metadata
    assert metadata["issuer"] == issuer, f"the issuer is {metadata['issuer']}, not {issuer}"
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert metadata[f"{name}_endpoint"].startswith(issuer)
    assert "code" in metadata["response_types_supported"]
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert metadata["backchannel_logout_supported"]
    keys = provider.keys()["keys"]
    assert keys, "the provider publishes no key"
    assert not [key["kid"] for key in keys if PRIVATE_PARTS & set(key)], "a private key is public"


@check(
    "single_sign_on.id_token",
    promise="An id_token is signed and says who logged in, to which app, and for how long.",
)
def test_id_token(alice: Walker, probe: RelyingParty, told: Told) -> None:
    answer = alice.authorize(probe, probe.attempt())
    token = answer.tokens().id_token
    claims = probe.verified(token, told("nonce", answer.attempt.nonce))
    person = alice.person
    assert claims["sub"] == person.id
    assert claims["aud"] == [probe.client.client_id]
    assert claims["email"] == claims["preferred_username"] == person.email
    assert claims["name"] == person.name
    assert claims["stackspin_roles"] == ["user"]
    assert 0 < claims["exp"] - claims["iat"] <= 3600, "an id_token is valid for an hour at most"


@check(
    "single_sign_on.userinfo",
    promise="An app gets the user's details from userinfo with its access token, and only with it.",
)
def test_userinfo(alice: Walker, probe: RelyingParty, told: Told) -> None:
    answer = alice.authorize(probe)
    tokens = answer.tokens()
    claims = probe.verified(tokens.id_token, answer.attempt.nonce)
    told_to_app = probe.userinfo(tokens.access_token)
    for name in ("sub", "email", "name", "preferred_username", "stackspin_roles"):
        assert told_to_app[name] == claims[name]
    other = told("token", tokens.id_token).format(access_token=tokens.access_token)
    with refused("userinfo with a token that is not an access token", "request_unauthorized"):
        probe.userinfo(other)


@check(
    "single_sign_on.refresh_rotates",
    promise="A refresh token works once; if it is used again, all tokens of the login end.",
)
def test_refresh_rotates(alice: Walker, probe: RelyingParty, parties: Parties, told: Told) -> None:
    first = alice.authorize(probe).tokens()
    second = probe.refresh(first)
    assert second.refresh_token != first.refresh_token, "the refresh token stays the same"
    assert second.access_token != first.access_token
    assert probe.verified(second.id_token, None)["sub"] == alice.person.id
    again = second if told("again") == "the fresh one" else first
    with refused("a used refresh token", "invalid_grant"):
        probe.refresh(again)
    with refused("the successor of a reused refresh token", "invalid_grant"):
        probe.refresh(second)
    assert not parties.hydra.is_active(second.access_token), "its access token is still valid"


@check(
    "single_sign_on.access_token_expires",
    promise="An expired access token is refused, and the refresh token gets a new one.",
)
def test_access_token_expires(parties: Parties, told: Told) -> None:
    lifespan = told("lifespan", SHORT)
    name = "authorization_code_grant_access_token_lifespan"
    app = parties.app("brief", tokenLifespans={name: lifespan})
    tokens = parties.walker(parties.person("ivan")).authorize(app).tokens()
    assert parties.hydra.expires(tokens.access_token, within=10.0), (
        "an expired token is still valid"
    )
    with refused("an expired access token", "invalid_token", "request_unauthorized"):
        app.userinfo(tokens.access_token)
    assert app.userinfo(app.refresh(tokens).access_token)["sub"]


# Who does not get in.


@check(
    "single_sign_on.wrong_password",
    promise="A wrong password and an unknown user are refused with the same page.",
)
def test_wrong_password(parties: Parties, probe: RelyingParty, told: Told) -> None:
    person = parties.person("eve")
    password = told("password", "not the password").format(password=person.password)
    seen = []
    for email in (person.email, f"nobody-{person.email}"):
        somebody = parties.walker(person)
        page = somebody.agent.open(probe.attempt().url, probe.client.redirect_uri)
        page = somebody.give(
            page,
            probe.client.redirect_uri,
            identifier=email,
            password=password,
            method="password",
        )
        assert login_form(page), f"{email} with a wrong password is not asked again: {shown(page)}"
        seen.append((page.status, visible(page.text).replace(email, "")))
    assert seen[0] == seen[1], f"a wrong password shows {seen[0]}, an unknown user {seen[1]}"


@check(
    "single_sign_on.disabled_user",
    promise="A disabled user cannot log in, and the user's existing logins and tokens end.",
)
def test_disabled_user(parties: Parties, probe: RelyingParty, told: Told) -> None:
    mallory = parties.walker(parties.person("mallory"))
    tokens = mallory.authorize(probe).tokens()
    unused = mallory.authorize(probe)
    unused.code()
    if told("state", "inactive") == "inactive":
        disable(parties, mallory.person)
    another_day = parties.walker(mallory.person)
    for how, walker in {"goes on with the old login": mallory, "is let in": another_day}.items():
        answer = walker.authorize(probe)
        assert answer.page.status, f"a disabled user {how}: {answer.error()}"
        assert answer.page.status == 401, shown(answer.page)
        assert "disabled" in visible(answer.page.text), f"does not say why: {shown(answer.page)}"
    with refused("a disabled user's refresh token", "invalid_grant"):
        probe.refresh(tokens)
    assert not parties.hydra.is_active(tokens.access_token), "their access token is still valid"
    with refused("a code issued before the user was disabled", "invalid_grant"):
        unused.tokens()


@check(
    "single_sign_on.user_without_role",
    promise="A user without a role for an app cannot log in to it.",
)
def test_user_without_role(parties: Parties, probe: RelyingParty, told: Told) -> None:
    roles = {probe.client.client_id: "user"} if told("role") == "user" else {"notes": "user"}
    oscar = parties.walker(parties.person("oscar", may_use=roles))
    with refused("a login without a role for the app", "access_denied"):
        oscar.authorize(probe).code()


@check(
    "single_sign_on.consent_denied",
    promise="A user who denies consent is not logged in to the app.",
)
def test_consent_denied(parties: Parties, probe: RelyingParty, told: Told) -> None:
    trent = parties.walker(parties.person("trent"))
    with refused("a login without consent", "access_denied"):
        trent.authorize(probe, allow=told("consent") == "given").code()
    trent.authorize(probe).code()
    assert trent.asked == ["password", "consent", "consent"], "consent is not asked for again"


@check(
    "single_sign_on.redirect_uri_exact",
    promise="A code is sent only to the app's registered redirect URI.",
)
def test_redirect_uri_exact(
    alice: Walker, parties: Parties, probe: RelyingParty, told: Told
) -> None:
    right = probe.client.redirect_uri
    wrong = {
        "prefix": right.removesuffix("callback"),
        "extra path": f"{right}/more",
        "other scheme": right.replace("https:", "http:"),
        "other host": right.replace(f".{parties.domain}", f".{parties.domain}.example.org"),
        "user information": right.replace("https://", "https://sso@"),
        "query": f"{right}?next=/",
    }
    if variant := told("registered"):
        parties.change_app(probe, redirectUris=[right, wrong[variant]])
    for variant, address in wrong.items():
        page = alice.walk(probe.attempt(redirect_uri=address).url, address)
        assert page.status >= 400, f"{variant}: sent to {page.url}"
        assert parameter(page.url, "error") == "invalid_request", f"{variant}: {shown(page)}"


@check(
    "single_sign_on.client_secret",
    promise="An app that cannot prove its identity gets no tokens.",
)
def test_client_secret(alice: Walker, probe: RelyingParty, told: Told) -> None:
    answer = alice.authorize(probe)
    secret = told("secret", "{secret}x").format(secret=probe.client.client_secret)
    with refused("a wrong client secret", "invalid_client"):
        probe.redeem(answer.code(), answer.attempt, client_secret=secret)


@check(
    "single_sign_on.code_once",
    promise="A code works once; if it is used again, the tokens issued for it end.",
)
def test_code_once(alice: Walker, probe: RelyingParty, told: Told) -> None:
    answer = alice.authorize(probe)
    tokens = answer.tokens()
    again = alice.authorize(probe) if told("code") == "another" else answer
    with refused("a used code", "invalid_grant"):
        again.tokens()
    with refused("the access token issued for a reused code", "request_unauthorized"):
        probe.userinfo(tokens.access_token)


@check(
    "single_sign_on.pkce",
    promise="A code cannot be redeemed without the code_verifier of the login that asked for it.",
)
def test_pkce(alice: Walker, probe: RelyingParty, told: Told) -> None:
    for which, wrong in {"a wrong": probe.attempt().verifier, "no": ""}.items():
        answer = alice.authorize(probe)
        verifier = answer.attempt.verifier if told("verifier") == which else wrong
        with refused(f"{which} code_verifier", "invalid_grant"):
            probe.redeem(answer.code(), answer.attempt, code_verifier=verifier)


@check(
    "single_sign_on.token_of_another_client",
    promise="An app cannot use another app's code, refresh token or id_token.",
)
def test_token_of_another_client(
    alice: Walker, probe: RelyingParty, other_app: RelyingParty, told: Told
) -> None:
    answer = alice.authorize(probe)
    code = answer.code()
    tokens = alice.authorize(probe).tokens()
    thief = probe if told("thief") == "the app itself" else other_app
    with refused("the refresh token of another app", "invalid_grant"):
        thief.refresh(tokens)
    with refused("the code of another app", "invalid_grant"):
        thief.redeem(code, answer.attempt, redirect_uri=probe.client.redirect_uri)
    whose = probe if told("id_token") == "of the app itself" else thief
    home = whose.client.redirect_uri.replace("/callback", "/")
    page = alice.agent.open(whose.logout_url(tokens.id_token, home), home)
    assert page.status >= 400, f"logged out for another app, by its id_token: {shown(page)}"


@check(
    "single_sign_on.unsigned_id_token",
    promise="An id_token that the provider did not sign logs nobody out.",
)
def test_unsigned_id_token(alice: Walker, probe: RelyingParty, told: Told) -> None:
    token = alice.authorize(probe).tokens().id_token
    home = probe.client.redirect_uri.replace("/callback", "/")
    for how, forged in {"an unsigned": unsigned(token), "an altered": resigned(token)}.items():
        hint = token if told("token") == how else forged
        page = alice.agent.open(probe.logout_url(hint, home), home)
        assert page.status >= 400, f"logged out by {how} id_token: {shown(page)}"
    page = alice.agent.open(probe.attempt(prompt="none").url, probe.client.redirect_uri)
    assert parameter(page.url, "code"), f"logged out nevertheless: {shown(page)}"


@check(
    "single_sign_on.used_challenge",
    promise="A login or consent that was already answered, or that is unknown, is refused.",
)
def test_used_challenge(parties: Parties, probe: RelyingParty, told: Told) -> None:
    peggy = parties.walker(parties.person("peggy"))
    page = peggy.log_in(peggy.agent.open(probe.attempt().url))
    used = page.url
    peggy.give(page, probe.client.redirect_uri, decision="accept")
    for which, challenge in {"used": used, "unknown": used[:-8] + "AAAAAAAA"}.items():
        url = probe.attempt().url if told("challenge") == which else challenge
        page = peggy.walk(url, probe.client.redirect_uri)
        assert not parameter(page.url, "code"), f"a consent that is {which} gets a code"
        assert page.status >= 400 or parameter(page.url, "error") == "access_denied", shown(page)
    page = peggy.agent.open(f"{parties.dashboard}/web/login?login_challenge=unknown")
    assert 400 <= page.status < 500, shown(page)


# What attackers try.


@check(
    "single_sign_on.forged_callback",
    promise="An app accepts a callback only for a login that the same browser began unaltered.",
    apps=core("notes", "wordpress"),
)
def test_forged_callback(pages: AppPages, journey: Journey, parties: Parties, told: Told) -> None:
    victor = parties.walker(parties.person("victor"))
    begun = journey.authorization_request(victor.agent, pages)
    callback = victor.walk(begun, journey.callback(pages)).url
    victor.agent.open(callback if told("state") else with_parameter(callback, state="another"))
    assert not journey.knows(victor.agent, pages), "the state is not checked"
    begun = journey.authorization_request(victor.agent, pages)
    begun = begun if told("nonce") else with_parameter(begun, nonce="another")
    victor.agent.open(victor.walk(begun, journey.callback(pages)).url)
    assert not journey.knows(victor.agent, pages), "the nonce is not checked"
    mallory = parties.walker(parties.person("mallory"))
    url = journey.authorization_request(mallory.agent, pages)
    victor.agent.open(mallory.walk(url, journey.callback(pages)).url)
    assert not journey.knows(victor.agent, pages), "the login of another browser is accepted"
    victor.walk(journey.url(pages, pages.login), "")
    assert journey.knows(victor.agent, pages), "a correct login is refused, too"


@check(
    "single_sign_on.forged_logout_token",
    promise="Only the provider can end a user's login to an app.",
    apps=core("notes", "wordpress"),
)
def test_forged_logout_token(
    pages: AppPages, journey: Journey, parties: Parties, told: Told
) -> None:
    address = journey.back_channel(pages)
    other = parties.app("other", backChannelLogoutURI=address)
    rupert = parties.walker(parties.person("rupert"))
    rupert.walk(journey.url(pages, pages.login), "")
    assert journey.knows(rupert.agent, pages)
    rupert.authorize(other).code()
    token = unsigned_logout_token(parties.issuer, pages.name, rupert.person.id)
    answer = parties.http().post(address, data={"logout_token": token})
    assert answer.status_code == 400, f"unsigned logout token: HTTP {answer.status_code}"
    # The provider notifies the app that this login has ended, with a token for the other client.
    with journey.deaf(None if told("logout") == "real" else pages):
        parties.hydra.end_logins(rupert.person.id)
        delivered = journey.logout_sent_to(other)
    if told("logout") == "real":
        assert journey.loses(rupert.agent, pages), "the app is not notified"
    assert journey.knows(rupert.agent, pages), "logged out by somebody else"
    assert "got 400" in delivered, f"the app does not refuse another client's token: {delivered}"


@check(
    "single_sign_on.cross_site_post",
    promise="A form on another site can do nothing in the name of a logged-in user.",
)
def test_cross_site_post(
    parties: Parties, probe: RelyingParty, visitor: OpenBrowser, told: Told
) -> None:
    person = parties.person("ted")
    consent = f"{parties.dashboard}/web/consent"
    for site in [told("site")] if told("site") else OTHER_SITES:
        with visitor("ted") as ted:
            ted.open(probe.attempt().url)
            gives_password(ted, person)
            ted.arrives(consent)
            form = values_of_form(ted.page)
            values = form if told("token") == "stolen" else without_token(form)
            posts_from(ted, site.format(domain=parties.domain), consent, values)
            ted.screenshot("refused")
        granted = parties.hydra.consents(person.id)
        assert not granted, f"consent was given by a form of {site}"


@check(
    "single_sign_on.open_redirect",
    promise="The platform's pages redirect nobody to a foreign site.",
)
def test_open_redirect(alice: Walker, parties: Parties, probe: RelyingParty, told: Told) -> None:
    home = probe.client.redirect_uri.replace("/callback", "/")
    evil = told("site", "https://evil.example/").format(home=home)
    token = alice.authorize(probe).tokens().id_token
    for address in (
        f"{parties.dashboard}/web/login?next={quote(evil)}",
        f"{parties.dashboard}/web/login?next=//evil.example/",
        f"{parties.dashboard}/self-service/login/browser?return_to={quote(evil)}",
        f"{parties.dashboard}/self-service/recovery/browser?return_to={quote(evil)}",
        probe.logout_url(token, evil),
    ):
        page = alice.agent.open(address, evil)
        assert page.status, f"{address.partition('?')[0]} leads to {page.url}"
    alice.authorize(probe).code()


@check(
    "single_sign_on.script_in_display_name",
    promise="A display name with a script in it is shown as plain text on every page.",
)
def test_script_in_display_name(parties: Parties, journey: Journey, visitor: OpenBrowser) -> None:
    person = parties.person("bobby", name=SCRIPT, may_use={"dashboard": "admin"})
    with visitor("bobby") as bobby:
        for app, name in {NOTES: SCRIPT, WORDPRESS: WITHOUT_MARKUP}.items():
            journey.is_asked_to_allow(bobby, app, person)
            shows_name_as_text(bobby)
            bobby.screenshot(f"consent for {app.name}")
            journey.allows(bobby, app)
            shows_name_as_text(bobby, name)
            assert journey.user_of(bobby, app) == name
            bobby.screenshot(app.name)
        for path in ("", "/users", f"/users/{person.id}", "/web/settings"):
            bobby.open(f"{parties.dashboard}{path}")
            shows_name_as_text(bobby)
        bobby.screenshot("settings")


def shows_name_as_text(visitor: Visitor, name: str = SCRIPT) -> None:
    """Assert that the page shows the name as text, not as markup."""
    at = visitor.page.url.partition("?")[0]
    assert not (found := injected(visitor)), f"the name is markup at {at}: {found}"
    text = visitor.page.locator("body").inner_text()
    assert name in text, f"the name is not shown at {at}: {text[:300]}"


@check(
    "single_sign_on.cookie_flags",
    promise="Login cookies are Secure, HttpOnly, and not sent with another site's forms.",
)
def test_cookie_flags(
    parties: Parties,
    journey: Journey,
    visitor: OpenBrowser,
    told: Told,
) -> None:
    person = parties.person("carol")
    with visitor("carol") as carol:
        for app in APPS:
            journey.logs_in(carol, app, person)
        carol.open(f"{parties.dashboard}/web/settings")
        if url := told("cookie").format(domain=parties.domain):
            carol.page.context.add_cookies([{"name": "weak", "value": "1", "url": url}])
        cookies = carol.cookies()
    owners = {cookie["domain"].partition(".")[0] for cookie in cookies}
    assert owners >= {"dashboard", "sso", *(app.name for app in APPS)}, (
        f"there are only cookies of {owners}"
    )
    assert not (faults := cookie_faults(cookies)), "; ".join(faults)


@check(
    "single_sign_on.admin_apis_closed",
    promise="The admin APIs, which need no password, cannot be reached from outside the cluster.",
)
def test_admin_apis_closed(parties: Parties) -> None:
    http, domain = parties.http(), parties.domain
    for url in (
        f"{parties.issuer}admin/clients",
        f"{parties.issuer}admin/oauth2/auth/sessions/login",
        f"{parties.dashboard}/admin/identities",
        f"{parties.dashboard}/admin/sessions",
        *(f"https://{name}.{domain}/admin/clients" for name in ("hydra-admin", "hydra")),
        *(f"https://{name}.{domain}/admin/identities" for name in ("kratos-admin", "kratos")),
        f"https://mail.{domain}/api/v1/messages",
    ):
        answer = http.get(url)
        assert answer.status_code == 404, f"{url} answers {answer.status_code}: {answer.text[:100]}"


@check(
    "single_sign_on.admin_apis_for_dashboard_alone",
    promise="In the cluster, only the dashboard and the operator may use the admin APIs.",
)
def test_admin_apis_for_dashboard_alone(
    journey: Journey, cluster: Cluster, kube: Kube, namespace: str, evidence: EvidenceBox
) -> None:
    for name in ADMIN_SERVICES:
        peers = admin_peers(kube, name)
        assert peers <= MAY_ADMINISTER, f"{name}'s admin API is open to {sorted(peers)}"
    enforced = enforces_policies(journey, kube, namespace)
    reached = [
        name
        for name in (OPEN_SERVICE, *ADMIN_SERVICES.values())
        if journey.reaches(NOTES, f"{name}.{NAMESPACE}")
    ]
    assert OPEN_SERVICE in reached, f"notes does not even reach {OPEN_SERVICE}"
    outcome = live_finding(enforced=enforced, reached=reached[1:])
    evidence.note(f"On this {cluster.provider} cluster the NetworkPolicies are {outcome}.")


def enforces_policies(journey: Journey, kube: Kube, namespace: str) -> bool:
    """Whether the cluster's network blocks notes from a pod that no policy lets it reach."""
    [server] = journey.pod(NOTES)["spec"]["containers"]
    apply_file(kube, MANIFESTS, namespace=namespace, image=server["image"])
    wait_each(kube, Selection("v1", "Pod", namespace), ready(), minimum=2)
    addresses = {
        pod["metadata"]["name"]: pod["status"]["podIP"] for pod in kube.list("v1", "Pod", namespace)
    }
    reaches = functools.partial(journey.reaches, NOTES, port=SERVER_PORT)
    assert reaches(addresses["open"]), "notes does not reach a pod without a policy"
    return soon(lambda: not reaches(addresses["closed"]), within=ENFORCED_SECONDS)


# What operators do, and what happens to them.


@check(
    "single_sign_on.client_created_changed_deleted",
    promise="A client at the provider is created, changed and deleted with its OAuth2Client.",
)
def test_client_created_changed_deleted(parties: Parties, told: Told) -> None:
    app = parties.app("dora")
    walker = parties.walker(parties.person("dora"))
    walker.authorize(app).tokens()
    moved = app.client.redirect_uri.replace("/callback", "/elsewhere")
    if told("change") != "none":
        parties.change_app(app, redirectUris=[moved])
    answer = walker.authorize(app)
    assert answer.error() == "invalid_request", "the old redirect URI is still accepted"
    app = RelyingParty(parties.http(), parties.provider, replace(app.client, redirect_uri=moved))
    walker.authorize(app).tokens()
    parties.remove_app(app)
    assert parties.hydra.client(app.client.client_id) is None
    assert walker.authorize(app).error() == "invalid_client"


@check(
    "single_sign_on.wrong_client_explained",
    promise="An OAuth2Client that cannot be registered says why in its status.",
)
def test_wrong_client_explained(parties: Parties, told: Told) -> None:
    wrong = {"redirectUris": [f"https://wrong.{parties.domain}/callback#part"]}
    why = parties.refused_app("wrong", **({} if told("client") == "right" else wrong))
    assert "fragment" in why.lower(), f"the status says: {why}"


@check(
    "single_sign_on.client_secret_rotated",
    promise="A new client secret replaces the old one without any manual step.",
)
def test_client_secret_rotated(parties: Parties, told: Told) -> None:
    app = parties.app("rota")
    walker = parties.walker(parties.person("rota"))
    before = walker.authorize(app).tokens()
    rotated = parties.rotate_secret(app)
    with refused("the old client secret", "invalid_client"):
        (rotated if told("secret") == "new" else app).refresh(before)
    answer = walker.authorize(rotated)
    assert rotated.verified(answer.tokens().id_token, answer.attempt.nonce)
    assert walker.asked == ["password", "consent"], "users are asked to log in again"


@check(
    "single_sign_on.survives_restart",
    promise="Users, logins and clients survive a restart of all login services.",
)
def test_survives_restart(
    parties: Parties,
    probe: RelyingParty,
    login_services: LoginServices,
    told: Told,
) -> None:
    grace = parties.walker(parties.person("grace"))
    tokens = grace.authorize(probe).tokens()
    login_services.restart(*LOGIN_SERVICES)
    goes_on(parties, grace, probe, tokens, forgetful=bool(told("cookies")))


@check(
    "single_sign_on.survives_node_kill",
    level="extended",
    promise="Users, logins and clients survive a kill of the node.",
    needs=[Feature.NODE_KILL],
)
def test_survives_node_kill(
    parties: Parties,
    probe: RelyingParty,
    login_services: LoginServices,
    cluster: Cluster,
    told: Told,
) -> None:
    grace = parties.walker(parties.person("grace"))
    tokens = grace.authorize(probe).tokens()
    with login_services.outliving():
        cluster.kill_node()
        cluster.restart_node()
    goes_on(parties, grace, probe, tokens, forgetful=bool(told("cookies")))


# Last, because nobody can log in meanwhile: what takes too long.


@check(
    "single_sign_on.expired_challenge",
    level="extended",
    promise="A login that takes too long is refused with a reason, and the app gets no code.",
)
def test_expired_challenge(
    parties: Parties, probe: RelyingParty, short_lived: LoginServices
) -> None:
    del short_lived
    page = parties.walker(parties.person("judy")).authorize(probe).page
    assert not parameter(page.url, "code"), "an expired login gets a code"
    assert 400 <= page.status < 500, shown(page)


@check(
    "single_sign_on.expired_recovery_code",
    level="extended",
    promise="An expired recovery code is refused.",
)
def test_expired_recovery_code(parties: Parties, short_lived: LoginServices) -> None:
    del short_lived
    person = parties.person("kim")
    kim = parties.walker(person)
    page = asks_for_code(kim, parties.dashboard)
    code = code_in(parties.mail.wait_for(person.email).text)
    page = kim.give(page, code=code)
    assert not has_session(kim, parties.dashboard), f"an expired code was accepted: {shown(page)}"


def goes_on(
    parties: Parties, walker: Walker, app: RelyingParty, tokens: Tokens, *, forgetful: bool
) -> None:
    """Assert that the login, the tokens, the client and the user's password still work."""
    if forgetful:
        walker.agent.http.cookies.clear()
    answer = walker.authorize(app)
    assert walker.asked == ["password", "consent"], f"asked again: {walker.asked}"
    assert app.verified(answer.tokens().id_token, answer.attempt.nonce)["sub"] == walker.person.id
    assert app.refresh(tokens).access_token
    assert can_log_in(parties, walker.person), "the password no longer works"
