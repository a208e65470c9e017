"""What only administrators may do on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp
    from conformance.services.login_pages import User


def forbidden_to(member: User, managed: TrackedApp) -> dict[str, list[dict[str, str]]]:
    """Return the pages for administrators, each with forms that other users could send to it."""
    return {
        f"/apps/{managed.name}": [
            {"action": "suspend"},
            {"action": "resume"},
            {"action": "configure", "configmap-values": "title: Mine"},
            {"action": "configure-secret", "secret-values": "title: Mine"},
        ],
        "/users": [{}],
        "/users/new": [{"email": f"new-{member.email}", f"role-{managed.name}": "admin"}],
        f"/users/{member.id}": [
            {"action": "roles", "role-dashboard": "admin"},
            {"action": "disable"},
            {"action": "invite"},
        ],
        "/backups": [{"app": managed.name}],
        "/backups/any/restore": [{}],
    }
