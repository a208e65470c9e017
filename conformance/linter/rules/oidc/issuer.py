"""The app's login provider is Stackspin's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.facts.configuration import Setting


@rule("oidc.issuer", level=2)
def issuer(app: AppPackage) -> Iterator[Problem]:
    """Yield each issuer or discovery address, beside the client's id or secret, that is another."""
    lines = Lines(app)
    for setting in _issuers(app):
        parts = logins.url_of(setting.value)
        host = (parts.hostname or "").lower() if parts else ""
        place = lines.located(setting)
        if "." not in host or ".svc" in host or lines.undefined(place):
            continue
        if host not in logins.PROVIDER_HOSTS:
            yield Problem(
                place, f"{setting.key} {quoted(setting.value)} is not at ${{hydra_domain}}"
            )
        elif parts and parts.scheme.lower() != "https":
            yield Problem(place, f"{setting.key} {quoted(setting.value)} is not https")


_ISSUER_KEY = re.compile(
    r"\w*(issuer(url|uri)?|(auto)?discover(y|url|uri|yurl|yuri|yendpoint)|wellknown(url|uri)?|"
    r"provider(url|uri)|authurl|openidconfiguration(url|uri)?)"
)


def _issuers(app: AppPackage) -> Iterator[Setting]:
    """Yield the addresses of the provider in the app's values."""
    own = [logins.credentials(app, one) for one in logins.clients(app)]
    if not own or not app.kustomizations:
        return
    settings = logins.app_settings(app)
    ours = {
        pair.group
        for pair in logins.pairs(settings)
        if any(
            (pair.secret and one.secret in pair.secret.value)
            or (pair.id and one.id and pair.id.value == one.id)
            for one in own
        )
    }
    for one in settings:
        group = (one.place.file, one.place.object, one.group)
        if group in ours and "://" in one.value and _ISSUER_KEY.fullmatch(logins.plain(one.key)):
            yield one
