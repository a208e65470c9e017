"""What attackers try: forged callbacks and logouts, foreign forms, redirects, scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.apps.catalogue import APPS, NOTES, WORDPRESS
from conformance.capabilities.single_sign_on.addresses import with_parameter
from conformance.capabilities.single_sign_on.browser_forms import (
    gives_password,
)
from conformance.capabilities.single_sign_on.expectations import (
    cookie_faults,
)
from conformance.capabilities.single_sign_on.forgeries import (
    OTHER_SITES,
    SCRIPT,
    WITHOUT_MARKUP,
    injected,
    posts_from,
    unsigned_logout_token,
    values_of_form,
    without_token,
)
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check, core

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.capabilities.single_sign_on.journeys import Journey, OpenBrowser
    from conformance.services.login_pages import Walker
    from conformance.services.oidc import RelyingParty
    from conformance.services.visitor import Visitor
    from conformance.suite.parties import Parties


@check(
    "single_sign_on.forged_callback",
    promise="An app accepts a callback only for a login that the same browser began unaltered.",
    apps=core("notes", "wordpress"),
)
def test_forged_callback(app: App, journey: Journey, parties: Parties) -> None:
    victor = parties.walker(parties.person("victor"))
    begun = journey.authorization_request(victor.agent, app)
    callback = victor.walk(begun, journey.callback(app)).url
    victor.agent.open(with_parameter(callback, state="another"))
    assert not journey.knows(victor.agent, app), "the state is not checked"
    begun = journey.authorization_request(victor.agent, app)
    begun = with_parameter(begun, nonce="another")
    victor.agent.open(victor.walk(begun, journey.callback(app)).url)
    assert not journey.knows(victor.agent, app), "the nonce is not checked"
    mallory = parties.walker(parties.person("mallory"))
    url = journey.authorization_request(mallory.agent, app)
    victor.agent.open(mallory.walk(url, journey.callback(app)).url)
    assert not journey.knows(victor.agent, app), "the login of another browser is accepted"
    victor.walk(journey.url(app, app.login.path), "")
    assert journey.knows(victor.agent, app), "a correct login is refused, too"


@check(
    "single_sign_on.forged_logout_token",
    promise="Only the provider can end a user's login to an app.",
    apps=core("notes", "wordpress"),
)
def test_forged_logout_token(app: App, journey: Journey, parties: Parties) -> None:
    address = journey.back_channel(app)
    other = parties.app("other", backChannelLogoutURI=address)
    rupert = parties.walker(parties.person("rupert"))
    rupert.walk(journey.url(app, app.login.path), "")
    assert journey.knows(rupert.agent, app)
    rupert.authorize(other).code()
    token = unsigned_logout_token(parties.issuer, app.name, rupert.person.id)
    answer = parties.http().post(address, data={"logout_token": token})
    assert answer.status_code == 400, f"unsigned logout token: HTTP {answer.status_code}"
    # The provider notifies the app that this login has ended, with a token for the other client.
    with journey.without_backchannel_logout(app):
        parties.hydra.end_logins(rupert.person.id)
        delivered = journey.logout_sent_to(other)
    assert journey.knows(rupert.agent, app), "logged out by somebody else"
    assert "got 400" in delivered, f"the app does not refuse another client's token: {delivered}"


@check(
    "single_sign_on.cross_site_post",
    promise="A form on another site can do nothing in the name of a logged-in user.",
)
def test_cross_site_post(parties: Parties, probe: RelyingParty, visitor: OpenBrowser) -> None:
    person = parties.person("ted")
    consent = f"{parties.dashboard}/web/consent"
    for site in OTHER_SITES:
        with visitor("ted") as ted:
            ted.open(probe.attempt().url)
            gives_password(ted, person)
            ted.arrives(consent)
            values = without_token(values_of_form(ted.page))
            posts_from(ted, site.format(domain=parties.domain), consent, values)
            ted.screenshot("refused")
        granted = parties.hydra.consents(person.id)
        assert not granted, f"consent was given by a form of {site}"


@check(
    "single_sign_on.open_redirect",
    promise="The platform's pages redirect nobody to a foreign site.",
)
def test_open_redirect(alice: Walker, parties: Parties, probe: RelyingParty) -> None:
    evil = "https://evil.example/"
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
) -> None:
    person = parties.person("carol")
    with visitor("carol") as carol:
        for app in APPS.values():
            journey.logs_in(carol, app, person)
        carol.open(f"{parties.dashboard}/web/settings")
        cookies = carol.cookies()
    owners = {cookie["domain"].partition(".")[0] for cookie in cookies}
    assert owners >= {"dashboard", "sso", *APPS}, f"there are only cookies of {owners}"
    assert not (faults := cookie_faults(cookies)), "; ".join(faults)
