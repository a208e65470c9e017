"""Users: invited, given roles, shut out."""

from __future__ import annotations

from typing import Any

from dashboard_answers import HOST, OTHER, PERSON, identity, log_in
from dashboard_pages import post
from dashboard_services import Services


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
