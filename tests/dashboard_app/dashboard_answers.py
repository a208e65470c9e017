"""What Kratos, Hydra and the Kubernetes API answer the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard_services import Services

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
BACKUP = {
    "metadata": {"name": "notes-x", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"labelSelector": {"matchLabels": {"stackspin.net/backupSet": "notes"}}},
    "status": {
        "phase": "Completed",
        "startTimestamp": "2026-01-01T00:00:00Z",
        "expiration": "2026-01-31T00:00:00Z",
    },
}


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
