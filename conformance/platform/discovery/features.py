"""What the platform can that not every Stackspin can."""

from __future__ import annotations

import requests

from conformance.platform.discovery.cluster import Cluster
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.ory import KRATOS, instance_of
from conformance.platform.discovery.settings import setting
from conformance.platform.discovery.web import Answer, Web
from conformance.platform.features import GENERATOR, NEEDED, PlatformFeature

_PAGE = "/web/logged-out"
"""Answers by itself, where the login page sends browsers to Kratos first."""
_TOTP = ("selfservice", "methods", "totp", "enabled")


def find_features(cluster: Cluster, web: Web, findings: Findings) -> None:
    """Find what to claim: by Kratos' settings, the dashboard's page, and what was found before."""
    found: dict[PlatformFeature, str] = {}
    for feature, (part, key) in NEEDED.items():
        name = f"{part}.{key}"
        if any(one == name or one.startswith(f"{name}.") for one in findings.found):
            found[feature] = f"{name} was found"
    kratos = instance_of(cluster, KRATOS)
    if kratos and setting(cluster, kratos.pod, *_TOTP).lower() == "true":
        found[PlatformFeature.SECOND_FACTOR] = "Kratos enables TOTP"
    else:
        why = f"Kratos' settings do not say {'.'.join(_TOTP)}: true"
        if kratos is None:
            why = "no pod is seen to be Kratos, whose settings say so"
        findings.miss(f"features.{PlatformFeature.SECOND_FACTOR}", why)
    why = _no_reference_page(web, str(findings.value("single_sign_on.dashboard") or ""))
    if not why:
        found[PlatformFeature.REFERENCE_DASHBOARD] = f"{_PAGE} says that it is that"
    else:
        findings.miss(f"features.{PlatformFeature.REFERENCE_DASHBOARD}", why)
    claimed = [feature for feature in PlatformFeature if feature in found]
    if claimed:
        how = "; ".join(f"{feature}: {found[feature]}" for feature in claimed)
        findings.put("features", [*map(str, claimed)], how)


def _no_reference_page(web: Web, dashboard: str) -> str:
    """Return why a dashboard is not seen to be the reference's; empty: it is."""
    if not dashboard:
        return "the dashboard was not found"
    answer = web.get(f"{dashboard.rstrip('/')}{_PAGE}")
    if isinstance(answer, Answer):
        return f"its page cannot be read: {answer.problem}"
    response, _ = answer
    if response.status_code != requests.codes.ok:
        return f"the dashboard's page {_PAGE} answers {response.status_code}"
    if GENERATOR not in response.text:
        return f"the dashboard's page {_PAGE} does not name {GENERATOR} as its generator"
    return ""
