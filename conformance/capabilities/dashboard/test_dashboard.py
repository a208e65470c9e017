"""The dashboard: users see the apps they may use; administrators manage apps, users and backups.

Each action is verified in the page, in the API behind it, and in the app. Logging in to apps,
consent and a user's own account are checked with single sign-on.
"""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps.flux_package import commits_in
from conformance.capabilities.dashboard.administration import forbidden_to
from conformance.capabilities.dashboard.releases import RELEASE, VALUES, attempted
from conformance.common.soon import soon
from conformance.kube.conditions import find_condition
from conformance.platform.features import PlatformFeature
from conformance.services.browser import PHONE
from conformance.services.dashboard import Dashboard
from conformance.services.form_browser import Form
from conformance.services.velero import Velero
from conformance.suite.check import check as any_check

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp
    from conformance.capabilities.dashboard.app_login import AppLogin
    from conformance.capabilities.dashboard.browsers import DashboardOf
    from conformance.capabilities.dashboard.canary import Canary
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.report.evidence import EvidenceBox
    from conformance.services.browser import Browser
    from conformance.services.login_pages import User
    from conformance.suite.accounts import Accounts


COMMITS = commits_in(Path(__file__).with_name("commits.yaml"))
check = partial(
    any_check,
    touches="platform",
    effect="installs an app among those of the platform, and administers it",
    features=(PlatformFeature.REFERENCE_DASHBOARD,),
)
"""What all of these checks have in common."""


@check(
    "dashboard.lists_apps_of_a_person",
    promise="The first page lists exactly the apps that the user has a role for.",
)
def test_lists_apps_of_a_person(
    dashboard_of: DashboardOf,
    administrator: User,
    member: User,
    accounts: Accounts,
    managed: TrackedApp,
    canary: Canary,
) -> None:
    with dashboard_of(administrator) as dashboard:
        assert {managed.name, canary.name} <= dashboard.apps().keys(), (
            "administrators do not see all apps"
        )
        dashboard.visitor.screenshot(f"apps-{administrator.name}")
    with dashboard_of(accounts.user("nora", may_use={})) as dashboard:
        assert dashboard.apps() == {}, "somebody without a role sees apps"
    with dashboard_of(member) as dashboard:
        apps = dashboard.apps()
        dashboard.visitor.screenshot(f"apps-{member.name}")
    assert apps.keys() == {managed.name}, f"somebody with a role for one app sees {list(apps)}"
    assert apps[managed.name].address == f"{managed.url}/", "the app's link leads elsewhere"


@check(
    "dashboard.shows_failing_release",
    promise="Administrators see each app's state and version, and why an app fails.",
)
def test_shows_failing_release(
    admin: Dashboard, managed: TrackedApp, broken_release: Object
) -> None:
    apps = admin.apps()
    admin.visitor.screenshot("a failing release")
    assert (apps[managed.name].state, apps[managed.name].version) == ("Ready", "1.0.0")
    broken = apps[broken_release["metadata"]["name"]]
    # Failing while Flux still looks for the chart, Failed when it has given up.
    assert broken.state in ("Failing", "Failed"), (
        f"the page says {broken.state} of a release that fails"
    )
    why = (find_condition(broken_release, "Ready") or {})["message"]
    assert broken.explanation, "the page does not say why"
    assert why.startswith(broken.explanation.rstrip("…"))


@check(
    "dashboard.suspend_and_resume",
    promise="A suspended app gets no changes; once resumed, it gets the changes it missed.",
)
def test_suspend_and_resume(
    admin: Dashboard, managed: TrackedApp, canary: Canary, kube: Kube
) -> None:
    before = managed.ask("/api/config")["values"]["title"]
    assert canary.title() == before
    state = admin.suspend(managed.name)
    assert state == "Suspended", f"the page says {state} of an app just suspended"
    admin.visitor.screenshot("suspended")
    release = kube.get(*RELEASE, managed.name, managed.namespace)
    assert release["spec"].get("suspend") is True, "the HelmRelease is not suspended"
    managed.wait_applied(managed.push(COMMITS["new_title"]))
    managed.reconcile_release()
    assert canary.title() == "A title by a commit", (
        "the commit does not reach the app that is not suspended"
    )
    now = kube.get(*RELEASE, managed.name, managed.namespace)
    assert attempted(now) == attempted(release), "a commit reached the suspended app"
    assert managed.ask("/api/config")["values"]["title"] == before, (
        "the suspended app's title has changed"
    )
    assert admin.resume(managed.name) != "Suspended"
    managed.wait_reconciled()
    assert managed.ask("/api/config")["values"]["title"] == "A title by a commit"


@check(
    "dashboard.configures_app",
    promise="Values that an administrator saves reach the app; values in the Secret beat them.",
)
def test_configures_app(admin: Dashboard, managed: TrackedApp, kube: Kube) -> None:
    assert "saved" in admin.configure(managed.name, "title: Über uns\n")
    override = kube.get("v1", "ConfigMap", f"stackspin-{managed.name}-override", managed.namespace)
    assert override["data"].get(VALUES) == "title: Über uns\n", "no values in the ConfigMap"
    managed.wait_reconciled()
    assert managed.ask("/api/config")["values"]["title"] == "Über uns"
    assert admin.configuration(managed.name) == "title: Über uns\n"
    admin.visitor.screenshot("configuration")
    assert "saved" in admin.configure(managed.name, "title: From the Secret", secret=True)
    secret = kube.get("v1", "Secret", f"stackspin-{managed.name}-override", managed.namespace)
    assert base64.b64decode(secret["data"][VALUES]).decode() == "title: From the Secret"
    managed.wait_reconciled()
    assert managed.ask("/api/config")["values"]["title"] == "From the Secret"


@check(
    "dashboard.refuses_invalid_values",
    promise="Values that are not a YAML mapping are not saved, and the page says what is wrong.",
)
def test_refuses_invalid_values(admin: Dashboard, managed: TrackedApp, kube: Kube) -> None:
    name = f"stackspin-{managed.name}-override"
    before = kube.find("v1", "ConfigMap", name, managed.namespace)
    answer = admin.configure(managed.name, "title: ok\nother: [unclosed")
    admin.visitor.screenshot("invalid values")
    assert "line 2" in answer, f"the page does not say what is wrong with the YAML: {answer}"
    assert "saved" not in admin.configure(managed.name, "- a\n- list"), "a list was saved as values"
    assert kube.find("v1", "ConfigMap", name, managed.namespace) == before, (
        "the ConfigMap has changed"
    )


@check(
    "dashboard.invites_user",
    promise="A user created by an administrator sets a password by mail and can log in.",
)
def test_invites_user(
    admin: Dashboard,
    browser: Browser,
    evidence: EvidenceBox,
    app_login: AppLogin,
    newcomer: User,
    accounts: Accounts,
) -> None:
    name = app_login.app.name
    assert newcomer.email in admin.invite(newcomer.email, newcomer.name, {name: "user"})
    admin.visitor.screenshot("invited")
    assert newcomer.email in admin.users()
    admin.visitor.screenshot("users")
    identity = accounts.kratos.find(newcomer.email)
    assert identity is not None, "Kratos has no such identity"
    assert (identity.name, identity.roles) == (newcomer.name, {name: "user"})
    mail = accounts.mail.wait_for(newcomer.email)
    with browser.visitor(evidence, "newcomer") as visitor:
        Dashboard(visitor, admin.url).choose_password(mail.text, newcomer.password)
        visitor.screenshot("password chosen")
    assert app_login.roles_of(newcomer) == ["user"]


@check(
    "dashboard.disables_user",
    promise="A disabled user is logged out of everything, and can log in again once enabled.",
)
def test_disables_user(
    admin: Dashboard, app_login: AppLogin, accounts: Accounts, managed: TrackedApp
) -> None:
    user = accounts.user("dan", may_use={managed.name: "user"})
    inside = accounts.login_client(user)
    inside.walk(managed.login_url, "")
    tokens = app_login.tokens_of(user)
    admin.disable(user)
    admin.visitor.screenshot("disabled")
    assert accounts.kratos.get(user.id).state == "inactive", "the user is still active in Kratos"
    assert accounts.kratos.sessions(user.id) == []
    # The provider notifies the app while it answers the dashboard.
    within = accounts.kube.timeouts.back_channel
    out = soon(lambda: inside.browser.open(f"{managed.url}/api/me").status == 401, within=within)
    assert out, "the app still lets them in"
    assert (valid := app_login.still_valid(tokens)) == [], (
        f"disabled, but still valid for apps: {valid}"
    )
    assert "disabled" in app_login.refusal_of(user)
    admin.enable(user)
    assert app_login.roles_of(user) == ["user"]


@check(
    "dashboard.roles_decide",
    promise="A user's role decides whether an app lets them in; without it, the app's tokens end.",
)
def test_roles_decide(
    admin: Dashboard, app_login: AppLogin, accounts: Accounts, managed: TrackedApp
) -> None:
    user = accounts.user("rose", may_use={})
    assert "access_denied" in app_login.refusal_of(user)
    for role in ("user", "admin"):
        admin.give_role(user, managed.name, role)
        assert accounts.kratos.get(user.id).roles == {managed.name: role}, "Kratos has other roles"
        assert app_login.roles_of(user) == [role]
    admin.visitor.screenshot("roles")
    tokens = app_login.tokens_of(user)
    admin.give_role(user, managed.name, "")
    assert (valid := app_login.still_valid(tokens)) == [], (
        f"no role, but still valid for the app: {valid}"
    )
    assert "access_denied" in app_login.refusal_of(user)


@check(
    "dashboard.for_administrators_only",
    promise="Only administrators can manage apps, users and backups, whatever others send.",
)
def test_for_administrators_only(
    dashboard_url: str, member: User, accounts: Accounts, managed: TrackedApp, kube: Kube
) -> None:
    login_client = accounts.login_client(member)
    page = login_client.walk(f"{dashboard_url}/web/login", "")
    token = page.form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
    before = kube.get(*RELEASE, managed.name, managed.namespace)["spec"]
    for path, values in forbidden_to(member, managed).items():
        assert login_client.browser.open(f"{dashboard_url}{path}").status == 403, f"shows {path}"
        for sent in values:
            form = Form(f"{dashboard_url}{path}", "post", {"csrfmiddlewaretoken": token})
            # A redirect counts as an answer: the page that it leads to may still be refused.
            answer = login_client.browser.send(page, form, sent, until=dashboard_url)
            assert answer.status == 403, f"accepts {sent} at {path}"
    assert kube.get(*RELEASE, managed.name, managed.namespace)["spec"] == before
    assert accounts.kratos.get(member.id).roles == {managed.name: "user"}
    assert accounts.kratos.find(f"new-{member.email}") is None


@check(
    "dashboard.backs_up_now",
    promise="A backup that an administrator starts completes and contains the app's volumes.",
    effect="backs up all apps of the platform",
)
def test_backs_up_now(admin: Dashboard, velero: Velero, managed: TrackedApp) -> None:
    managed.wait_served()
    name = admin.back_up(managed.name)
    backup = velero.completed("Backup", name)
    assert admin.phase("backup", name) == "Completed"
    velero.location_is("Available", velero.location)
    assert admin.phase("location", velero.location) == "Available"
    admin.visitor.screenshot("backups")
    assert backup["spec"]["includedNamespaces"] == [managed.namespace]
    assert [one.volume for one in velero.volumes(backup)] == ["data"], "volumes are left out"


@check(
    "dashboard.restores_backup",
    level="extended",
    promise="A restore in the dashboard brings back a destroyed app with its data.",
    effect="restores all apps of the platform from a backup",
)
def test_restores_backup(admin: Dashboard, velero: Velero, managed: TrackedApp) -> None:
    seed = managed.seed()
    backup = admin.back_up(managed.name)
    velero.completed("Backup", backup)
    admin.suspend(managed.name)
    managed.destroy()
    restore = admin.restore(backup)
    velero.completed("Restore", restore)
    assert admin.phase("restore", restore) == "Completed"
    admin.visitor.screenshot("restored")
    admin.resume(managed.name)
    managed.wait_reconciled()
    managed.verify(seed)


@check(
    "dashboard.usable_by_everybody",
    promise="Every control has a name and can be reached by keyboard, and pages fit on a phone.",
)
def test_usable_by_everybody(
    dashboard_of: DashboardOf, administrator: User, member: User, managed: TrackedApp
) -> None:
    with dashboard_of(administrator, size=PHONE) as dashboard:
        for name, path in {
            "apps": "/",
            "app": f"/apps/{managed.name}",
            "users": "/users",
            "new user": "/users/new",
            "user": f"/users/{member.id}",
            "backups": "/backups",
            "settings": "/web/settings",
            "logout": "/web/logout",
        }.items():
            dashboard.open(path)
            dashboard.visitor.screenshot(f"phone-{name}")
            assert dashboard.unlabelled() == [], f"controls without a name at {path}"
            assert dashboard.unreachable() == [], (
                f"controls that the keyboard does not reach at {path}"
            )
            assert dashboard.overflow() <= 0, f"{path} is wider than a phone"
