"""Fixtures of the single sign-on checks."""

from __future__ import annotations

from conformance.capabilities.single_sign_on.journeys import journey, pages, visitor
from conformance.capabilities.single_sign_on.platform import login_services, short_lived
from conformance.suite.told import told

__all__ = ["journey", "login_services", "pages", "short_lived", "told", "visitor"]
