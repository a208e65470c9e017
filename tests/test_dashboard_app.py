"""The reference dashboard, page by page, against services that say what they are told."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from dashboard_services import Services

from conformance.common.settings import PROJECT_ROOT

HOST = "dashboard.stackspin.test"
PERSON = "7a9d8c02-d87a-4136-8b95-48afd7e8399d"
OTHER = "11111111-d87a-4136-8b95-48afd7e8399d"
APPS = "/kubernetes/apis/helm.toolkit.fluxcd.io/v2/namespaces/stackspin-apps/helmreleases"
OVERRIDE = "/kubernetes/api/v1/namespaces/stackspin-apps/configmaps/stackspin-notes-override"
VELERO = "/kubernetes/apis/velero.io/v1/namespaces/velero"
LOGIN = "/hydra/admin/oauth2/auth/requests/login"
CONSENT = "/hydra/admin/oauth2/auth/requests/consent"
LOGOUT = "/hydra/admin/oauth2/auth/requests/logout"
ONWARD = "https://sso.stackspin.test/oauth2/auth?verifier=x"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = Services()
    account = tmp_path_factory.mktemp("account")
    (account / "token").write_text("token-of-the-dashboard")
    (account / "ca.crt").write_text("")
    source = str(PROJECT_ROOT / "fixtures" / "services" / "dashboard")
    environment = {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DASHBOARD_DOMAIN": HOST,
        "DASHBOARD_HYDRA_DOMAIN": "sso.stackspin.test",
        "DASHBOARD_KRATOS_PUBLIC_URL": f"{made.url}/kratos",
        "DASHBOARD_KRATOS_ADMIN_URL": f"{made.url}/kratos",
        "DASHBOARD_HYDRA_ADMIN_URL": f"{made.url}/hydra",
        "DASHBOARD_KUBERNETES_URL": f"{made.url}/kubernetes",
        "DASHBOARD_SERVICE_ACCOUNT": str(account),
        "DASHBOARD_SECRET_KEY": "key of the tests",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(source)
        for name, value in environment.items():
            patch.setenv(name, value)
        importlib.import_module("django").setup()
        from django.test.utils import setup_test_environment, teardown_test_environment

        setup_test_environment()
        yield made
        teardown_test_environment()
    made.close()


@pytest.fixture
def services(server: Services) -> Services:
    server.forget()
    server.answers["GET /kratos/sessions/whoami"] = (401, {})
    server.answers[f"GET {APPS}"] = (200, {"items": [release("notes")]})
    server.answers["GET /kubernetes/apis/helm.toolkit.fluxcd.io/v2/helmreleases"] = (
        200,
        {"items": [release("notes"), release("hydra", namespace="stackspin")]},
    )
    server.answers[f"GET {APPS}/notes"] = (200, release("notes"))
    server.answers["GET /kubernetes/api/v1/namespaces/flux-system/configmaps"] = (
        200,
        {
            "items": [
                {
                    "metadata": {"name": "stackspin-notes-kustomization-variables"},
                    "data": {"notes_domain": "notes.stackspin.test"},
                }
            ]
        },
    )
    return server


@pytest.fixture
def browser(services: Services) -> Any:
    """Django's test client: somebody who is not logged in."""
    del services
    from django.test import Client

    return Client(headers={"host": HOST}, enforce_csrf_checks=True, raise_request_exception=False)


def release(
    name: str,
    *,
    namespace: str = "stackspin-apps",
    title: str = "",
    history: tuple[str, ...] = ("deployed",),
    reconciling: str = "",
    stalled: str = "",
    **ready: Any,
) -> dict[str, Any]:
    """A HelmRelease of generation 2: Helm's ``history`` newest first, reasons of conditions."""
    conditions = [
        {
            "type": "Ready",
            "status": "True",
            "observedGeneration": 2,
            "message": "installed",
            **ready,
        }
    ]
    for kind, reason in (("Reconciling", reconciling), ("Stalled", stalled)):
        if reason:
            conditions.append({"type": kind, "status": "True", "reason": reason, "message": ""})
    annotations = {"annotations": {"stackspin.net/title": title}} if title else {}
    return {
        "metadata": {"name": name, "namespace": namespace, "generation": 2, **annotations},
        "spec": {},
        "status": {
            "conditions": conditions,
            "history": [{"chartVersion": "1.0.0", "status": status} for status in history],
        },
    }


def identity(roles: dict[str, str], name: str = "Ada", state: str = "active") -> dict[str, Any]:
    return {
        "id": PERSON,
        "state": state,
        "traits": {"email": "ada@stackspin.test", "name": name},
        "metadata_public": {"stackspin_roles": roles, "other": "kept"},
    }


def log_in(services: Services, roles: dict[str, str], **given: Any) -> None:
    now = datetime.now(UTC)
    session = {
        "id": "session-of-ada",
        "identity": identity(roles, **given),
        "authenticated_at": now.isoformat(),
        "expires_at": (now + timedelta(hours=1)).isoformat(),
        "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": "password"}],
    }
    services.answers["GET /kratos/sessions/whoami"] = (200, session)


def asks_login(services: Services, **changes: Any) -> None:
    request = {
        "challenge": "c",
        "skip": False,
        "subject": "",
        "session_id": "hydra-session",
        "request_url": "https://sso.stackspin.test/oauth2/auth?client_id=notes",
        "client": {"client_id": "notes", "redirect_uris": ["https://notes.stackspin.test/cb"]},
        **changes,
    }
    services.answers[f"GET {LOGIN}"] = (200, request)
    for answer in ("accept", "reject"):
        services.answers[f"PUT {LOGIN}/{answer}"] = (200, {"redirect_to": ONWARD})


def asks_consent(services: Services, **changes: Any) -> None:
    request = {
        "subject": PERSON,
        "requested_scope": ["openid", "email", "profile", "stackspin_roles"],
        "client": {
            "client_id": "notes",
            "client_name": SCRIPT,
            "redirect_uris": ["https://notes.stackspin.test/cb"],
        },
        **changes,
    }
    services.answers[f"GET {CONSENT}"] = (200, request)
    for answer in ("accept", "reject"):
        services.answers[f"PUT {CONSENT}/{answer}"] = (200, {"redirect_to": ONWARD})


def get(browser: Any, path: str) -> Any:
    return browser.get(path, secure=True)


def post(browser: Any, page: str, path: str, **values: str) -> Any:
    """Send a form as the page has it: with its token."""
    token = get(browser, page).context["csrf_token"]
    return browser.post(
        path,
        {"csrfmiddlewaretoken": str(token), **values},
        secure=True,
        headers={"origin": f"https://{HOST}"},
    )


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


def test_headers_of_every_page(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    headers = get(browser, "/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    cookie = browser.cookies["__Host-csrf"]
    assert (cookie["secure"], cookie["httponly"]) == (True, True)


def test_health_needs_neither_host_nor_tls(browser: Any) -> None:
    assert browser.get("/health", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert get(browser, "/").status_code == 302
    assert browser.get("/", headers={"host": "evil.test"}, secure=True).status_code == 400


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


def test_apps_are_those_with_a_role(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    page = get(browser, "/").text
    assert 'href="https://notes.stackspin.test/"' in page
    assert "Manage" not in page
    log_in(services, {"wordpress": "user"})
    assert "notes.stackspin.test" not in get(browser, "/").text


def test_administrators_see_what_fails(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    failing = release("notes", status="False", message=f"no chart {SCRIPT}")
    services.answers[f"GET {APPS}"] = (200, {"items": [failing]})
    page = get(browser, "/").text
    assert state_on(page) == "Failed"
    assert "no chart &lt;script&gt;" in page
    assert 'id="service-hydra"' in page


NOT_FETCHED = "HelmChart 'a/b' is not ready: latest generation of object has not been reconciled"
NO_CHART = "HelmChart 'a/b' is not ready: chart not found: no such file or directory"
UNKNOWN = {"status": "Unknown", "reason": "Progressing", "message": "Running 'install' action"}
FIRST = {"history": ()}


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("Ready", {}),
        # Flux looks every few minutes whether there is something to do.
        ("Ready", {"reconciling": "Progressing"}),
        ("Installing", {**UNKNOWN, **FIRST, "reconciling": "Progressing"}),
        ("Installing", {**FIRST, "status": "False", "reason": "SourceNotReady"}),
        ("Updating", {**UNKNOWN, "reconciling": "Progressing"}),
        ("Updating", {**UNKNOWN, "history": ("failed", "superseded"), "reconciling": "x"}),
        ("Updating", {"status": "False", "reason": "SourceNotReady", "reconciling": "Progressing"}),
        # Of an earlier generation: nobody has looked at the last change yet.
        ("Updating", {"observedGeneration": 1}),
        ("Updating", {"observedGeneration": 1, "status": "False", "stalled": "RetriesExceeded"}),
        ("Waiting", {**FIRST, "status": "False", "reason": "DependencyNotReady"}),
        ("Failing", {**FIRST, "status": "False", "reconciling": "ProgressingWithRetry"}),
        ("Failing", {"status": "False", "reason": "UpgradeFailed", "reconciling": "Progressing"}),
        ("Failed", {"status": "False", "reason": "InstallFailed", "stalled": "RetriesExceeded"}),
        ("Failed", {"status": "False", "reason": "ArtifactFailed"}),
    ],
)
def test_state_is_what_flux_says(
    browser: Any, services: Services, state: str, found: dict[str, Any]
) -> None:
    log_in(services, {"dashboard": "admin"})
    if found.get("reason") == "SourceNotReady":
        found = {**found, "message": NOT_FETCHED}
    services.answers[f"GET {APPS}"] = (200, {"items": [release("notes", **found)]})
    services.answers[f"GET {APPS}/notes"] = (200, release("notes", **found))
    assert state_on(get(browser, "/").text) == state
    assert state_on(get(browser, "/apps/notes").text) == state


def test_a_release_without_a_status_is_being_installed(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    new = {**release("notes"), "status": {}}
    services.answers[f"GET {APPS}"] = (200, {"items": [new]})
    assert state_on(get(browser, "/").text) == "Installing"


def test_a_chart_that_cannot_be_fetched_is_failing(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    without = {"status": "False", "reason": "SourceNotReady", "message": NO_CHART}
    broken = release("notes", history=(), reconciling="Progressing", **without)
    services.answers[f"GET {APPS}"] = (200, {"items": [broken]})
    page = get(browser, "/").text
    assert state_on(page) == "Failing"
    assert "no such file or directory" in page


def test_another_attempt_does_not_hide_the_failure(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    again = release("notes", history=("failed",), reconciling="Progressing", **UNKNOWN)
    again["status"]["failures"] = 1
    released = {"type": "Released", "status": "False", "message": "no pod became ready"}
    again["status"]["conditions"].append(released)
    services.answers[f"GET {APPS}"] = (200, {"items": [again]})
    page = get(browser, "/").text
    assert state_on(page) == "Failing"
    assert "no pod became ready" in page


def test_after_a_rollback_the_page_says_why(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    done = {"status": "False", "reason": "RollbackSucceeded", "message": "Helm rollback succeeded"}
    back = release("notes", stalled="RetriesExceeded", **done)
    released = {"type": "Released", "status": "False", "message": "no pod became ready"}
    back["status"]["conditions"].append(released)
    services.answers[f"GET {APPS}"] = (200, {"items": [back]})
    page = get(browser, "/").text
    assert state_on(page) == "Failed"
    assert "no pod became ready" in page
    assert "rollback succeeded" not in page


def test_a_suspended_app_is_not_said_to_fail(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    paused = release("notes", status="False", message="no chart", observedGeneration=1)
    paused["spec"] = {"suspend": True}
    services.answers[f"GET {APPS}"] = (200, {"items": [paused]})
    page = get(browser, "/").text
    assert state_on(page) == "Suspended"
    assert "no chart" in page


def state_on(page: str) -> str:
    """Return the first state that a page shows: that of its only app."""
    found = re.search(r'<span class="state (\S+)">([^<]*)</span>', page)
    assert found is not None
    assert found[1] == found[2].lower(), "the state has no colour"
    return found[2]


def test_apps_have_the_title_that_their_package_gives(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    found = [release("blog", title="WordPress"), release("my-app")]
    services.answers[f"GET {APPS}"] = (200, {"items": found})
    services.answers[f"GET {APPS}/blog"] = (200, found[0])
    someone = {**identity({"blog": "user", "dashboard": "admin"}), "id": OTHER}
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    velero_with(services, [])
    page = get(browser, "/").text
    assert re.findall(r"<h2>([^<]+)</h2>", page) == [
        "my-app",
        "WordPress",
        "Services of the platform",
    ]
    assert "<h1>WordPress</h1>" in get(browser, "/apps/blog").text
    assert '<label for="id_role-blog">WordPress</label>' in get(browser, "/users/new").text
    assert "WordPress: user" in get(browser, "/users").text
    assert "Dashboard: admin" in get(browser, "/users").text
    assert '<option value="blog">WordPress</option>' in get(browser, "/backups").text


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_packages_of_the_suite_have_titles(app: str) -> None:
    path = PROJECT_ROOT / "fixtures" / "flux2" / "apps" / app
    [client] = yaml.safe_load_all((path / "oauth2-client.yaml").read_text(encoding="utf-8"))
    [package] = yaml.safe_load_all((path / "release.yaml").read_text(encoding="utf-8"))
    # One name on the dashboard and where people log in.
    title = package["metadata"]["annotations"]["stackspin.net/title"]
    assert title == client["spec"]["clientName"]


@pytest.mark.parametrize(
    "path",
    ["/apps/notes", "/users", "/users/new", f"/users/{PERSON}", "/backups", "/backups/x/restore"],
)
def test_everybody_else_is_refused(browser: Any, services: Services, path: str) -> None:
    log_in(services, {"notes": "admin"})
    assert get(browser, path).status_code == 403
    assert post(browser, "/", path, action="suspend").status_code == 403
    writes = [one for one in services.asked if one.method not in ("GET", "HEAD")]
    assert writes == []


def test_suspend_and_resume(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers[f"PATCH {APPS}/notes"] = (200, {})
    post(browser, "/apps/notes", "/apps/notes", action="suspend")
    post(browser, "/apps/notes", "/apps/notes", action="resume")
    suspended, resumed = services.told("PATCH", f"{APPS}/notes")
    assert suspended == {"spec": {"suspend": True}}
    assert resumed["spec"] == {"suspend": False}
    assert "reconcile.fluxcd.io/requestedAt" in resumed["metadata"]["annotations"]
    assert services.asked[-1].headers["Authorization"] == "Bearer token-of-the-dashboard"


def test_configuration_is_applied_and_reconciled(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers[f"PATCH {OVERRIDE}"] = services.answers[f"PATCH {APPS}/notes"] = (200, {})
    values = {"action": "configure", "configmap-values": "title: Über\r\n"}
    answer = post(browser, "/apps/notes", "/apps/notes", **values)
    assert answer.status_code == 302
    [applied] = services.told("PATCH", OVERRIDE)
    assert applied["data"] == {"values.yaml": "title: Über\n"}
    assert len(services.told("PATCH", f"{APPS}/notes")) == 1


@pytest.mark.parametrize("values", ["title: [", "- a", "text", "a: b: c"])
def test_what_is_no_mapping_is_not_saved(browser: Any, services: Services, values: str) -> None:
    log_in(services, {"dashboard": "admin"})
    sent = {"action": "configure", "configmap-values": values}
    answer = post(browser, "/apps/notes", "/apps/notes", **sent)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert services.told("PATCH", OVERRIDE) == []


def test_secret_values_are_written_and_never_read(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    secret = OVERRIDE.replace("configmaps", "secrets")
    services.answers[f"PATCH {secret}"] = services.answers[f"PATCH {APPS}/notes"] = (200, {})
    sent = {"action": "configure-secret", "secret-values": "a: 1"}
    post(browser, "/apps/notes", "/apps/notes", **sent)
    [applied] = services.told("PATCH", secret)
    assert applied["stringData"] == {"values.yaml": "a: 1"}
    assert not services.told("GET", secret)


def test_an_invited_user_gets_link_and_code(browser: Any, services: Services) -> None:
    from django.core import mail

    log_in(services, {"dashboard": "admin"})
    services.answers["POST /kratos/admin/identities"] = (201, identity({"notes": "user"}))
    link = {"recovery_link": f"https://{HOST}/web/recovery?flow=f", "recovery_code": "123456"}
    services.answers["POST /kratos/admin/recovery/code"] = (201, link)
    sent = {"email": "ada@stackspin.test", "name": "Ada", "role-notes": "user"}
    answer = post(browser, "/users/new", "/users/new", **sent)
    assert answer.headers["Location"] == f"/users/{PERSON}"
    [made] = services.told("POST", "/kratos/admin/identities")
    assert made["metadata_public"] == {"stackspin_roles": {"notes": "user"}}
    text = mail.outbox[-1].body
    assert link["recovery_link"] in text
    assert "123456" in text


def test_a_known_address_is_refused(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers["POST /kratos/admin/identities"] = (409, {"error": {"code": 409}})
    answer = post(browser, "/users/new", "/users/new", email="ada@stackspin.test")
    assert answer.status_code == 422
    assert "There is a user with this address" in answer.text


def other_user(services: Services, roles: dict[str, str]) -> None:
    found = {**identity(roles), "id": OTHER}
    services.answers[f"GET /kratos/admin/identities/{OTHER}"] = (200, found)
    services.answers[f"PATCH /kratos/admin/identities/{OTHER}"] = (200, found)


def test_roles_are_changed_and_others_kept(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    other_user(services, {"notes": "user", "gone-app": "user"})
    services.answers["DELETE /hydra/admin/oauth2/auth/sessions/consent"] = (204, None)
    page = f"/users/{OTHER}"
    post(browser, page, page, action="roles", **{"role-notes": ""})
    [[patch]] = services.told("PATCH", f"/kratos/admin/identities/{OTHER}")
    assert patch["value"] == {"stackspin_roles": {"gone-app": "user"}, "other": "kept"}
    assert services.asked[-1].query == {"subject": OTHER, "client": "notes"}


def test_nobody_shuts_themselves_out(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers[f"GET /kratos/admin/identities/{PERSON}"] = (
        200,
        identity({"dashboard": "admin"}),
    )
    page = f"/users/{PERSON}"
    assert post(browser, page, page, action="roles").status_code == 422
    post(browser, page, page, action="disable")
    assert services.told("PATCH", f"/kratos/admin/identities/{PERSON}") == []


def test_a_disabled_user_is_out_everywhere(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    other_user(services, {})
    consents = [{"consent_request": {"login_session_id": "one"}}]
    services.answers["GET /hydra/admin/oauth2/auth/sessions/consent"] = (200, consents)
    page = f"/users/{OTHER}"
    post(browser, page, page, action="disable")
    [[patch]] = services.told("PATCH", f"/kratos/admin/identities/{OTHER}")
    assert patch == {"op": "add", "path": "/state", "value": "inactive"}
    ended = [(one.path, one.query) for one in services.asked if one.method == "DELETE"]
    assert ended == [
        (f"/kratos/admin/identities/{OTHER}/sessions", {}),
        ("/hydra/admin/oauth2/auth/sessions/login", {"sid": "one"}),
        ("/hydra/admin/oauth2/auth/sessions/login", {"subject": OTHER}),
        ("/hydra/admin/oauth2/auth/sessions/consent", {"subject": OTHER, "all": "true"}),
    ]


HOSTILE = f"Eve'\"></title></textarea>{SCRIPT}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/users",
        "/users/new",
        f"/users/{OTHER}",
        "/apps/notes",
        "/backups",
        "/backups/notes-x/restore",
    ],
)
def test_what_people_write_is_text_on_every_page(
    browser: Any, services: Services, path: str
) -> None:
    log_in(services, {"dashboard": "admin"}, name=HOSTILE)
    hostile_texts(services)
    page = get(browser, path)
    assert page.status_code == 200
    assert_is_text(page)


@pytest.mark.parametrize("action", ["roles", "disable", "enable", "invite"])
def test_what_people_write_is_text_in_messages(
    browser: Any, services: Services, action: str
) -> None:
    log_in(services, {"dashboard": "admin"})
    hostile_texts(services)
    recovery = {"recovery_link": "https://a", "recovery_code": "1"}
    services.answers["POST /kratos/admin/recovery/code"] = (200, recovery)
    page = f"/users/{OTHER}"
    post(browser, page, page, action=action)
    answer = get(browser, page)
    assert 'class="message' in answer.text
    assert_is_text(answer)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/users/new", {"email": HOSTILE, "name": HOSTILE, "role-notes": HOSTILE}),
        ("/apps/notes", {"action": "configure", "configmap-values": f"{HOSTILE}: [unclosed"}),
        ("/apps/notes", {"action": "configure-secret", "secret-values": f"[{HOSTILE}"}),
    ],
)
def test_what_is_refused_comes_back_as_text(
    browser: Any, services: Services, path: str, sent: dict[str, str]
) -> None:
    log_in(services, {"dashboard": "admin"})
    hostile_texts(services)
    answer = post(browser, path, path, **sent)
    assert answer.status_code == 422
    assert_is_text(answer)


def hostile_texts(services: Services) -> None:
    """Have every text that the dashboard is told of somebody or something begin a script."""
    someone = {**identity({HOSTILE: HOSTILE}, name=HOSTILE), "id": OTHER}
    someone["traits"]["email"] = HOSTILE
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    for method in ("GET", "PATCH"):
        services.answers[f"{method} /kratos/admin/identities/{OTHER}"] = (200, someone)
    services.answers["GET /hydra/admin/oauth2/auth/sessions/consent"] = (200, [])
    failing = release("notes", status="False", message=HOSTILE)
    failing["status"]["history"] = [{"chartVersion": HOSTILE, "appVersion": HOSTILE}]
    services.answers[f"GET {APPS}"] = (200, {"items": [failing]})
    services.answers[f"GET {APPS}/notes"] = (200, failing)
    services.answers[f"GET {OVERRIDE}"] = (200, {"data": {"values.yaml": HOSTILE}})
    named = {"name": "notes-x", "creationTimestamp": "2026-01-01T00:00:00Z"}
    status = {"phase": HOSTILE, "failureReason": HOSTILE, "message": HOSTILE}
    spec = {
        "labelSelector": {"matchLabels": {"stackspin.net/backupSet": HOSTILE}},
        "backupName": HOSTILE,
        "objectStorage": {"bucket": HOSTILE},
    }
    item = {"metadata": named, "spec": spec, "status": status}
    for kind in ("backups", "restores", "backupstoragelocations"):
        services.answers[f"GET {VELERO}/{kind}"] = (200, {"items": [item]})
    services.answers[f"GET {VELERO}/backups/notes-x"] = (200, item)


def assert_is_text(page: Any) -> None:
    """Raise unless the page shows the hostile text, and none of it as HTML."""
    assert SCRIPT not in page.text
    assert "Eve'" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_backups_without_velero_are_explained(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    assert "Velero is not installed" in get(browser, "/backups").text


def velero_with(
    services: Services,
    backups: list[Any],
    restores: tuple[Any, ...] = (),
    locations: tuple[Any, ...] = (),
) -> None:
    services.answers[f"GET {VELERO}/backups"] = (200, {"items": backups})
    services.answers[f"GET {VELERO}/restores"] = (200, {"items": restores})
    services.answers[f"GET {VELERO}/backupstoragelocations"] = (200, {"items": locations})
    for backup in backups:
        services.answers[f"GET {VELERO}/backups/{backup['metadata']['name']}"] = (200, backup)


BACKUP = {
    "metadata": {"name": "notes-x", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"labelSelector": {"matchLabels": {"stackspin.net/backupSet": "notes"}}},
    "status": {
        "phase": "Completed",
        "startTimestamp": "2026-01-01T00:00:00Z",
        "expiration": "2026-01-31T00:00:00Z",
    },
}


@pytest.mark.parametrize("path", ["/", "/users", "/backups"])
def test_each_cell_names_its_column(browser: Any, services: Services, path: str) -> None:
    """On a phone the head of a table is out of sight; the style sheet shows these names."""
    log_in(services, {"dashboard": "admin"})
    someone = {**identity({"notes": "user"}), "id": OTHER}
    services.answers["GET /kratos/admin/identities"] = (200, [someone])
    restore = {**BACKUP, "spec": {"backupName": "notes-x"}}
    location = {"metadata": {"name": "default"}, "spec": {}, "status": {"phase": "Available"}}
    velero_with(services, [BACKUP], (restore,), (location,))
    tables = re.findall(r"(?s)<table>(.*?)</table>", get(browser, path).text)
    assert tables
    for table in tables:
        _, *heads = re.findall(r'<th scope="col">(.*?)</th>', table)
        columns = [head for head in heads if "Actions" not in head]
        cells = re.findall(r'<td(?: class="why")? data-label="([^"]+)"', table)
        assert cells == columns
    style = get(browser, re.search(r"/static/style\S+?css", get(browser, path).text)[0])
    assert "content: attr(data-label)" in style.text


def test_backup_and_restore(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    velero_with(services, [BACKUP])
    made = {"metadata": {"name": "made"}}
    for kind in ("backups", "restores"):
        services.answers[f"POST {VELERO}/{kind}"] = (201, made)
    assert "notes-x" in get(browser, "/backups").text
    post(browser, "/backups", "/backups", app="notes")
    [started] = services.told("POST", f"{VELERO}/backups")
    assert started["spec"]["labelSelector"]["matchLabels"] == {"stackspin.net/backupSet": "notes"}
    post(browser, "/backups/notes-x/restore", "/backups/notes-x/restore")
    [restored] = services.told("POST", f"{VELERO}/restores")
    assert restored["spec"] == {"backupName": "notes-x"}


def test_a_service_that_is_away_is_said_so(browser: Any, services: Services) -> None:
    log_in(services, {"dashboard": "admin"})
    services.answers["GET /kratos/admin/identities"] = (500, {})
    page = get(browser, "/users")
    assert page.status_code == 503
    assert "does not answer" in page.text


def test_cookies_of_the_services_stay_with_nobody(browser: Any, services: Services) -> None:
    log_in(services, {"notes": "user"})
    get(browser, "/")
    get(browser, "/")
    assert not any("somebody" in one.headers.get("Cookie", "") for one in services.asked)
    assert "somebody" not in browser.cookies


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
