"""From an app's login link to the app, in a browser."""

from __future__ import annotations

from pathlib import Path

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.catalogue import NOTES
from conformance.capabilities.single_sign_on.browser_forms import gives_password
from conformance.capabilities.single_sign_on.journeys import Journey
from conformance.common.run_folder import run_folder
from conformance.platform.reference import Stack
from conformance.services.browser import Browser
from conformance.suite.parties import Parties

LOGINS = 5


class Nothing:
    """Keeps no evidence."""

    def attach(self, name: str, content: str | bytes | Path) -> Path:
        """Keep nothing."""
        del content
        return Path(name)

    def screenshot(self, name: str, png: bytes) -> Path:
        """Keep nothing."""
        return self.attach(name, png)


@benchmark("login", Measure("round trip", target=3.0), Measure("first, with consent"))
def login(lab: Lab) -> Samples:
    """Login page, password, the app's own page: by a user in the browser, cookies empty."""
    lab.notes  # noqa: B018 - builds it before the clock runs
    with lab.running() as (cluster, kube), run_folder(lab.settings.cache_dir / "browser") as folder:
        stack = Stack(lab.settings, cluster, kube, lab.new_components(), say=lambda _: None)
        lab.push_notes(cluster)
        stack.single_sign_on()
        stack.app(NOTES.name)
        settings, trusted = lab.settings, stack.certificate.ca_certificate
        parties = Parties(kube, settings.domain, stack.http, "default", settings.run_id)
        journey, person = Journey(parties), parties.person("zoe")
        parties.http().get_routed(journey.url(NOTES))
        seconds = []
        with Browser(settings.domain, cluster.node_address, trusted, folder) as browser:
            for number in range(1 + LOGINS):
                with browser.visitor(Nothing()) as zoe:
                    clock = Stopwatch()
                    journey.begins_login(zoe, NOTES)
                    gives_password(zoe, person)
                    if number == 0:
                        journey.allows(zoe, NOTES)
                    zoe.arrives(journey.url(NOTES))
                    seconds.append(clock.seconds)
        stack.close()
    return {"first, with consent": seconds[:1], "round trip": seconds[1:]}
