"""Consent: what the page shows, and what Hydra is told."""

from __future__ import annotations

from typing import Any

from dashboard_answers import CONSENT, ONWARD, OTHER, SCRIPT, asks_consent, log_in
from dashboard_pages import get, post
from dashboard_services import Services


def test_consent_shows_app_and_scopes_escaped(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"}, name=SCRIPT)
    asks_consent(services)
    page = get(browser, "/web/consent?consent_challenge=c")
    assert "see your e-mail address" in page.text
    assert SCRIPT not in page.text
    assert "&lt;script&gt;" in page.text
    assert "https://notes.stackspin.test" in page.headers["Content-Security-Policy"]


def test_a_client_without_a_name_is_called_by_its_id(browser: Any, services: Services) -> None:
    log_in(services, {"my-app": "user"})
    asks_consent(services, client={"client_id": "my-app"})
    assert "Allow my-app?" in get(browser, "/web/consent?consent_challenge=c").text


def test_consent_is_granted_with_claims(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_consent(services)
    page = "/web/consent?consent_challenge=c"
    answer = post(browser, page, "/web/consent", consent_challenge="c", decision="accept")
    assert answer.headers["Location"] == ONWARD
    [accepted] = services.told("PUT", f"{CONSENT}/accept")
    assert accepted["session"]["id_token"] == {
        "email": "ada@stackspin.test",
        "email_verified": False,
        "name": "Ada",
        "preferred_username": "ada@stackspin.test",
        "stackspin_roles": ["user"],
    }
    assert accepted["remember"] is True


def test_consent_is_refused(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_consent(services)
    page = "/web/consent?consent_challenge=c"
    post(browser, page, "/web/consent", consent_challenge="c", decision="refuse")
    [refused] = services.told("PUT", f"{CONSENT}/reject")
    assert refused["error"] == "access_denied"


def test_consent_from_another_site_is_nothing(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_consent(services)
    token = get(browser, "/web/consent?consent_challenge=c").context["csrf_token"]
    sent = {"consent_challenge": "c", "decision": "accept"}
    assert browser.post("/web/consent", sent, secure=True).status_code == 403
    sent["csrfmiddlewaretoken"] = str(token)
    headers = {"origin": "https://evil.stackspin.test"}
    assert browser.post("/web/consent", sent, secure=True, headers=headers).status_code == 403
    assert not services.told("PUT", f"{CONSENT}/accept")


def test_consent_given_before_is_not_asked_for(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "admin"})
    asks_consent(services, skip=True, requested_scope=["openid", "stackspin_roles"])
    get(browser, "/web/consent?consent_challenge=c")
    [accepted] = services.told("PUT", f"{CONSENT}/accept")
    assert accepted["session"]["id_token"] == {"stackspin_roles": ["admin"]}


def test_nobody_consents_for_another(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_consent(services, subject=OTHER, skip=True)
    get(browser, "/web/consent?consent_challenge=c")
    [refused] = services.told("PUT", f"{CONSENT}/reject")
    assert refused["error"] == "login_required"
