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


@rule(
    "secrets.platform-secret",
    "Apps do not use the platform's own passwords",
    level=3,
    severity=Severity.WARNING,
    why="This is the password of Stackspin's first administrator. If an app gets it, it is in the "
    "app's database and configuration: a flaw in the app then opens the platform.",
    source="Stackspin",
    fix="Generate a password for the app, in its own field of the app's StringSecret.",
    example="""
kind: StringSecret
metadata:
  name: stackspin-notes-variables
spec:
  fields:
    - fieldName: admin_password
""",
)
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
