"""Apps do not use the platform's own passwords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts import logins
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import Problem, Severity
from conformance.linter.flux import platform
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_PLATFORM_SECRETS = "Secret stackspin-single-sign-on-variables"
_PLATFORM_PASSWORDS = ("userbackend_admin_password",)


@rule("secrets.platform-secret", level=3, severity=Severity.WARNING)
def platform_secret(app: AppPackage) -> Iterator[Problem]:
    """Yield each setting with it."""
    if not any(one.name == _PLATFORM_SECRETS for k in app.kustomizations for one in k.sources):
        return
    lines = Lines(app)
    for setting in logins.app_settings(app):
        for name in _PLATFORM_PASSWORDS:
            if platform.placeholder(name) in setting.value:
                yield Problem(
                    lines.located(setting),
                    f"${{{name}}} is the password of Stackspin's administrator",
                )
