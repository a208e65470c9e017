"""What Stackspin brings, as far as it is known: names that a package may refer to.

A cluster may have more (another list of apps, a fork): these are the names in Stackspin's own
documentation and in public packages for it, and those of this suite's reference platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DOMAIN = "stackspin.example"
"""Stands for ``${domain}``."""

KUSTOMIZATIONS = frozenset(
    {
        "cert-manager", "dashboard", "flux", "flux-system", "infrastructure", "kube-system-config",
        "letsencrypt-issuer", "local-path-provisioner", "mail", "metallb", "monitoring",
        "namespaces", "nextcloud", "nginx", "object-store", "operator", "ory", "secrets-controller",
        "single-sign-on", "sources", "stackspin", "velero", "wordpress", "zulip", "hedgedoc",
    }
)  # fmt: skip
NAMESPACES = frozenset({"flux-system", "stackspin", "stackspin-apps", "velero", "cert-manager"})
AUTHORITY = "stackspin-ca"
"""ConfigMap in the apps' namespace: the authorities that the platform's certificates are of."""
SOURCES = frozenset({"stackspin", "flux-system"})
"""GitRepositories in ``flux-system``."""

_CLUSTER = (
    "domain",
    "admin_email",
    "org_name",
    "ip_address",
    "outgoing_mail_*",
    "backup_*",
    "kubelet_root",
)
FREE_TEXT = frozenset({"org_name"})
"""Variables whose value is whatever people write."""
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "Secret stackspin-cluster-variables": _CLUSTER,
    "ConfigMap stackspin-single-sign-on-kustomization-variables": (
        "hydra_domain", "kratos_domain", "single_sign_on_domain", "sso_domain", "userpanel_domain",
        "userbackend_domain", "dashboard_domain",
    ),
    "Secret stackspin-single-sign-on-variables": (
        "userbackend_*", "userpanel_*", "hydra_*", "kratos_*", "postgresql_*", "mariadb_*",
    ),
    "ConfigMap stackspin-dashboard-kustomization-variables": ("dashboard_domain",),
    "ConfigMap stackspin-nextcloud-kustomization-variables": (
        "nextcloud_domain", "onlyoffice_domain",
    ),
    "ConfigMap stackspin-wordpress-kustomization-variables": ("wordpress_domain",),
    "ConfigMap stackspin-zulip-kustomization-variables": ("zulip_domain",),
    "ConfigMap stackspin-hedgedoc-kustomization-variables": ("hedgedoc_domain",),
    "ConfigMap stackspin-monitoring-kustomization-variables": ("grafana_domain",),
}  # fmt: skip
"""Source of variables -> their names; a ``*`` at the end stands for anything."""


def provides_source(name: str) -> bool:
    """Return whether the platform has this source, as in ``Secret stackspin-cluster-variables``."""
    return name in _VARIABLES


def provides_variable(source: str, variable: str) -> bool:
    """Return whether a source of the platform defines a variable."""
    return any(
        variable.startswith(name[:-1]) if name.endswith("*") else variable == name
        for name in _VARIABLES.get(source, ())
    )


def sources() -> list[str]:
    """Return the names of the platform's sources of variables."""
    return list(_VARIABLES)


_TYPED: tuple[tuple[str, str], ...] = (
    (r"domain", DOMAIN),
    (r"ip_address|.*_ip", "192.0.2.1"),
    (r".*_port", "587"),
    (r".*_(enabled|ssl|tls|starttls)", "true"),
    (r".*(email|mail|from_address)", f"admin@{DOMAIN}"),
    (r"org_name", "Example Organisation"),
)


def placeholder(variable: str) -> str:
    """Return a value of the right type for a variable whose value is known in a cluster only."""
    for pattern, value in _TYPED:
        if re.fullmatch(pattern, variable):
            return value
    words = variable.replace("_", "-").lower().strip("-") or "x"
    if variable.endswith("_domain"):
        return f"{words.removesuffix('-domain')}.{DOMAIN}"
    return f"example-{words}"
