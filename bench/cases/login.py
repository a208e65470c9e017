"""From an app's login link to the app, in a browser."""

from __future__ import annotations

from pathlib import Path

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.catalogue import NOTES
from conformance.capabilities.single_sign_on.app_sessions import AppSessions
from conformance.common.run_folder import run_folder
from conformance.platform.reference import ReferenceStack
from conformance.services.browser import Browser
from conformance.services.browser_forms import gives_password
from conformance.suite.accounts import Accounts

LOGINS = 5


class Nothing:
    """Keeps no evidence."""

    def attach(self, name: str, content: str | bytes | Path) -> Path:
        """Keep nothing."""
        del content
        return Path(name)

    def screenshot(self, name: str, jpeg: bytes) -> Path:
        """Keep nothing."""
        return self.attach(name, jpeg)


@benchmark("login", Measure("round trip", target=3.0), Measure("first, with consent"))
def login(lab: Lab) -> Samples:
    """Login page, password, the app's own page: by a user in the browser, cookies empty."""
    lab.notes  # noqa: B018 - builds it before the clock runs
    with lab.running() as (cluster, kube), run_folder(lab.settings.cache_dir / "browser") as folder:
        stack = ReferenceStack(
            lab.settings, cluster, kube, lab.new_components(), say=lambda _: None
        )
        lab.push_notes(cluster)
        stack.single_sign_on()
        stack.app(NOTES.name)
        settings, trusted = lab.settings, stack.certificate.ca_certificate
        accounts = Accounts(kube, settings.domain, stack.http, "default", settings.run_id)
        app_sessions, user = AppSessions(accounts), accounts.user("zoe")
        accounts.http().get_routed(app_sessions.url(NOTES))
        seconds = []
        with Browser(settings.domain, cluster.node_address, trusted, folder) as browser:
            for number in range(1 + LOGINS):
                with browser.visitor(Nothing()) as zoe:
                    clock = Stopwatch()
                    app_sessions.begins_login(zoe, NOTES)
                    gives_password(zoe, user)
                    if number == 0:
                        app_sessions.allows(zoe, NOTES)
                    zoe.arrives(app_sessions.url(NOTES))
                    seconds.append(clock.seconds)
        stack.close()
    return {"first, with consent": seconds[:1], "round trip": seconds[1:]}
