"""The dashboard's pages in somebody's browser: what they show, and what can be done there.

Everything is found by what users see or a screen reader says: labels, names of buttons, headings.
The pages are those of the reference dashboard, which says so in its ``generator``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from conformance.services.login_pages import User
from conformance.services.visitor import Visitor

CODE = re.compile(r"this code: (\d+)")
LINK = re.compile(r"https://\S+/web/recovery\S*")
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea"


@dataclass(frozen=True)
class AppEntry:
    """An app in the list on the first page."""

    title: str
    address: str
    """Where its link leads; empty without one."""
    state: str
    """Ready, Installing, Updating, Waiting, Failing, Failed or Suspended; empty for users who are
    no administrators."""
    version: str
    explanation: str


class Dashboard:
    """The dashboard at ``url`` (without a slash at the end), in the browser of ``visitor``."""

    def __init__(self, visitor: Visitor, url: str) -> None:
        self.visitor = visitor
        self.url = url

    @property
    def page(self) -> Page:
        """The browser's page."""
        return self.visitor.page

    def open(self, path: str) -> None:
        """Go to a page of the dashboard."""
        self.visitor.open(f"{self.url}{path}")

    def log_in(self, user: User) -> None:
        """Log in; returns at the list of apps."""
        self.open("/web/login")
        self.visitor.fill("E-mail", user.email)
        self.visitor.fill("Password", user.password)
        self.visitor.press("Log in")
        self._heading("Apps")

    def apps(self) -> dict[str, AppEntry]:
        """Return the list of apps on the first page, by name."""
        self.open("/")
        self._heading("Apps")
        return {
            str(item.get_attribute("id")).removeprefix("app-"): _entry(item)
            for item in self.page.get_by_role("list", name="Apps").get_by_role("listitem").all()
        }

    def suspend(self, app: str) -> str:
        """Suspend an app; return the state that its page shows then."""
        return self._change_app(app, "Suspend", "suspended")

    def resume(self, app: str) -> str:
        """Resume an app; return the state that its page shows then."""
        return self._change_app(app, "Resume", "resumed")

    def configure(self, app: str, values: str, *, secret: bool = False) -> str:
        """Save values in the override ConfigMap or Secret; return what the page says to that."""
        self.open(f"/apps/{app}")
        kind = "Secret" if secret else "ConfigMap"
        self.page.get_by_label(f"Values in the {kind}").fill(values)
        self.visitor.send(f"Save the {'secret ' if secret else ''}configuration")
        return self.said()

    def configuration(self, app: str) -> str:
        """Return the values in the override ConfigMap, as the app's page shows them."""
        self.open(f"/apps/{app}")
        return self.page.get_by_label("Values in the ConfigMap").input_value()

    def users(self) -> set[str]:
        """Return the e-mail addresses of the users that are listed."""
        self.open("/users")
        self._heading("Users")
        rows = self.page.get_by_role("table").locator("tbody tr").all()
        return {row.locator("td").first.inner_text() for row in rows}

    def invite(self, email: str, name: str, roles: Mapping[str, str]) -> str:
        """Make a user with roles by app; return what the page says to that."""
        self.open("/users/new")
        self.visitor.fill("E-mail", email)
        self.page.get_by_label("Name", exact=True).fill(name)
        for app, role in roles.items():
            self._choose_role(app, role)
        self.visitor.send("Create the user")
        self._heading(name)
        return self.said()

    def give_role(self, user: User, app: str, role: str) -> None:
        """Give a user a role for an app; an empty one takes it away."""
        self._open_user(user)
        self._choose_role(app, role)
        self._press_and_see("Save the roles", "The roles of")

    def disable(self, user: User) -> None:
        """Disable a user's account."""
        self._open_user(user)
        self._press_and_see("Disable the account", "is disabled")

    def enable(self, user: User) -> None:
        """Enable a user's account again."""
        self._open_user(user)
        self._press_and_see("Enable the account", "is enabled")

    def choose_password(self, mail: str, password: str) -> None:
        """Follow the invitation in a mail: its link, its code, a new password."""
        link, code = LINK.search(mail), CODE.search(mail)
        assert link, f"the mail has no link: {mail}"  # noqa: S101
        assert code, f"the mail has no code: {mail}"  # noqa: S101
        self.visitor.open(link[0])
        self.visitor.fill("Code", code[1])
        self.visitor.send("Continue")
        refused = "the code of the mail is refused"
        assert "/web/settings" in self.page.url, f"{refused}: {self.said()}"  # noqa: S101
        self.visitor.fill("New password", password)
        self._press_and_see("Save the new password", "saved")

    def back_up(self, app: str) -> str:
        """Back an app up now; return the backup's name."""
        self.open("/backups")
        self.page.get_by_label("App", exact=True).select_option(app)
        self.visitor.press("Back up now")
        return self._named(r"Backup (\S+) has begun")

    def restore(self, backup: str) -> str:
        """Restore a backup; return the restore's name."""
        self.open("/backups")
        self.page.get_by_role("link", name=f"Restore {backup}").click()
        self.visitor.press("Restore")
        return self._named(r"Restore (\S+) has begun")

    def phase(self, kind: str, name: str) -> str:
        """Return the state that the page shows of a ``backup``, ``restore`` or ``location``."""
        self.open("/backups")
        return self.page.locator(f"[id='{kind}-{name}'] .state").inner_text()

    def said(self) -> str:
        """Return what the page told in answer to the last thing done."""
        found = self.page.locator("[role=status] p, [role=alert], .error").all_inner_texts()
        return " ".join(dict.fromkeys(text.strip() for text in found))

    def unlabelled(self) -> list[str]:
        """Return the controls of this page that a screen reader has no name for."""
        nameless = self.page.locator(CONTROLS).evaluate_all(
            """controls => controls.filter(control => {
                const labels = control.labels ? [...control.labels] : [];
                const own = ["A", "BUTTON"].includes(control.tagName) ? control.innerText : "";
                const texts = [control.getAttribute("aria-label"), own,
                               ...labels.map(label => label.innerText)];
                return !texts.some(text => text && text.trim());
            }).map(control => control.outerHTML.slice(0, 120))"""
        )
        return [str(control) for control in nameless]

    def unreachable(self) -> list[str]:
        """Return the controls of this page that the Tab key does not reach."""
        controls = self.page.locator(CONTROLS)
        controls.evaluate_all("all => all.forEach((one, n) => one.dataset.number = n)")
        reached = set()
        self.page.evaluate("document.activeElement.blur()")
        for _ in range(controls.count() + 5):
            self.page.keyboard.press("Tab")
            reached.add(self.page.evaluate("document.activeElement.dataset.number"))
        return [
            str(one.evaluate("control => control.outerHTML.slice(0, 120)"))
            for number, one in enumerate(controls.all())
            if str(number) not in reached
        ]

    def overflow(self) -> int:
        """Return by how many pixels this page is wider than the window."""
        root = "document.documentElement"
        return int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))

    def _change_app(self, app: str, button: str, told: str) -> str:
        self.open(f"/apps/{app}")
        self._press_and_see(button, told)
        return self.page.locator("#state").inner_text()

    def _open_user(self, user: User) -> None:
        self.open("/users")
        row = self.page.get_by_role("row").filter(has_text=user.email)
        row.get_by_role("link").click()

    def _choose_role(self, app: str, role: str) -> None:
        self.page.locator(f"select[name='role-{app}']").select_option(role)

    def _press_and_see(self, button: str, told: str) -> None:
        self.visitor.press(button)
        self.page.locator("[role=status], [role=alert]").get_by_text(told).wait_for()

    def _named(self, pattern: str) -> str:
        told = self.page.get_by_role("status").get_by_text("has begun").inner_text()
        found = re.search(pattern, told)
        assert found, told  # noqa: S101
        return found[1]

    def _heading(self, text: str) -> None:
        self.page.get_by_role("heading", name=text, level=1).wait_for()


def _entry(item: Locator) -> AppEntry:
    heading = item.get_by_role("heading")
    return AppEntry(
        title=heading.inner_text(),
        address=_first(item.locator("h2 a").evaluate_all("links => links.map(a => a.href)")),
        state=_first(item.locator(".state").all_inner_texts()),
        version=_first(item.locator(".version").all_inner_texts()),
        explanation=_first(item.locator(".why").all_inner_texts()),
    )


def _first(texts: Iterable[str]) -> str:
    return next(iter(texts), "")
