"""An app is restored with its place in the platform's login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.services.login_pages import shown
from conformance.services.velero import COMPLETED, Velero
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.login import AppWithLogin


@check(
    "backup_restore.login_after_restore",
    promise="Users can log in to a restored app: its OAuth2Client and client secret are restored.",
    apps=extended("notes", "wordpress"),
)
def test_login_after_restore(app_with_login: AppWithLogin, velero: Velero) -> None:
    seed = app_with_login.install()
    assert_newcomer_logs_in(app_with_login)
    backup = app_with_login.back_up()
    assert backup.phase == COMPLETED, velero.explain(backup.item)
    assert not app_with_login.lose(), "not everything was lost, so the restore proves nothing"
    restore = app_with_login.restore()
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    app_with_login.app.verify(seed)
    assert_newcomer_logs_in(app_with_login)


def assert_newcomer_logs_in(app_with_login: AppWithLogin) -> None:
    """Let somebody who has never been there log in."""
    user = app_with_login.newcomer()
    page, profile = app_with_login.log_in(user)
    assert profile.ok, f"not logged in, but {shown(page)}"
    assert user.email in profile.text, f"not known as {user.email}, but {shown(page)}"
