"""Login and logout: what the dashboard answers Hydra, and what its pages ask people."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dashboard_answers import HOST, LOGIN, LOGOUT, ONWARD, OTHER, PERSON, SCRIPT, asks_login, log_in
from dashboard_pages import get, post
from dashboard_services import Services


def test_a_stranger_is_sent_to_the_login_and_back(browser: Any) -> None:
    asked = get(browser, "/users?x=1")
    assert asked.headers["Location"] == "/web/login?next=/users%3Fx%3D1"
    begun = urlsplit(get(browser, asked.headers["Location"]).headers["Location"])
    assert begun.path == "/self-service/login/browser"
    assert parse_qs(begun.query)["return_to"] == [f"https://{HOST}/users?x=1"]


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.test/", "//evil.test/", "/\\evil.test", "http:evil.test", "javascript:alert(1)"],
)
def test_no_redirect_to_another_site(browser: Any, services: Services, elsewhere: str) -> None:
    log_in(services, {})
    assert browser.get("/web/login", {"next": elsewhere}, secure=True).headers["Location"] == "/"


def test_login_is_accepted_with_identity_and_session(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_login(services)
    answer = get(browser, "/web/login?login_challenge=c")
    assert answer.headers["Location"] == ONWARD
    [accepted] = services.told("PUT", f"{LOGIN}/accept")
    assert accepted["subject"] == PERSON
    assert accepted["remember"] is True
    assert (accepted["acr"], accepted["amr"]) == ("aal1", ["pwd"])
    assert accepted["identity_provider_session_id"] == "session-of-ada"


def test_login_without_a_role_is_refused(browser: Any, services: Services) -> None:
    log_in(services, {"wordpress": "user"})
    asks_login(services)
    assert get(browser, "/web/login?login_challenge=c").headers["Location"] == ONWARD
    [refused] = services.told("PUT", f"{LOGIN}/reject")
    assert refused["error"] == "access_denied"
    assert "no role" in refused["error_description"]
    assert not services.told("PUT", f"{LOGIN}/accept")


def test_admins_of_the_dashboard_may_use_every_app(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    asks_login(services)
    get(browser, "/web/login?login_challenge=c")
    assert services.told("PUT", f"{LOGIN}/accept")


def test_login_without_a_session_begins_a_flow(browser: Any, services: Services) -> None:
    asks_login(services)
    begun = urlsplit(get(browser, "/web/login?login_challenge=c").headers["Location"])
    [back] = parse_qs(begun.query)["return_to"]
    assert back == f"https://{HOST}/web/login?login_challenge=c"
    asks_login(services, request_url="https://sso.stackspin.test/oauth2/auth?prompt=none")
    get(browser, "/web/login?login_challenge=c")
    [refused] = services.told("PUT", f"{LOGIN}/reject")
    assert refused["error"] == "login_required"


def test_somebody_else_whom_hydra_remembers_is_forgotten(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_login(services, skip=True, subject=OTHER)
    services.answers["DELETE /hydra/admin/oauth2/auth/sessions/login"] = (204, None)
    again = get(browser, "/web/login?login_challenge=c").headers["Location"]
    assert again == "https://sso.stackspin.test/oauth2/auth?client_id=notes"
    assert services.asked[-1].query == {"sid": "hydra-session"}
    assert not services.told("PUT", f"{LOGIN}/accept")


def test_an_app_can_ask_for_the_password_again(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    asks_login(services, request_url="https://sso.stackspin.test/oauth2/auth?prompt=login")
    begun = urlsplit(get(browser, "/web/login?login_challenge=c").headers["Location"])
    asked = parse_qs(begun.query)
    assert asked["refresh"] == ["true"]
    log_in(services, {"notes": "user"})
    back = asked["return_to"][0].removeprefix(f"https://{HOST}")
    assert get(browser, back).headers["Location"] == ONWARD
    forged = "/web/login?login_challenge=c&after=0"
    assert get(browser, forged).headers["Location"].startswith("/self-service/login/browser")


def test_a_second_factor_is_asked_for(browser: Any, services: Services) -> None:
    error = {"error": {"id": "session_aal2_required"}}
    services.answers["GET /kratos/sessions/whoami"] = (403, error)
    asks_login(services)
    begun = urlsplit(get(browser, "/web/login?login_challenge=c").headers["Location"])
    assert parse_qs(begun.query)["aal"] == ["aal2"]
    assert get(browser, "/users").headers["Location"].startswith("/web/login")


@pytest.mark.parametrize("page", ["login?login", "consent?consent", "logout?logout"])
def test_an_unknown_challenge_is_explained(browser: Any, services: Services, page: str) -> None:
    log_in(services, {"notes": "user"})
    answer = get(browser, f"/web/{page}_challenge=gone")
    assert answer.status_code == 410
    assert "has expired" in answer.text


def test_logout_that_an_app_began_ends_both_sessions(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    services.answers[f"GET {LOGOUT}"] = (200, {"rp_initiated": True, "subject": PERSON})
    services.answers[f"PUT {LOGOUT}/accept"] = (200, {"redirect_to": ONWARD})
    token = {"logout_token": "t"}
    services.answers["GET /kratos/self-service/logout/browser"] = (200, token)
    services.answers["GET /kratos/self-service/logout"] = (204, None)
    answer = get(browser, "/web/logout?logout_challenge=c")
    assert answer.headers["Location"] == ONWARD
    assert services.told("GET", "/kratos/self-service/logout")


def test_logout_that_nobody_asked_for_is_a_question(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    services.answers[f"GET {LOGOUT}"] = (200, {"rp_initiated": False, "subject": PERSON})
    page = get(browser, "/web/logout?logout_challenge=c")
    assert page.status_code == 200
    assert not services.told("PUT", f"{LOGOUT}/accept")


def test_logout_here_goes_by_hydra_and_asks_once(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    services.answers["GET /kratos/self-service/logout/browser"] = (401, {})
    away = post(browser, "/", "/web/logout").headers["Location"]
    assert away == "https://sso.stackspin.test/oauth2/sessions/logout"
    services.answers[f"GET {LOGOUT}"] = (200, {"rp_initiated": False, "subject": PERSON})
    services.answers[f"PUT {LOGOUT}/accept"] = (200, {"redirect_to": ONWARD})
    assert get(browser, "/web/logout?logout_challenge=c").headers["Location"] == ONWARD
    assert get(browser, "/web/logout?logout_challenge=c").status_code == 200


def test_errors_are_in_words_and_echo_nothing(browser: Any) -> None:
    page = browser.get("/web/error", {"error": SCRIPT, "error_description": "Call me"}, secure=True)
    assert page.status_code == 400
    assert "Call me" not in page.text
    assert "alert(1)" not in page.text
    known = get(browser, "/web/error?error=invalid_client&error_description=x")
    assert "not known here" in known.text


def test_the_flow_of_kratos_becomes_a_form(browser: Any, services: Services) -> None:
    nodes = [
        node("default", "csrf_token", "hidden", value="t"),
        node("default", "identifier", "text", value=SCRIPT),
        node("password", "password", "password"),
        node("password", "method", "submit", value="password"),
    ]
    message = {"id": 4000006, "type": "error", "text": "The provided credentials are invalid"}
    flow = {"ui": {"action": f"https://{HOST}/self-service/login?flow=f", "nodes": nodes}}
    flow["ui"]["messages"] = [message]
    services.answers["GET /kratos/self-service/login/flows"] = (200, flow)
    page = get(browser, "/web/login?flow=f").text
    assert SCRIPT not in page
    assert '<label for="password-id_password">Password</label>' in page
    assert 'name="csrf_token" value="t"' in page
    assert "The e-mail address or the password is wrong." in page
    services.answers["GET /kratos/self-service/login/flows"] = (410, {})
    assert get(browser, "/web/login?flow=f").status_code == 302


def node(group: str, name: str, kind: str, value: str = "") -> dict[str, Any]:
    attributes = {"name": name, "type": kind, "value": value, "node_type": "input"}
    return {"type": "input", "group": group, "attributes": attributes, "messages": [], "meta": {}}
